"""A partner is a row: a retailer or a dispatch, its dialect and that dialect's options."""

from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base

Kind = Literal["retailer", "dispatch"]
Status = Literal["active", "suspended"]
Environment = Literal["sandbox", "live"]


def one_of(column: str, words: Any) -> CheckConstraint:
    """A column that takes the words of a `Literal`, and no others."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(word) for word in get_args(words))})", name=column)


class Partner(Base):
    """`adapter` is a dialect's name, None while we have no dialect for them; `options` as its profile loads them."""

    __tablename__ = "partner"
    __table_args__ = (one_of("kind", Kind), one_of("status", Status))

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    adapter: Mapped[str | None] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(Text, server_default="active")
    created_at: Mapped[datetime]
