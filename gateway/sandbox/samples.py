"""Orders to try things with: a customer at a place in every country that is served. Nobody lives there by that name.

The telephone numbers are the examples of `phonenumbers`, which no operator gives to anybody.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from gateway.catalogue.service import TIMEZONES
from gateway.sandbox.scenarios import Line, Scenario

VISIT = timedelta(hours=4)

PLACES: Mapping[str, Mapping[str, Any]] = {
    "CH": {
        "customer": {"given_name": "Sandra", "family_name": "Beispiel", "language": "de"},
        "service_address": {"street": "Musterstrasse", "house_number": "12", "postcode": "8004", "city": "Zürich"},
    },
    "DE": {
        "customer": {"given_name": "Max", "family_name": "Mustermann", "language": "de"},
        "service_address": {"street": "Musterstraße", "house_number": "5", "postcode": "10115", "city": "Berlin"},
    },
    "AT": {
        "customer": {"given_name": "Eva", "family_name": "Muster", "language": "de"},
        "service_address": {"street": "Mustergasse", "house_number": "3/7", "postcode": "1070", "city": "Wien"},
    },
    "GB": {
        "customer": {"given_name": "Jane", "family_name": "Sample", "language": "en"},
        "service_address": {"street": "Example Street", "house_number": "7", "postcode": "EC1A 1BB", "city": "London"},
    },
    "FR": {
        "customer": {"given_name": "Jeanne", "family_name": "Exemple", "language": "fr"},
        "service_address": {"street": "rue de l'Exemple", "house_number": "8", "postcode": "75011", "city": "Paris"},
    },
}


def order(scenario: Scenario, country: str, number: str, now: datetime) -> dict[str, Any]:
    """The order that a scenario begins with, in our own JSON, for a visit in one of `PLACES`."""
    place = PLACES[country]
    return {
        "partner_order_id": number,
        "ordered_at": now.isoformat(),
        "customer": {**place["customer"], "email": "sandbox@example.com", "phone": phone(country)},
        "service_address": {**place["service_address"], "country": country},
        "lines": [_line(line, country, now) for line in scenario.lines],
        "notes": f"Sandbox: {scenario.title}",
    }


@lru_cache(maxsize=len(PLACES))
def phone(country: str) -> str:
    """The example of a mobile number, as E.164."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    return str(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))


def _line(line: Line, country: str, now: datetime) -> dict[str, Any]:
    named = {"service": line.service} if line.service else {"sku": line.sku}
    if line.wished_in is None:
        return {"line_id": line.line_id, **named, "after_delivery_days": line.after_delivery_days}
    start = full_hour(now + timedelta(seconds=line.wished_in)).astimezone(ZoneInfo(TIMEZONES[country]))
    window = {"start": start.isoformat(), "end": (start + VISIT).isoformat()}
    return {"line_id": line.line_id, **named, "requested_windows": [window]}


def full_hour(at: datetime) -> datetime:
    """The next one; `at` itself where it is one."""
    begun = at.replace(minute=0, second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(hours=1)
