"""The partner WE: where the visit is and whom it is for."""

from lxml import etree

from adapters import values
from adapters.canonical import Address, Customer
from adapters.idoc.codes import LANGUAGES
from adapters.idoc.fields import Idoc, qualified
from adapters.postal import split_name, split_street
from adapters.reading import Problems, Unfit
from adapters.xml import Node, local_name

SHIP_TO = "WE"


def home(idoc: Idoc, items: list[Node]) -> Node:
    """Where the visit is."""
    place = one_place(idoc, items)
    if place is not None:
        return place
    pointer = Node(etree.Element("E1EDKA1"), idoc.problems, idoc).pointer
    idoc.problems.add(f"{pointer}/PARVW", "no_ship_to", "A visit needs a partner WE, the ship-to party.")
    # Its faults would only repeat this one.
    return Node(etree.Element("E1EDKA1"), Problems())


def one_place(idoc: Idoc, items: list[Node]) -> Node | None:
    """The header's place, or the items' where they have their own; a second one is a problem."""
    header = [found for found in idoc.all("E1EDKA1") if found.raw("PARVW") == SHIP_TO]
    places = header[1:]  # a second one in the header is never right
    for item in items:
        place = qualified(item, "E1EDPA1", "PARVW", SHIP_TO) or next(iter(header), None)
        if place is not None:
            places.append(place)
    if not places:
        return None
    first = header[0] if len(header) > 1 else places[0]
    other = next((place for place in places if place is not first and _content(place) != _content(first)), None)
    if other is not None:
        idoc.problems.add(other.pointer, "two_places", "An order goes to one place; send one purchase order for each.")
    return first


def _content(place: Node) -> frozenset[tuple[str, str]]:
    return frozenset((local_name(field), field.text.strip()) for field in place.element if field.text)


def address(place: Node, names: list[str]) -> Address:
    """The address of the visit; `names` are the lines of the name that are nobody's name."""
    street = place.needed("STRAS", values.line) or ""
    number = place.text("HAUSN", values.line, values.SHORT)
    if number is None:
        street, number = split_street(street)
    more = place.text("STRS2", values.line)
    return Address(
        street=street,
        house_number=number,
        address_line2=", ".join([*names, *([more] if more else [])]) or None,
        postcode=place.needed("PSTLZ", values.line, values.SHORT) or "",
        city=place.needed("ORT01", values.line) or "",
        country=place.needed("LAND1", values.country) or "",
    )


def visit(place: Node) -> tuple[Customer, Address]:
    """Whom the technician asks for, and where."""
    names = [place.text(f"NAME{line}", values.line) for line in range(1, 5)]
    family, given, company, rest = _addressee(place, [name for name in names if name])
    where = address(place, rest)
    region = where.country or None
    customer = Customer(
        family_name=family,
        given_name=given,
        company=company,
        phone=place.text("TELF1", values.phone, region) or place.text("TELF2", values.phone, region),
        language=place.text("SPRAS_ISO", values.language) or place.text("SPRAS", _language),
    )
    return customer, where


def _addressee(place: Node, names: list[str]) -> tuple[str, str | None, str | None, list[str]]:
    """Family name, given name, company, and the lines left over.

    BNAME is the person to ask for; else NAME1 is, where it looks like one, or NAME1 and NAME2 of one word each, as SAP
    keeps a private customer's family and given name.
    """
    contact = place.text("BNAME", values.line)
    if contact:
        company = names[0] if names and names[0] != contact else None
        return contact, None, company, names[1:]
    person = split_name(names[0]) if names else None
    if person is not None:
        return *person, None, names[1:]
    both = split_name(" ".join(names[:2])) if len(names) > 1 and not any(" " in name for name in names[:2]) else None
    if both is not None:
        return *both, None, names[2:]
    detail = "A visit is to a person: in BNAME, or in NAME1 where there is no company."
    place.problems.add(f"{place.pointer}/NAME1", "person_missing", detail)
    return "", None, None, []


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise Unfit("unknown_language", "This is not a language key of SAP's that we know.")
    return LANGUAGES[text]
