"""`/v1/sandbox/clock`: time stands still for a partner's sandbox, and goes on as far as it is told."""

import threading
from collections.abc import Collection
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import idempotency
from gateway.call import Call, as_json
from gateway.guard import Scope
from gateway.sandbox.clock import advancing, service, wishes
from gateway.sandbox.clock.service import Due, View
from gateway.sandbox.clock.tables import Advance
from gateway.sandbox.clock.wishes import Wish

WAIT = 20
"""Seconds in which an advance is waited for, where nobody says otherwise."""

AT_ONCE = 2
"""Whoever waits for an advance holds a thread that others want to be answered by: a third one is answered at once."""

_waiting = threading.BoundedSemaphore(AT_ONCE)


def get_sandbox_clock(call: Call) -> Response:
    """`GET /v1/sandbox/clock`."""
    return as_json(_shown(call))


def change_sandbox_clock(call: Call) -> Response:
    """`POST /v1/sandbox/clock`."""
    wish = wishes.wish(call)

    def act(session: Session) -> Response:
        _change(session, call, wish)
        return as_json({})

    stored = idempotency.once(call, "change_sandbox_clock", act)
    if wish.place and _waiting.acquire(blocking=False):
        try:
            advancing.drive(call.runtime, call.tenant, call.query.get("wait", WAIT))
        finally:
            _waiting.release()
    replayed = {name: stored.headers[name] for name in ("Idempotency-Replayed",) if name in stored.headers}
    return as_json(_shown(call), 200, replayed)


def _change(session: Session, call: Call, wish: Wish) -> None:
    real = call.runtime.clock()
    if wish.action == "reset":
        service.leave(session, call.tenant, real)
        return
    now = service.freeze(session, call.tenant, real)
    target = wish.target(now, real)
    if target is not None:
        service.advance(session, call.tenant, target, real)


def _shown(call: Call) -> dict[str, Any]:
    real = call.runtime.clock()
    with call.runtime.sessions() as session:
        found = service.view(session, call.tenant, real)
    return {
        "status": found.status,
        "now": found.now.isoformat(),
        "real_now": real.isoformat(),
        "next_due": _due(found.next),
        "advance": _advance(found),
    }


def _due(due: Due | None) -> dict[str, Any] | None:
    return None if due is None else {"at": due.at.isoformat(), "kind": due.kind, "id": due.id}


def _advance(found: View) -> dict[str, Any] | None:
    one = found.advance
    if one is None:
        return None
    return {
        "id": one.id,
        "status": one.status,
        "from": one.begins_at.isoformat(),
        "to": one.target.isoformat(),
        "fired": one.fired,
        "fired_count": one.fired_count,
        "started_at": one.created_at.isoformat(),
        "finished_at": one.finished_at.isoformat() if one.finished_at else None,
    }


def seek(scope: Scope) -> str:
    """Who waits for its advance to be over."""
    partner_id: str = scope["stecker.caller"].partner_id
    return partner_id


def found(session: Session, sought: Collection[str]) -> Collection[str]:
    """Those whose clock advances no more."""
    still = select(Advance.partner_id).where(Advance.partner_id.in_(sought), Advance.status == "running")
    return set(sought) - set(session.scalars(still))
