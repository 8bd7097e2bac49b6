"""Endpoints: where partners want to be called, what they have been told, and telling it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from webhooks import gates, health, schemes, signing
from webhooks.tables import Attempt, Endpoint, Mailbox, Message
from webhooks.tenant import Tenant

Seal = Callable[[bytes, str, str], bytes]
"""Encrypts a secret: (plain, owner, endpoint id) → sealed."""

Rearmed = Literal["armed", "pending", "parked", "expired"]

AT_ONCE = 10_000
"""Messages that are ended in one transaction."""

DEAD = "webhook_message.status IN ('failed', 'parked')"
"""Word for word as in the index of dead letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """What a partner asks for. The URL has passed `egress.check_url`; `secret_bytes` are 32 random bytes, and so is a
    `seed`, with which its messages are signed by ed25519, too.

    `credentials` are those of the scheme, sealed. No message waits for another one where it is not `ordered`;
    `concurrency` and `rate_per_second` are the most that the endpoint takes. It hears of these `services`, None is
    all; `content` is `full` or `thin`.
    """

    id: str
    url: str
    event_types: tuple[str, ...]
    format: str
    description: str | None
    secret_bytes: bytes
    seed: bytes | None = None
    scheme: str = schemes.STANDARD
    credentials: bytes | None = None
    ordered: bool = True
    concurrency: int | None = None
    rate_per_second: float | None = None
    content: str = "full"
    services: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to change; None leaves it, an empty description removes it, and so does 0 a `concurrency` or a
    `rate_per_second`; no `services` are all. `enabled` switches the endpoint on or off. `ordered` holds for messages to
    come.

    `authentication` is a scheme with its sealed credentials.
    """

    url: str | None = None
    event_types: tuple[str, ...] | None = None
    format: str | None = None
    description: str | None = None
    enabled: bool | None = None
    authentication: tuple[str, bytes | None] | None = None
    ordered: bool | None = None
    concurrency: int | None = None
    rate_per_second: float | None = None
    content: str | None = None
    services: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and its attempts, oldest first."""

    message: Message
    attempts: tuple[Attempt, ...]


