"""What the two retailers send: an openTRANS order as Brack writes it, JSON orders as a web shop does."""

from datetime import date, datetime, timedelta
from typing import Any

ISO = "ISO-8859-1"
XML = f"application/xml; charset={ISO}"

OPENTRANS_ORDER = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<ORDER version="2.1" type="standard" xmlns="http://www.opentrans.org/XMLSchema/2.1"
       xmlns:bme="http://www.bmecat.org/bmecat/2005">
  <ORDER_HEADER>
    <CONTROL_INFO><GENERATION_DATE>{now:%Y-%m-%d}T09:30:00</GENERATION_DATE></CONTROL_INFO>
    <ORDER_INFO>
      <ORDER_ID>{number}</ORDER_ID>
      <ORDER_DATE>{now:%Y-%m-%d}T00:00:00</ORDER_DATE>
      <DELIVERY_DATE type="fixed">
        <DELIVERY_START_DATE>{day:%Y-%m-%d}T08:00:00</DELIVERY_START_DATE>
        <DELIVERY_END_DATE>{day:%Y-%m-%d}T12:00:00</DELIVERY_END_DATE>
      </DELIVERY_DATE>
      <bme:LANGUAGE>ger</bme:LANGUAGE>
      <PARTIES>
        <PARTY>
          <bme:PARTY_ID type="supplier_specific">S123456</bme:PARTY_ID><PARTY_ROLE>buyer</PARTY_ROLE>
          <ADDRESS><bme:NAME>BRACK.CH AG</bme:NAME></ADDRESS>
        </PARTY>
        <PARTY>
          <bme:PARTY_ID type="customer_specific">K1234</bme:PARTY_ID><PARTY_ROLE>supplier</PARTY_ROLE>
          <ADDRESS><bme:NAME>Stecker</bme:NAME></ADDRESS>
        </PARTY>
        <PARTY>
          <bme:PARTY_ID type="customer_specific">EK-99812</bme:PARTY_ID><PARTY_ROLE>delivery</PARTY_ROLE>
          <ADDRESS>
            <bme:NAME>Müller Jürg</bme:NAME>
            <CONTACT_DETAILS>
              <bme:CONTACT_NAME>Müller</bme:CONTACT_NAME><bme:FIRST_NAME>Jürg</bme:FIRST_NAME>
              <bme:PHONE type="mobile">079 123 45 67</bme:PHONE>
            </CONTACT_DETAILS>
            <bme:STREET>Rämistrasse 5</bme:STREET><bme:ZIP>8001</bme:ZIP><bme:CITY>Zürich</bme:CITY>
            <bme:COUNTRY_CODED>CH</bme:COUNTRY_CODED>
          </ADDRESS>
        </PARTY>
      </PARTIES>
      <ORDER_PARTIES_REFERENCE>
        <bme:BUYER_IDREF type="supplier_specific">S123456</bme:BUYER_IDREF>
        <bme:SUPPLIER_IDREF type="customer_specific">K1234</bme:SUPPLIER_IDREF>
      </ORDER_PARTIES_REFERENCE>
    </ORDER_INFO>
  </ORDER_HEADER>
  <ORDER_ITEM_LIST>
    <ORDER_ITEM>
      <LINE_ITEM_ID>10</LINE_ITEM_ID>
      <PRODUCT_ID><bme:SUPPLIER_PID>SVC-TV-WALL-65</bme:SUPPLIER_PID></PRODUCT_ID>
      <QUANTITY>1</QUANTITY><bme:ORDER_UNIT>C62</bme:ORDER_UNIT>
    </ORDER_ITEM>
    <ORDER_ITEM>
      <LINE_ITEM_ID>20</LINE_ITEM_ID>
      <PRODUCT_ID><bme:SUPPLIER_PID>SVC-NET-SETUP</bme:SUPPLIER_PID></PRODUCT_ID>
      <QUANTITY>1</QUANTITY><bme:ORDER_UNIT>C62</bme:ORDER_UNIT>
    </ORDER_ITEM>
  </ORDER_ITEM_LIST>
  <ORDER_SUMMARY><TOTAL_ITEM_NUM>2</TOTAL_ITEM_NUM></ORDER_SUMMARY>
</ORDER>
"""


def opentrans_order(number: str, today: date) -> bytes:
    """Two lines for Jürg Müller, in ISO-8859-1, for a morning in a week."""
    day = today + timedelta(days=7)
    return OPENTRANS_ORDER.format(number=number, now=today, day=day).encode(ISO)


def json_order(number: str, now: datetime) -> dict[str, Any]:
    """One line for Sandra Keller. The window has its offset: naive times are refused."""
    day = (now + timedelta(days=8)).date()
    return {
        "partner_order_id": number,
        "ordered_at": now.isoformat(timespec="seconds"),
        "bill_to": "partner",
        "customer": {
            "given_name": "Sandra",
            "family_name": "Keller",
            "email": "sandra.keller@example.ch",
            "phone": "079 123 45 67",
            "language": "de",
        },
        "service_address": {
            "street": "Langstrasse",
            "house_number": "120",
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
                "requested_windows": [{"start": f"{day}T13:00:00+01:00", "end": f"{day}T17:00:00+01:00"}],
            }
        ],
        "notes": "Hauseingang im Hof",
    }


def faulty_order(number: str, now: datetime) -> dict[str, Any]:
    """The same with four mistakes, as they happen."""
    order = json_order(number, now)
    order["customer"]["phone"] = "ask at the door"
    order["service_address"]["country"] = "Switzerland"
    order["lines"][0]["quantity"] = 0
    order["lines"][0]["requested_windows"] = [{"start": "2027-01-20T08:00:00", "end": "2027-01-20T12:00:00"}]
    return order
