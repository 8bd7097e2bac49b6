"""Runs: what happens to an order's jobs by itself, written down before it happens."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Double, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base
from gateway.partners.tables import one_of

Status = Literal["running", "paused", "done", "stopped", "failed"]
Pace = Literal["instant", "x60", "realtime"]


class SandboxRun(Base):
    """`plan` are all its steps (`plan.Planned`), `position` counts those that were taken, `taken` says what they made.

    A `running` one is due at `due_at`; a `paused` one has `remaining` seconds left until its next step. A run with a
    `seed` has a time of its own, `at`. `messages` are the webhook messages it caused, `problem` is why it failed.
    """

    __tablename__ = "sandbox_run"
    __table_args__ = (
        CheckConstraint("environment = 'sandbox'", name="environment"),
        one_of("status", Status),
        one_of("pace", Pace),
        Index(None, "partner_id", "environment", "id"),
        Index("ix_sandbox_run_due", "due_at", postgresql_where=text("status = 'running'")),
        Index(
            "uq_sandbox_run_order", "order_id", unique=True, postgresql_where=text("status IN ('running', 'paused')")
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    order_id: Mapped[str] = mapped_column(Text)
    scenario: Mapped[str | None] = mapped_column(Text)
    until: Mapped[str | None] = mapped_column(Text)
    pace: Mapped[str] = mapped_column(Text)
    seed: Mapped[str | None] = mapped_column(Text)
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    position: Mapped[int] = mapped_column(Integer)
    taken: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    messages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    remaining: Mapped[float | None] = mapped_column(Double)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