def create(session: Session, tenant: Tenant, new: NewEndpoint, *, seal: Seal, now: datetime) -> tuple[Endpoint, str]:
    """The endpoint and its secret (`whsec_…`), which is told this once and kept sealed."""
    signs = signing.new(new.secret_bytes, new.seed, now)
    endpoint = Endpoint(
        id=new.id,
        owner=tenant.owner,
        environment=tenant.environment,
        url=new.url,
        event_types=list(new.event_types),
        format=new.format,
        content=new.content,
        services=None if new.services is None else list(new.services),
        description=new.description,
        status="enabled",
        secret=seal(signing.store([signs]), tenant.owner, new.id),
        signature="v1" if new.seed is None else "v1a",
        scheme=new.scheme,
        credentials=new.credentials,
        ordered=new.ordered,
        concurrency=new.concurrency,
        rate_per_second=new.rate_per_second,
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    if new.concurrency or new.rate_per_second:
        gates.reset(session, new.id)
    return endpoint, signs.secret


def get(session: Session, tenant: Tenant, endpoint_id: str, *, lock: bool = False) -> Endpoint | None:
    """One endpoint; locked for whoever goes on to `change` or `delete` it."""
    query = _of(tenant).where(Endpoint.id == endpoint_id)
    return session.scalar(query.with_for_update() if lock else query)


def count(session: Session, tenant: Tenant) -> int:
    return session.scalar(select(func.count()).select_from(_of(tenant).subquery())) or 0


def page(session: Session, tenant: Tenant, *, after: str | None, limit: int) -> Sequence[Endpoint]:
    """Up to `limit` endpoints in the order of their making, from behind the id `after`."""
    query = _of(tenant).order_by(Endpoint.id).limit(limit)
    return session.scalars(query if after is None else query.where(Endpoint.id > after)).all()


def change(session: Session, endpoint: Endpoint, changes: Changes) -> None:
    """Change the endpoint. A new format holds for events to come: what is written down stays as it is."""
    limits = ("ordered", "concurrency", "rate_per_second")
    for name in ("url", "event_types", "services", "format", "content", "description", *limits):
        if (value := getattr(changes, name)) is not None:
            setattr(endpoint, name, list(value) if isinstance(value, tuple) else value)
    for name in ("description", "concurrency", "rate_per_second", "services"):
        setattr(endpoint, name, getattr(endpoint, name) or None)
    if changes.authentication is not None:
        endpoint.scheme, endpoint.credentials = changes.authentication
    anew = _begins_anew(endpoint, changes)
    _switch(endpoint, changes.enabled)
    session.flush()
    if changes.enabled or changes.url or changes.authentication or changes.concurrency or changes.rate_per_second:
        # What it failed with is over, perhaps: the next message finds out.
        gates.reset(session, endpoint.id)
    if anew:
        health.reset(session, endpoint.id)


def _begins_anew(endpoint: Endpoint, changes: Changes) -> bool:
    """Whether what was counted of its health is over."""
    return changes.url is not None or (changes.enabled is True and endpoint.status != "enabled")


def _switch(endpoint: Endpoint, on: bool | None) -> None:
    if on is None:
        return
    endpoint.status = "enabled" if on else "disabled"
    endpoint.disabled_reason = None if on else "by_partner"


def delete(session: Session, endpoint: Endpoint, *, now: datetime) -> None:
    """Delete the endpoint, and what was told to us for its calls; its undelivered messages end as failed, the first of
    them at once, and all others with `end_orphans`.
    """
    endpoint.status, endpoint.deleted_at, endpoint.credentials = "deleted", now, None
    session.flush()
    end_messages(session, [endpoint.id], now=now)


def end_messages(session: Session, endpoint_ids: Sequence[str], *, now: datetime) -> None:
    """End what deleted endpoints will never hear, or as much as can be ended at once.

    The mailboxes first: their locks are what an enqueue waits for.
    """
    theirs = {"endpoint_ids": list(endpoint_ids), "most": AT_ONCE}
    session.execute(_CLOSE, theirs)
    session.execute(_END, theirs | {"now": now})


def end_orphans(session: Session, *, since: datetime, now: datetime) -> None:
    """End what was written for endpoints while they were being deleted, and what could not be ended at once."""
    ids = session.scalars(text("SELECT id FROM webhook_endpoint WHERE deleted_at >= :since"), {"since": since}).all()
    if ids:
        end_messages(session, ids, now=now)


def deliveries(session: Session, tenant: Tenant, endpoint_id: str, *, before: int | None, limit: int) -> list[Delivery]:
    """Up to `limit` messages of an endpoint with their attempts, newest first, from below the position `before`."""
    query = _latest(tenant, endpoint_id, before).limit(limit)
    return _with_attempts(session, tenant, session.scalars(query).all())


def dead_letters(
    session: Session, tenant: Tenant, endpoint_id: str, *, before: int | None, limit: int
) -> list[Delivery]:
    """As `deliveries`: only those that are not sent any more by themselves, failed or parked."""
    query = _latest(tenant, endpoint_id, before).where(text(DEAD)).limit(limit)
    return _with_attempts(session, tenant, session.scalars(query).all())


def _latest(tenant: Tenant, endpoint_id: str, before: int | None) -> Select[Message]:
    query = (
        select(Message)
        .where(Message.owner == tenant.owner, Message.environment == tenant.environment)
        .where(Message.endpoint_id == endpoint_id)
        .order_by(Message.position.desc())
    )
    return query if before is None else query.where(Message.position < before)


def delivery(session: Session, tenant: Tenant, endpoint_id: str, message_id: str) -> Delivery | None:
    """One message of an endpoint with its attempts."""
    messages = session.scalars(
        select(Message)
        .where(Message.owner == tenant.owner, Message.environment == tenant.environment)
        .where(Message.endpoint_id == endpoint_id, Message.id == message_id)
    ).all()
    return next(iter(_with_attempts(session, tenant, messages)), None)


def deliveries_of(session: Session, tenant: Tenant, message_ids: Sequence[str]) -> list[Delivery]:
    """These messages with their attempts, in the order in which they were written."""
    messages = session.scalars(
        select(Message)
        .where(Message.owner == tenant.owner, Message.environment == tenant.environment)
        .where(Message.id.in_(message_ids))
        .order_by(Message.position)
    ).all()
    return _with_attempts(session, tenant, messages)


def awaited(session: Session, tenant: Tenant, message_ids: Sequence[str]) -> int:
    """How many of these messages nobody has tried to send yet, though their endpoints are enabled."""
    waiting = (
        select(func.count(Message.id))
        .join(Endpoint, Endpoint.id == Message.endpoint_id)
        .where(Message.owner == tenant.owner, Message.environment == tenant.environment)
        .where(Message.id.in_(message_ids), Message.status == "pending", Message.attempts == 0)
        .where(Endpoint.status == "enabled")
    )
    return session.scalar(waiting) or 0


def _with_attempts(session: Session, tenant: Tenant, messages: Sequence[Message]) -> list[Delivery]:
    attempts: dict[str, list[Attempt]] = {message.id: [] for message in messages}
    for attempt in session.scalars(
        select(Attempt)
        .where(Attempt.owner == tenant.owner, Attempt.environment == tenant.environment)
        .where(Attempt.message_id.in_(attempts))
        .order_by(Attempt.message_id, Attempt.id)
    ):
        attempts[attempt.message_id].append(attempt)
    return [Delivery(message, tuple(attempts[message.id])) for message in messages]


def retry(session: Session, tenant: Tenant, endpoint_id: str, message_id: str, *, now: datetime) -> Rearmed | None:
    """Send a finished message once more, now, in its old place before all later ones of its mailbox.

    One try: its attempts go on counting, so a schedule that was used up is not begun again. A pending message is on
    its way and left alone; a parked or expired one has nothing to send. None: this tenant's endpoint has no such
    message.
    """
    mine = (
        (Message.owner == tenant.owner)
        & (Message.environment == tenant.environment)
        & (Message.endpoint_id == endpoint_id)
        & (Message.id == message_id)
    )
    subject = session.scalar(select(Message.subject).where(mine))
    if subject is None:
        return None
    box = (
        (Mailbox.owner == tenant.owner)
        & (Mailbox.environment == tenant.environment)
        & (Mailbox.endpoint_id == endpoint_id)
        & (Mailbox.subject == subject)
    )
    # The mailbox is locked before the message, as everywhere.
    session.execute(select(Mailbox.generation).where(box).with_for_update())
    status = session.scalar(select(Message.status).where(mine))
    if status in {"pending", "parked"}:
        return "pending" if status == "pending" else "parked"
    if session.scalar(_EXPIRED, {"id": message_id}):
        return "expired"
    session.execute(
        update(Message).where(mine).values(status="pending", next_attempt_at=now, finished_at=None, error=None)
    )
    # One that is leased looks again by itself when it comes back.
    session.execute(update(Mailbox).where(box, ~Mailbox.leased).values(due_at=now))
    return "armed"


def _of(tenant: Tenant) -> Select[Endpoint]:
    return (
        select(Endpoint)
        .where(Endpoint.owner == tenant.owner, Endpoint.environment == tenant.environment)
        .where(Endpoint.deleted_at.is_(None))
    )


# Bodies are emptied in the order of their ids (`webhooks.retention`). One that was emptied for another reason has lost
# its method, too.
_EXPIRED = text("""
    SELECT p.method = '' OR p.body = '' AND p.id <= (SELECT upto FROM webhook_mark WHERE name = 'bodies')
      FROM webhook_message m JOIN webhook_payload p ON p.id = m.payload_id WHERE m.id = :id
""")

# In the order in which `enqueue` locks them.
_CLOSE = text("""
    WITH waiting AS MATERIALIZED (
        SELECT endpoint_id, subject FROM webhook_mailbox
         WHERE endpoint_id = ANY(:endpoint_ids) AND due_at IS NOT NULL
         ORDER BY subject, endpoint_id LIMIT :most FOR UPDATE)
    UPDATE webhook_mailbox m SET due_at = NULL, leased = false, generation = m.generation + 1
      FROM waiting WHERE m.endpoint_id = waiting.endpoint_id AND m.subject = waiting.subject
""")

_END = text("""
    UPDATE webhook_message
       SET status = 'failed', error = 'endpoint_deleted', next_attempt_at = NULL, finished_at = :now
     WHERE id IN (SELECT id FROM webhook_message
                   WHERE endpoint_id = ANY(:endpoint_ids) AND status IN ('pending', 'parked') LIMIT :most)
       AND status IN ('pending', 'parked')
""")
