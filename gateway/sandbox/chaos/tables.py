"""Chaos that was asked for."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base

Status = Literal["active", "spent", "expired", "stopped"]


class Chaos(Base):
    """One disturbance of the key `client_id`, good for `remaining` more times, before `until`.

    `numbers` are those of its kind. It is narrowed by what is not NULL of the columns behind them. `used_at` is when it
    disturbed something last. Once it has `stopped_at`, what it held back is held back no more.
    """

    __tablename__ = "sandbox_chaos"
    __table_args__ = (
        CheckConstraint("environment = 'sandbox'", name="environment"),
        CheckConstraint("remaining >= 0", name="remaining"),
        Index(None, "client_id", "id"),
        Index(
            "ix_sandbox_chaos_active",
            "partner_id",
            "id",
            postgresql_where=text("remaining > 0 AND stopped_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    numbers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    endpoint_id: Mapped[str | None] = mapped_column(Text)
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    method: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    times: Mapped[int] = mapped_column(Integer)
    remaining: Mapped[int] = mapped_column(Integer)
    until: Mapped[datetime]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]

    def status(self, now: datetime) -> Status:
        if self.remaining == 0:
            return "spent"
        if self.stopped_at is not None and self.stopped_at < self.until:
            return "stopped"
        return "active" if now < self.until else "expired"

    def ended_at(self, now: datetime) -> datetime | None:
        ends = {"active": None, "spent": self.used_at, "expired": self.until, "stopped": self.stopped_at}
        return ends[self.status(now)]
