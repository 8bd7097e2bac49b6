"""The small values that every dialect reads: text, phones, e-mail, times, decimals, countries, languages, GTINs.

Each function takes what was sent and gives the canonical form, or raises `Unfit`, which never repeats the value.
"""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from unicodedata import is_normalized, normalize
from zoneinfo import ZoneInfo

import phonenumbers

from adapters.languages import TWO_LETTERS
from adapters.reading import Unfit

SHORT, ID, NAME, NOTES = 20, 100, 200, 2000  # characters; in UTF-8 never more than four times as many bytes

_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_BIDI = "\u202a-\u202e\u2066-\u2069"
_UNFIT_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}{_BIDI}]")
_UNFIT_PROSE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}]")


def line(text: str, limit: int = NAME) -> str:
    """One line in NFC without outer blanks: no control characters, and none that turn the writing direction."""
    return _fit(text, limit, _UNFIT_LINE)


def prose(text: str, limit: int = NOTES) -> str:
    """Text of several lines in NFC; tab, line feed and carriage return may stay."""
    return _fit(text, limit, _UNFIT_PROSE)


def _fit(text: str, limit: int, unfit: re.Pattern[str]) -> str:
    text = text.strip()
    if not text.isascii() and not is_normalized("NFC", text):
        text = normalize("NFC", text)
    if len(text) > limit:
        raise Unfit("too_long", f"This may have {limit} characters.")
    if not text.isprintable() and unfit.search(text):
        raise Unfit("bad_character", "This holds control characters.")
    return text


# Not the whole of RFC 5322, on purpose: quoted local parts and address literals reach nobody's customer.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[\w-]{0,61}[^\W_])")


def email(text: str) -> str:
    text = line(text, 254)
    if not _EMAIL.fullmatch(text) or ".." in text or text[0] == ".":
        raise Unfit("not_an_email", "This is not an e-mail address.")
    return text


def phone(text: str, region: str | None) -> str:
    """E.164 from any national writing; `region` (ISO 3166) is where a number without country code belongs."""
    text = line(text, 40)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Unfit("not_a_phone", "This is not a phone number.") from None
    # `possible`, not `valid`: a country opens new number ranges before any library knows them.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise Unfit("not_a_phone", "This is not a phone number.")
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


def instant(text: str) -> datetime:
    """RFC 3339 with its offset, from 1970 to 2100."""
    written = text.upper()
    if not _INSTANT.fullmatch(written):
        raise Unfit("not_a_time", "This is not an RFC 3339 time with an offset.")
    return _in_our_time(_iso(written))


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Unfit("not_a_time", "There is no such day or time.") from None


def _in_our_time(at: datetime) -> datetime:
    if not 1970 <= at.year <= 2100:
        raise Unfit("not_a_time", "This lies before 1970 or after 2100.")
    return at


# openTRANS' dtDATETIME, from the day on; EDIFACT and IDoc readers bring theirs into this form.
_WALL = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@lru_cache(maxsize=1024)
def wall_time(text: str, zone: ZoneInfo) -> datetime:
    """A day (its midnight) or a time; without an offset it is wall time in `zone`. The answer has a fixed offset.

    Of an hour that comes twice in autumn the first is meant; one that is skipped in spring is refused. Kept, since
    many orders ask for the same mornings.
    """
    if not _WALL.fullmatch(text):
        raise Unfit("not_a_time", "This is not a day or a time.")
    at = _in_our_time(_iso(text))
    if at.tzinfo is not None:
        return at
    local = at.replace(tzinfo=zone)
    offset = local.utcoffset() or timedelta()
    fixed = at.replace(tzinfo=timezone(offset))
    if fixed.astimezone(zone).replace(tzinfo=None) != at:
        raise Unfit("no_such_local_time", "The clocks skip this time on that day.")
    return fixed


_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?")


def decimal(text: str) -> Decimal:
    """A plain decimal number with a point: no exponent, no thousands, never a float."""
    if not _DECIMAL.fullmatch(text):
        raise Unfit("not_a_decimal", "This is not a decimal number with a point.")
    return Decimal(text)


def whole(text: str) -> int:
    """A whole number, however written: `2`, `2.0`."""
    value = decimal(text)
    if value != int(value):
        raise Unfit("not_whole", "This is not a whole number.")
    return int(value)


def gtin(text: str) -> str:
    """GTIN-8, -12, -13 or -14 whose check digit holds."""
    if not (text.isascii() and text.isdecimal() and len(text) in (8, 12, 13, 14)):
        raise Unfit("not_a_gtin", "A GTIN has 8, 12, 13 or 14 digits.")
    if (sum(map(int, text[-1::-2])) + 3 * sum(map(int, text[-2::-2]))) % 10:
        raise Unfit("not_a_gtin", "The check digit of this GTIN is wrong.")
    return text


# ISO 3166-1: the phone library's regions, without its three that the standard does not know, with those that have no
# phones of their own.
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS - {"AC", "TA", "XK"} | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"})


def country(text: str) -> str:
    """ISO 3166-1 alpha-2."""
    code = text.strip().upper()
    if code not in COUNTRIES:
        raise Unfit("unknown_country", "This is not an ISO 3166 country code of two letters.")
    return code


_CURRENCY = re.compile(r"[A-Z]{3}")


def currency(text: str) -> str:
    """ISO 4217 by its form; which ones we take is the catalogue's business."""
    if not _CURRENCY.fullmatch(text):
        raise Unfit("not_a_currency", "This is not an ISO 4217 currency code.")
    return text


_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?")


def language(text: str) -> str:
    """BCP 47 from BCP 47, or from ISO 639-2 in either of its two codes (`ger` and `deu` are `de`)."""
    tag = _TAG.fullmatch(text.strip())
    if tag is None:
        raise Unfit("unknown_language", "This is not a language code.")
    spoken, script, place = tag[1].lower(), tag[2], tag[3]
    if len(spoken) == 3:
        spoken = TWO_LETTERS.get(spoken, spoken if spoken in ("gsw", "fil", "nds") else "")
    elif spoken not in _KNOWN:
        spoken = ""
    if not spoken:
        raise Unfit("unknown_language", "This is not a language that we know.")
    return "-".join(filter(None, (spoken, script and script.title(), place and place.upper())))


_KNOWN = frozenset(TWO_LETTERS.values())
