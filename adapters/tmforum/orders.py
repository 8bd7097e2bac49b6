"""Service orders in: placed, changed, cancelled (TMF641)."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from adapters import values
from adapters.canonical import (
    Address,
    CancelOrder,
    ChangeOrder,
    LineChange,
    OrderLine,
    PlaceOrder,
    SupportOrder,
    Window,
)
from adapters.objects import Object
from adapters.reading import Problems, Unfit
from adapters.tmforum.codes import CANCELLED, FIXED, REASONS, STATUSES
from adapters.tmforum.people import address, customer, customer_of, word
from adapters.tmforum.settings import Settings

MAX_ITEMS = 100
MAX_QUANTITY = 20
HOLD = "hold_"
"""How the ids of slots that we keep begin; any other appointment is their own, in their own calendar."""

DATES = ("requestedStartDate", "requestedCompletionDate")
_ACTIONS = {action: action for action in ("add", "modify", "delete", "noChange")}


def create(order: Object, settings: Settings) -> PlaceOrder:
    items = _items(order)
    services = [item.child("service") for item in items]
    window = _window(order) if settings.dates_are_window else None
    where, party = _address(services, settings, order.problems), _party([order, *services])
    return PlaceOrder(
        order=SupportOrder(
            partner_order_id=order.needed("externalId", values.line, values.ID) or "",
            customer=customer(party, where.country or None),
            service_address=where,
            lines=_lines(items, services, window),
            notes=_told(_notes(order)),
            echo=_echo(order, party),
        )
    )


def _lines(items: list[Object], services: list[Object], window: Window | None) -> tuple[OrderLine, ...]:
    lines: dict[str, OrderLine] = {}
    for item, service in zip(items, services, strict=True):
        if _action(item) not in ("add", None):
            detail = "A new order can only add; change or cancel the order that there is."
            item.problems.add(item.at("action"), "action_unsupported", detail)
        line = _line(item, service, window)
        if line.line_id in lines:
            item.problems.add(item.at("id"), "duplicate_line_id", "Another item has this id.")
        lines[line.line_id] = line
    return tuple(lines.values())


def _action(item: Object) -> str | None:
    item.check("action")
    found: str | None = item.code("action", _ACTIONS)
    return found


def _items(order: Object) -> list[Object]:
    """The items, at least one; version 3 called them `orderItem`."""
    if order.says("orderItem") and not order.says("serviceOrderItem"):
        detail = "This is version 3 of TMF641; version 4.1 has serviceOrderItem."
        order.problems.add(order.at("orderItem"), "version_3", detail)
        return []
    items = order.all("serviceOrderItem", MAX_ITEMS)
    if order.check("serviceOrderItem") and order.members["serviceOrderItem"] == []:
        order.problems.add(order.at("serviceOrderItem"), "missing", "An order has at least one item.")
    for item in items:
        if item.says("serviceOrderItem"):
            detail = "Send each visit as an item of its own, not within another one."
            item.problems.add(item.at("serviceOrderItem"), "nested_items", detail)
    return items


def _line(item: Object, service: Object, window: Window | None) -> OrderLine:
    theirs, specification = item.first("appointment"), service.child("serviceSpecification")
    named = theirs.needed("id", values.line, values.ID) if theirs else None
    ours = named is not None and named.startswith(HOLD)
    return OrderLine(
        line_id=item.needed("id", values.line, values.ID) or "",
        quantity=item.number("quantity", _whole, MAX_QUANTITY) or 1,
        sku=specification.needed("id", values.line, values.ID),
        title=service.text("name", values.line) or specification.text("name", values.line),
        requested_windows=(window,) if window and not ours else (),
        hold_id=named if ours else None,
        notes=_told([*_notes(service), *_characteristics(service)]),
        echo=_item_echo(item, service, specification, None if ours else theirs),
    )


def _whole(number: Decimal, most: int) -> int:
    if number != int(number) or not 1 <= number <= most:
        raise Unfit("out_of_range", f"This may be 1 to {most}, and whole.")
    return int(number)


# --- what belongs to the order as a whole ------------------------------------------------------------------------


def _address(services: list[Object], settings: Settings, problems: Problems) -> Address:
    """The one place of an order's visits: of an item that names none, it is that of the others."""
    places = [place for service in services for place in service.all("place", 5)[:1]]
    if not places:
        if services:
            problems.add(services[0].at("place"), "missing", "Somebody has to know where to go.")
        return Address(street="", postcode="", city="", country="")
    found = address(places[0], settings)
    for other in places[1:]:
        if other.members != places[0].members and address(other, settings) != found:
            detail = "The visits of one order are at one place; send another order for the other one."
            problems.add(other.pointer, "several_places", detail)
    return found


def _party(who: list[Object]) -> Object:
    """The customer among the parties of the order, else of an item."""
    for one in who:
        found = customer_of(one.all("relatedParty", 20))
        if found is not None:
            return found
    order = who[0]
    order.problems.add(order.at("relatedParty"), "missing", "The order needs a party in the role of the customer.")
    return Object({}, Problems())


def _window(order: Object) -> Window | None:
    start, end = (order.needed(name, values.instant) for name in DATES)
    if start is None or end is None:
        return None
    if start >= end:
        order.problems.add(order.at(DATES[1]), "window_empty", "A window ends after it starts.")
        return None
    return Window(start=start, end=end)


# --- what is told, and what is said again ------------------------------------------------------------------------


