"""Where the visit is, and whom it is for."""

from adapters import values
from adapters.canonical import Address, Customer
from adapters.objects import Object
from adapters.postal import split_street


def home_of(order: Object) -> Object:
    """The address of the delivery; an order of nothing but services has none, and its invoice has one."""
    if order.says("shipping_address") or not order.says("billing_address"):
        return order.child("shipping_address")
    return order.child("billing_address")


def address(home: Object) -> Address:
    street, number = split_street(home.needed("address1", values.line) or "")
    return Address(
        street=street,
        house_number=number,
        address_line2=home.text("address2", values.line),
        postcode=home.needed("zip", values.line, values.SHORT) or "",
        city=home.needed("city", values.line) or "",
        country=home.needed("country_code", values.country) or "",
    )


def customer(order: Object, home: Object, region: str | None) -> Customer:
    """Whom the technician asks for. The account that ordered may be somebody else's: of it only nothing is taken."""
    given, family = home.text("first_name", values.line), home.text("last_name", values.line)
    if not family:  # one name only: it is all we know
        given, family = None, given or home.needed("name", values.line) or ""
    # What the address lacks the order may have. Each is read once: a fault is told once.
    phone = home if home.says("phone") else order
    email = "email" if order.says("email") else "contact_email"
    return Customer(
        family_name=family,
        given_name=given,
        company=home.text("company", values.line),
        email=order.text(email, values.email),
        phone=phone.text("phone", values.phone, region),
        language=order.text("customer_locale", values.language),
    )
