"""An inbox is filled, read and kept small."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.endpoints.dialect import AWAY
from gateway.endpoints.secrets import opener
from gateway.runtime import Runtime
from gateway.sandbox.inbox.tables import Inbox, InboxMessage
from gateway.sandbox.inbox.verdict import verdict
from gateway.tenant import Tenant
from webhooks import signing
from webhooks.calling import NotNow, PutDown
from webhooks.delivery import Claimed
from webhooks.transport import Request

SANDBOX = "sandbox"
KEPT = timedelta(days=7)
MOST = 1000
"""How many are kept for each partner."""

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which: up to `limit` behind the position `after`, oldest first; else the newest below `before`."""

    limit: int
    after: int | None = None
    before: int | None = None
    endpoint_id: str | None = None


def putter(runtime: Runtime) -> PutDown:
    """What delivers to `inbox:` for the courier."""
    lock, unsealed = threading.Lock(), opener(runtime.vault)

    def put_down(claimed: Claimed, request: Request, at: datetime) -> bool:
        if claimed.environment != SANDBOX:
            return False
        generations = signing.load(unsealed(claimed.secret, claimed.owner, claimed.endpoint_id))
        key, *old = (signing.key(one.secret) for one in generations)
        message = InboxMessage(
            partner_id=claimed.owner,
            environment=SANDBOX,
            endpoint_id=claimed.endpoint_id,
            method=request.method,
            path=claimed.path,
            headers=dict(request.headers),
            body=request.body,
            verdict=verdict(request.headers, request.body, key, old, at),
            received_at=at,
        )
        try:
            # One at a time: a worker has few connections.
            with lock, runtime.sessions.begin() as session:
                put(session, message)
        except AWAY as error:
            raise NotNow from error
        return True

    return put_down


def put(session: Session, message: InboxMessage) -> None:
    """Put it behind all others."""
    message.position = session.scalars(_NEXT, {"partner_id": message.partner_id}).one()
    session.add(message)


def last(session: Session, tenant: Tenant) -> int:
    """The position of what came last; 0 where nothing ever has."""
    return lasts(session, [tenant.partner_id]).get(tenant.partner_id, 0)


def lasts(session: Session, partner_ids: Collection[str]) -> Mapping[str, int]:
    """The same of several partners."""
    query = select(Inbox).where(Inbox.partner_id.in_(partner_ids), Inbox.environment == SANDBOX)
    return {row.partner_id: row.last for row in session.scalars(query)}


def page(session: Session, tenant: Tenant, span: Span) -> Sequence[InboxMessage]:
    query = select(InboxMessage).where(
        InboxMessage.partner_id == tenant.partner_id, InboxMessage.environment == tenant.environment
    )
    if span.endpoint_id is not None:
        query = query.where(InboxMessage.endpoint_id == span.endpoint_id)
    if span.after is not None:
        query = query.where(InboxMessage.position > span.after).order_by(InboxMessage.position)
    else:
        query = query.order_by(InboxMessage.position.desc())
    if span.before is not None:
        query = query.where(InboxMessage.position < span.before)
    return session.scalars(query.limit(span.limit)).all()


def sweep(runtime: Runtime) -> None:
    """Delete what is too old or too much, in batches, each a transaction of its own."""
    for statement, values in ((_OLD, {"before": runtime.clock() - KEPT}), (_MANY, {"most": MOST})):
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            with runtime.sessions.begin() as session:
                deleted = len(session.execute(statement, {**values, "at_once": AT_ONCE}).all())


_NEXT = text("""
    INSERT INTO sandbox_inbox (partner_id, environment, last) VALUES (:partner_id, 'sandbox', 1)
        ON CONFLICT (partner_id, environment) DO UPDATE SET last = sandbox_inbox.last + 1
    RETURNING last
""")

_OLD = text("""
    DELETE FROM sandbox_inbox_message
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM sandbox_inbox_message WHERE received_at < :before LIMIT :at_once))
    RETURNING 1
""")

_MANY = text("""
    DELETE FROM sandbox_inbox_message
     WHERE ctid = ANY(ARRAY(
           SELECT message.ctid
             FROM sandbox_inbox inbox
             JOIN sandbox_inbox_message message
               ON message.partner_id = inbox.partner_id AND message.environment = inbox.environment
              AND message.position <= inbox.last - :most
            LIMIT :at_once))
    RETURNING 1
""")
