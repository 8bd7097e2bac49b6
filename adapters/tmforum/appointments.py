"""Appointments in: free slots, slots that are kept, visits that are moved (TMF646)."""

from typing import Any

from adapters import values
from adapters.canonical import ChangeOrder, HoldSlot, LineChange, Query, SlotWish, Window
from adapters.objects import Object
from adapters.reading import Problems
from adapters.tmforum.codes import CANCELLED, VISITS
from adapters.tmforum.people import region, word
from adapters.tmforum.settings import Settings

ORDER = "ord_"
SEPARATOR = "."
"""An appointment is a slot that we keep (`hold_…`), or the visit of an order's item: `ord_….1`."""

MAX_SLOTS = 20
_STATUSES = {status: status for status in ("initialized", *VISITS.values())}


def search(wanted: Object, settings: Settings) -> Query:
    asked = [_period(slot) for slot in wanted.all("requestedTimeSlot", MAX_SLOTS)]
    if wanted.check("requestedTimeSlot") and not asked:
        wanted.problems.add(wanted.at("requestedTimeSlot"), "missing", "Say in which time slots are looked for.")
    place = wanted.child("relatedPlace")
    return Query(
        about="slots",
        wishes=(_wish(place, settings),),
        windows=tuple(window for window in asked if window),
        echo={"relatedPlace": _place(place)} if place.says("role") else {},
    )


def create(appointment: Object, settings: Settings) -> HoldSlot | ChangeOrder:
    """A slot to be kept for an order to come; or the time of an item of an order of ours, where both are named."""
    window = _period(appointment)
    entities = [_entity(one) for one in appointment.all("relatedEntity", 20)]
    order = next((one for one in entities if one["id"].startswith(ORDER)), None)
    if order is None:
        return HoldSlot(
            wish=_wish(appointment.child("relatedPlace"), settings),
            window=window,
            pointer="/validFor",
            echo=_echo(appointment, entities),
        )
    item = next((one["id"] for one in entities if word(one["@referredType"]) == "serviceorderitem"), None)
    if item is None:
        detail = "Name the item of the order, too: its id, with the type ServiceOrderItem."
        appointment.problems.add(appointment.at("relatedEntity"), "missing", detail)
    return _moved(order["id"], item or "", window, made=True)


def _wish(place: Object, settings: Settings) -> SlotWish:
    where, postcode = region(place, settings)
    return SlotWish(country=where, postcode=postcode, pointer=place.pointer)


def _place(place: Object) -> dict[str, str]:
    return {name: text for name in ("id", "name", "role", "@type") if (text := place.text(name, values.line))}


def _period(node: Object) -> Window | None:
    period = node.child("validFor")
    start, end = (period.needed(name, values.instant) for name in ("startDateTime", "endDateTime"))
    if start is None or end is None:
        return None
    if start >= end:
        period.problems.add(period.at("endDateTime"), "window_empty", "A window ends after it starts.")
        return None
    return Window(start=start, end=end)


def _entity(one: Object) -> dict[str, str]:
    return {name: one.needed(name, values.line, values.ID) or "" for name in ("id", "role", "@referredType")}


def _echo(appointment: Object, entities: list[dict[str, str]]) -> dict[str, Any]:
    """What is said again of a slot that is kept; nothing about a person."""
    found: dict[str, Any] = {
        name: appointment.text(name, values.line, values.ID) for name in ("externalId", "category")
    }
    found["relatedEntity"] = entities
    return {name: item for name, item in found.items() if item}


# --- one appointment, by its id ----------------------------------------------------------------------------------


def visit(appointment_id: str) -> tuple[str, str] | None:
    """The order and the item of which it is the visit; None for a slot that is kept."""
    order, _, item = appointment_id.partition(SEPARATOR)
    return (order, item) if order.startswith(ORDER) else None


def change(appointment: Object, appointment_id: str, settings: Settings) -> HoldSlot | ChangeOrder:
    """Another time; or with the status `cancelled`, no time any more."""
    if appointment.code("status", _STATUSES) == CANCELLED:
        return delete(appointment_id, appointment.problems, {})
    window = _period(appointment)
    there = visit(appointment_id)
    if there is not None:
        return _moved(*there, window)
    return HoldSlot(hold_id=appointment_id, window=window, pointer="/validFor")


def _moved(order_id: str, line_id: str, window: Window | None, *, made: bool = False) -> ChangeOrder:
    line = LineChange(pointer="/validFor", line_id=line_id, requested_windows=(window,) if window else ())
    return ChangeOrder(
        partner_order_id="",
        change_id="",
        order_id=order_id,
        lines=(line,),
        books_slots=True,
        echo={"appointment": line_id, "made": made},
    )


def delete(appointment_id: str, problems: Problems, echo: dict[str, Any]) -> HoldSlot:
    """Give a slot back. A visit belongs to its order: nobody would know what is to become of that without a time."""
    if visit(appointment_id) is not None:
        problems.add("", "cannot_delete", "Cancel the order, or its item; or move the appointment to another time.")
    return HoldSlot(hold_id=appointment_id, echo=echo)


def read(appointment_id: str, echo: dict[str, Any]) -> Query:
    there = visit(appointment_id)
    if there is None:
        return Query(about="hold", hold_id=appointment_id, echo=echo)
    return Query(about="order", order_id=there[0], echo={**echo, "line": there[1]})
