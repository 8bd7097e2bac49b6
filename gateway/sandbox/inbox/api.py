"""`GET /v1/sandbox/inbox`."""

import base64
from typing import Any

from flask import Response

from adapters.errors import Problem as Fault
from gateway import paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.jobs.api import DEFAULT_LIMIT
from gateway.sandbox.inbox import cursor, service
from gateway.sandbox.inbox.service import Span
from gateway.sandbox.inbox.tables import InboxMessage
from gateway.sandbox.inbox.verdict import WORDS, signed_bytes

BOTH = Fault(pointer="?before", code="excluded", detail="This does not go together with `after`.")


def read_sandbox_inbox(call: Call) -> Response:
    """The newest first; behind `after` the oldest first. `next` is always there: what is yet to come is behind it."""
    query, vault, partner_id = call.query, call.runtime.vault, call.tenant.partner_id
    after, before = (cursor.unsealed(vault, partner_id, query.get(name), name) for name in ("after", "before"))
    if after is not None and before is not None:
        raise Problem(code="bad-request", detail="The query cannot be used.", faults=(BOTH,))
    limit = query.get("limit", DEFAULT_LIMIT)
    span = Span(limit=limit, after=after, before=before, endpoint_id=query.get("endpoint_id"))
    with call.runtime.sessions() as session:
        # Asked first: up to here nothing is missing on the page, whatever comes meanwhile.
        last = service.last(session, call.tenant)
        rows = service.page(session, call.tenant, span)
    full = len(rows) == limit
    following = rows[-1].position if after is not None and full else max([last, *(row.position for row in rows)])
    items = [_document(row, cursor.sealed(vault, partner_id, row.position)) for row in rows]
    older = cursor.sealed(vault, partner_id, rows[-1].position) if after is None and full else None
    return as_json(paging.answer(items, cursor.sealed(vault, partner_id, following)) | {"older": older})


def _document(row: InboxMessage, place: str) -> dict[str, Any]:
    body = _text(row.body)
    return {
        "cursor": place,
        "endpoint_id": row.endpoint_id,
        "received_at": row.received_at.isoformat(),
        "method": row.method,
        "path": row.path,
        "headers": row.headers,
        "body": body,
        "body_base64": base64.b64encode(row.body).decode() if body is None else None,
        "signed_string": _text(signed_bytes(row.headers, row.body)),
        "verdict": {"code": row.verdict, "detail": WORDS[row.verdict]},
    }


def _text(body: bytes) -> str | None:
    """Where the bytes are UTF-8, the text they are, each byte of it."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
