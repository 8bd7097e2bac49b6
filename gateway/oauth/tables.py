"""OAuth clients, fingerprints of their secrets, and the keys that sign access tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db import Base
from gateway.partners.tables import Environment, Status, one_of


class Client(Base):
    """A program of a partner, in one environment. Its id is public: `stk_test_…` or `stk_live_…`.

    A key that a partner's engineers made themselves has `idle_days`: after so many without a token it has expired.
    `last_used_at` is when it last got a token, a few minutes more or less.
    """

    __tablename__ = "oauth_client"
    __table_args__ = (
        one_of("environment", Environment),
        one_of("status", Status),
        # The resource server asks every second who is refused; almost nobody is.
        Index("ix_oauth_client_refused", "id", postgresql_where="status <> 'active' OR expires_at IS NOT NULL"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partner.id"), index=True)
    environment: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[str] = mapped_column(Text, server_default="active")
    label: Mapped[str | None] = mapped_column(Text)
    idle_days: Mapped[int | None]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ClientSecret(Base):
    """The fingerprint of a secret (`Vault.fingerprint`); the secret itself is shown once and kept nowhere."""

    __tablename__ = "oauth_client_secret"
    __table_args__ = (one_of("environment", Environment),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_client.id"), index=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partner.id"))
    environment: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SigningKey(Base):
    """An ES256 key: published from its first second, signing from `signs_from` until a younger one does."""

    __tablename__ = "oauth_signing_key"

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_jwk: Mapped[bytes] = mapped_column(LargeBinary)  # sealed by the vault
    signs_from: Mapped[datetime]
    created_at: Mapped[datetime]
