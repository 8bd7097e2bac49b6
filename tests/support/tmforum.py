"""Requests of TMF641 and TMF646, and what we write held against the standard's own definitions."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from adapters.canonical import Intent
from adapters.contract import RawMessage, Rendered
from adapters.tmforum.adapter import TmForumAdapter

SHARED = Path(__file__).parents[3] / "shared" / "partners" / "swisscom"
FILES = ("TMF641-ServiceOrdering-v4.1.0.swagger.json", "TMF646-Appointment-v4.0.0.swagger.json")
needs_definitions = pytest.mark.skipif(not SHARED.exists(), reason="the standard's own definitions are not here")

ORDERS, APPOINTMENTS = "/tmf-api/serviceOrdering/v4", "/tmf-api/appointment/v4"
ORDER, ITEM = "ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F", "1"
EIGHT = datetime(2026, 1, 20, 7, 0, tzinfo=UTC)
SLOT = {"startDateTime": "2026-01-20T07:00:00Z", "endDateTime": "2026-01-20T11:00:00Z"}
PLACE = {"role": "installationAddress", "@type": "GeographicAddress", "name": "Musterweg 12, 3. Stock, 8004 Zürich"}
PARTY = {"id": "cust-1", "name": "Vera Muster", "role": "customer", "@type": "RelatedParty"} | {
    "@referredType": "Individual"
}


@cache
def _definitions(name: str) -> dict[str, Any]:
    """Those of the first of the two interfaces that has one of this name."""
    both: list[dict[str, Any]] = [json.loads((SHARED / file).read_text())["definitions"] for file in FILES]
    return next(found for found in both if name in found)


def valid(name: str, value: Any) -> list[str]:
    """The faults of a value by one of the definitions; none where the definitions are not here."""
    if not SHARED.exists():
        return []
    rooted = {"$ref": f"#/definitions/{name}", "definitions": _definitions(name)}
    checked = jsonschema_rs.Draft4Validator(rooted, validate_formats=True)
    members = _definitions(name)[name].get("properties", {})
    strange = [] if name == "Error" else [f"/{one} is none of its members" for one in value if one not in members]
    return strange + [f"{error.instance_path}: {error.message}" for error in checked.iter_errors(value)]


def said(answer: Rendered, name: str) -> Any:
    """The document of an answer or an event, which is by the definition of that name; of a list each of its items."""
    document = json.loads(answer.body)
    assert answer.media_type == "application/json"
    for one in document if isinstance(document, list) else [document]:
        assert valid(name, one) == []
    return document


def request(method: str, path: str, document: Any = None, **query: str) -> RawMessage:
    body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
    return RawMessage(body=body, media_type="application/json;charset=utf-8", path=path, method=method, query=query)


def read(method: str, path: str, document: Any = None, options: Any = None, **query: str) -> Intent:
    [intent] = TmForumAdapter(options or {}).parse(request(method, path, document, **query))
    return intent


def item(number: str = ITEM, **other: Any) -> dict[str, Any]:
    """An item that is added; None takes a member away."""
    service = {"serviceSpecification": {"id": "svc-tv-wall"}, "place": [PLACE]} | other.pop("service", {})
    whole = {"id": number, "action": "add", "service": service, **other}
    return {name: value for name, value in whole.items() if value is not None}


def order(*items: dict[str, Any], **other: Any) -> dict[str, Any]:
    whole = {"externalId": "SCS-1", "relatedParty": [PARTY], "serviceOrderItem": list(items) or [item()], **other}
    return {name: value for name, value in whole.items() if value is not None}
