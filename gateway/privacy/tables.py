"""What persons asked for, and whether it is done."""

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class PrivacyWish(Base):
    """One request, known again by the partner's `request_id`. An erasure is `done_at` when its last order has ended."""

    __tablename__ = "privacy_wish"
    __table_args__ = (
        UniqueConstraint("partner_id", "environment", "request_id"),
        Index("ix_privacy_wish_open", "id", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    customer: Mapped[str | None] = mapped_column(Text)
    partner_order_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
