"""Connections: added, listed, their secrets renewed, removed."""

import secrets
from collections.abc import Mapping, Sequence
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


class NameTaken(ValueError):
    """Another connection of this door has the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    tenant: Tenant
    door: Door
    name: str
    secret: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def add(session: Session, vault: Vault, new: NewConnection, now: datetime) -> Connection:
    """Raises `NameTaken`."""
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
        raise NameTaken from error
    return connection


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
