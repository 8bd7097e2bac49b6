"""What the customer said at the checkout about one service: when, and what else there is to know."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters import values
from adapters.canonical import Window
from adapters.objects import Object
from adapters.reading import Unfit
from adapters.shopify.settings import Settings

MOST = 100
_HOURS = re.compile(r"((?:[01]?[0-9]|2[0-3]):[0-5][0-9]) ?[-\u2013] ?((?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def windows(node: Object, member: str, settings: Settings) -> tuple[Window, ...] | None:
    """The wish among a line's `properties` or an order's `note_attributes`: a day without hours is the whole day.

    None where nothing is said, `()` where it cannot be read.
    """
    told = fields(node, member)
    day, hours = told.get(settings.date_field), told.get(settings.hours_field)
    if day is None or not day.says("value"):
        if hours is not None and hours.says("value"):
            node.problems.add(hours.at("value"), "hours_without_day", "Hours need the day that they belong to.")
        return None
    start = day.text("value", _day, settings.zone)
    return _window(start, hours, settings.zone) if start else ()


def notes(line: Object, settings: Settings) -> str | None:
    """The properties that the customer saw, one a line; a name that begins with `_` is hidden from them."""
    wish = (settings.date_field, settings.hours_field)
    told = [
        f"{name}: {field.members['value']}"
        for name, field in fields(line, "properties").items()
        if not name.startswith("_") and name not in wish and isinstance(field.members.get("value"), str)
    ]
    return line.problems.take(line.at("properties"), values.prose, "\n".join(told)) or None


def fields(node: Object, member: str) -> Mapping[str, Object]:
    """A list of `{name, value}`, by name; the first counts."""
    found: dict[str, Object] = {}
    for field in node.all(member, MOST):
        name = field.text("name", values.line)
        if name:
            found.setdefault(name, field)
    return found


def _window(start: datetime, hours: Object | None, zone: ZoneInfo) -> tuple[Window, ...]:
    if hours is None or not hours.says("value"):
        tomorrow = start.date() + timedelta(days=1)
        return (Window(start=start, end=values.wall_time(tomorrow.isoformat(), zone)),)
    found = hours.text("value", _hours, start.date(), zone)
    return (found,) if found else ()


def _day(text: str, zone: ZoneInfo) -> datetime:
    if not _DAY.fullmatch(text):
        raise Unfit("not_a_day", "A day is written as 2026-01-20.")
    return values.wall_time(text, zone)


def _hours(text: str, day: date, zone: ZoneInfo) -> Window:
    """Hours of that day; what ends before it starts, or at 24:00, ends on the next."""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise Unfit("not_hours", "Hours are written as 08:00-12:00.")
    first, last = (found[1].zfill(5), found[2].zfill(5).replace("24:00", "00:00"))
    if first == last:
        raise Unfit("window_empty", "A window ends after it starts.")
    end = day + timedelta(days=last < first)
    return Window(start=values.wall_time(f"{day}T{first}", zone), end=values.wall_time(f"{end}T{last}", zone))
