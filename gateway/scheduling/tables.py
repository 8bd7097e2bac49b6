"""A hold keeps a window for an order to come."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base
from gateway.partners.tables import Environment, one_of

State = Literal["held", "used", "released"]


class SlotHold(Base):
    """`area` is a country with the first two characters of a postcode: what one crew can reach.

    A `held` one counts until `until`; a `used` one as long as its order is not over.
    """

    __tablename__ = "slot_hold"
    __table_args__ = (
        one_of("environment", Environment),
        one_of("state", State),
        Index(None, "partner_id", "environment", "id"),
        Index(None, "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(
            "ix_slot_hold_taken",
            "environment",
            "area",
            "window_start",
            postgresql_where=text("state <> 'released'"),
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]
    order_id: Mapped[str | None] = mapped_column(Text)
    echo: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
