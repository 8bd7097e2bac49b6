"""A kept message, read again with the adapters of today: what would be otherwise, and then doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters import by_name
from adapters.canonical import ChangeOrder, Intent, PlaceOrder
from adapters.contract import Adapter, RawMessage
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from gateway import clocks
from gateway.crypto import Place
from gateway.errors import Problem
from gateway.intake import doors
from gateway.intake.arrival import Arrival
from gateway.intake.service import differences
from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Order
from gateway.partners.dialect import adapter_of
from gateway.runtime import Runtime
from gateway.tenant import Tenant

PLAIN_DOOR = "/v1/orders"


@dataclass(frozen=True, slots=True)
class Difference:
    """At this pointer of an order it says `before` in the database, and `after` in the message as it is read now."""

    partner_order_id: str
    pointer: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the message says now, or why it cannot be taken. `new` are the orders that are not here yet."""

    intents: Sequence[Intent] = ()
    problem: Problem | None = None
    differences: Sequence[Difference] = ()
    new: Sequence[str] = ()


def arrival(runtime: Runtime, session: Session, message: InboundMessage) -> Arrival:
    """The message as it came, arriving now. Raises `CannotDecrypt`."""
    place = Place(message.partner_id, "inbound_message", message.id, "body")
    around = message.envelope or {}
    raw = RawMessage(
        body=runtime.vault.decrypt(message.body, place),
        media_type=message.media_type,
        headers=around.get("headers", {}),
        path=around.get("path", message.door),
        method=around.get("method", "POST"),
        query=around.get("query", {}),
    )
    tenant = Tenant(message.partner_id, message.environment)
    now = clocks.now_of(session, tenant, runtime.clock())
    return Arrival(runtime=runtime, tenant=tenant, door=message.door, message=raw, now=now)


def dialect_of(session: Session, message: InboundMessage) -> Adapter | None:
    """What is spoken at the message's door."""
    if message.door == PLAIN_DOOR:
        plain: Adapter = by_name("plain")({})
        return plain
    return adapter_of(session, message.partner_id)


def read(session: Session, dialect: Adapter, arriving: Arrival) -> Reading:
    """Read it again and compare; nothing changes."""
    try:
        intents = doors.translated(dialect, arriving.message)
    except Problem as problem:
        return Reading(problem=problem)
    found: list[Difference] = []
    new: list[str] = []
    for order in (order_json(one, echo=False) for one in map(_whole, intents) if one is not None):
        number = order["partner_order_id"]
        stored = session.scalar(
            select(Order.content).where(
                Order.partner_id == arriving.tenant.partner_id,
                Order.environment == arriving.tenant.environment,
                Order.partner_order_id == number,
            )
        )
        if stored is None:
            new.append(number)
            continue
        before = order_json(stored_order(stored), echo=False)
        pointers = differences(before, order)
        found += [Difference(number, one, _at(before, one), _at(order, one)) for one in pointers]
    return Reading(intents=intents, differences=found, new=new)


def apply(dialect: Adapter, arriving: Arrival) -> doors.Taken:
    """Take it, as if it came in now. It is kept anew, with what became of it this time."""
    return doors.taken(dialect, arriving)


def _whole(intent: Intent) -> Any:
    if isinstance(intent, PlaceOrder):
        return intent.order
    return intent.whole if isinstance(intent, ChangeOrder) else None


def _at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; None where nothing does."""
    for part in pointer.split("/")[1:]:
        if isinstance(document, list):
            document = document[int(part)] if int(part) < len(document) else None
        else:
            document = (document or {}).get(part)
    return document