def _notes(node: Object) -> list[str | None]:
    texts = [one.needed("text", values.prose) for one in node.all("note", 20)]
    return [node.text("description", values.prose), *texts]


def _characteristics(service: Object) -> list[str | None]:
    """`wallType: concrete`, for whoever reads notes. A value that is no text, number or flag says nothing to people."""
    found: list[str | None] = []
    for one in service.all("serviceCharacteristic", 50):
        name, value = one.needed("name", values.line), one.members.get("value")
        if isinstance(value, dict):
            value = value.get("value")  # as version 3 wraps it
        if name and isinstance(value, str | int | float):
            told = one.problems.take(
                one.at("value"), values.prose, value if isinstance(value, str) else json.dumps(value)
            )
            found.append(f"{name}: {told}")
    return found


def _told(texts: Iterable[str | None]) -> str | None:
    return "\n".join(filter(None, texts))[: values.NOTES] or None


_REFERENCE = ("id", "externalReferenceType", "name")


def _echo(order: Object, party: Object) -> dict[str, Any]:
    """What the partner said and nobody else understands; of the person only the partner's number."""
    found: dict[str, Any] = {name: order.text(name, values.line) for name in ("category", "priority")}
    found |= {name: order.text(name, _written) for name in DATES}
    references = [one for one in order.all("externalReference", 20) if one.check("name")]
    found["externalReference"] = [_texts(one, _REFERENCE) for one in references]
    found["customer"] = party.text("id", values.line, values.ID)
    return {name: item for name, item in found.items() if item}


def _written(text: str) -> str:
    """A time as it was written."""
    values.instant(text)
    return text


def _item_echo(item: Object, service: Object, specification: Object, appointment: Object | None) -> dict[str, Any]:
    found = {
        "serviceType": service.text("serviceType", values.line),
        "specification": _texts(specification, ("name", "version")),
        "appointment": _texts(appointment, ("id", "href")) if appointment else None,
        "relations": [one for one in map(_relation, item.all("serviceOrderItemRelationship", 20)) if one],
    }
    return {name: value for name, value in found.items() if value}


def _texts(node: Object, names: Iterable[str]) -> dict[str, str]:
    return {name: text for name in names if (text := node.text(name, values.line))}


def _relation(one: Object) -> list[str] | None:
    """[type, the other item's id]. The standard requires `id` and describes `itemId`: either will do."""
    kind, other = one.text("relationshipType", values.line, values.ID), one.child("orderItem")
    named = other.needed("itemId" if other.says("itemId") else "id", values.line, values.ID)
    return [kind or "", named] if named else None


# --- changes -----------------------------------------------------------------------------------------------------


def change(order: Object, order_id: str, settings: Settings) -> ChangeOrder | CancelOrder:
    """A PATCH of an order: its items by their actions. Items that it does not name stay as they are."""
    state = order.code("state", STATUSES)
    window = _moved_to(order, settings)
    for name in FIXED:
        if order.says(name) and not (window and name in DATES):
            detail = "This cannot be changed here once the order is placed."
            order.problems.add(order.at(name), "cannot_change", detail)
    if state is not None and order.members["state"] == CANCELLED:
        return CancelOrder(partner_order_id="", change_id="", order_id=order_id, pointer=order.at("state"))
    if state is not None:
        detail = "Only cancelled can be asked for; every other state is ours to say."
        order.problems.add(order.at("state"), "cannot_change", detail)
    lines = [_changed(item, window) for item in _items(order)] if _asks(order) else []
    return ChangeOrder(partner_order_id="", change_id="", order_id=order_id, lines=tuple(filter(None, lines)))


def _asks(order: Object) -> bool:
    """Items are only missed where nothing else is said that has its own problem."""
    return order.says("serviceOrderItem") or not order.problems.found


def _moved_to(order: Object, settings: Settings) -> Window | None:
    moves = settings.dates_are_window and order.says("serviceOrderItem") and any(order.says(name) for name in DATES)
    return _window(order) if moves else None


def _changed(item: Object, window: Window | None) -> LineChange | None:
    action = _action(item)
    line_id = item.needed("id", values.line, values.ID)
    if action == "add":
        added = _line(item, item.child("service"), window)
        return LineChange(pointer=item.pointer, line_id=line_id, quantity=added.quantity, added=added)
    if action == "delete":
        return LineChange(pointer=item.pointer, line_id=line_id, cancelled=True)
    if action != "modify":
        return None
    if item.says("appointment"):
        detail = "Another time is asked for by a PATCH of the appointment."
        item.problems.add(item.at("appointment"), "cannot_change", detail)
    quantity = item.number("quantity", _whole, MAX_QUANTITY)
    return LineChange(
        pointer=item.pointer,
        line_id=line_id,
        quantity=quantity,
        requested_windows=(window,) if window else (),
    )


def cancel(task: Object, settings: Settings) -> CancelOrder:
    """A cancelServiceOrder: the whole order or nothing of it."""
    order = task.child("serviceOrder")
    reason = task.text("cancellationReason", values.prose)
    said = {
        "cancellationReason": reason,
        "requestedCancellationDate": task.text("requestedCancellationDate", _written),
    }
    return CancelOrder(
        partner_order_id="",
        change_id="",
        order_id=order.needed("id", values.line, values.ID) or "",
        pointer=order.at("id"),
        reason=REASONS.get(word(reason or ""), "order_cancelled_by_retailer"),
        text=reason,
        echo={"task": {name: text for name, text in said.items() if text}},
    )
