"""What may be kept of a body, a path and a query. Pure.

A text stays where the name of its member says that it is no person's (an id, a code, a time) *and* it looks like such a
thing; or where it is one of the values that we publish ourselves. Everything else, what nobody has thought of included,
is replaced: by something of its kind, so that the request can be made again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote

from gateway.sandbox import samples
from gateway.sandbox.magic import magic

REPLACED = "redacted"
MOST_PLACES = 200
DEEPEST = 60

# Members of ours, and of the dialects in JSON, that never hold a person.
_NAMES = """
id ids type types code codes state status event events event_types sku gtin ean service services quantity unit country
countrycode currency currencycode currency_code amount language locale timezone start end at from to until pace scenario
scenarios actor actors by reason reasons fault faults group sequence limit after next older before environment format
signature kind action actions scope scopes bill_to tax_included media_type method version position attempts duration_ms
settled ordered concurrency rate_per_second category wait eta
"""
NAMES = frozenset(_NAMES.split())
# … and those that end like one, as `partner_order_id`, `created_at`, `orderDate`.
ENDING = re.compile(r"(?:^|[a-z0-9]_)(?:ids?|at|date|time|since|code|status|state|type|days|seconds|count|total)$")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# A birth date is a date, and a door code is a code.
PERSONAL = re.compile(
    r"birth|post|zip|pin|tax|vat|door|entry|access|secret|token|key|pass|card|iban|account|social|lat|lng|lon"
)

PLAIN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.:/+-]{0,99}")
PHONE = re.compile(r"(?:00|0)[1-9][\d./-]{6,}")
# How standards write the names of members; a person's begins with one large letter.
MEMBER = re.compile(r"@?[a-z_$][A-Za-z0-9_.$-]{0,63}|[A-Z0-9_]{2,64}")
# A step on the way to a fault, in whatever language: `lines`, `?limit`, `ORDER_ITEM[2]`, `LIN+3`.
STEP = re.compile(rf"\??(?:{MEMBER.pattern})|[A-Z0-9_+:.'()\[\]=@-]{{0,64}}")
OURS = re.compile(r"[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}")
MENTIONED = re.compile(rb"\b(?:ord|job|evt|msg|whm|whep|run)_[0-9A-HJKMNP-TV-Z]{26}\b")
MOST_MENTIONED = 500

# What stands in for what: the first whose words are in the member's name.
STAND_INS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("mail",), "sandbox@example.com"),
    (("phone", "mobile", "tel", "fax"), samples.phone("CH")),
    (("given", "first"), "Sandra"),
    (("family", "last", "sur"), "Beispiel"),
    (("house",), "12"),
    (("street", "line1"), "Musterstrasse"),
    (("post", "zip"), "8004"),
    (("city", "town", "locality"), "Zürich"),
    (("url", "uri", "href"), "https://example.com/"),
)


@dataclass(slots=True)
class Redaction:
    """Goes through documents, and remembers the JSON pointers of what it replaced, each behind a `prefix`."""

    prefix: str = ""
    places: list[str] = field(default_factory=list)
    words: bool = False

    def shown(self, document: Any, name: str = "", pointer: str = "") -> Any:
        """The document with everything replaced that could be a person's. `words`: our own sentences stay."""
        if isinstance(document, dict | list) and pointer.count("/") > DEEPEST:
            return None
        if isinstance(document, dict):
            return dict(self._members(document, pointer))
        if isinstance(document, list):
            return [self.shown(part, name, f"{pointer}/{place}") for place, part in enumerate(document)]
        if document is None or isinstance(document, bool) or document == "" or self._may_stay(name, document):
            return document
        if len(self.places) < MOST_PLACES:
            self.places.append(f"{self.prefix}{pointer}")
        return stand_in(name) if isinstance(document, str) else 0

    def _members(self, document: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
        for place, (name, value) in enumerate(document.items()):
            kept = name if _is_ordinary(name) else f"{REPLACED}_{place}"
            yield kept, self.shown(value, kept, f"{pointer}/{kept}")

    def _may_stay(self, name: str, value: str | int | float) -> bool:
        if isinstance(value, str):
            if value in published() or (self.words and name in _SENTENCES):
                return True
            if self.words and name == "pointer":
                return all(STEP.fullmatch(part) for part in value.split("/"))
        return is_impersonal(name) and _is_plain(value)


_SENTENCES = frozenset({"title", "detail"})


def _is_plain(value: str | int | float) -> bool:
    if not isinstance(value, str):
        return abs(value) < 10**9
    return PLAIN.fullmatch(value) is not None and PHONE.match(value) is None


@lru_cache(maxsize=10_000)
def _is_ordinary(name: str) -> bool:
    """Whether a member may be called so; such a name needs no escapes in a JSON pointer."""
    return MEMBER.fullmatch(name) is not None


@lru_cache(maxsize=10_000)
def is_impersonal(name: str) -> bool:
    """Whether what a member of this name holds is no person's."""
    words = CAMEL.sub("_", name).lower()
    return (words in NAMES or ENDING.search(words) is not None) and PERSONAL.search(words) is None


def stand_in(name: str) -> str:
    words = name.lower()
    return next((value for parts, value in STAND_INS if any(part in words for part in parts)), REPLACED)


@lru_cache(maxsize=1)
def published() -> frozenset[str]:
    """Values that are ours: those of the sample orders, and those with a meaning in the sandbox."""
    signs = [*magic().lines, *magic().jobs]
    values = {value for sign in signs for value in (sign.sku, sign.postcode, sign.family_name) if value}
    places = [part for place in samples.PLACES.values() for part in place.values()]
    return frozenset(
        {*values, *magic().orders, "sandbox@example.com"}
        | {text for part in places for text in part.values()}
        | {samples.phone(country) for country in samples.PLACES}
    )


def path(template: Iterable[tuple[str, str | None]], query: str, *, known: bool) -> str:
    """The path with its query. `template` are its parts, each with the parameter it is the value of, where it is one.

    Such a value stays where it is an id of ours, or where the answer says that it is `known` here.
    """
    parts = [
        part if name is None or OURS.fullmatch(part) or (known and PLAIN.fullmatch(part)) else f"{{{name}}}"
        for part, name in template
    ]
    asked = [
        f"{name}={quote(value if is_impersonal(name) and _is_plain(value) else REPLACED, safe=':/+')}"
        for name, value in parse_qsl(query, keep_blank_values=True)
        if MEMBER.fullmatch(name)
    ]
    return "/" + "/".join(parts) + (f"?{'&'.join(asked)}" if asked else "")


def mentioned(body: bytes) -> list[str]:
    """The ids of ours in an answer, in whatever language it is."""
    return [found.decode() for found in dict.fromkeys(MENTIONED.findall(body))][:MOST_MENTIONED]
