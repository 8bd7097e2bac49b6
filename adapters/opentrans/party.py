"""The parties of a document: where the visit is, whom it is for, and what we say back about the others."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters import values
from adapters.canonical import Address, Customer
from adapters.countries import NAMES
from adapters.opentrans.codes import PHONES, ROLES
from adapters.postal import split_name, split_street
from adapters.reading import Problems, Unfit
from adapters.xml import Node, local_name

Reference = list[str | None]  # [type or None, id], as JSON keeps it

_TYPE = re.compile(r"\w{1,50}")


def parties(info: Node) -> list[Node]:
    """The PARTY elements, as `//PARTY[n]`."""
    outer = info.first("PARTIES")
    found = [child for child in outer.element if local_name(child) == "PARTY"] if outer else []
    return [Node(party, info.problems, name="PARTY", place=place) for place, party in enumerate(found, 1)]


def roles(party: Node) -> list[str]:
    return [role for node in party.all("PARTY_ROLE") if (role := node.value.lower()) in ROLES]


def delivery(found: list[Node], problems: Problems) -> Node:
    """The one party with the role `delivery`; PARTY_ID's type says nothing, every sender means something else by it."""
    at_home = [party for party in found if "delivery" in roles(party)]
    if not at_home:
        problems.add("//PARTY", "no_delivery_party", "A visit needs a party with the role delivery.")
        # Its faults would only repeat this one.
        return Node(etree.Element("PARTY"), Problems())
    if len(at_home) > 1:
        problems.add(at_home[1].pointer, "two_delivery_parties", "An order goes to one place; send one order for each.")
    return at_home[0]


def place(party: Node) -> Address:
    """The address of the visit. Whatever is missing is a problem, and the address then no good."""
    where = party.child("ADDRESS")
    street, number = split_street(where.needed("STREET", values.line) or "")
    more = [text for name in ("NAME2", "NAME3", "DEPARTMENT") if (text := where.text(name, values.line))]
    return Address(
        street=street,
        house_number=number,
        address_line2=", ".join(more) or None,
        postcode=where.needed("ZIP", values.line, values.SHORT) or "",
        city=where.needed("CITY", values.line) or "",
        country=_country(where) or "",
    )


def _country(where: Node) -> str | None:
    if where.says("COUNTRY_CODED") or not where.says("COUNTRY"):
        return where.needed("COUNTRY_CODED", _coded)
    return where.text("COUNTRY", _named)


def _coded(text: str) -> str:
    # BMEcat allows ISO 3166-2 too: DE-BY is in Germany.
    return values.country(text.partition("-")[0])


def _named(text: str) -> str:
    """COUNTRY is free text, and counts only where COUNTRY_CODED is missing."""
    return NAMES.get(text.casefold()) or values.country(text)


def person(party: Node, found: list[Node], country: str, language: str | None) -> Customer:
    """Whom the technician asks for: the contact, else the NAME where it is a person's."""
    where = party.child("ADDRESS")
    name = where.text("NAME", values.line)
    contact = next((c for c in where.all("CONTACT_DETAILS") if c.says("CONTACT_NAME")), None)
    if contact is not None:
        family, given = contact.text("CONTACT_NAME", values.line), contact.text("FIRST_NAME", values.line)
    else:
        others = {other.child("ADDRESS").text("NAME", values.line) for other in found if other is not party}
        family, given = (split_name(name) if name and name not in others else None) or (None, None)
    if family is None:
        if contact is None:
            detail = "A visit is to a person; a company or a warehouse alone opens no door."
            where.problems.add(f"{where.pointer}/CONTACT_DETAILS", "person_missing", detail)
        family = ""
    return Customer(
        family_name=family,
        given_name=given,
        company=name if name and contact is not None and not _same(name, family, given) else None,
        email=_email(contact) or where.text("EMAIL", values.email),
        phone=_phone(contact, where, country),
        language=language,
    )


def _same(name: str, *of_person: str | None) -> bool:
    return sorted(name.casefold().split()) == sorted(" ".join(filter(None, of_person)).casefold().split())


def _email(contact: Node | None) -> str | None:
    emails = contact.first("EMAILS") if contact else None
    return emails.text("EMAIL", values.email) if emails else None


def _phone(contact: Node | None, where: Node, country: str) -> str | None:
    numbers: list[Node] = [*(contact.all("PHONE") if contact else ()), *where.all("PHONE")]
    numbers = [node for node in numbers if node.value]
    if not numbers:
        return None
    best = min(numbers, key=_rank)
    return best.problems.take(best.pointer, values.phone, best.value, country or None)


def _rank(phone: Node) -> int:
    kind = phone.attribute("type")
    return PHONES.index(kind) if kind in PHONES else len(PHONES)


# --- what we say back about them ---------------------------------------------------------------------------------


def echo(info: Node, found: list[Node]) -> dict[str, Any]:
    """Ids and roles of all parties, and who is called buyer and supplier, for our own documents."""
    told: list[dict[str, Any]] = [{"ids": ids, "roles": roles(party)} for party in found if (ids := list(_ids(party)))]
    by_role = {role: party["ids"][0] for party in reversed(told) for role in party["roles"]}
    refs = info.first("ORDER_PARTIES_REFERENCE")
    sides = {side: (_idref(refs, side) or by_role.get(side)) for side in ("buyer", "supplier")}
    return {"parties": told, **{side: idref for side, idref in sides.items() if idref}}


def _ids(party: Node) -> Iterator[Reference]:
    for node in party.all("PARTY_ID"):
        if node.value and (reference := reference_of(node)):
            yield reference


def _idref(refs: Node | None, side: str) -> Reference | None:
    node = refs.first(f"{side.upper()}_IDREF") if refs else None
    return reference_of(node) if node and node.value else None


def reference_of(node: Node, limit: int = 250) -> Reference | None:
    """An id with its type, as it was sent: what is echoed is not judged, but it must be fit to be written again."""
    kind = node.attribute("type") or ""
    try:
        return [kind if _TYPE.fullmatch(kind) else None, values.line(node.value, limit)]
    except Unfit as unfit:
        node.problems.add(node.pointer, unfit.code, unfit.detail)
        return None
