"""JSON in: an order as a partner sends it, and an order as we keep it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from marshmallow import ValidationError

from adapters import values
from adapters.canonical import (
    EMPTY,
    Address,
    Customer,
    Intent,
    OrderLine,
    PlaceOrder,
    Price,
    Product,
    SupportOrder,
    Window,
)
from adapters.errors import Problem
from adapters.plain.schemas import MAX_LINES, OrderSchema
from adapters.reading import Problems, step

_SCHEMA = OrderSchema()


def read(document: Any) -> list[Intent]:
    """The order in `document`, which `strict_json` has parsed. Raises `InvalidOrder` with every fault of it."""
    problems = Problems()
    data: dict[str, Any] = {}
    try:
        data = _SCHEMA.load(document)
    except ValidationError as error:
        problems.found += _faults(error.messages, "")
    phone = None
    if isinstance(document, dict):
        phone = _phone(document, problems)
        _check_lines(document.get("lines"), problems)
    problems.done()
    return [PlaceOrder(order=_order(data, phone))]


def _phone(document: dict[str, Any], problems: Problems) -> str | None:
    """A national number belongs to the country of the address, wherever else in the document the faults are."""
    customer, address = document.get("customer"), document.get("service_address")
    phone = customer.get("phone") if isinstance(customer, dict) else None
    if not isinstance(phone, str) or not phone:
        return None
    country = address.get("country") if isinstance(address, dict) else None
    region = country.strip().upper() if isinstance(country, str) else None
    return problems.take("/customer/phone", values.phone, phone, region)


def _check_lines(lines: Any, problems: Problems) -> None:
    """What no single field can see: each line names one service, and no two have the same id."""
    if not isinstance(lines, list) or len(lines) > MAX_LINES:
        return
    seen: set[str] = set()
    for place, line in enumerate(lines):
        if not isinstance(line, dict):
            continue
        if [line.get("service"), line.get("sku"), line.get("gtin")].count(None) != 2:
            detail = "A line names its service by exactly one of service, sku and gtin."
            problems.add(f"/lines/{place}", "one_service_name", detail)
        line_id = line.get("line_id")
        if isinstance(line_id, str):
            # As `values.line` will keep it: é is one id, in one character or in two.
            kept = normalize("NFC", line_id.strip())
            if kept in seen:
                problems.add(f"/lines/{place}/line_id", "duplicate_line_id", "Another line has this id.")
            seen.add(kept)


def _faults(messages: Any, pointer: str) -> Iterator[Problem]:
    """Marshmallow's tree of messages, flat."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _faults(inner, pointer if name == "_schema" else f"{pointer}/{step(str(name))}")
        return
    for message in messages:
        code, _, detail = str(message).partition(": ")
        yield Problem(pointer=pointer, code=code, detail=detail)


def _order(data: dict[str, Any], phone: str | None) -> SupportOrder:
    customer = data["customer"]
    if phone is not None:
        customer["phone"] = phone
    return SupportOrder(
        partner_order_id=data["partner_order_id"],
        ordered_at=data.get("ordered_at"),
        bill_to=data.get("bill_to") or "partner",
        customer=Customer(**customer),
        service_address=Address(**data["service_address"]),
        lines=data["lines"],
        notes=data.get("notes"),
    )


# --- what we wrote ourselves -------------------------------------------------------------------------------------


def stored_order(document: Mapping[str, Any]) -> SupportOrder:
    """The inverse of `writer.order_json`, for documents that we wrote: nothing is checked."""
    ordered_at = document.get("ordered_at")
    return SupportOrder(
        partner_order_id=document["partner_order_id"],
        ordered_at=datetime.fromisoformat(ordered_at) if ordered_at else None,
        bill_to=document["bill_to"],
        customer=Customer(**document["customer"]),
        service_address=Address(**document["service_address"]),
        lines=tuple(_stored_line(line) for line in document["lines"]),
        notes=document.get("notes"),
        echo=document.get("echo", EMPTY),
    )


def _stored_line(document: Mapping[str, Any]) -> OrderLine:
    product, price = document.get("product"), document.get("price")
    return OrderLine(
        line_id=document["line_id"],
        quantity=document["quantity"],
        service=document.get("service"),
        sku=document.get("sku"),
        gtin=document.get("gtin"),
        title=document.get("title"),
        product=Product(**product) if product is not None else None,
        price=Price(**{**price, "amount": Decimal(price["amount"])}) if price is not None else None,
        requested_windows=tuple(_stored_window(window) for window in document.get("requested_windows", ())),
        hold_id=document.get("hold_id"),
        after_delivery_days=document.get("after_delivery_days"),
        notes=document.get("notes"),
        echo=document.get("echo", EMPTY),
    )


def _stored_window(document: Mapping[str, str]) -> Window:
    return Window(start=datetime.fromisoformat(document["start"]), end=datetime.fromisoformat(document["end"]))
