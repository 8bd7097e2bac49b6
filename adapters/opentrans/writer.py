"""openTRANS out: ORDERRESPONSE, CANCELCONFIRMATION and DISPATCHNOTIFICATION, elements in the XSD's order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.canonical import Job, OrderLine, Window
from adapters.opentrans.codes import BMECAT, ENDED, GONE, OPENTRANS
from adapters.opentrans.settings import Settings

COMMENT = 100  # characters of a RESPONSECOMMENT that Galaxus reads

_NAMESPACES: Any = {None: OPENTRANS, "bmecat": BMECAT}
_OF_BMECAT = frozenset(
    {"BUYER_IDREF", "BUYER_PID", "DESCRIPTION_SHORT", "ORDER_UNIT", "PARTY_ID", "SUPPLIER_IDREF", "SUPPLIER_PID"}
)
_PIECE = "C62"  # UN/ECE Recommendation 20: one


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What every document of ours is about: an order by both ids, what its sender wants back, and when."""

    partner_order_id: str
    order_id: str | None
    echo: Mapping[str, Any]
    at: datetime
    settings: Settings

    @property
    def today(self) -> str:
        return self.at.astimezone(self.settings.zone).isoformat(timespec="seconds")


def _document(kind: str) -> etree._Element:
    return etree.Element(f"{{{OPENTRANS}}}{kind}", {"version": "2.1"}, nsmap=_NAMESPACES)


def _add(parent: etree._Element, name: str, text: str | None = None, kind: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{BMECAT if name in _OF_BMECAT else OPENTRANS}}}{name}")
    element.text = text
    if kind:
        element.set("type", kind)
    return element


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# --- ORDERRESPONSE -----------------------------------------------------------------------------------------------


def order_response(letter: Letter, jobs: Sequence[Job], lines: Iterable[OrderLine], change_id: str | None) -> bytes:
    """How these lines stand: QUANTITY counts the visits that will be or have been, DELIVERY_DATE says when."""
    root = _document("ORDERRESPONSE")
    info = _add(_add(root, "ORDERRESPONSE_HEADER"), "ORDERRESPONSE_INFO")
    _add(info, "ORDER_ID", letter.partner_order_id)
    _add(info, "ORDERRESPONSE_DATE", letter.today)
    if letter.order_id:
        _add(info, "SUPPLIER_ORDER_ID", letter.order_id)
    if change_id:
        _add(info, "ORDERCHANGE_SEQUENCE_ID", change_id)
    _parties(info, letter)
    refs = _add(info, "ORDER_PARTIES_REFERENCE")
    _idref(refs, "BUYER_IDREF", letter, "buyer")
    _idref(refs, "SUPPLIER_IDREF", letter, "supplier")
    items = _add(root, "ORDERRESPONSE_ITEM_LIST")
    for line in lines:
        _response_item(items, line, [job for job in jobs if job.line_id == line.line_id])
    _add(_add(root, "ORDERRESPONSE_SUMMARY"), "TOTAL_ITEM_NUM", str(len(items)))
    return _bytes(root)


def _response_item(items: etree._Element, line: OrderLine, visits: list[Job]) -> None:
    live = [visit for visit in visits if visit.state not in GONE]
    item = _add(items, "ORDERRESPONSE_ITEM")
    _add(item, "LINE_ITEM_ID", line.line_id)
    _product(item, line)
    _add(item, "QUANTITY", str(len(live)))
    _add(item, "ORDER_UNIT", str(line.echo.get("unit") or _PIECE))
    _dates(item, live)
    reasons = dict.fromkeys(visit.reason.code for visit in visits if visit.reason and visit.state in GONE)
    if reasons:
        _add(item, "REMARKS", ", ".join(reasons), "orderresponse")


def _dates(item: etree._Element, live: list[Job]) -> None:
    """One DELIVERY_DATE where all visits have the same, else each visit's own."""
    windows = {visit.window for visit in live}
    if len(windows) <= 1:
        _date(item, live[0] if live else None)
        return
    partial = _add(item, "PARTIAL_DELIVERY_LIST")
    for visit in live:
        one = _add(partial, "PARTIAL_DELIVERY")
        _add(one, "QUANTITY", "1")
        _date(one, visit)


def _date(parent: etree._Element, visit: Job | None) -> None:
    if visit is not None and visit.window is not None:
        date = _add(parent, "DELIVERY_DATE", kind="fixed")
        start, end = _local(visit.window, ZoneInfo(visit.timezone))
        _add(date, "DELIVERY_START_DATE", start)
        _add(date, "DELIVERY_END_DATE", end)


def _local(window: Window, zone: ZoneInfo) -> tuple[str, str]:
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    return start.isoformat(timespec="seconds"), end.isoformat(timespec="seconds")


