"""What a sandbox held."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class Checkpoint(Base):
    """`rows` are lists of rows by their table (`rows.TAKE`), as sealed as they were, of the schema at `revision`.

    `at` is the sandbox's own time then, `created_at` the real one; `counts` is what partners are told of the rows.
    """

    __tablename__ = "sandbox_checkpoint"
    __table_args__ = (
        CheckConstraint("environment = 'sandbox'", name="environment"),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "created_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    label: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[str] = mapped_column(Text)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    rows: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)
    at: Mapped[datetime]
    created_at: Mapped[datetime]
