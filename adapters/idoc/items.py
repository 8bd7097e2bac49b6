"""E1EDP01: what is ordered, how often, for how much and when; and what becomes of it later."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters import values
from adapters.canonical import LineChange, OrderLine, Price, Window
from adapters.idoc import fields
from adapters.idoc.codes import ACTIONS, UNITS, Action
from adapters.idoc.fields import Idoc, qualified
from adapters.idoc.settings import Settings
from adapters.reading import Unfit
from adapters.xml import Node

MAX_LINES = 100
MAX_QUANTITY = 20
POSEX = 6  # characters; 00010 is not 10
Asked = Callable[[], tuple[Window, ...]]  # the header's date of delivery, for the items without one of their own
PADDED = (18, 40)  # the lengths to which SAP fills up the numbers of its own materials


def items(idoc: Idoc) -> list[Node]:
    found = idoc.all("E1EDP01")
    if len(found) > MAX_LINES:
        idoc.problems.add(found[MAX_LINES].pointer, "too_many", f"An IDoc has at most {MAX_LINES} items.")
    numbers = [item.raw("POSEX") for item in found]
    seen = Counter(numbers)
    for item, number in zip(found, numbers, strict=True):
        if number and seen[number] > 1:
            item.problems.add(f"{item.pointer}/POSEX", "duplicate_line_id", "Another item has this number.")
    return found[:MAX_LINES]


# --- an item of a new order --------------------------------------------------------------------------------------


def line(item: Node, settings: Settings, asked: Asked, currency: str | None) -> OrderLine:
    item.text("ACTION", _new)
    sku, gtin = _article(item)
    return OrderLine(
        line_id=item.needed("POSEX", values.line, POSEX) or "",
        quantity=_quantity(item, 1),
        sku=sku,
        gtin=gtin,
        title=_title(item),
        price=_price(item, currency),
        requested_windows=windows(item, settings) or asked(),
        notes=fields.prose(item, "E1EDPT1", "E1EDPT2"),
        echo=_echo(item),
    )


def _new(text: str) -> None:
    if text not in (Action.NEW, "000"):
        raise Unfit("not_new", "An ORDERS has new items only; changes come as ORDCHG.")


def _quantity(item: Node, least: int) -> int:
    """MENGE counts in MENEE, the unit of the order; BMNG2 counts in PMENE, the unit of the price."""
    item.text("MENEE", _unit)
    return item.needed("MENGE", fields.whole, least, MAX_QUANTITY) or 0


def _unit(text: str) -> str:
    if text not in UNITS:
        raise Unfit("unknown_unit", "This unit does not count visits; order services in LE or pieces.")
    return text


def _article(item: Node) -> tuple[str | None, str | None]:
    """Our number of the service (002), else theirs (001), else its EAN (003): sku and GTIN, one of them."""
    for code in ("002", "001"):
        named = qualified(item, "E1EDP19", "QUALF", code)
        if named is not None and named.says("IDTNR"):
            return named.text("IDTNR", _material), None
    ean = qualified(item, "E1EDP19", "QUALF", "003")
    if ean is not None and ean.says("IDTNR"):
        return None, ean.text("IDTNR", values.gtin)
    item.problems.add(f"{item.pointer}/E1EDP19", "missing", "An item names its service in E1EDP19 with QUALF 002.")
    return None, None


def _material(text: str) -> str:
    padded = len(text) in PADDED and text.isascii() and text.isdecimal()
    return values.line(text.lstrip("0") if padded else text, values.ID)


def _title(item: Node) -> str | None:
    named = next((found for found in item.all("E1EDP19") if found.says("KTEXT")), None)
    return named.text("KTEXT", values.line, values.NOTES) if named else None


def _price(item: Node, currency: str | None) -> Price | None:
    """VPREI is for PEINH pieces and without tax; ours is for one."""
    amount, pieces = item.text("VPREI", _amount), item.text("PEINH", _pieces) or Decimal(1)
    if amount is None or currency is None:
        return None
    each = amount if pieces == 1 else (amount / pieces).quantize(Decimal("0.0001"))
    return Price(amount=each, currency=currency, tax_included=False)


def _amount(text: str) -> Decimal:
    amount = fields.number(text)
    if amount < 0:
        raise Unfit("negative", "This is less than nothing.")
    return amount


def _pieces(text: str) -> Decimal:
    pieces = fields.number(text)
    if pieces <= 0:
        raise Unfit("out_of_range", "This is more than nothing.")
    return pieces


def windows(item: Node, settings: Settings) -> tuple[Window, ...]:
    """The schedule line's date, else the item's own date of delivery."""
    lines = [found for found in item.all("E1EDP20") if found.text("WMENG", fields.number) != 0]
    found = [window for line in lines for window in fields.window(line, "EDATU", "EZEIT", settings)]
    if any(window != found[0] for window in found[1:]):
        item.problems.add(f"{item.pointer}/E1EDP20", "several_dates", "Send an item of its own for each date.")
    if found:
        return (found[0],)
    dated = qualified(item, "E1EDP03", "IDDAT", "002")
    return fields.window(dated, "DATUM", "UZEIT", settings) if dated else ()


def _echo(item: Node) -> dict[str, Any]:
    """What an ORDRSP repeats of the item: its unit, and the reference that it came with."""
    unit, reference = item.raw("MENEE"), qualified(item, "E1EDP02", "QUALF", "001")
    told = [reference.text(name, values.line, 35) for name in ("BELNR", "ZEILE")] if reference else []
    return {
        **({"unit": unit} if unit in UNITS else {}),
        **({"reference": told} if any(told) else {}),
    }


# --- an item of a change -----------------------------------------------------------------------------------------


def change(item: Node, settings: Settings, asked: Asked, currency: str | None) -> LineChange:
    """What ACTION says of the item. One that is unchanged is named all the same: an order must have it."""
    done = item.needed("ACTION", action)
    if done is Action.NEW:
        added = line(item, settings, asked, currency)
        return LineChange(pointer=item.pointer, line_id=added.line_id, added=added)
    line_id = item.needed("POSEX", values.line, POSEX)
    if done is not Action.CHANGED:
        return LineChange(pointer=item.pointer, line_id=line_id, cancelled=done is Action.DELETED)
    quantity = _quantity(item, 0)
    return LineChange(
        pointer=item.pointer,
        line_id=line_id,
        quantity=quantity,
        requested_windows=(windows(item, settings) or asked()) if quantity else (),
        cancelled=quantity == 0,
    )


def action(text: str) -> Action:
    if text not in ACTIONS:
        raise Unfit("unknown_action", "An ACTION is 001 new, 002 changed, 003 deleted or 004 unchanged.")
    return ACTIONS[text]
