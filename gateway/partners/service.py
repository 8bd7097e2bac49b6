"""Partners: listed, found, added, suspended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import marshmallow
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adapters.contract import Profile
from gateway.ids import new_id
from gateway.partners.dialect import CONTACT, of_dialect
from gateway.partners.tables import Partner

SLUG = re.compile(r"[a-z][a-z0-9_-]{1,39}")


class InvalidPartner(ValueError):
    """A partner that cannot be added; `faults` are all reasons."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


class NoSuchPartner(LookupError):
    """Nobody has this slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPartner:
    slug: str
    name: str
    kind: str
    adapter: str | None
    options: Mapping[str, Any] = field(default_factory=dict)


def every(session: Session) -> Sequence[Partner]:
    """All partners, by slug."""
    return session.scalars(select(Partner).order_by(Partner.slug)).all()


def get(session: Session, slug: str) -> Partner:
    """Raises `NoSuchPartner`."""
    partner = session.scalars(select(Partner).where(Partner.slug == slug)).one_or_none()
    if partner is None:
        raise NoSuchPartner
    return partner


def add(session: Session, new: NewPartner, dialects: Mapping[str, Profile], now: datetime) -> Partner:
    """A new partner, its options as its dialect knows them. Raises `InvalidPartner` with every fault."""
    faults = [] if SLUG.fullmatch(new.slug) else ["a slug is 2 to 40 of a-z, 0-9, _ and -, with a letter first"]
    faults += _option_faults(new, dialects)
    if faults:
        raise InvalidPartner(faults)
    partner = Partner(
        id=new_id("ptn", now),
        slug=new.slug,
        name=new.name,
        kind=new.kind,
        adapter=new.adapter,
        options=dict(new.options),
        status="active",
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(partner)
    except IntegrityError as error:
        raise InvalidPartner(["the slug is taken"]) from error
    return partner


def set_status(session: Session, slug: str, status: str) -> None:
    """`suspended` ends the tokens of all its clients within a second. Raises `NoSuchPartner`."""
    get(session, slug).status = status


def _option_faults(new: NewPartner, dialects: Mapping[str, Profile]) -> list[str]:
    contact = new.options.get(CONTACT)
    faults = [] if contact is None or _is_address(contact) else [f"option {CONTACT}: is not an e-mail address"]
    return [*faults, *_dialect_faults(new.adapter, of_dialect(new.options), dialects)]


def _is_address(value: Any) -> bool:
    try:
        marshmallow.validate.Email()(value)
    except (marshmallow.ValidationError, TypeError):
        return False
    return True


def _dialect_faults(adapter: str | None, options: Mapping[str, Any], dialects: Mapping[str, Profile]) -> list[str]:
    if adapter is None:
        return ["options need an adapter"] if options else []
    profile = dialects.get(adapter)
    if profile is None:
        return [f"there is no such adapter; there are {', '.join(sorted(dialects))}"]
    try:
        profile.options().load(options)
    except marshmallow.ValidationError as error:
        return [f"option {name}: {_said(said)}" for name, said in sorted(error.messages_dict.items())]
    return []


def _said(messages: Any) -> str:
    return " ".join(messages) if isinstance(messages, list) else "is not right"
