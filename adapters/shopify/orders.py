"""An order as Shopify tells it: whole, each time that something about it is otherwise; and what was refunded of one."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from adapters import values
from adapters.canonical import CancelOrder, ChangeOrder, Intent, LineChange, OrderLine, Price, Query, SupportOrder
from adapters.objects import Object
from adapters.reading import Problems, Unfit
from adapters.shopify import wishes
from adapters.shopify.codes import CANCELLATIONS
from adapters.shopify.place import address, customer, home_of
from adapters.shopify.settings import Settings

MAX_ITEMS = 500
MAX_LINES = 100
MAX_QUANTITY = 20
INT64 = 2**63
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NOTHING = Query(about="nothing")
"""Nothing of it is for us; a question is answered, and not kept: a shop's other orders are not our business."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line item of ours: how many were ordered, and how many are left."""

    node: Object
    id: str
    ordered: int
    left: int


def whole(order: Object, change_id: str, settings: Settings) -> list[Intent]:
    """The order as it is now; a removed line keeps its item, with nothing left of it, and is missing then."""
    if order.text("cancelled_at", values.instant) is not None:
        return _cancelled(order, change_id, settings)
    items = _items(order, settings)
    if not items:
        return [NOTHING]
    _refuse_test(order, settings)
    return [_changed(order, change_id, [item for item in items if item.left], settings)]


def _cancelled(order: Object, change_id: str, settings: Settings) -> list[Intent]:
    """A cancelled order is placed, too, where it is not here yet: its cancellation may overtake it, and what then comes
    late must not open it. Where it cannot be placed, for whatever fault, it is cancelled all the same.
    """
    faults = Problems()
    told = Object(order.members, faults, order.pointer)
    items = [replace(item, left=item.ordered) for item in _items(told, settings)]
    if not items and not faults.found:
        return [NOTHING]
    _refuse_test(order, settings)
    number, pointer = identity(order, "id"), order.at("cancelled_at")
    now = _order(told, _lines(told, items, settings))
    reason = order.code("cancel_reason", CANCELLATIONS) or CANCELLATIONS["other"]
    cancel = CancelOrder(partner_order_id=number, change_id=change_id, reason=reason, pointer=pointer)
    if faults.found:
        return [cancel]
    return [
        ChangeOrder(partner_order_id=number, change_id=change_id, lines=(), whole=now, pointer=order.pointer),
        cancel,
    ]


def _refuse_test(order: Object, settings: Settings) -> None:
    if order.flag("test") and not settings.test_orders:
        order.problems.add(order.at("test"), "test_order", "Test orders are not taken here.")


def _changed(order: Object, change_id: str, items: list[Item], settings: Settings) -> ChangeOrder:
    lines = _lines(order, items, settings)
    return ChangeOrder(
        partner_order_id=identity(order, "id"),
        change_id=change_id,
        lines=tuple(
            LineChange(
                pointer=item.node.pointer,
                line_id=item.id,
                quantity=item.left,
                requested_windows=line.requested_windows,
                added=line,
            )
            for item, line in zip(items, lines, strict=True)
        ),
        pointer=order.pointer,
        cancel_missing=True,
        whole=_order(order, lines) if lines else None,
    )


def _items(order: Object, settings: Settings) -> list[Item]:
    nodes = order.all("line_items", MAX_ITEMS) if order.check("line_items") else []
    ours = [node for node in nodes if settings.ours(node)]
    if len(ours) > MAX_LINES:
        order.problems.add(order.at("line_items"), "too_many", f"An order has at most {MAX_LINES} services.")
        ours = []
    items: list[Item] = []
    for node in ours:
        item = identity(node, "id")
        if item and any(item == other.id for other in items):
            order.problems.add(node.at("id"), "duplicate_line_id", "Another line has this id.")
        ordered = count(node, "quantity", 1)
        left = count(node, "current_quantity", 0) if node.says("current_quantity") else ordered
        items.append(Item(node, item, ordered, left))
    return items


