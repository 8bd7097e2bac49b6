"""Slots: a service of a merchant at one time."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters import values
from adapters.canonical import Query, SlotWish, Window
from adapters.google_booking.settings import Settings
from adapters.objects import Object

MAX_SLOTS = 300
MAX_SECONDS = 4_102_444_800  # 2100; a booking is in our time
MAX_DURATION = 24 * 3600
MAX_PARTY = 1000
MOMENT = timedelta(seconds=1)
ENUM = 60  # letters

_WHOLE = re.compile("[0-9]{1,19}")


def whole(node: Object, name: str, most: int) -> int | None:
    """An int64, which JSON of proto3 writes as a text, and may write as a number; 0 is as good as nothing."""
    value = node.members.get(name)
    if value is None or value == "":
        return None
    digits = value if isinstance(value, str) else str(value)
    if isinstance(value, bool) or not _WHOLE.fullmatch(digits):
        node.problems.add(node.at(name), "not_whole", "This is not a whole number from 0 on.")
        return None
    number = int(digits)
    if number > most:
        node.problems.add(node.at(name), "out_of_range", f"This may be up to {most}.")
        return None
    return number or None


def needed(node: Object, name: str, most: int) -> int:
    """As `whole`, and a problem where there is none: the 1 that stands for it then is never used."""
    found = len(node.problems.found)
    number = whole(node, name, most)
    if number is None and len(node.problems.found) == found:
        node.problems.add(node.at(name), "missing", "This is missing.")
    return number or 1


def window(slot: Object) -> Window:
    """Seconds of UTC since 1970: no zone, and no clock that is put back."""
    start = datetime.fromtimestamp(needed(slot, "start_sec", MAX_SECONDS), UTC)
    return Window(start=start, end=start + timedelta(seconds=needed(slot, "duration_sec", MAX_DURATION)))


def identifier(node: Object, name: str) -> str:
    """A text that must be there, as it came."""
    return node.needed(name, values.line, values.ID) or ""


def told(slot: Object, resources: str) -> dict[str, Any]:
    """What a slot says beside service and time, to be said again."""
    found: dict[str, Any] = {
        name: text
        for name, limit in (("availability_tag", values.NAME), ("confirmation_mode", ENUM))
        if (text := slot.text(name, values.line, limit)) is not None
    }
    there = slot.first(resources)
    if there is not None:
        named = {name: there.text(name, values.line, values.ID) for name in ("staff_id", "room_id")}
        party = whole(there, "party_size", MAX_PARTY)
        found[resources] = {name: item for name, item in {**named, "party_size": party}.items() if item is not None}
    return found


def merchant(node: Object, settings: Settings) -> str:
    """A merchant of our feeds."""
    named = identifier(node, "merchant_id")
    if named and settings.merchants and named not in settings.merchants:
        node.problems.add(node.at("merchant_id"), "unknown_merchant", "This is not a merchant of ours.")
    return named


def batch(request: Object, settings: Settings) -> Query:
    """There are to be as many answers as slots."""
    where = settings.country_of(merchant(request, settings))
    asked = [_asked(node, "resource_ids") for node in request.all("slot_time", MAX_SLOTS)]
    return _free("BatchAvailabilityLookup", where, asked, settings)


def check(request: Object, settings: Settings) -> Query:
    """The older way to ask, for one slot."""
    slot = request.child("slot")
    named = merchant(slot, settings)
    asked = {"merchant_id": named, **_asked(slot, "resources")}
    return _free("CheckAvailability", settings.country_of(named), [asked], settings)


def _asked(slot: Object, resources: str) -> dict[str, Any]:
    """A slot that is asked for, as the answer repeats it; its duration may be missing."""
    duration = whole(slot, "duration_sec", MAX_DURATION)
    return {
        "service_id": identifier(slot, "service_id"),
        "start_sec": str(needed(slot, "start_sec", MAX_SECONDS)),
        **({"duration_sec": str(duration)} if duration else {}),
        **told(slot, resources),
    }


def _free(method: str, country: str, asked: list[dict[str, Any]], settings: Settings) -> Query:
    """A wish for each service, in the order of `services_of`; windows that begin when a slot does."""
    services = services_of(asked)
    starts = dict.fromkeys(datetime.fromtimestamp(int(slot["start_sec"]), UTC) for slot in asked)
    return Query(
        about="slots",
        wishes=tuple(SlotWish(country=country, sku=settings.sku(service)) for service in services),
        windows=tuple(Window(start=start, end=start + MOMENT) for start in starts),
        echo={"method": method, "slots": asked},
    )


def services_of(asked: list[dict[str, Any]]) -> list[str]:
    """The services of the slots of a question, each once."""
    return list(dict.fromkeys(slot["service_id"] for slot in asked))
