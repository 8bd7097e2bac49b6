"""Sandbox keys that a partner's engineers make for themselves: a few, each with a label, each ending when unused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from gateway.crypto import Vault
from gateway.oauth.service import Issued, create_client
from gateway.oauth.tables import Client, ClientSecret
from gateway.partners.tables import Partner

MOST = 5
IDLE_DAYS = 90
REMEMBERED = timedelta(hours=2)
"""How long one that has ended is kept: longer than any of its tokens lives."""


class TooMany(Exception):
    """The partner has `MOST` keys already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    label: str
    scopes: Sequence[str]


def every(session: Session, partner_id: str, now: datetime) -> Sequence[Client]:
    """The partner's keys that are good, oldest first."""
    return session.scalars(_good(partner_id, now).order_by(Client.id)).all()


def add(session: Session, vault: Vault, partner_id: str, new: NewKey, now: datetime) -> tuple[Client, Issued]:
    """Another key, with its secret. Raises `TooMany`, or `Refused` for a scope that the partner cannot have."""
    # Who comes at the same time waits here, and counts ours.
    partner = session.scalars(select(Partner).where(Partner.id == partner_id).with_for_update(key_share=True)).one()
    if len(every(session, partner_id, now)) >= MOST:
        raise TooMany
    _forget(session, partner_id, now)
    issued = create_client(session, vault, partner, "sandbox", new.scopes, now)
    client = session.get_one(Client, issued.client_id)
    client.label, client.idle_days, client.expires_at = new.label, IDLE_DAYS, now + timedelta(days=IDLE_DAYS)
    return client, issued


def revoke(session: Session, partner_id: str, client_id: str, now: datetime) -> bool:
    """End a key, and within a second its tokens; False where the partner has no such key."""
    client = session.scalar(_good(partner_id, now).where(Client.id == client_id).with_for_update())
    if client is not None:
        client.status, client.expires_at = "suspended", now
    return client is not None


def _forget(session: Session, partner_id: str, now: datetime) -> None:
    """Remove those that ended long ago: whoever makes and revokes keys all day leaves no heap."""
    ended = select(Client.id).where(
        Client.partner_id == partner_id,
        Client.environment == "sandbox",
        Client.idle_days.is_not(None),
        Client.expires_at < now - REMEMBERED,
    )
    session.execute(delete(ClientSecret).where(ClientSecret.client_id.in_(ended)))
    session.execute(delete(Client).where(Client.id.in_(ended)))


def _good(partner_id: str, now: datetime) -> Select[Client]:
    return select(Client).where(
        Client.partner_id == partner_id,
        Client.environment == "sandbox",
        Client.idle_days.is_not(None),
        Client.status == "active",
        Client.expires_at > now,
    )
