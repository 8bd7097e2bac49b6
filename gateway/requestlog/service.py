"""The log is read, joined with what a request caused, and kept small."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, or_, select, text
from sqlalchemy.orm import Session

from gateway.requestlog.tables import RequestRecord
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks.retention import floor

KEPT = timedelta(days=30)
MOST = 10_000
"""How many are kept for each key."""

AT_ONCE, BATCHES = 500, 100
"""How many are deleted in one transaction; how many of those in one round."""

CAUSED = 200
"""So many of each kind are told at most."""

SLACK = timedelta(milliseconds=2)
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which: up to `limit` before the id `before`, newest first."""

    limit: int
    before: str | None = None
    client_id: str | None = None
    idempotency_key: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caused:
    """What a request made happen."""

    orders: Sequence[str] = ()
    jobs: Sequence[str] = ()
    documents: Sequence[RowMapping] = ()
    events: Sequence[RowMapping] = ()
    messages: Sequence[RowMapping] = field(default=())


def _mine(tenant: Tenant) -> Select[RequestRecord]:
    return select(RequestRecord).where(
        RequestRecord.partner_id == tenant.partner_id, RequestRecord.environment == tenant.environment
    )


def page(session: Session, tenant: Tenant, wanted: Wanted) -> Sequence[RequestRecord]:
    query = _mine(tenant).order_by(RequestRecord.id.desc()).limit(wanted.limit)
    if wanted.before is not None:
        query = query.where(RequestRecord.id < wanted.before)
    for name in ("client_id", "idempotency_key", "problem"):
        if getattr(wanted, name) is not None:
            query = query.where(getattr(RequestRecord, name) == getattr(wanted, name))
    return session.scalars(query).all()


def one(session: Session, tenant: Tenant, request_id: str) -> RequestRecord | None:
    """By our id, or by the request's; the newest of those whose client gave them all one name."""
    named = or_(RequestRecord.id == request_id, RequestRecord.request_id == request_id)
    return session.scalar(_mine(tenant).where(named).order_by(RequestRecord.id.desc()).limit(1))


def caused(session: Session, tenant: Tenant, row: RequestRecord) -> Caused:
    """By the events that its answer names, else by those of its orders and jobs that were made meanwhile."""
    if row.method in READING or row.replayed:
        return Caused()
    named = {
        kind: [one for one in row.mentioned if one.startswith(f"{kind}_")] for kind in ("ord", "job", "evt", "whm")
    }
    bounds: dict[str, Any] = {"partner_id": tenant.partner_id, "environment": tenant.environment, "most": CAUSED}
    bounds |= _span(row)
    documents = session.execute(_DOCUMENTS, {**bounds, "door": row.path.partition("?")[0]}).mappings().all()
    orders = list(dict.fromkeys([*named["ord"], *(doc["order_id"] for doc in documents if doc["order_id"])]))
    events = (
        session.execute(
            _NAMED if named["evt"] else _MADE,
            {**bounds, "jobs": named["job"], "orders": orders, "events": named["evt"]},
        )
        .mappings()
        .all()
    )
    messages = session.execute(
        _MESSAGES, {**bounds, "events": [event["id"] for event in events], "messages": named["whm"]}
    ).mappings()
    return Caused(
        orders=orders,
        jobs=list(dict.fromkeys([*named["job"], *(event["job_id"] for event in events)]))[:CAUSED],
        documents=documents,
        events=events,
        messages=messages.all(),
    )


def _span(row: RequestRecord) -> dict[str, str]:
    """Ids begin with the time of their making: between these are those made meanwhile."""
    at = row.clock or row.at
    first, last = at - SLACK, at + timedelta(milliseconds=row.duration_ms) + SLACK
    return {f"{kind}_{end}": floor(kind, at) for kind in ("msg", "evt") for end, at in (("from", first), ("to", last))}


def sweep(runtime: Runtime) -> None:
    """Delete what is too old or too much, in batches, each a transaction of its own."""
    statements = ((_OLD, {"before": floor("rql", runtime.clock() - KEPT)}), (_MANY, {"most": MOST}))
    left = BATCHES
    for statement, values in statements:
        deleted = AT_ONCE
        while deleted == AT_ONCE and left:
            left -= 1
            with runtime.sessions.begin() as session:
                deleted = len(session.execute(statement, {**values, "at_once": AT_ONCE}).all())


_DOCUMENTS = text("""
    SELECT id, outcome, order_id FROM inbound_message
     WHERE partner_id = :partner_id AND environment = :environment AND id BETWEEN :msg_from AND :msg_to
       AND door = :door
     ORDER BY id LIMIT :most
""")

_EVENTS = """
    SELECT id, type, job_id, sequence FROM job_event
     WHERE partner_id = :partner_id AND environment = :environment AND {which}
     ORDER BY job_id, sequence LIMIT :most
"""
_NAMED = text(_EVENTS.format(which="id = ANY(:events)"))
_MADE = text(
    _EVENTS.format(
        which="""id BETWEEN :evt_from AND :evt_to
       AND (job_id = ANY(:jobs) OR job_id IN (SELECT id FROM job WHERE order_id = ANY(:orders)))"""
    )
)

# Messages carry the moment of their event in their ids, or are named in the answer; either way few are looked at.
_MESSAGES = text("""
    SELECT id, endpoint_id, event_id, event_type, status FROM webhook_message
     WHERE owner = :partner_id AND environment = :environment
       AND (id = ANY(:messages) OR id BETWEEN replace(:evt_from, 'evt_', 'whm_') AND replace(:evt_to, 'evt_', 'whm_')
            AND event_id = ANY(:events))
     ORDER BY position LIMIT :most
""")

_OLD = text("""
    DELETE FROM request_log WHERE id = ANY(ARRAY(
           SELECT id FROM request_log WHERE id < :before ORDER BY id LIMIT :at_once))
    RETURNING 1
""")

# Client after client by the index, and of each the first one too many.
_MANY = text("""
    WITH RECURSIVE client(id) AS (
           (SELECT client_id FROM request_log ORDER BY client_id LIMIT 1)
        UNION ALL
           SELECT (SELECT client_id FROM request_log WHERE client_id > client.id ORDER BY client_id LIMIT 1)
             FROM client WHERE client.id IS NOT NULL)
    DELETE FROM request_log WHERE id = ANY(ARRAY(
           SELECT row.id
             FROM client, LATERAL (SELECT id FROM request_log WHERE client_id = client.id
                                    ORDER BY request_log.id DESC OFFSET :most) row
            LIMIT :at_once))
    RETURNING 1
""")
