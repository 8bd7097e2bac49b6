"""`/v1/sandbox/chaos`: a key begins, lists and ends its disturbances.

They live by our own clock, whatever the partner's test clock says: it is what bounds them.
"""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.jobs.api import DEFAULT_LIMIT, not_found
from gateway.sandbox.chaos import service, wishes
from gateway.sandbox.chaos.kinds import KINDS
from gateway.sandbox.chaos.service import MOST, TooMany
from gateway.sandbox.chaos.tables import Chaos
from webhooks.tenant import Tenant as Owner


def start_sandbox_chaos(call: Call) -> Response:
    """`POST /v1/sandbox/chaos`."""
    new, now = wishes.wish(call), call.runtime.clock()

    def act(session: Session) -> Response:
        owner = Owner(call.tenant.partner_id, call.tenant.environment)
        wishes.check_endpoint(session, call.runtime, owner, new, call.now)
        try:
            chaos = service.start(session, call.caller, new, now)
        except TooMany:
            detail = f"This key has {MOST} disturbances already: wait for one to end, or end it."
            raise Problem(code="conflict", detail=detail) from None
        return as_json(_document(call, chaos), 201, {"Location": f"/v1/sandbox/chaos/{chaos.id}"})

    return idempotency.once(call, "start_sandbox_chaos", act)


def list_sandbox_chaos(call: Call) -> Response:
    """`GET /v1/sandbox/chaos`, newest first."""
    bound, limit = f"{call.tenant}:{call.caller.client_id}:sandbox-chaos", call.query.get("limit", DEFAULT_LIMIT)
    before, now = paging.unseal(call.runtime.vault, bound, call.query.get("after")), call.runtime.clock()
    with call.runtime.sessions() as session:
        rows = service.page(session, call.caller, before=before, limit=limit + 1, now=now)
    found, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
    return as_json(paging.answer([_document(call, row) for row in found], following))


def stop_sandbox_chaos(call: Call, chaos_id: str) -> Response:
    """`DELETE /v1/sandbox/chaos/{chaos_id}`."""
    with call.runtime.sessions.begin() as session:
        if not service.stop(session, call.caller, chaos_id, call.runtime.clock()):
            raise not_found("chaos")
    return Response(status=204)


def stop_all_sandbox_chaos(call: Call) -> Response:
    """`DELETE /v1/sandbox/chaos`."""
    with call.runtime.sessions.begin() as session:
        service.stop(session, call.caller, None, call.runtime.clock())
    return Response(status=204)


def _document(call: Call, row: Chaos) -> dict[str, Any]:
    """What it is not narrowed by, and the numbers of other kinds, are left out."""
    now = call.runtime.clock()
    narrowing = {name: getattr(row, name) for name in ("endpoint_id", "event_types", "method", "path")}
    ended_at = row.ended_at(now)
    return {
        "id": row.id,
        "kind": row.kind,
        "disturbs": KINDS[row.kind].place,
        **row.numbers,
        **{name: value for name, value in narrowing.items() if value is not None},
        "status": row.status(now),
        "times": row.times,
        "remaining": row.remaining,
        "until": row.until.isoformat(),
        "created_at": row.created_at.isoformat(),
        "ended_at": ended_at.isoformat() if ended_at else None,
    }
