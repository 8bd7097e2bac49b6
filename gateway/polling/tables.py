"""How far we have read with each partner who does not call us."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class PollCursor(Base):
    """One row a connection, made at its first poll. `cursor` is the dialect's own.

    Who holds the lease, `leased_until`, asks for the next page; `generation` counts the leases, so that one who comes
    back late stores nothing. `failures` are those since `last_ok_at`, `error` names the last one.
    """

    __tablename__ = "poll_cursor"

    connection_id: Mapped[str] = mapped_column(Text, primary_key=True)
    cursor: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_ok_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
