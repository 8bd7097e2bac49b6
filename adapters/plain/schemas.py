"""The order of `POST /v1/orders`: what may be there, and what must."""

from datetime import datetime
from decimal import Decimal

from marshmallow import RAISE, Schema, ValidationError

from adapters import values
from adapters.canonical import OrderLine, Price, Product, Window
from adapters.plain.fields import OBJECT, UNKNOWN, Choice, Count, Flag, Record, Several, Text
from adapters.reading import Unfit

MAX_LINES = 100
MAX_QUANTITY = 20
MAX_WINDOWS = 5

Parts = dict[str, str]  # of customer and address, until the whole order is known


def _window(start: datetime, end: datetime) -> Window:
    if start >= end:
        raise ValidationError({"end": ["window_empty: A window ends after it starts."]})
    return Window(start=start, end=end)


def _amount(text: str) -> Decimal:
    amount = values.decimal(text)
    if amount < 0:
        raise Unfit("negative", "This is less than nothing.")
    return amount


WINDOW = Record(_window, {"start": Text(values.instant, required=True), "end": Text(values.instant, required=True)})

PRICE = Record(
    Price,
    {
        "amount": Text(_amount, required=True),
        "currency": Text(values.currency, required=True),
        "tax_included": Flag(required=True),
    },
)

PRODUCT = Record(Product, {"brand": Text(), "model": Text(), "gtin": Text(values.gtin)})

LINE = Record(
    OrderLine,
    {
        "line_id": Text(values.line, values.ID, required=True),
        "quantity": Count(1, MAX_QUANTITY),
        "service": Text(values.line, values.ID),
        "sku": Text(values.line, values.ID),
        "gtin": Text(values.gtin),
        "title": Text(),
        "product": PRODUCT,
        "price": PRICE,
        "requested_windows": Several(WINDOW, 0, MAX_WINDOWS),
        "hold_id": Text(values.line, values.ID),
        "after_delivery_days": Count(0, 365),
        "notes": Text(values.prose),
    },
)

CUSTOMER = {
    "given_name": Text(),
    "family_name": Text(required=True),
    "company": Text(),
    "email": Text(values.email),
    "phone": Text(str),  # read once the country is known
    "language": Text(values.language),
}

ADDRESS = {
    "street": Text(required=True),
    "house_number": Text(values.line, values.SHORT),
    "address_line2": Text(),
    "postcode": Text(values.line, values.SHORT, required=True),
    "city": Text(required=True),
    "country": Text(values.country, required=True),
}


class OrderSchema(Schema):
    """In our own JSON an unknown member is a fault, at its pointer."""

    error_messages = {"unknown": UNKNOWN, "type": OBJECT}  # noqa: RUF012

    class Meta:
        unknown = RAISE

    partner_order_id = Text(values.line, values.ID, required=True)
    ordered_at = Text(values.instant)
    bill_to = Choice("partner", "customer")
    customer = Record(Parts, CUSTOMER, required=True)
    service_address = Record(Parts, ADDRESS, required=True)
    lines = Several(LINE, 1, MAX_LINES, required=True)
    notes = Text(values.prose)
