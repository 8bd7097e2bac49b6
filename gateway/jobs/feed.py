"""The feed of all events, as partners read it."""

import json
import re
from collections.abc import Sequence
from typing import Any

from flask import Response

from adapters.errors import Problem as Fault
from gateway import paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.jobs import consumers, queries
from gateway.jobs.tables import EventConsumer

# As the specification says of the query; nobody checks what stands in a path.
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def list_events(call: Call) -> Response:
    """`GET /v1/events`. `next` is always there; an empty page means up to date."""
    vault, name = call.runtime.vault, call.query.get("consumer")
    place = queries.place_in_feed(vault, call.tenant, call.query.get("after"))
    with call.runtime.sessions() as session:
        if place is None and name is not None:
            known = consumers.get(session, call.tenant, name)
            place = None if known is None else (int(known.tx), known.position)
        tx, position = place or (0, 0)
        rows = queries.feed(session, call.tenant, (tx, position), call.query.get("limit", paging.DEFAULT_LIMIT))
    if rows:
        tx, position = rows[-1][:2]
    return joined([body for _, _, body in rows], queries.feed_cursor(vault, call.tenant, tx, position))


def joined(bodies: Sequence[bytes], following: str | None) -> Response:
    """A page of events. They were written down as JSON when they happened; here they are only joined."""
    body = b'{"items":[' + b",".join(bodies) + b'],"next":' + json.dumps(following).encode() + b"}"
    return Response(body, mimetype="application/json")


def get_event(call: Call, event_id: str) -> Response:
    """`GET /v1/events/{event_id}`."""
    with call.runtime.sessions() as session:
        body = queries.event(session, call.tenant, event_id)
    if body is None:
        raise Problem(code="not-found", detail="There is no such event.")
    return Response(body, mimetype="application/json")


def list_event_consumers(call: Call) -> Response:
    """`GET /v1/events/consumers`: they are few, so all are on one page."""
    with call.runtime.sessions() as session:
        rows = consumers.of_tenant(session, call.tenant)
    return as_json(paging.answer([_document(call, row) for row in rows], None))


def acknowledge_events(call: Call, consumer: str) -> Response:
    """`POST /v1/events/consumers/{consumer}/ack`."""
    if not NAME.fullmatch(consumer):
        detail = "A consumer's name has at most 64 letters, digits, dots, dashes and underscores."
        raise Problem(code="not-found", detail=detail)
    try:
        place = queries.place_in_feed(call.runtime.vault, call.tenant, call.document["cursor"])
    except Problem:
        place = None
    if place is None:
        fault = Fault(pointer="/cursor", code="bad_cursor", detail="This is not a `next` of your events.")
        raise Problem(code="invalid", detail="The acknowledgement has faults.", faults=(fault,))
    with call.runtime.sessions.begin() as session:
        row = consumers.acknowledge(session, call.tenant, consumer, place, call.now)
        if row is None:
            detail = f"There are {consumers.MOST} consumers already; forget one of them first."
            raise Problem(code="conflict", detail=detail)
        return as_json(_document(call, row))


def forget_event_consumer(call: Call, consumer: str) -> Response:
    """`DELETE /v1/events/consumers/{consumer}`."""
    with call.runtime.sessions.begin() as session:
        if not consumers.forget(session, call.tenant, consumer):
            raise Problem(code="not-found", detail="There is no such consumer.")
    return Response(status=204)


def _document(call: Call, row: EventConsumer) -> dict[str, Any]:
    return {
        "name": row.name,
        "cursor": queries.feed_cursor(call.runtime.vault, call.tenant, int(row.tx), row.position),
        "acknowledged_at": row.acknowledged_at.isoformat(),
    }
