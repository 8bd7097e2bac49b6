"""Bookings: made, changed, asked for."""

from decimal import Decimal

from adapters import values
from adapters.canonical import (
    Address,
    CancelOrder,
    ChangeOrder,
    Customer,
    LineChange,
    OrderLine,
    PlaceOrder,
    Price,
    Query,
    SupportOrder,
)
from adapters.errors import Unsupported
from adapters.google_booking.codes import NO_ADDRESS, NO_PAYMENT, PREPAYMENTS, STATUSES
from adapters.google_booking.settings import Settings
from adapters.google_booking.slots import identifier, merchant, told, whole, window
from adapters.objects import Object
from adapters.postal import split_street
from adapters.reading import Problems

LINE = "1"  # a booking is one visit
MAX_BOOKINGS = 100
MAX_MICROS = 10**12


def create(request: Object, settings: Settings) -> PlaceOrder:
    cannot = Problems()
    slot, user = request.child("slot"), request.child("user_information")
    address = _address(user, cannot)
    payment = request.first("payment_information") or Object({}, request.problems)
    if request.members.get("payment_processing_parameters"):
        cannot.add("/payment_processing_parameters", NO_PAYMENT, "We charge no cards; the feed must not ask for it.")
    seller, service = merchant(slot, settings), identifier(slot, "service_id")
    line = OrderLine(
        line_id=LINE,
        sku=settings.sku(service),
        price=_price(payment),
        requested_windows=(window(slot),),
    )
    order = SupportOrder(
        partner_order_id=identifier(request, "idempotency_token"),
        customer=_customer(user, address.country or settings.country_of(seller)),
        service_address=address,
        lines=(line,),
        bill_to="customer",
        notes=request.text("additional_request", values.prose),
        echo={
            "customer": identifier(user, "user_id"),
            "slot": {"merchant_id": seller, "service_id": service, **told(slot, "resources")},
            "prepayment_status": payment.code("prepayment_status", PREPAYMENTS),
        },
    )
    if request.problems.found:
        request.problems.found += cannot.found
    else:
        cannot.done(Unsupported)
    return PlaceOrder(order=order, books_slots=True)


def _customer(user: Object, region: str) -> Customer:
    return Customer(
        family_name=user.needed("family_name", values.line) or "",
        given_name=user.text("given_name", values.line),
        email=user.text("email", values.email),
        phone=user.text("telephone", values.phone, region),
        language=user.text("language_code", values.language),
    )


def _address(user: Object, cannot: Problems) -> Address:
    """Where to go. To Google it is optional; without one nobody can come, and that is no fault of the request.

    The members have two names: `country` in the interface as it is, `address_country` in the one before it.
    """
    home = user.first("address")
    if home is None or not any(home.says(name) for name in home.members):
        cannot.add(user.at("address"), NO_ADDRESS, "A visit at home needs an address.")
        return Address(street="", postcode="", city="", country="")
    old = "" if home.says("country") or home.says("locality") else "address_"
    street = home.needed("street_address", _one_line) or ""
    head, _, rest = street.partition(",")
    name, number = split_street(head)
    return Address(
        street=name if number else street,
        house_number=number,
        address_line2=rest.strip() or None if number else None,
        postcode=home.needed("postal_code", values.line, values.SHORT) or "",
        city=home.needed(f"{old}locality", values.line) or "",
        country=home.needed(f"{old}country", values.country) or "",
    )


def _one_line(text: str) -> str:
    return values.line(", ".join(part.strip() for part in text.splitlines() if part.strip()))


def _price(payment: Object) -> Price | None:
    """The price of the visit, in millionths; it is with tax unless the tax is named beside it."""
    price, tax = payment.first("price"), payment.first("tax_amount")
    micros = whole(price, "price_micros", MAX_MICROS) if price is not None else None
    if price is None or micros is None:
        return None
    currency = price.needed("currency_code", values.currency) or ""
    taxed = tax is not None and whole(tax, "price_micros", MAX_MICROS) is not None
    return Price(amount=Decimal(micros) / 10**6, currency=currency, tax_included=not taxed)


def update(request: Object, settings: Settings) -> CancelOrder | ChangeOrder:
    """Cancel, or move to another slot; the booking is named by our number. Google does not number its changes."""
    booking = request.child("booking")
    number = identifier(booking, "booking_id")
    if booking.code("status", STATUSES):
        return CancelOrder(
            partner_order_id="", change_id="", order_id=number, pointer="/booking/status", reason="changed_mind"
        )
    line = LineChange(pointer="/booking/slot")
    if booking.says("slot"):
        line = _moved(booking.child("slot"), settings)
    else:
        booking.problems.add("/booking", "nothing_to_change", "Only the slot can be changed, or the booking cancelled.")
    return ChangeOrder(
        partner_order_id="", change_id="", order_id=number, lines=(line,), reason="customer_asked", books_slots=True
    )


def _moved(slot: Object, settings: Settings) -> LineChange:
    """Found by its service where the slot names one: it cannot become another service."""
    service = slot.text("service_id", values.line, values.ID)
    return LineChange(
        pointer=slot.pointer,
        line_id=None if service else LINE,
        sku=settings.sku(service) if service else None,
        requested_windows=(window(slot),),
    )


def status(request: Object, settings: Settings) -> Query:
    number = identifier(request, "booking_id")
    return Query(about="order", pointer="/booking_id", order_id=number, echo={"method": "GetBookingStatus"})


def bookings_of(request: Object, settings: Settings) -> Query:
    user = identifier(request, "user_id")
    return Query(about="orders", customer=user, limit=MAX_BOOKINGS, echo={"method": "ListBookings"})
