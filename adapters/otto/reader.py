"""An order as OTTO tells it: whole, each time that one of its position items is otherwise."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters import values
from adapters.canonical import Address, ChangeOrder, Customer, Intent, LineChange, OrderLine, Price, SupportOrder
from adapters.countries import TWO_LETTERS
from adapters.objects import Object
from adapters.otto.codes import STANDS
from adapters.reading import Problems, Unfit

MAX_ITEMS = 256
COMPANY = "COMPANY"
DATES = ("processableDate", "sentDate", "cancellationDate", "returnedDate")
CENT = Decimal("0.01")
MAX_PRICE = Decimal(1_000_000)
NOISE = Decimal("0.0001")  # what a float of theirs may be off

_OFFSET = re.compile(r"([+-][0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Item:
    """A position item: one piece of one article, and how it stands."""

    node: Object
    id: str
    stand: str


def read(document: Any) -> list[Intent]:
    """The orders of a document: one, or the `resources` of a page. Raises `InvalidOrder` with every fault of it."""
    problems = Problems()
    found = Object(document, problems)
    orders = [found]
    if "resources" in found.members:
        orders = found.all("resources", MAX_ITEMS)
        if not orders:
            problems.add("/resources", "empty", "There is no order on this page.")
    intents: list[Intent] = [_change(order) for order in orders]
    problems.done()
    return intents


def instant(text: str) -> datetime:
    """RFC 3339; OTTO writes the offset without its colon, `+0000`."""
    return values.instant(text[:-5] + _OFFSET.sub(r"\1:\2", text[-5:]))


def _change(order: Object) -> ChangeOrder:
    """Every item that is not cancelled is named: what OTTO does not count any more is missing.

    The order is placed, or its items are added, as soon as they are PROCESSABLE; before that there is no address.
    """
    number = order.needed("orderNumber", values.line, values.ID) or ""
    items = _items(order)
    new = {item.id: _line(item) for item in items if item.stand == "ours"}
    return ChangeOrder(
        partner_order_id=number,
        change_id=_version(order, items),
        lines=tuple(
            LineChange(pointer=item.node.pointer, line_id=item.id, added=new.get(item.id))
            for item in items
            if item.stand != "gone"
        ),
        pointer=order.pointer,
        cancel_missing=True,
        whole=_whole(order, number, tuple(new.values())) if new else None,
    )


def _items(order: Object) -> list[Item]:
    """The position items. Three of one article are three of them: there is no quantity."""
    nodes = order.all("positionItems", MAX_ITEMS) if order.check("positionItems") else []
    items: list[Item] = []
    for node in nodes:
        node.check("fulfillmentStatus")
        item = node.needed("positionItemId", values.line, values.ID) or ""
        if item and any(item == other.id for other in items):
            order.problems.add(node.at("positionItemId"), "duplicate_line_id", "Another item has this id.")
        items.append(Item(node, item, node.code("fulfillmentStatus", STANDS) or ""))
    return items


def _version(order: Object, items: list[Item]) -> str:
    """The latest time that the order names, in milliseconds since 1970.

    `lastModifiedDate` need not be there, and can be older than an item's cancellation.
    """
    life = order.child("orderLifecycleInformation")
    times = [order.text("lastModifiedDate", instant), life.needed("lifecycleChangeDate", instant)]
    times += [item.node.text(name, instant) for item in items for name in DATES]
    known = [time for time in times if time is not None]
    return str(int(max(known).timestamp() * 1000)) if known else ""


def _line(item: Item) -> OrderLine:
    product = item.node.child("product")
    return OrderLine(
        line_id=item.id,
        sku=product.needed("sku", values.line, values.ID),
        title=product.text("productTitle", values.line),
        price=_price(item.node.child("itemValueGrossPrice")),
        notes="weeePickup: the old appliance goes, too." if item.node.flag("weeePickup") else None,
    )


def _price(price: Object) -> Price | None:
    price.check("amount")
    amount, currency = price.number("amount", _cents), price.needed("currency", values.currency)
    return None if amount is None or currency is None else Price(amount=amount, currency=currency, tax_included=True)


def _cents(amount: Decimal) -> Decimal:
    """A price is a float of theirs: whole cents but for what floats are off."""
    if not 0 <= amount < MAX_PRICE or abs((cents := amount.quantize(CENT)) - amount) > NOISE:
        raise Unfit("not_a_price", "This is not a price in whole cents.")
    return cents


def _whole(order: Object, number: str, lines: tuple[OrderLine, ...]) -> SupportOrder:
    home = order.child("deliveryAddress")
    address = _address(home)
    return SupportOrder(
        partner_order_id=number,
        ordered_at=order.needed("orderDate", instant),
        customer=_customer(home, address.country or None),
        service_address=address,
        lines=lines,
        echo={"salesOrderId": order.needed("salesOrderId", values.line, values.ID)},
    )


def _customer(home: Object, region: str | None) -> Customer:
    """Whom the technician asks for. The invoice's address is not read: its e-mail is a relay of OTTO's."""
    given, family = home.text("firstName", values.line), home.needed("lastName", values.line) or ""
    company = home.text("salutation", values.line) == COMPANY
    return Customer(
        family_name=family,
        given_name=given,
        company=" ".join(filter(None, (given, family))) if company else None,
        email=home.text("email", values.email),
        phone=home.text("phoneNumber", values.phone, region),
    )


def _address(home: Object) -> Address:
    return Address(
        street=home.needed("street", values.line) or "",
        house_number=home.text("houseNumber", values.line, values.SHORT),
        address_line2=home.text("addition", values.line),
        postcode=home.needed("zipCode", values.line, values.SHORT) or "",
        city=home.needed("city", values.line) or "",
        country=home.needed("countryCode", _country) or "",
    )


def _country(text: str) -> str:
    """ISO 3166-1 alpha-3."""
    if text not in TWO_LETTERS:
        raise Unfit("unknown_country", "This is not an ISO 3166 country code of three letters.")
    return TWO_LETTERS[text]
