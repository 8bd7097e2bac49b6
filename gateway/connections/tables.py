"""A connection is a row: partner × door × environment, with what lets its documents in."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base
from gateway.partners.tables import Environment, one_of

Door = Literal["google", "shopify", "poll", "folder"]
Status = Literal["active", "removed"]


class Connection(Base):
    """`name` finds it, and is nobody else's: a user name, a shop's domain, a folder's name.

    `secret` is sealed, and `previous` is the one before it, which is taken until the other side has the new one too.
    `options` are the door's: for a poll `base_url`, `every` (seconds) and the scheme of its requests.
    """

    __tablename__ = "connection"
    __table_args__ = (
        one_of("environment", Environment),
        one_of("door", Door),
        one_of("status", Status),
        Index("uq_connection_name", "door", "name", unique=True, postgresql_where=text("status = 'active'")),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    door: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, server_default="active")
    created_at: Mapped[datetime]
