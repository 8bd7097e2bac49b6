"""DTM: days, times and windows, as wall time of the partner unless the format brings a zone."""

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from adapters import values
from adapters.canonical import Window
from adapters.edifact.codes import DAY, DAYS, MINUTE, SECOND, WINDOW, ZONED
from adapters.edifact.document import Document, Item
from adapters.edifact.grammar import Branch
from adapters.edifact.syntax import Segment
from adapters.reading import Unfit

QUALIFIER, VALUE, FORMAT = Item("2005", 1, 1), Item("2380", 1, 2), Item("2379", 1, 3)
DOCUMENT, REQUESTED, EARLIEST, LATEST = "137", "2", "64", "63"

_FORMS = {
    DAY: re.compile("([0-9]{4})([0-9]{2})([0-9]{2})"),
    MINUTE: re.compile("([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})"),
    SECOND: re.compile("([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})"),
    ZONED: re.compile("([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([+-][0-9]{2})([0-9]{2})"),
}
_SHAPES = {DAY: "{}-{}-{}", MINUTE: "{}-{}-{}T{}:{}", SECOND: "{}-{}-{}T{}:{}:{}", ZONED: "{}-{}-{}T{}:{}{}:{}"}
_RANGES = {DAYS: DAY, WINDOW: MINUTE}


def moment(doc: Document, branch: Branch, qualifier: str) -> datetime | None:
    """One point in time; a day is its midnight."""
    segment = branch.first("DTM", qualifier)
    kind = _format(doc, branch, segment) if segment else None
    if kind is None or kind in _RANGES:
        if segment and kind:
            doc.add(branch, segment, FORMAT, "unknown_format", "This is one day or one time.")
        return None
    return doc.needed(branch, segment, VALUE, _read, kind, doc.settings.zone)


def windows(doc: Document, branch: Branch) -> tuple[Window, ...]:
    """When somebody is asked to come: 64 and 63, else every 2. A day, or a midnight alone, is the whole day."""
    earliest, latest = branch.first("DTM", EARLIEST), branch.first("DTM", LATEST)
    if earliest and latest:
        ends = (_edges(doc, branch, earliest), _edges(doc, branch, latest))
        return _window(doc, branch, latest, ends[0] and ends[0][0], ends[1] and ends[1][1])
    if earliest or latest:
        doc.missing(branch, f"DTM+{LATEST if earliest else EARLIEST}", "A window has an earliest and a latest time.")
        return ()
    found: tuple[Window, ...] = ()
    for segment in branch.all("DTM"):
        if segment.get(1) == REQUESTED and not _says_nothing(doc, segment):
            found += _requested(doc, branch, segment)
    return found


def _requested(doc: Document, branch: Branch, segment: Segment) -> tuple[Window, ...]:
    edges = _edges(doc, branch, segment)
    if edges and edges[0] == edges[1] and segment.get(*FORMAT[1:]) not in _RANGES:
        detail = "A visit needs a window: send 64 and 63, or a format with a start and an end."
        doc.add(branch, segment, FORMAT, "window_open", detail)
        return ()
    return _window(doc, branch, segment, *(edges or (None, None)))


def _window(
    doc: Document, branch: Branch, segment: Segment, start: datetime | None, end: datetime | None
) -> tuple[Window, ...]:
    if start is None or end is None:
        return ()
    if start >= end:
        doc.add(branch, segment, VALUE, "window_empty", "A window ends after it starts.")
        return ()
    return (Window(start=start, end=end),)


def _edges(doc: Document, branch: Branch, segment: Segment) -> tuple[datetime, datetime] | None:
    """From when to when a DTM reaches. A time reaches no further than itself, a day to the next midnight."""
    kind = _format(doc, branch, segment)
    if kind is None:
        return None
    return doc.needed(branch, segment, VALUE, _reach, kind, doc.settings.zone)


@lru_cache(maxsize=1024)
def _reach(text: str, kind: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Kept, since all the lines of a message ask for the same window."""
    of_each = _RANGES.get(kind, kind)
    first, _, last = text.partition("-") if kind == DAYS else (text, "", text)
    if kind == WINDOW:
        # The hyphen of the standard is left out by some; twelve digits are one end either way.
        first, last = text[:12], text[12:].removeprefix("-")
    start, end = _read(first, of_each, zone), _read(last, of_each, zone)
    if of_each == DAY or (kind != WINDOW and start.astimezone(zone).time() == time.min):
        tomorrow = end.astimezone(zone).date() + timedelta(days=1)
        end = values.wall_time(tomorrow.isoformat(), zone)
    return start, end


def _read(text: str, kind: str, zone: ZoneInfo) -> datetime:
    found = _FORMS[kind].fullmatch(text)
    if found is None:
        raise Unfit("not_a_time", "This is not written as its format says.")
    return values.wall_time(_SHAPES[kind].format(*found.groups()), zone)


def _format(doc: Document, branch: Branch, segment: Segment) -> str | None:
    kind = segment.get(*FORMAT[1:])
    if kind in doc.guideline.formats:
        return kind
    doc.add(branch, segment, FORMAT, "unknown_format", "This guideline does not write dates in such a format.")
    return None


def _says_nothing(doc: Document, segment: Segment) -> bool:
    """The date of the order again, where that is how nothing is asked for."""
    order = doc.root.first("DTM", DOCUMENT)
    return bool(doc.guideline.day_of_order_is_none and order and order.get(1, 2)[:8] == segment.get(1, 2)[:8])
