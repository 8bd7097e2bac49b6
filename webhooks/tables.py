"""The tables of webhook delivery, in a MetaData of their own.

No foreign key leads to `webhook_endpoint`: endpoints are marked as deleted and never removed, and the share lock of
such a key on one busy endpoint's row would be taken by every order of that partner.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive times on the way in; gives UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of the webhook tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, str: Text}


class Gate(Base):
    """What limits an endpoint over all workers (`webhooks.gates`): a row for each that has a limit or has failed.

    `tokens` are what was left in its bucket at `filled_at`. `failures` are those since the last success, `trips` the
    times that its circuit was opened since; it is closed where `open_until` is NULL.
    """

    __tablename__ = "webhook_gate"

    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float | None]
    filled_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    trips: Mapped[int] = mapped_column(server_default="0")
    open_until: Mapped[datetime | None]
    probing: Mapped[bool] = mapped_column(server_default=text("false"))


class Health(Base):
    """How an endpoint has done (`webhooks.health`): a row for each that was ever called.

    `since` is the first failure after the last success. Attempts up to `forget` do not count any more. `warned` is the
    level of the last notice, `mail` the kind of one that is still to be written.
    """

    __tablename__ = "webhook_health"

    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    forget: Mapped[int] = mapped_column(BigInteger, server_default="0")
    warned: Mapped[int] = mapped_column(server_default="0")
    mail: Mapped[str | None]


class HealthHour(Base):
    """How an endpoint did within an hour (UTC): only those of the window are kept."""

    __tablename__ = "webhook_health_hour"

    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    failures: Mapped[int]


class Clock(Base):
    """A clock that stands (`webhooks.clocks`): what waits of this owner goes by `stands_at`.

    It is NULL where the owner was given back to real time at `left_at`, of late.
    """

    __tablename__ = "webhook_clock"

    owner: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    stands_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


MANY_DEAD = 10_000
"""Dead letters are counted up to here."""

# Read with its endpoint; counted where it is read, so that nobody who delivers writes anything for it.
HEALTH = f"""(SELECT jsonb_build_object(
    'attempts', (SELECT coalesce(sum(t.attempts), 0) FROM webhook_health_hour t
                  WHERE t.endpoint_id = webhook_endpoint.id),
    'failures', (SELECT coalesce(sum(t.failures), 0) FROM webhook_health_hour t
                  WHERE t.endpoint_id = webhook_endpoint.id),
    'since', (SELECT h.since FROM webhook_health h WHERE h.endpoint_id = webhook_endpoint.id),
    'last_success_at', (SELECT h.last_success_at FROM webhook_health h WHERE h.endpoint_id = webhook_endpoint.id),
    'dead_letters', (SELECT count(*) FROM (
        SELECT FROM webhook_message m
         WHERE m.endpoint_id = webhook_endpoint.id AND m.status IN ('failed', 'parked') LIMIT {MANY_DEAD}) dead)))"""


class Endpoint(Base):
    """Where a partner wants to be called. `status` is `enabled`, `disabled` or `deleted`.

    `scheme` says how our calls are authenticated (`webhooks.schemes`), with the `credentials` where it needs any.
    Those are sealed, and so is the `secret`: all that signs there (`webhooks.signing`), private keys among it where
    `signature` is `v1a`. Where it is not `ordered`, each message is a mailbox of its
    own. `concurrency` and `rate_per_second` are the most that may be sent there, over all workers. It hears of these
    `services`, NULL is all, and with `content` `thin` only what happened to which.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    environment: Mapped[str]
    url: Mapped[str]
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    format: Mapped[str]
    content: Mapped[str] = mapped_column(server_default="full")
    services: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    description: Mapped[str | None]
    status: Mapped[str]
    disabled_reason: Mapped[str | None]
    secret: Mapped[bytes]
    signature: Mapped[str] = mapped_column(server_default="v1")
    scheme: Mapped[str] = mapped_column(server_default="standard-webhooks")
    credentials: Mapped[bytes | None]
    ordered: Mapped[bool] = mapped_column(server_default=text("true"))
    concurrency: Mapped[int | None]
    rate_per_second: Mapped[float | None]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None] = column_property(
        select(Gate.open_until).where(Gate.endpoint_id == id).scalar_subquery()
    )
    health: Mapped[dict[str, Any]] = column_property(literal_column(HEALTH, JSONB))

    __table_args__ = (
        Index(None, "owner", "environment", "id"),
        Index(None, "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )


class Payload(Base):
    """The frozen request of one event; every endpoint's message of it points here.

    `format` is with its content, where that is not full: `webhooks.outbox.Subscription.shape`.
    `kind` is the dialect's own name for it. `probe` is the request to make before it, its body in base64.
    """

    __tablename__ = "webhook_payload"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    environment: Mapped[str]
    event_id: Mapped[str]
    format: Mapped[str]
    body: Mapped[bytes]
    media_type: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    kind: Mapped[str | None]
    probe: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]


class Message(Base):
    """One payload for one endpoint. `status` is `pending`, `delivered`, `failed` or `parked` (it has no payload).

    `position` orders the messages of a mailbox; `next_attempt_at` is when a pending one is due.
    """

    __tablename__ = "webhook_message"

    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    owner: Mapped[str]
    environment: Mapped[str]
    endpoint_id: Mapped[str]
    subject: Mapped[str]
    event_id: Mapped[str]
    event_type: Mapped[str]
    sequence: Mapped[int]
    payload_id: Mapped[str | None] = mapped_column(ForeignKey("webhook_payload.id"))
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        Index(None, "endpoint_id", "position"),
        # For whoever removes a payload: the database looks for messages of it, one by one.
        Index(None, "payload_id"),
        # Dead letters: only what ends like that is written here.
        Index(
            "ix_webhook_message_dead",
            "endpoint_id",
            "position",
            postgresql_where=text("status IN ('failed', 'parked')"),
        ),
        # The head of a mailbox. Partial, so that it stays as small as what is still to be said.
        Index(
            "ix_webhook_message_head",
            "endpoint_id",
            "subject",
            "position",
            postgresql_where=text("status IN ('pending', 'parked')"),
        ),
    )


