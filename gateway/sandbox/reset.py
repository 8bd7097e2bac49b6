"""A sandbox begins anew: this partner's sandbox rows are removed, in batches; keys and endpoints stay."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from gateway.errors import Problem
from gateway.tenant import Tenant
from webhooks import erasing
from webhooks.tenant import Tenant as Owner

BATCH = 200
WITHIN = 8.0
"""Seconds; whoever has more than that to remove is asked to ask again."""

SKEW = timedelta(seconds=2)
"""How far the clocks of processes are apart: what is later than whoever asks meanwhile is of a clock that was left."""

Batch = Callable[[Session, Tenant, Mapping[str, object]], int]
"""Given the tenant's id, and between which times something is kept."""


def reset(sessions: sessionmaker[Session], tenant: Tenant, now: datetime, real: datetime) -> Mapping[str, int]:
    """Remove what was there before `now`: how many rows of each kind. Each batch is a transaction of its own.

    `real` is the same moment in real time, by which the inbox goes. Raises `Problem` (503) while there is more to do;
    asking again goes on.
    """
    if tenant.environment != "sandbox":
        raise ValueError("only a sandbox is reset")
    begun, removed = time.monotonic(), dict.fromkeys(_KINDS, 0)
    for kind, batch in _KINDS.items():
        count = 1
        while count:
            elapsed = time.monotonic() - begun
            if elapsed > WITHIN:
                detail = "There is more to remove: ask again with the same Idempotency-Key, and it goes on."
                raise Problem(code="unavailable", detail=detail, headers={"Retry-After": "1"})
            with sessions.begin() as session:
                at = real if kind == "inbox" else now
                later = at + timedelta(seconds=elapsed) + SKEW
                count = batch(session, tenant, {"partner_id": tenant.partner_id, "now": at, "later": later})
            removed[kind] += count
    return removed


def _orders(session: Session, tenant: Tenant, bounds: Mapping[str, object]) -> int:
    """Orders with all that hangs on them. They are locked: a step that is under way ends first."""
    order_ids = session.scalars(text(_FOUND), bounds).all()
    job_ids = session.scalars(text("SELECT id FROM job WHERE order_id = ANY(:ids)"), {"ids": order_ids}).all()
    erasing.erase(session, Owner(tenant.partner_id, tenant.environment), job_ids)
    session.execute(text("DELETE FROM job_event WHERE job_id = ANY(:ids)"), {"ids": job_ids})
    session.execute(text("DELETE FROM job WHERE id = ANY(:ids)"), {"ids": job_ids})
    session.execute(text("DELETE FROM support_order WHERE id = ANY(:ids)"), {"ids": order_ids})
    return len(order_ids)


def _of(table: str, key: str = "id", at: str = "created_at") -> Batch:
    statement = text(f"""
        DELETE FROM {table} WHERE ({key}) IN (
               SELECT {key} FROM {table}
                WHERE partner_id = :partner_id AND environment = 'sandbox'
                  AND ({at} <= :now OR {at} > :later) LIMIT {BATCH})
        RETURNING 1
    """)

    def batch(session: Session, tenant: Tenant, bounds: Mapping[str, object]) -> int:
        return len(session.execute(statement, bounds).all())

    return batch


_FOUND = f"""
    SELECT id FROM support_order
     WHERE partner_id = :partner_id AND environment = 'sandbox' AND (created_at <= :now OR created_at > :later)
     ORDER BY id LIMIT {BATCH // 4} FOR UPDATE
"""


def _chaos(session: Session, tenant: Tenant, bounds: Mapping[str, object]) -> int:
    """Whatever time it is there: chaos lives by another clock."""
    return len(session.execute(text(_CHAOS), bounds).all())


_CHAOS = "DELETE FROM sandbox_chaos WHERE partner_id = :partner_id AND environment = 'sandbox' RETURNING 1"

# Chaos first, and runs: nothing is disturbed, or moves by itself any more.
_KINDS: Mapping[str, Batch] = {
    "chaos": _chaos,
    "runs": _of("sandbox_run"),
    "orders": _orders,
    "documents": _of("inbound_message", at="received_at"),
    "holds": _of("slot_hold"),
    "inbox": _of("sandbox_inbox_message", "partner_id, environment, position", "received_at"),
    "privacy_requests": _of("privacy_wish"),
    "idempotency_keys": _of("idempotency_record", "partner_id, environment, operation, key"),
}
