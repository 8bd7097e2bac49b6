"""Advances of sandbox clocks; the clocks themselves are `webhooks.tables.Clock`, since what waits to be sent obeys."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base
from gateway.partners.tables import one_of

Status = Literal["running", "done", "stopped"]


class Advance(Base):
    """A clock on its way from `begins_at` to `target`, both in its own time; the rest is in real time.

    `fired` are the first of the `fired_count` things that fell due on the way. Attempts to deliver are noted up to
    `noted`, an id of theirs. What is due where the clock stands is waited for `waited_since`.
    """

    __tablename__ = "sandbox_advance"
    __table_args__ = (
        CheckConstraint("environment = 'sandbox'", name="environment"),
        one_of("status", Status),
        Index(None, "partner_id", "environment", "id"),
        Index(
            "uq_sandbox_advance_running",
            "partner_id",
            "environment",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    begins_at: Mapped[datetime]
    target: Mapped[datetime]
    status: Mapped[str] = mapped_column(Text)
    fired: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fired_count: Mapped[int] = mapped_column(Integer)
    noted: Mapped[int] = mapped_column(BigInteger)
    waited_since: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
