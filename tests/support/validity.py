"""Whether what we wrote is valid by the schema that the partner's standard publishes, where there is one."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from adapters.contract import Rendered
from gateway.demo.parts.house import Exchange
from tests.support import amazon, google, shipments, tmforum
from tests.support.edifact import faults_of, messages_of

SHARED = Path(__file__).parents[2].parent / "shared" / "partners"
needs_schemas = pytest.mark.skipif(not SHARED.exists(), reason="the partners' published schemas are not here")


def fault_of(slug: str, one: Exchange) -> str | None:
    """What is wrong with our side of an exchange; None where nothing is, or nothing is published."""
    ours, media_type = (one.answer, one.answer_type) if one.by == "partner" else (one.body, one.media_type)
    if not (ours or one.by == "stecker") or b"webhook_endpoint.created" in ours:
        return None
    fault = JUDGES[slug](one, ours)
    return f"{one.method} {one.path} ({media_type}): {fault}" if fault else None


def _opentrans(one: Exchange, ours: bytes) -> str | None:
    if b"<CANCELCONFIRMATION" in ours:
        return None  # the XSD of 2.1 came before the cancelling documents
    schema = _schema()
    return None if schema.validate(etree.fromstring(ours)) else str(schema.error_log)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SHARED / "brack" / "xsd" / "opentrans_2_1.xsd")))


def _edifact(one: Exchange, ours: bytes) -> str | None:
    messages = messages_of(ours)
    if not messages:
        return "there is no message in it"
    faults = [f"{m[0][2][0]}: {fault}" for m in messages for fault in faults_of(m[0][2][2], m)]
    return ", ".join(faults) or None


def _idoc(one: Exchange, ours: bytes) -> str | None:
    """SAP publishes no schema; what can be said is that each IDoc has its control record and says what it is about."""
    idocs = etree.fromstring(ours).findall("IDOC")
    said = [(idoc.findtext("EDI_DC40/MESTYP"), idoc.find("E1EDK01")) for idoc in idocs]
    good = said and all(kind in ("ORDRSP", "STATUS") and header is not None for kind, header in said)
    return None if good else "these are no IDocs of ours"


def _google(one: Exchange, ours: bytes) -> str | None:
    if one.path == "/token":
        return None
    kind = "notification" if one.by == "stecker" else one.path.strip("/").rpartition("/")[2]
    return ", ".join(google.faults(json.loads(ours), google.MESSAGES[kind])) or None


def _otto(one: Exchange, ours: bytes) -> str | None:
    if one.path != "/v1/shipments":
        return None  # of the orders interface no specification is published
    good = shipments.valid(shipments.specification(), "CreateShipmentRequest", json.loads(ours))
    return None if good else "this is no CreateShipmentRequest"


def _amazon(one: Exchange, ours: bytes) -> str | None:
    if not one.path.startswith("/service/v1/"):
        return None
    model = json.loads((SHARED / "amazon_de" / "services.json").read_text())
    try:
        amazon.operation(model, Rendered(body=ours, media_type="", event="", method=one.method, path=one.path))
    except AssertionError as error:
        return str(error) or "this breaks the model"
    return None


def _shopify(one: Exchange, ours: bytes) -> str | None:
    """Of their interface no schema is among what is published here: a call names its variables, all of them."""
    if one.by == "partner":
        return None
    call = json.loads(ours)
    declared = set(re.findall(r"\$(\w+):", call["query"]))
    return None if declared == set(call["variables"]) else "its variables are not those it declares"


# What each of the standard's resources is answered with.
DEFINITIONS = {
    "hub": "EventSubscription",
    "serviceOrder": "ServiceOrder",
    "cancelServiceOrder": "CancelServiceOrder",
    "searchTimeSlot": "SearchTimeSlot",
    "appointment": "Appointment",
}


def _tmforum(one: Exchange, ours: bytes) -> str | None:
    document, last = json.loads(ours), one.path.rpartition("/")[2]
    name = document["eventType"] if one.by == "stecker" else DEFINITIONS[last]
    return ", ".join(tmforum.valid(name, document)) or None


JUDGES: Mapping[str, Callable[[Exchange, bytes], str | None]] = {
    "brack": _opentrans,
    "interdiscount": _edifact,
    "lumimart": _edifact,
    "bosch": _idoc,
    "google": _google,
    "otto": _otto,
    "amazon_de": _amazon,
    "logitech": _shopify,
    "swisscom": _tmforum,
}
