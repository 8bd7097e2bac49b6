"""Orders as a web shop writes them."""

from datetime import datetime, timedelta
from typing import Any


def json_order(number: str, now: datetime, **over: Any) -> dict[str, Any]:
    """A valid order for a visit in a week, of one line."""
    day = (now + timedelta(days=7)).date().isoformat()
    order: dict[str, Any] = {
        "partner_order_id": number,
        "ordered_at": now.isoformat(),
        "bill_to": "partner",
        "customer": {
            "given_name": "Erika",
            "family_name": "Beispiel",
            "email": "erika@example.ch",
            "phone": "079 123 45 67",
            "language": "de",
        },
        "service_address": {
            "street": "Musterweg",
            "house_number": "7",
            "postcode": "8004",
            "city": "Zürich",
            "country": "CH",
        },
        "lines": [
            {
                "line_id": "10",
                "sku": "SVC-TV-WALL-65",
                "quantity": 1,
                "price": {"amount": "149.00", "currency": "CHF", "tax_included": True},
                "requested_windows": [{"start": f"{day}T08:00:00+01:00", "end": f"{day}T12:00:00+01:00"}],
            }
        ],
        "notes": "Hauseingang im Hof",
    }
    return {**order, **over}


NAMESPACES = 'xmlns="http://www.opentrans.org/XMLSchema/2.1" xmlns:b="http://www.bmecat.org/bmecat/2005"'


def _party(role: str, number: str, address: str) -> str:
    return (
        f'<PARTY><b:PARTY_ID type="x">{number}</b:PARTY_ID><PARTY_ROLE>{role}</PARTY_ROLE>'
        f"<ADDRESS>{address}</ADDRESS></PARTY>"
    )


PARTIES = (
    "<PARTIES>"
    + _party("buyer", "B1", "<b:NAME>Shop AG</b:NAME>")
    + _party("supplier", "S1", "<b:NAME>Support AG</b:NAME>")
    + _party(
        "delivery",
        "D1",
        "<b:NAME>Müller Jürg</b:NAME><CONTACT_DETAILS><b:CONTACT_NAME>Müller</b:CONTACT_NAME>"
        "<b:FIRST_NAME>Jürg</b:FIRST_NAME></CONTACT_DETAILS><b:STREET>Rue du Lac 5</b:STREET>"
        "<b:ZIP>8001</b:ZIP><b:CITY>Zürich</b:CITY><b:COUNTRY_CODED>CH</b:COUNTRY_CODED>",
    )
    + '</PARTIES><ORDER_PARTIES_REFERENCE><b:BUYER_IDREF type="x">B1</b:BUYER_IDREF>'
    '<b:SUPPLIER_IDREF type="x">S1</b:SUPPLIER_IDREF></ORDER_PARTIES_REFERENCE>'
)


def _date(window: tuple[str, str]) -> str:
    return (
        f'<DELIVERY_DATE type="fixed"><DELIVERY_START_DATE>{window[0]}</DELIVERY_START_DATE>'
        f"<DELIVERY_END_DATE>{window[1]}</DELIVERY_END_DATE></DELIVERY_DATE>"
    )


def _item(line: str, sku: str, quantity: int = 1, date: str = "") -> str:
    return (
        f"<ORDER_ITEM><LINE_ITEM_ID>{line}</LINE_ITEM_ID><PRODUCT_ID><b:SUPPLIER_PID>{sku}</b:SUPPLIER_PID>"
        f"</PRODUCT_ID><QUANTITY>{quantity}</QUANTITY><b:ORDER_UNIT>C62</b:ORDER_UNIT>{date}</ORDER_ITEM>"
    )


def opentrans(number: str, window: tuple[str, str], *, second: str = "SVC-NET-SETUP", encoding: str = "UTF-8") -> bytes:
    """An openTRANS ORDER of two lines."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><ORDER version="2.1" type="standard" {NAMESPACES}><ORDER_HEADER>'
        f"<ORDER_INFO><ORDER_ID>{number}</ORDER_ID><ORDER_DATE>2026-01-14T00:00:00</ORDER_DATE>{_date(window)}{PARTIES}"
        f"</ORDER_INFO></ORDER_HEADER><ORDER_ITEM_LIST>{_item('10', 'SVC-TV-WALL-65')}{_item('20', second)}"
        "</ORDER_ITEM_LIST><ORDER_SUMMARY><TOTAL_ITEM_NUM>2</TOTAL_ITEM_NUM></ORDER_SUMMARY></ORDER>"
    )
    return text.encode(encoding)


def opentrans_change(number: str, sequence: int, window: tuple[str, str]) -> bytes:
    """An ORDERCHANGE that moves line 10 and cancels line 20."""
    items = _item("10", "SVC-TV-WALL-65", date=_date(window)) + _item("20", "SVC-NET-SETUP", quantity=0)
    text = (
        f'<ORDERCHANGE version="2.1" {NAMESPACES}><ORDERCHANGE_HEADER><ORDERCHANGE_INFO><ORDER_ID>{number}</ORDER_ID>'
        "<ORDERCHANGE_DATE>2026-01-15T10:01:00</ORDERCHANGE_DATE>"
        f"<ORDERCHANGE_SEQUENCE_ID>{sequence}</ORDERCHANGE_SEQUENCE_ID>{PARTIES}</ORDERCHANGE_INFO>"
        f"</ORDERCHANGE_HEADER><ORDERCHANGE_ITEM_LIST>{items}</ORDERCHANGE_ITEM_LIST><ORDERCHANGE_SUMMARY>"
        "<TOTAL_ITEM_NUM>2</TOTAL_ITEM_NUM></ORDERCHANGE_SUMMARY></ORDERCHANGE>"
    )
    return text.encode()


def opentrans_cancel(number: str) -> bytes:
    """A CANCELREQUEST for the whole order."""
    return (
        f'<CANCELREQUEST version="2.1" {NAMESPACES}><CANCELREQUEST_HEADER><CANCELREQUEST_INFO>'
        f"<ORDER_ID>{number}</ORDER_ID><CANCELREQUEST_DATE>2026-01-15T10:01:00</CANCELREQUEST_DATE>"
        f"{PARTIES}</CANCELREQUEST_INFO></CANCELREQUEST_HEADER></CANCELREQUEST>"
    ).encode()
