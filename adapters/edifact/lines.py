"""LIN and what belongs to it: what is ordered, how often, for how much and when."""

from decimal import Decimal
from typing import Any

from adapters import values
from adapters.canonical import OrderLine, Price, Window
from adapters.edifact import times
from adapters.edifact.document import Document, Item
from adapters.edifact.faults import Error
from adapters.edifact.grammar import Branch
from adapters.edifact.party import mended
from adapters.reading import Unfit

MAX_LINES = 100
MAX_QUANTITY = 20

NUMBER, ACTION, GTIN = Item("1082", 1), Item("1229", 2), Item("7140", 3, 1)
QUANTITY = Item("6060", 1, 2)
AMOUNT, BASIS = Item("5118", 1, 2), Item("5284", 1, 5)
CURRENCY = Item("6345", 1, 2)
COUNTED = Item("6066", 1, 2)
TEXT = Item("C108", 4)
TITLE = Item("7008", 3, 4)

ORDERED = "21"
# A service has no bar code: EANCOM marks its number as one of a service, D.96A has EN only.
GTIN_KINDS = ("SRV", "EN", "UP")
# PIA: the supplier's number of the article, which is ours, and the buyer's.
OURS, THEIRS = "SA", ("IN", "BP")
# PRI: net, and gross before allowances; both without tax, unless agreed otherwise.
PRICES = ("AAA", "AAB")
_FRACTION = Decimal("0.0001")


def ordered(doc: Document) -> list[Branch]:
    """The lines of a message, as many as CNT counts, and each number once."""
    lines = doc.root.each("LIN")
    seen: set[str] = set()
    for line in lines[:MAX_LINES]:
        number = line.trigger.get(1)
        if number and number in seen:
            doc.add(line, line.trigger, NUMBER, "duplicate_line_id", "Another line has this number.")
        seen.add(number)
    if len(lines) > MAX_LINES:
        doc.add(lines[MAX_LINES], lines[MAX_LINES].trigger, NUMBER, "too_many", f"There may be {MAX_LINES} lines.")
    _check_count(doc, len(lines))
    return lines[:MAX_LINES]


def _check_count(doc: Document, lines: int) -> None:
    control = doc.root.first("CNT", "2")
    if control and doc.take(doc.root, control, COUNTED, doc.decimal) != lines:
        detail = f"CNT+2 counts the lines; these are {lines}."
        doc.faults.broken(Error.COUNT_DIFFERS, "CNT", "line_count", detail, (control, 1, 2))


def order_line(doc: Document, line: Branch, asked: tuple[Window, ...], currency: str | None) -> OrderLine:
    sku = article(doc, line, OURS)
    return OrderLine(
        line_id=number(doc, line) or "",
        quantity=quantity(doc, line, 1) or 0,
        sku=sku,
        gtin=None if sku else _gtin(doc, line),
        title=_title(doc, line),
        price=_price(doc, line, currency),
        requested_windows=times.windows(doc, line) or asked,
        notes=text(doc, line),
        echo=_echo(doc, line),
    )


def number(doc: Document, line: Branch) -> str | None:
    return doc.needed(line, line.trigger, NUMBER, values.line, 6)


def article(doc: Document, line: Branch, *kinds: str) -> str | None:
    """A number of the article in PIA."""
    for segment in line.all("PIA"):
        for element, parts in enumerate(segment.elements[1:], 2):
            if parts[1:2] and parts[1] in kinds:
                return doc.take(line, segment, Item("7140", element), values.line)
    return None


def _gtin(doc: Document, line: Branch) -> str | None:
    if line.trigger.get(3, 2) in GTIN_KINDS:
        return doc.needed(line, line.trigger, GTIN, values.gtin)
    doc.missing(line, "PIA", "Name the service: PIA+5 with our number (SA), or its GTIN in LIN.")
    return None


def quantity(doc: Document, line: Branch, least: int) -> int | None:
    segment = line.first("QTY", ORDERED)
    if segment is None:
        if least:
            doc.missing(line, "QTY", "QTY+21 says how many.")
        return None
    return doc.needed(line, segment, QUANTITY, _count, least, doc)


def _count(written: str, least: int, doc: Document) -> int:
    # In D.01B this is text, so that the grammar has not looked at it.
    count = values.whole(written.replace(doc.decimal_mark, "."))
    if not least <= count <= MAX_QUANTITY:
        raise Unfit("out_of_range", f"This may be {least} to {MAX_QUANTITY}.")
    return count


def _price(doc: Document, line: Branch, currency: str | None) -> Price | None:
    """The price of one: what stands there is for as many as the price basis says."""
    prices = {group.trigger.get(1): group for group in reversed(line.each("PRI"))}
    group = next((prices[kind] for kind in PRICES if kind in prices), None)
    if group is None:
        return None
    amount = doc.needed(group, group.trigger, AMOUNT, _amount, doc)
    basis = doc.take(group, group.trigger, BASIS, _amount, doc)
    if basis == 0:
        doc.add(group, group.trigger, BASIS, "out_of_range", "This is more than nothing.")
    if currency is None:
        doc.missing(doc.root, "CUX", "A price needs a currency.")
    if amount is None or currency is None:
        return None
    each = (amount / basis).quantize(_FRACTION) if basis and basis != 1 else amount
    return Price(amount=each, currency=currency, tax_included=doc.settings.tax_included)


def _amount(written: str, doc: Document) -> Decimal:
    amount = doc.decimal(written)
    if amount < 0:
        raise Unfit("negative", "This is less than nothing.")
    return amount


def currency(doc: Document) -> str | None:
    group = next(iter(doc.root.each("CUX")), None)
    return doc.needed(group, group.trigger, CURRENCY, values.currency) if group else None


def _title(doc: Document, line: Branch) -> str | None:
    segment = line.first("IMD")
    if segment is None:
        return None
    parts = [part for part in (segment.get(3, 4), segment.get(3, 5)) if part]
    whole = " ".join(mended(parts, doc.guideline.description))
    return doc.take(line, segment, TITLE, lambda _: values.line(whole, values.NOTES)) if whole else None


def text(doc: Document, branch: Branch) -> str | None:
    """FTX, each line of it as one. All of it is for the technician, whatever it is marked as."""
    found: list[str] = []
    for segment in branch.all("FTX"):
        found += mended(segment.parts(4), doc.guideline.text)
    whole = "\n".join(part.strip() for part in found)
    last = branch.first("FTX")
    return doc.take(branch, last, TEXT, lambda _: values.prose(whole)) if last and whole else None


def _echo(doc: Document, line: Branch) -> dict[str, Any]:
    """What our answer repeats: numbers of the article, the main line of a part, the unit."""
    lin, qty = line.trigger, line.first("QTY", ORDERED)
    said = {
        "gtin": lin.get(3, 1),
        "gtin_kind": lin.get(3, 2),
        "theirs": article(doc, line, *THEIRS),
        "part_of": lin.get(4, 2),
        "unit": qty.get(1, 3) if qty else "",
    }
    return {name: value for name, value in said.items() if value}
