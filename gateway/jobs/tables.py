"""Orders, their jobs, and the append-only events of each job."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from gateway.db import Base


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Order(Base):
    """A partner's basket. `content` is the order as it was sent, normalised; `status` is derived from its jobs.

    `last_change` is the partner's number of the latest change that was applied, and `placed` the content before the
    first one that said otherwise.
    """

    __tablename__ = "support_order"
    __table_args__ = (
        UniqueConstraint("partner_id", "environment", "partner_order_id"),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "partner_id", "environment", "updated_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    partner_order_id: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    placed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str] = mapped_column(Text)
    last_change: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Job(Base):
    """One service at one place. `sequence` is that of its last event, and the version every change compares."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("partner_id", "environment", "partner_order_id", "line_id", "unit"),
        Index(None, "order_id"),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "partner_id", "environment", "updated_at"),
        Index(None, "environment", "state", "id"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    order_id: Mapped[str] = mapped_column(ForeignKey("support_order.id"))
    partner_order_id: Mapped[str] = mapped_column(Text)
    line_id: Mapped[str] = mapped_column(Text)
    unit: Mapped[int]
    service: Mapped[str | None] = mapped_column(Text)
    sku: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int]
    state_since: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(Text)
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    eta: Mapped[datetime | None]
    technician: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class JobEvent(Base):
    """One step of a job's life; never changed, never deleted. `body` is the event in plain JSON, as it was said.

    `tx` is the transaction that wrote it, or that of the job's event before where that is higher. A reader that stays
    below the oldest running transaction never skips an event that commits late; see `queries.feed`.
    """

    __tablename__ = "job_event"
    __table_args__ = (
        UniqueConstraint("job_id", "sequence"),
        Index(None, "partner_id", "environment", "tx", "position"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    sequence: Mapped[int]
    type: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str | None] = mapped_column(Text)
    proof: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    tx: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))


class EventConsumer(Base):
    """Who reads the feed by a name: everything up to the place (`tx`, `position`) was read."""

    __tablename__ = "event_consumer"

    partner_id: Mapped[str] = mapped_column(Text, primary_key=True)
    environment: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    tx: Mapped[int] = mapped_column(Xid8)
    position: Mapped[int] = mapped_column(BigInteger)
    acknowledged_at: Mapped[datetime]