def _lines(order: Object, items: list[Item], settings: Settings) -> tuple[OrderLine, ...]:
    asked = cache(lambda: wishes.windows(order, "note_attributes", settings))
    currency, included = order.text("currency", values.currency), order.flag("taxes_included") or False

    def line(item: Item) -> OrderLine:
        wished = wishes.windows(item.node, "properties", settings)
        return OrderLine(
            line_id=item.id,
            quantity=item.left,
            sku=item.node.needed("sku", values.line, values.ID),
            title=item.node.text("title", values.line),
            price=_price(item.node, currency, included),
            requested_windows=(asked() or ()) if wished is None else wished,
            notes=wishes.notes(item.node, settings),
        )

    return tuple(line(item) for item in items)


def _price(line: Object, currency: str | None, included: bool) -> Price | None:
    """Of one, in the shop's currency; discounts are between the shop and its customer."""
    amount = line.text("price", _amount)
    if amount is None or currency is None:
        return None
    return Price(amount=amount, currency=currency, tax_included=included)


def _order(order: Object, lines: tuple[OrderLine, ...]) -> SupportOrder:
    home, account = home_of(order), order.first("customer")
    place = address(home)
    name = order.text("name", values.line)
    key = identity(account, "id") if account is not None and account.says("id") else None
    return SupportOrder(
        partner_order_id=identity(order, "id"),
        ordered_at=order.text("created_at", values.instant),
        customer=customer(order, home, place.country or None),
        service_address=place,
        lines=lines,
        notes=order.text("note", values.prose),
        echo={**({"customer": key} if key else {}), **({"name": name} if name else {})},
    )


def refunded(refund: Object, settings: Settings) -> list[Intent]:
    """How many visits are left after a refund of services; money alone cancels nothing.

    Never how many fewer: the same refund is told by orders/updated, too, before or after. Where the line item does not
    say what is left, earlier refunds are not counted, and orders/updated tells the rest. The version is the second of
    the refund, so that no order told after it counts as older.
    """
    number = identity(refund, "order_id")
    changes = []
    for part in refund.all("refund_line_items", MAX_ITEMS):
        line = part.child("line_item")
        if settings.ours(line):
            quantity = count(part, "quantity", 0)
            says = line.says("current_quantity")
            left = count(line, "current_quantity", 0) if says else count(line, "quantity", 1) - quantity
            line_id = identity(part, "line_item_id")
            changes.append(LineChange(pointer=part.pointer, line_id=line_id, quantity=max(left, 0)))
    created = refund.needed("created_at", values.instant)
    if not changes or created is None:
        return [NOTHING]
    version = moment(created.replace(microsecond=0))
    return [ChangeOrder(partner_order_id=number, change_id=version, lines=tuple(changes), pointer=refund.pointer)]


# --- numbers ------------------------------------------------------------------------------------------------------


def moment(at: datetime) -> str:
    """Microseconds since 1970, by which the versions of an order are told apart."""
    return str((at - EPOCH) // timedelta(microseconds=1))


def identity(node: Object, name: str) -> str:
    """An int64 of Shopify's, as text; empty, and a problem, where there is none."""
    node.check(name)
    return node.number(name, _identity) or ""


def _identity(number: Decimal) -> str:
    if not 0 < number < INT64 or number != number.to_integral_value():
        raise Unfit("not_an_id", "This is not an id of Shopify's.")
    return str(int(number))


def count(node: Object, name: str, least: int) -> int:
    node.check(name)
    found = node.number(name, _count, least)
    return least if found is None else found


def _count(number: Decimal, least: int) -> int:
    if not least <= number <= MAX_QUANTITY or number != number.to_integral_value():
        raise Unfit("out_of_range", f"This may be {least} to {MAX_QUANTITY}.")
    return int(number)


def _amount(text: str) -> Decimal:
    amount = values.decimal(text)
    if amount < 0:
        raise Unfit("negative", "This is less than nothing.")
    return amount
