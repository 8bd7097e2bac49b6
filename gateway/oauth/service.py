"""Clients: made, given another secret, suspended, recognised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_bytes

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from gateway.crypto import Vault
from gateway.ids import new_id
from gateway.oauth import scopes as scoping
from gateway.oauth import secret as secrets
from gateway.oauth.tables import Client, ClientSecret
from gateway.partners.tables import Partner

MAX_SECRETS = 2
NOTED_EVERY = timedelta(minutes=5)
"""A use is written down at most so often: a client may ask for tokens as often as it likes."""

NOBODY = bytes(32)


class Refused(ValueError):
    """What was asked of a client cannot be done; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A client with a secret that nobody will ever see again."""

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a secret has proven."""

    client_id: str
    partner_id: str
    kind: str
    environment: str
    scopes: tuple[str, ...]


def create_client(
    session: Session, vault: Vault, partner: Partner, environment: str, scopes: Sequence[str], now: datetime
) -> Issued:
    """A new client with its first secret; without `scopes`, with all of its partner's kind. Raises `Refused`."""
    granted = tuple(dict.fromkeys(scopes)) or scoping.DEFAULTS[partner.kind]
    beyond = [scope for scope in granted if scope not in scoping.GRANTABLE[partner.kind]]
    if beyond:
        may = ", ".join(scoping.GRANTABLE[partner.kind])
        raise Refused(f"a {partner.kind} cannot have the scope {', '.join(beyond)}; it can have {may}")
    client = Client(
        id=new_id(f"stk_{secrets.MARKS[environment]}", now),
        partner_id=partner.id,
        environment=environment,
        scopes=list(granted),
        status="active",
        created_at=now,
    )
    session.add(client)
    session.flush()
    return _issue(session, vault, client, now)


def rotate_secret(session: Session, vault: Vault, client_id: str, overlap: timedelta, now: datetime) -> Issued:
    """Another secret; the present one holds for `overlap`. Raises `Refused` while two are good already."""
    client = session.get(Client, client_id, with_for_update=True)
    if client is None:
        raise Refused("there is no such client")
    live = session.scalars(select(ClientSecret).where(ClientSecret.client_id == client_id, _live(now))).all()
    if len(live) >= MAX_SECRETS:
        raise Refused(f"the client has {MAX_SECRETS} secrets that are still good; wait until one has expired")
    for old in live:
        old.expires_at = now + overlap
    return _issue(session, vault, client, now)


def set_status(session: Session, client_id: str, status: str) -> None:
    """`suspended` ends its tokens, too, within a second. Raises `Refused`."""
    found = session.scalar(update(Client).where(Client.id == client_id).values(status=status).returning(Client.id))
    if found is None:
        raise Refused("there is no such client")


def recognise(session: Session, vault: Vault, client_id: str, secret: str, now: datetime) -> Identity | None:
    """Whom this secret proves; None for a wrong secret, an unknown client, and one that may not come in, alike.

    Notes that the client was used.
    """
    offered = vault.fingerprint(secret)
    rows = session.execute(
        select(Client, Partner.kind, ClientSecret.fingerprint)
        .join(Partner, Partner.id == Client.partner_id)
        .outerjoin(ClientSecret, and_(ClientSecret.client_id == Client.id, _live(now)))
        .where(Client.id == client_id, Client.status == "active", Partner.status == "active")
        .where(or_(Client.expires_at.is_(None), Client.expires_at > now))
    ).all()
    # Unknown clients are compared with something, too, so that time does not tell them from wrong secrets.
    known = [row.fingerprint or NOBODY for row in rows] or [NOBODY]
    if not any(compare_digest(offered, fingerprint) for fingerprint in known):
        return None
    client, kind, _ = rows[0]
    _note_use(session, client, now)
    return Identity(
        client_id=client.id,
        partner_id=client.partner_id,
        kind=kind,
        environment=client.environment,
        scopes=tuple(client.scopes),
    )


def _note_use(session: Session, client: Client, now: datetime) -> None:
    if client.last_used_at is not None and now - client.last_used_at < NOTED_EVERY:
        return
    noted: dict[str, datetime] = {"last_used_at": now}
    if client.idle_days is not None:
        noted["expires_at"] = now + timedelta(days=client.idle_days)
    session.execute(update(Client).where(Client.id == client.id).values(noted))


def _live(now: datetime) -> ColumnElement[bool]:
    return or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > now)


def _issue(session: Session, vault: Vault, client: Client, now: datetime) -> Issued:
    secret = secrets.make(client.environment, token_bytes(secrets.ENTROPY_BYTES))
    session.add(
        ClientSecret(
            id=new_id("sec", now),
            client_id=client.id,
            partner_id=client.partner_id,
            environment=client.environment,
            fingerprint=vault.fingerprint(secret),
            created_at=now,
        )
    )
    return Issued(client_id=client.id, client_secret=secret, scopes=tuple(client.scopes))
