"""Where the visit is, and whom it is for."""

from adapters import values
from adapters.canonical import Address, Customer
from adapters.objects import Object
from adapters.postal import split_name, split_street


def address(home: Object) -> Address:
    street, number = split_street(home.needed("addressLine1", values.line) or "")
    more = [home.text(f"addressLine{line}", values.line) for line in (2, 3)]
    return Address(
        street=street,
        house_number=number,
        address_line2=", ".join(filter(None, more)) or None,
        postcode=home.needed("postalCode", values.line, values.SHORT) or "",
        city=home.needed("city", values.line) or "",
        country=home.needed("countryCode", values.country) or "",
    )


def customer(home: Object, buyer: Object, region: str | None) -> Customer:
    """The name at the address, where it is a person's; else the buyer, and the address is a company's."""
    name = home.needed("name", values.line) or ""
    other = buyer.text("name", values.line)
    person, company = (name, None) if split_name(name) or not other or other == name else (other, name)
    family, given = _person(person)
    phone = home.text("phone", values.phone, region)
    if not home.says("phone") and region:  # without a country only that is the problem
        phone = buyer.text("phone", values.phone, region)
    return Customer(family_name=family, given_name=given, company=company, phone=phone)


def _person(name: str) -> tuple[str, str | None]:
    """Amazon writes the given name first; of three and four words nobody can tell where it ends."""
    found = split_name(name)
    return (found[1], found[0]) if found and found[1] else (name, None)
