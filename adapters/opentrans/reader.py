"""openTRANS in: ORDER, ORDERCHANGE and CANCELREQUEST become intents.

Lenient where real senders are: the XSD's order of elements is not asked for, empty elements are absent, namespaces may
be missing. Strict where it costs somebody a visit: dates, quantities, the person at the door.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from unicodedata import normalize

from lxml import etree

from adapters import values
from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    Intent,
    LineChange,
    PlaceOrder,
    SupportOrder,
    Window,
)
from adapters.errors import MalformedMessage, Problem, Unsupported
from adapters.opentrans import lines, party
from adapters.opentrans.codes import KNOWN, NOT_FOR_US
from adapters.opentrans.settings import Settings
from adapters.reading import Problems
from adapters.xml import Node, local_name

MAX_LINES = 100
ORDER_ID = 250  # characters, as in the XSD


def read(root: etree._Element, settings: Settings) -> list[Intent]:
    """The intent of one document. Raises `TranslationError` with every problem of it."""
    name = local_name(root)
    if name in NOT_FOR_US:
        detail = "This is a document for the customer's side; here orders, changes and cancellations are taken."
        raise Unsupported([Problem(pointer=f"/{name}", code="not_for_us", detail=detail)])
    reader = READERS.get(name)
    if reader is None:
        detail = "The root element is none of ORDER, ORDERCHANGE and CANCELREQUEST."
        raise MalformedMessage([Problem(pointer="/", code="not_opentrans", detail=detail)])
    problems = Problems()
    intent = reader(root, problems, settings)
    problems.done()
    return [intent]


def _order(root: etree._Element, problems: Problems, settings: Settings) -> PlaceOrder:
    info = _info(root, problems)
    found = party.parties(info)
    home = party.delivery(found, problems)
    address = party.place(home)
    items = _items(root, problems)
    currency = info.text("CURRENCY", values.currency)
    asked = lines.windows(info, settings)
    ordered = tuple(lines.line(item, settings, asked, currency) for item in items)
    _unique(items, problems)
    if not info.says("CURRENCY") and any(line.first("PRODUCT_PRICE_FIX") for line in items):
        problems.add("//ORDER_INFO/CURRENCY", "missing", "A price needs a currency.")
    return PlaceOrder(
        order=SupportOrder(
            partner_order_id=info.needed("ORDER_ID", values.line, ORDER_ID) or "",
            ordered_at=info.text("ORDER_DATE", values.wall_time, settings.zone),
            customer=party.person(home, found, address.country, _language(info)),
            service_address=address,
            lines=ordered,
            notes=lines.remarks(info),
            echo=party.echo(info, found) | _reference(info) | _ignored(root),
        )
    )


def _info(root: etree._Element, problems: Problems) -> Node:
    """`//ORDER_INFO` and its like; where it is missing, everything in it is."""
    kind = local_name(root)
    header = next((child for child in root if local_name(child) == f"{kind}_HEADER"), ())
    inner = next((child for child in header if local_name(child) == f"{kind}_INFO"), None)
    return Node(inner if inner is not None else etree.Element(f"{kind}_INFO"), problems)


def _items(root: etree._Element, problems: Problems) -> list[Node]:
    kind = local_name(root)
    # Galaxus names the items of a CANCELREQUEST after the document; an ORDERCHANGE has plain ORDER_ITEMs.
    names = ("ORDER_ITEM", f"{kind}_ITEM")
    outer = next((child for child in root if local_name(child) == f"{kind}_ITEM_LIST"), ())
    found = [child for child in outer if local_name(child) in names]
    if len(found) > MAX_LINES:
        problems.add(f"//{kind}_ITEM_LIST", "too_many", f"A document has at most {MAX_LINES} items.")
    if not found and kind != "CANCELREQUEST":
        problems.add(f"//{kind}_ITEM_LIST/ORDER_ITEM", "missing", "This is missing.")
    return [Node(child, problems, place=place) for place, child in enumerate(found[:MAX_LINES], 1)]


def _unique(items: list[Node], problems: Problems) -> None:
    seen = Counter[str]()
    for item in items:
        # As `values.line` will keep it: é is one id, in one character or in two.
        line_id = normalize("NFC", item.raw("LINE_ITEM_ID") or "")
        seen[line_id] += 1
        if line_id and seen[line_id] > 1:
            problems.add(f"{item.pointer}/LINE_ITEM_ID", "duplicate_line_id", "Another line has this id.")


def _language(info: Node) -> str | None:
    told = [node for node in info.all("LANGUAGE") if node.value]
    # BMEcat marks one of several as the default.
    best = next((node for node in told if (node.attribute("default") or "").lower() == "true"), next(iter(told), None))
    return best.problems.take(best.pointer, values.language, best.value) if best else None


def _reference(info: Node) -> dict[str, object]:
    """The number that the customer knows the order by."""
    reference = info.first("CUSTOMER_ORDER_REFERENCE")
    number = reference.text("ORDER_ID", values.line, ORDER_ID) if reference else None
    return {"customer_order_id": number} if number else {}


def _ignored(root: etree._Element) -> dict[str, object]:
    count = len([element for element in root.iter() if element.tag not in KNOWN])
    return {"ignored": count} if count else {}


# --- later versions ----------------------------------------------------------------------------------------------


def _change(root: etree._Element, problems: Problems, settings: Settings) -> ChangeOrder:
    """openTRANS has no action codes: the items say how they are now. QUANTITY 0 is a line that is cancelled, and one
    that the order does not have is added to it."""
    info = _info(root, problems)
    items = _items(root, problems)
    asked = lines.windows(info, settings)
    _unique(items, problems)
    currency = info.text("CURRENCY", values.currency)
    return ChangeOrder(
        partner_order_id=info.needed("ORDER_ID", values.line, ORDER_ID) or "",
        change_id=info.needed("ORDERCHANGE_SEQUENCE_ID", values.line, values.ID) or "",
        lines=tuple(_line_change(item, settings, asked, currency) for item in items),
        pointer=info.pointer,
        cancel_missing=settings.missing_lines == "cancel",
    )


def _line_change(item: Node, settings: Settings, asked: tuple[Window, ...], currency: str | None) -> LineChange:
    if not lines.quantity(item, 0):
        line_id = item.needed("LINE_ITEM_ID", values.line, lines.LINE_ID)
        sku = item.child("PRODUCT_ID").text("SUPPLIER_PID", values.line, values.ID)
        return LineChange(pointer=item.pointer, line_id=line_id, sku=sku, quantity=0, cancelled=True)
    line = lines.line(item, settings, asked, currency, new=False)
    return LineChange(
        pointer=item.pointer,
        line_id=line.line_id,
        sku=line.sku,
        quantity=line.quantity,
        requested_windows=line.requested_windows,
        added=line if line.sku else None,
    )


def _cancel(root: etree._Element, problems: Problems, settings: Settings) -> CancelOrder:
    """Galaxus' extension. Its line numbers are the document's own: a line is known by its SUPPLIER_PID and quantity."""
    info = _info(root, problems)
    order_id = info.needed("ORDER_ID", values.line, ORDER_ID) or ""
    told = info.text("CANCELREQUEST_DATE", values.wall_time, settings.zone)
    found: dict[str, LineChange] = {}
    for item in _items(root, problems):
        sku = item.child("PRODUCT_ID").needed("SUPPLIER_PID", values.line, values.ID) or ""
        before = found.get(sku)
        quantity = lines.quantity(item, 1) + ((before.quantity or 0) if before else 0)
        found[sku] = LineChange(pointer=before.pointer if before else item.pointer, sku=sku, quantity=quantity)
    # The document has no number. What it says on which day is what tells two of them apart.
    said = repr((told, sorted((sku, line.quantity) for sku, line in found.items())))
    return CancelOrder(
        partner_order_id=order_id,
        change_id=sha256(said.encode()).hexdigest()[:16],
        lines=tuple(found.values()),
        pointer=info.pointer,
        text=lines.remarks(info),
    )


READERS: dict[str, Callable[[etree._Element, Problems, Settings], Intent]] = {
    "ORDER": _order,
    "ORDERCHANGE": _change,
    "CANCELREQUEST": _cancel,
}
