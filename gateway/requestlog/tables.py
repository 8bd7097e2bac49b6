"""The requests of sandbox credentials."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Double, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class RequestRecord(Base):
    """One request. `path` has its query; what could be a person's is replaced everywhere (`redaction`).

    `sent` and `answered` are JSON bodies with their members in order, where they were that and short enough; `redacted`
    are the places in them that say something else now. `mentioned` are the ids of ours in the answer. `duration_ms` is
    the answering alone. `chaos` is the sandbox's disturbance of it; the answer to a `lost_answer` never left. `at` is
    in real time; `clock` is where the sandbox's clock stood.
    """

    __tablename__ = "request_log"
    __table_args__ = (
        CheckConstraint("environment = 'sandbox'", name="environment"),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "partner_id", "environment", "request_id"),
        Index(None, "client_id", "id"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    operation: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    replayed: Mapped[bool]
    status: Mapped[int] = mapped_column(Integer)
    chaos: Mapped[str | None] = mapped_column(Text)
    clock: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    duration_ms: Mapped[float] = mapped_column(Double)
    sent_type: Mapped[str | None] = mapped_column(Text)
    sent_bytes: Mapped[int] = mapped_column(Integer)
    sent: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    answered_type: Mapped[str | None] = mapped_column(Text)
    answered_bytes: Mapped[int] = mapped_column(Integer)
    answered: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    redacted: Mapped[list[str]] = mapped_column(ARRAY(Text))
    mentioned: Mapped[list[str]] = mapped_column(ARRAY(Text))
