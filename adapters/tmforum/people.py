"""Where the visit is, and whom it is for."""

import re
from typing import Any

from adapters import values
from adapters.canonical import Address, Customer
from adapters.countries import NAMES, TWO_LETTERS
from adapters.objects import Object
from adapters.postal import split_name, split_street
from adapters.reading import Unfit
from adapters.tmforum.codes import CUSTOMERS
from adapters.tmforum.settings import Settings

# GeographicAddress of TMF673: the standard's own place has an id, a name and a role only.
STRUCTURED = ("streetName", "postcode", "city", "locality")
_SUB_ADDRESS = ("buildingName", "levelType", "levelNumber", "subUnitType", "subUnitNumber")

# The end of an address on one line: `8004 Zürich`, `CH-8004 Zürich`, `D-10115 Berlin`.
_TOWN = re.compile(r"(?:([A-Za-z]{1,3})-)?([0-9]{4,5}) +([^0-9,][^,]*)")
_MOTORS = {"A": "AT", "D": "DE", "F": "FR", "I": "IT"}


def word(text: str) -> str:
    """Free text, to be compared: without blanks and lines between, in small letters."""
    return re.sub(r"[\W_]", "", text).casefold()


# --- places ------------------------------------------------------------------------------------------------------


def address(place: Object, settings: Settings) -> Address:
    """A GeographicAddress by its members, else by its name on one line, as it stands on an envelope."""
    if not any(place.says(name) for name in STRUCTURED):
        found = place.needed("name", _envelope, settings.country)
        return found or Address(street="", postcode="", city="", country="")
    street = place.needed("streetName", values.line) or ""
    number = "".join(place.text(name, values.line, values.SHORT) or "" for name in ("streetNr", "streetNrSuffix"))
    if not number:
        street, number = (part or "" for part in split_street(street))
    return Address(
        street=street,
        house_number=number or None,
        address_line2=_sub_address(place),
        postcode=place.needed("postcode", values.line, values.SHORT) or "",
        city=place.needed("city" if place.says("city") else "locality", values.line) or "",
        country=(place.text("country", country) if place.says("country") else settings.country) or "",
    )


def country(text: str) -> str:
    """Free text: a name, or a code of two or three letters."""
    return NAMES.get(text.casefold()) or TWO_LETTERS.get(text.upper()) or values.country(text)


def _sub_address(place: Object) -> str | None:
    name, several = "geographicSubAddress", isinstance(place.members.get("geographicSubAddress"), list)
    found = place.all(name, 5) if several else [one for one in (place.first(name),) if one]
    said = [sub.text(name, values.line, values.ID) for sub in found for name in _SUB_ADDRESS]
    return " ".join(filter(None, said)) or None


def _envelope(text: str, home: str) -> Address:
    """`Langstrasse 120, 3. Stock, 8004 Zürich, Schweiz`: the country may be missing, and what is between, too."""
    before, postcode, city, country = _parts(text, home)
    street, number = split_street(before[0]) if before else ("", None)
    if not street:
        raise Unfit("not_an_address", "This is not a street, a postcode and a town, with commas between.")
    return Address(
        street=street,
        house_number=number,
        address_line2=", ".join(before[1:]) or None,
        postcode=postcode,
        city=city,
        country=country,
    )


def _parts(text: str, home: str) -> tuple[list[str], str, str, str]:
    """What stands before the town, its postcode, its name, and the country."""
    one_line = values.line(text.replace("\n", ","))
    parts = [part.strip() for part in one_line.split(",") if part.strip()]
    named = parts.pop() if len(parts) > 1 and not _TOWN.fullmatch(parts[-1]) else None
    town = _TOWN.fullmatch(parts.pop()) if parts else None
    if town is None:
        raise Unfit("not_an_address", "This does not end with a postcode and a town.")
    coded = named or _MOTORS.get((town[1] or "").upper(), town[1])
    return parts, town[2], town[3], country(coded) if coded else home


def region(place: Object, settings: Settings) -> tuple[str, str | None]:
    """Country and postcode of a place for which slots are asked; a street is not needed for that."""
    if not any(place.says(name) for name in STRUCTURED):
        return place.needed("name", _region, settings.country) or (settings.country, None)
    where = place.text("country", country) if place.says("country") else settings.country
    return where or settings.country, place.needed("postcode", values.line, values.SHORT)


def _region(text: str, home: str) -> tuple[str, str]:
    _, postcode, _, country = _parts(text, home)
    return country, postcode


# --- people ------------------------------------------------------------------------------------------------------


def customer_of(parties: list[Object]) -> Object | None:
    """The party at home: by its role, or the only one where it has none."""
    named = next((one for one in parties if (one.text("role", word) or "") in CUSTOMERS), None)
    return named or (parties[0] if len(parties) == 1 and not parties[0].says("role") else None)


def customer(party: Object, where: str | None) -> Customer:
    """A person's name is written with the given name first; phone and e-mail are contact media, where they are told."""
    name = party.text("name", values.line)
    family, given = party.text("familyName", values.line), party.text("givenName", values.line)
    organisation = "Organization" in (party.members.get("@referredType"), party.members.get("@type"))
    if family is None:
        party.check("name")
        family, given = _person(name or "", organisation)
    media = [one for medium in party.all("contactMedium", 20) if (one := medium.first("characteristic"))]
    return Customer(
        family_name=family,
        given_name=given,
        company=name or family if organisation else None,
        email=_medium(media, "emailAddress", values.email),
        phone=_medium(media, "phoneNumber", values.phone, where),
    )


def _person(name: str, organisation: bool) -> tuple[str, str | None]:
    """Of three and four words nobody can tell where the family's name begins."""
    found = None if organisation else split_name(name)
    return (found[1], found[0]) if found and found[1] else (name, None)


def _medium(media: list[Object], name: str, *read: Any) -> str | None:
    told = next((one for one in media if one.says(name)), None)
    return told.text(name, *read) if told else None
