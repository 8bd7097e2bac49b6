"""Connections: added, listed, their secrets renewed, removed."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.connections.tables import Connection, Door
from gateway.crypto import Place, Vault
from gateway.ids import new_id
from gateway.tenant import Tenant
from webhooks import schemes


@dataclass(frozen=True, slots=True)
class Kind:
    """A door: the dialect that is spoken there (None: any), the form of its names, whether it has a secret."""

    adapter: str | None
    name: re.Pattern[str]
    secret: bool


SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DOORS: Mapping[str, Kind] = {
    "google": Kind("google_booking", SLUG, secret=True),
    "shopify": Kind("shopify", re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com"), secret=True),
    "poll": Kind(None, SLUG, secret=True),
    "folder": Kind(None, SLUG, secret=False),
}


class InvalidConnection(ValueError):
    """A connection that cannot be added; `faults` are all reasons."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    tenant: Tenant
    door: Door
    name: str
    secret: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def add(session: Session, vault: Vault, new: NewConnection, adapter: str | None, now: datetime) -> Connection:
    """A connection of a partner who speaks this dialect. Raises `InvalidConnection` with every fault."""
    faults = list(_faults(new, adapter))
    if faults:
        raise InvalidConnection(faults)
    connection = Connection(
        id=new_id("con", now),
        partner_id=new.tenant.partner_id,
        environment=new.tenant.environment,
        door=new.door,
        name=new.name,
        options=dict(new.options),
        status="active",
        created_at=now,
    )
    if new.secret is not None:
        connection.secret = vault.encrypt(new.secret.encode(), place(connection))
    try:
        with session.begin_nested():
            session.add(connection)
    except IntegrityError as error:
        raise InvalidConnection(["another connection of this door has the name"]) from error
    return connection


def _faults(new: NewConnection, adapter: str | None) -> Iterator[str]:
    kind = DOORS[new.door]
    if adapter is None or adapter != (kind.adapter or adapter):
        yield f"the partner does not speak {kind.adapter or 'any dialect'}"
    if not kind.name.fullmatch(new.name):
        yield f"a name at this door is {kind.name.pattern}"
    if kind.secret != bool(new.secret):
        yield "this door needs a secret" if kind.secret else "this door has no secret"
    if new.door == "poll":
        yield from _poll_faults(new.options)
        if new.secret:
            yield from scheme_faults(new.secret)


def scheme_faults(secret: str) -> Iterator[str]:
    """Of a poll the secret says how its requests are authenticated."""
    try:
        wish = json.loads(secret)
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        yield "the secret of a poll is a JSON object: its scheme, and what that has to be told"
        return
    for member, code in schemes.faults(wish, lambda url: ()):
        yield f"the secret: {member} ({code})"


def _poll_faults(options: Mapping[str, Any]) -> Iterator[str]:
    # Nobody polls with credentials over http, but from a server on this machine.
    if not str(options.get("base_url", "")).startswith(("https://", "http://127.0.0.1:")):
        yield "a poll needs the option base_url, over https"
    if not str(options.get("every", "60")).isdecimal():
        yield "the option every is a number of seconds"


def place(connection: Connection) -> Place:
    """Where its secrets are kept."""
    return Place(connection.partner_id, "connection", connection.id, "secret")


def active(session: Session, door: Door) -> Sequence[Connection]:
    """All that are in use, in the order of their making."""
    query = select(Connection).where(Connection.door == door, Connection.status == "active")
    return session.scalars(query.order_by(Connection.id)).all()


def every(session: Session) -> Sequence[Connection]:
    return session.scalars(select(Connection).where(Connection.status == "active").order_by(Connection.id)).all()


def get(session: Session, connection_id: str) -> Connection | None:
    """One that is in use, locked."""
    query = select(Connection).where(Connection.id == connection_id, Connection.status == "active")
    return session.scalar(query.with_for_update())


def renew(vault: Vault, connection: Connection, secret: str) -> None:
    """A new secret. The one before it goes on being taken until `settle`."""
    connection.previous = connection.secret
    connection.secret = vault.encrypt(secret.encode(), place(connection))


def settle(connection: Connection) -> None:
    """The old secret is not taken any more."""
    connection.previous = None


def remove(connection: Connection) -> None:
    connection.status, connection.secret, connection.previous = "removed", None, None


def new_password() -> str:
    return secrets.token_urlsafe(32)
