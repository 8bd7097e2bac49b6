"""What partners sent us, byte for byte."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class InboundMessage(Base):
    """One document. `body` is encrypted; `digest` is SHA-256 of the bytes; `problems` are why it was refused.

    `document` is the business key of a change or a cancellation (kind, order, number); an accepted one is unique, and
    `fingerprint` is SHA-256 of what it asks for, so that the same document written anew is known again.

    `number` is that of the envelope (an interchange, a webhook), unique among what was accepted. `envelope` is what
    stood around the bytes and is needed to read them again.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        Index(
            "uq_inbound_message_document",
            "partner_id",
            "environment",
            "document",
            unique=True,
            postgresql_where=text("document IS NOT NULL AND outcome = 'accepted'"),
        ),
        Index(
            "uq_inbound_message_number",
            "partner_id",
            "environment",
            "number",
            unique=True,
            postgresql_where=text("number IS NOT NULL AND outcome = 'accepted'"),
        ),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "order_id", postgresql_where=text("order_id IS NOT NULL")),
        # Who asks again is told again: what came by a poll is known by its bytes.
        Index(None, "partner_id", "environment", "digest", postgresql_where=text("starts_with(door, '/poll/')")),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    door: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    outcome: Mapped[str] = mapped_column(Text)
    problems: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    order_id: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(Text)
    envelope: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    received_at: Mapped[datetime]
