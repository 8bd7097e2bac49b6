"""One line of a document: what is ordered, how often, for how much and when."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters import values
from adapters.canonical import OrderLine, Price, Product, Window
from adapters.opentrans import party
from adapters.opentrans.settings import Settings
from adapters.reading import Unfit
from adapters.xml import Node

MAX_QUANTITY = 20
LINE_ID = 50  # characters, as in the XSD


def line(
    item: Node, settings: Settings, asked: tuple[Window, ...], currency: str | None, new: bool = True
) -> OrderLine:
    """A line that is not `new` need not say again what it is."""
    product = item.child("PRODUCT_ID")
    named = product.needed if new else product.text
    return OrderLine(
        line_id=item.needed("LINE_ITEM_ID", values.line, LINE_ID) or "",
        quantity=quantity(item, 1),
        sku=named("SUPPLIER_PID", values.line, values.ID),
        title=product.text("DESCRIPTION_SHORT", values.line, values.NOTES),
        product=_gtin(product),
        price=_price(item, settings, currency),
        requested_windows=windows(item, settings) or asked,
        notes=remarks(item),
        echo=_line_echo(item, product),
    )


def quantity(item: Node, least: int) -> int:
    return item.needed("QUANTITY", _count, least) or 0


def _count(text: str, least: int) -> int:
    count = values.whole(text)
    if not least <= count <= MAX_QUANTITY:
        raise Unfit("out_of_range", f"This may be {least} to {MAX_QUANTITY}.")
    return count


def _gtin(product: Node) -> Product | None:
    """A hint which device it is about; shops put numbers of their own there too, so that a wrong one is no fault."""
    for node in product.all("INTERNATIONAL_PID"):
        if (node.attribute("type") or "").lower() in ("ean", "gtin"):
            try:
                return Product(gtin=values.gtin(node.value))
            except Unfit:
                continue
    return None


def _price(item: Node, settings: Settings, currency: str | None) -> Price | None:
    """PRICE_AMOUNT is for PRICE_QUANTITY pieces, net unless agreed otherwise; ours is for one."""
    fix = item.first("PRODUCT_PRICE_FIX")
    if fix is None:
        return None
    amount, pieces = fix.needed("PRICE_AMOUNT", _amount), fix.text("PRICE_QUANTITY", _pieces) or Decimal(1)
    if amount is None or currency is None:
        return None
    each = amount if pieces == 1 else (amount / pieces).quantize(Decimal("0.0001"))
    return Price(amount=each, currency=currency, tax_included=settings.tax_included)


def _amount(text: str) -> Decimal:
    amount = values.decimal(text)
    if amount < 0:
        raise Unfit("negative", "This is less than nothing.")
    return amount


def _pieces(text: str) -> Decimal:
    pieces = values.decimal(text)
    if pieces <= 0:
        raise Unfit("out_of_range", "This is more than nothing.")
    return pieces


def windows(node: Node, settings: Settings) -> tuple[Window, ...]:
    """DELIVERY_DATE. Days mean whole days, and so does the same midnight twice, as senders without a time write it."""
    if node.first("PARTIAL_DELIVERY_LIST") is not None:
        detail = "Send a line of its own for each date."
        node.problems.add(f"{node.pointer}/PARTIAL_DELIVERY_LIST", "partial_delivery", detail)
    dates = node.first("DELIVERY_DATE")
    if dates is None:
        return ()
    start = dates.needed("DELIVERY_START_DATE", values.wall_time, settings.zone)
    end = dates.needed("DELIVERY_END_DATE", values.wall_time, settings.zone)
    if start is not None and end is not None and _is_day(dates, start, end, settings.zone):
        tomorrow = end.astimezone(settings.zone).date() + timedelta(days=1)
        where = f"{dates.pointer}/DELIVERY_END_DATE"
        end = dates.problems.take(where, values.wall_time, tomorrow.isoformat(), settings.zone)
    if start is None or end is None:
        return ()
    if start >= end:
        dates.problems.add(f"{dates.pointer}/DELIVERY_END_DATE", "window_empty", "A window ends after it starts.")
    return (Window(start=start, end=end),)


def _is_day(dates: Node, start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    written = dates.raw("DELIVERY_END_DATE") or ""
    return "T" not in written or (start == end and start.astimezone(zone).time() == time.min)


def remarks(node: Node) -> str | None:
    said = [r.problems.take(r.pointer, values.prose, r.value) for r in node.all("REMARKS") if r.value]
    whole = "\n".join(text for text in said if text)
    return node.problems.take(f"{node.pointer}/REMARKS", values.prose, whole) if whole else None


def _line_echo(item: Node, product: Node) -> dict[str, object]:
    pid, unit = product.first("BUYER_PID"), item.text("ORDER_UNIT", values.line, values.SHORT)
    buyer_pid = party.reference_of(pid, 50) if pid and pid.value else None
    return {**({"buyer_pid": buyer_pid} if buyer_pid else {}), **({"unit": unit} if unit else {})}
