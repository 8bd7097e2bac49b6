"""NAD: where the visit is, whom it is for, and what we say back about the others."""

import re
from typing import Any

from adapters import postal, values
from adapters.canonical import Address, Customer
from adapters.edifact.document import Document, Item
from adapters.edifact.faults import Error
from adapters.edifact.grammar import Branch
from adapters.edifact.syntax import DEFAULT, Segment
from adapters.reading import Unfit

NAMES, STREETS = Item("C080", 4), Item("C059", 5)
CITY, POSTCODE, COUNTRY = Item("3164", 6), Item("3251", 8), Item("3207", 9)
CONTACT, CONTACT_ID = Item("3412", 2, 2), Item("3413", 2, 1)
LANGUAGE = Item("3453", 2, 4)
NUMBER, CHANNEL = Item("3148", 1, 1), Item("3155", 1, 2)

# The service address: the delivery party, the ultimate customer, the ultimate consignee, whoever has an address.
AT_HOME = ("DP", "UD", "UC")
# The technician rings from the door: a mobile first. D.96A knows no mobiles.
PHONES = ("AL", "TE")

FULL = 35  # characters of a component of C080 and C059
_SWISS = re.compile(r"(?:CH|LI)[- ](?=[0-9]{4}$)")
_SPECIAL = re.compile(f"[{re.escape(DEFAULT.element + DEFAULT.component + DEFAULT.release + DEFAULT.terminator)}]")


def home(doc: Document) -> Branch | None:
    """The party that is visited. A GLN is a shop or a warehouse, and wins over an address beside it (EDILEKTRO)."""
    parties = doc.root.each("NAD")
    for role in AT_HOME:
        for party in parties:
            if party.trigger.get(1) == role and not party.trigger.get(2).strip():
                return party
    detail = "A visit needs an address: NAD+DP without a GLN."
    at = (doc.root.trigger, 0, 0)
    doc.faults.add(Error.MISSING, "NAD+DP", "no_service_address", detail, at)
    return None


def place(doc: Document, party: Branch) -> Address:
    nad = party.trigger
    lines = _lines(doc, party, STREETS)
    street, number = postal.split_street(lines[0]) if lines else ("", None)
    if not lines:
        doc.add(party, nad, STREETS, "missing", "This is missing.")
    more = [*_lines(doc, party, NAMES)[1:], *lines[1:]]
    return Address(
        street=street,
        house_number=number,
        address_line2=", ".join(more)[: values.NAME] or None,
        postcode=doc.needed(party, nad, POSTCODE, _postcode) or "",
        city=doc.needed(party, nad, CITY, values.line) or "",
        country=doc.needed(party, nad, COUNTRY, values.country) or "",
    )


def _postcode(text: str) -> str:
    return values.line(_SWISS.sub("", text), values.SHORT)


def _lines(doc: Document, party: Branch, item: Item) -> list[str]:
    """The lines of a name or a street; one that was cut at the end of a component is whole again."""
    parts = party.trigger.parts(item.element)
    taken = (_line(doc, party, item, line) for line in mended(parts, FULL))
    return [line for line in taken if line]


def _line(doc: Document, party: Branch, item: Item, text: str) -> str:
    try:
        return values.line(text)
    except Unfit as unfit:
        doc.add(party, party.trigger, item, unfit.code, unfit.detail)
        return ""


def mended(parts: list[str], full: int) -> list[str]:
    """Components as lines. One that is exactly full was cut wherever that was, and goes on in the next.

    Some senders count the release characters, others do not.
    """
    lines: list[str] = []
    cut = False
    for part in parts:
        if cut:
            lines[-1] += part
        else:
            lines.append(part)
        cut = len(part) == full or (len(part) > full // 2 and len(part) + len(_SPECIAL.findall(part)) == full)
    return lines


def person(doc: Document, party: Branch, country: str) -> Customer:
    """Whom the technician asks for: the contact, else the first line of the name where it is a person's."""
    named = next(iter(_lines(doc, party, NAMES)), "")
    contact = _contact(doc, party)
    name = contact or named
    if not contact and (not named or _is_company(named)):
        detail = "A visit is to a person; a company or a warehouse alone opens no door."
        doc.add(party, party.trigger, NAMES, "person_missing", detail)
    family, given = postal.split_name(name) or (name, None)
    return Customer(
        family_name=family,
        given_name=given,
        company=named if contact and named and _words(named) != _words(contact) else None,
        phone=_phone(doc, party, country),
        email=_email(doc, party),
        language=_language(doc, party),
    )


def _contact(doc: Document, party: Branch) -> str | None:
    """CTA: the name, which some put where its number belongs."""
    for group in party.each("CTA"):
        for item in (CONTACT, CONTACT_ID):
            if found := doc.take(group, group.trigger, item, values.line):
                return found
    return None


def _is_company(name: str) -> bool:
    return not postal.NOT_A_PERSON.isdisjoint(_words(name))


def _words(name: str) -> set[str]:
    return set(name.casefold().split())


def _channels(party: Branch) -> list[tuple[Branch, Segment]]:
    return [(group, segment) for group in party.each("CTA") for segment in group.all("COM")]


def _phone(doc: Document, party: Branch, country: str) -> str | None:
    for kind in PHONES:
        for group, segment in _channels(party):
            if segment.get(*CHANNEL[1:]) == kind:
                return doc.take(group, segment, NUMBER, values.phone, country or None)
    return None


def _email(doc: Document, party: Branch) -> str | None:
    for group, segment in _channels(party):
        if segment.get(*CHANNEL[1:]) == "EM":
            return doc.take(group, segment, NUMBER, values.email)
    return None


def _language(doc: Document, party: Branch) -> str | None:
    """Ideal Message: the consumer's language is that of a delivery note for it."""
    for group in party.each("DOC"):
        if group.trigger.get(*LANGUAGE[1:]):
            return doc.take(group, group.trigger, LANGUAGE, values.language)
    return None


# --- what we say back about them ---------------------------------------------------------------------------------


def ids(doc: Document) -> dict[str, Any]:
    """Buyer and supplier by their ids, as `[id, who gave it]`, for our own documents."""
    found: dict[str, Any] = {}
    for party in doc.root.each("NAD"):
        role, number = party.trigger.get(1), party.trigger.get(2)
        if role in ("BY", "SU") and number:
            found.setdefault(role, [number, party.trigger.get(2, 3)])
    return found