class Mailbox(Base):
    """The messages of one endpoint about one subject, strictly in order.

    `due_at` is when to look at the head: NULL where there is nothing to send, the lease's end while one is being sent
    (`leased`). `retrying` says that the head was tried before: it goes behind those that were not. `generation` counts
    the claims; who comes back with an older one changes nothing.
    """

    __tablename__ = "webhook_mailbox"

    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    environment: Mapped[str]
    due_at: Mapped[datetime | None]
    leased: Mapped[bool] = mapped_column(server_default=text("false"))
    retrying: Mapped[bool] = mapped_column(server_default=text("false"))
    generation: Mapped[int] = mapped_column(BigInteger, server_default="0")

    __table_args__ = (
        Index(
            "ix_webhook_mailbox_due",
            "endpoint_id",
            "retrying",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )


class Attempt(Base):
    """One try: `status_code` where an answer came, `error` where it was no success, at most 1 KB of the answer.

    `step` is where it ended (`webhooks.policy.Step`), `verdict` what that meant: `delivered`, `retry` or `failed`.
    `chaos` is how it was disturbed on purpose (`webhooks.chaos`). `at` is in its owner's time; where that is not the
    real one (`Clock`), `sent_at` is.
    """

    __tablename__ = "webhook_attempt"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("webhook_message.id"))
    owner: Mapped[str]
    environment: Mapped[str]
    at: Mapped[datetime]
    status_code: Mapped[int | None]
    duration_ms: Mapped[int]
    error: Mapped[str | None]
    response_excerpt: Mapped[str | None]
    step: Mapped[str] = mapped_column(server_default="call")
    verdict: Mapped[str]
    chaos: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    sent_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "message_id", "id"),)


metadata = Base.metadata
