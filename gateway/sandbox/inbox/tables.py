"""What was delivered into inboxes, and how far each has come."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base


class Inbox(Base):
    """One row a partner; `last` is the position of what came last.

    Who puts something in holds this row until the commit, so that positions appear in their order and a reader who
    goes on behind one misses nothing.
    """

    __tablename__ = "sandbox_inbox"
    __table_args__ = (CheckConstraint("environment = 'sandbox'", name="environment"),)

    partner_id: Mapped[str] = mapped_column(Text, primary_key=True)
    environment: Mapped[str] = mapped_column(Text, primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class InboxMessage(Base):
    """One request as it would have been sent, and what a receiver with the endpoint's secret would say of it."""

    __tablename__ = "sandbox_inbox_message"
    __table_args__ = (CheckConstraint("environment = 'sandbox'", name="environment"), Index(None, "received_at"))

    partner_id: Mapped[str] = mapped_column(Text, primary_key=True)
    environment: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    endpoint_id: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes]
    verdict: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