# --- CANCELCONFIRMATION ------------------------------------------------------------------------------------------


def cancel_confirmation(letter: Letter, *, accepted: bool, comment: str = "") -> bytes:
    """Galaxus' answer to a CANCELREQUEST; the XSD does not know it."""
    root = _document("CANCELCONFIRMATION")
    info = _add(_add(root, "CANCELCONFIRMATION_HEADER"), "CANCELCONFIRMATION_INFO")
    _add(info, "ORDER_ID", letter.partner_order_id)
    _add(info, "CANCELCONFIRMATION_DATE", letter.today)
    _add(info, "REQUESTACCEPTED", "true" if accepted else "false")
    if comment:
        _add(info, "RESPONSECOMMENT", comment[:COMMENT])
    return _bytes(root)


# --- DISPATCHNOTIFICATION ----------------------------------------------------------------------------------------


def dispatch_notification(letter: Letter, event_id: str, line: OrderLine, visits: Sequence[Job]) -> bytes:
    """One visit of the line is done. DELIVERY_COMPLETED says whether all of them are."""
    root = _document("DISPATCHNOTIFICATION")
    info = _add(_add(root, "DISPATCHNOTIFICATION_HEADER"), "DISPATCHNOTIFICATION_INFO")
    _add(info, "DISPATCHNOTIFICATION_ID", event_id)
    _add(info, "DISPATCHNOTIFICATION_DATE", letter.today)
    _parties(info, letter)
    _idref(info, "SUPPLIER_IDREF", letter, "supplier")
    _idref(info, "BUYER_IDREF", letter, "buyer")
    _idref(_add(info, "SHIPMENT_PARTIES_REFERENCE"), "DELIVERY_IDREF", letter, "delivery")
    _dispatch_item(
        _add(_add(root, "DISPATCHNOTIFICATION_ITEM_LIST"), "DISPATCHNOTIFICATION_ITEM"), letter, line, visits
    )
    _add(_add(root, "DISPATCHNOTIFICATION_SUMMARY"), "TOTAL_ITEM_NUM", "1")
    return _bytes(root)


def _dispatch_item(item: etree._Element, letter: Letter, line: OrderLine, visits: Sequence[Job]) -> None:
    all_done = len(visits) >= line.quantity and all(visit.state in ENDED for visit in visits)
    _add(item, "LINE_ITEM_ID", line.line_id)
    _product(item, line)
    _add(item, "QUANTITY", "1")
    _add(item, "ORDER_UNIT", str(line.echo.get("unit") or _PIECE))
    _add(item, "DELIVERY_COMPLETED", "true" if all_done else "false")
    reference = _add(item, "ORDER_REFERENCE")
    _add(reference, "ORDER_ID", letter.partner_order_id)
    _add(reference, "LINE_ITEM_ID", line.line_id)
    if number := letter.echo.get("customer_order_id"):
        _add(_add(item, "CUSTOMER_ORDER_REFERENCE"), "ORDER_ID", str(number))
    _idref(_add(item, "SHIPMENT_PARTIES_REFERENCE"), "DELIVERY_IDREF", letter, "delivery")


# --- what all of them have ---------------------------------------------------------------------------------------


def _product(item: etree._Element, line: OrderLine) -> None:
    product = _add(item, "PRODUCT_ID")
    if name := line.sku or line.service or line.gtin:
        _add(product, "SUPPLIER_PID", name)
    if buyer_pid := line.echo.get("buyer_pid"):
        _add(product, "BUYER_PID", buyer_pid[1], buyer_pid[0])


def _parties(info: etree._Element, letter: Letter) -> None:
    """The parties by id and role; their addresses they know, and need not be sent about again."""
    parties = _add(info, "PARTIES")
    for told in letter.echo.get("parties") or _strangers(letter.settings):
        party = _add(parties, "PARTY")
        for kind, number in told["ids"]:
            _add(party, "PARTY_ID", number, kind)
        for role in told["roles"]:
            _add(party, "PARTY_ROLE", role)


def _strangers(settings: Settings) -> list[dict[str, Any]]:
    """The parties of an order that did not come as openTRANS."""
    return [
        {"ids": [[None, settings.buyer_id]], "roles": ["buyer"]},
        {"ids": [[None, settings.supplier_id]], "roles": ["supplier"]},
    ]


def _idref(parent: etree._Element, name: str, letter: Letter, role: str) -> None:
    known = letter.echo.get(role) or next(
        (told["ids"][0] for told in letter.echo.get("parties", ()) if role in told["roles"]), None
    )
    # A delivery party without an id, or none at all: the buyer speaks for it.
    kind, number = known or [None, letter.settings.supplier_id if role == "supplier" else letter.settings.buyer_id]
    _add(parent, name, number, kind)
