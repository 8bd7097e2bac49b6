"""From what was seen of a request to what is written down of it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.errors import MEDIA_TYPE as PROBLEM
from gateway.ids import new_id
from gateway.requestlog.redaction import PHONE, PLAIN, Redaction, mentioned, path

LONGEST = 32 * 1024
"""Bytes; of a longer body nothing is kept but its length."""

Headers = Iterable[tuple[bytes, bytes]]

MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request and its answer, as they were.

    Bodies over `LONGEST` are None; sizes are in bytes. Headers are those of ASGI.
    """

    at: datetime
    seconds: float
    request_id: str
    partner_id: str
    client_id: str
    operation: str
    method: str
    path: str
    query: bytes
    parameters: Mapping[str, str]
    headers: Headers
    body: bytes | None
    size: int
    status: int
    answer_headers: Headers
    answer: bytes | None
    answer_size: int
    chaos: str | None
    clock: datetime | None = None


def record(seen: Seen) -> dict[str, Any]:
    """The row of `request_log`."""
    asked, told = _named(seen.headers), _named(seen.answer_headers)
    sent_type, answered_type = _media_type(asked), _media_type(told)
    sent, answered = Redaction("/request/body"), Redaction("/answer/body", words=answered_type == PROBLEM)
    said = _document(answered_type, seen.answer)
    problem = said.get("code") if answered_type == PROBLEM and isinstance(said, Mapping) else None
    return {
        "id": new_id("rql", seen.at + timedelta(seconds=seen.seconds)),
        "partner_id": seen.partner_id,
        "environment": "sandbox",
        "client_id": seen.client_id,
        "request_id": seen.request_id,
        "at": seen.at,
        "operation": seen.operation,
        "method": seen.method,
        "path": path(_template(seen), seen.query.decode("latin-1"), known=seen.status < 400),
        "idempotency_key": _key(asked.get("idempotency-key")),
        "replayed": "idempotency-replayed" in told,
        "status": seen.status,
        "chaos": seen.chaos,
        "clock": seen.clock,
        "problem": problem,
        "duration_ms": round(seen.seconds * 1000, 3),
        "sent_type": sent_type,
        "sent_bytes": seen.size,
        "sent": sent.shown(_document(sent_type, seen.body)),
        "answered_type": answered_type,
        "answered_bytes": seen.answer_size,
        "answered": answered.shown(said),
        "redacted": [*sent.places, *answered.places],
        "mentioned": mentioned(seen.answer or b""),
    }


def _template(seen: Seen) -> Iterator[tuple[str, str | None]]:
    """The parts of the path, each with the parameter it is the value of."""
    names = {value: name for name, value in seen.parameters.items()}
    for part in seen.path.split("/")[1:]:
        yield part, names.get(part)


def _document(media_type: str | None, body: bytes | None) -> Any:
    """What JSON says; None of anything else."""
    if not body or media_type is None or not media_type.endswith(("/json", "+json")):
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _named(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _media_type(headers: Mapping[str, str]) -> str | None:
    given = headers.get("content-type", "").split(";")[0].strip().lower()
    return given if MEDIA_TYPE.fullmatch(given) else None


def _key(given: str | None) -> str | None:
    """An Idempotency-Key is the client's own, and could be anything."""
    key = (given or "").strip('"')
    return key if PLAIN.fullmatch(key) and not PHONE.match(key) else None
