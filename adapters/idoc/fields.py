"""How SAP writes: numbers with the minus behind, days and times as digits, texts in lines of seventy characters."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

from lxml import etree

from adapters import values
from adapters.canonical import Window
from adapters.idoc.settings import Settings
from adapters.reading import Problems, Unfit
from adapters.xml import Node


class Idoc(Node):
    """One IDOC of a file. Its fields are pointed at as SAP names them, `E1EDP01[2]/MENGE`; where the file has several
    IDocs, after `IDOC[3]/`."""

    __slots__ = ()

    def __init__(self, element: etree._Element, problems: Problems, place: int) -> None:
        """`place` is 0 where the file has no other IDoc."""
        super().__init__(element, problems)
        self.pointer: str = f"IDOC[{place}]" if place else ""


def qualified(node: Node, segment: str, field: str, code: str) -> Node | None:
    """The first `segment` whose qualifier `field` is `code`."""
    for found in node.all(segment):
        if found.raw(field) == code:
            return found
    return None


def number(text: str) -> Decimal:
    """`5602.800`, and `10.000-` for less than nothing."""
    return values.decimal(f"-{text[:-1].rstrip()}" if text.endswith("-") else text)


def whole(text: str, least: int, most: int) -> int:
    """A quantity without fractions: `2.000`."""
    value = number(text)
    if value != int(value):
        raise Unfit("not_whole", "This is not a whole number.")
    if not least <= value <= most:
        raise Unfit("out_of_range", f"This may be {least} to {most}.")
    return int(value)


_DAY = re.compile(r"[0-9]{8}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]")


def _day(text: str) -> str:
    """`20260120` in ISO's writing; nothing where SAP writes its empty day."""
    if not _DAY.fullmatch(text):
        raise Unfit("not_a_time", "A day is YYYYMMDD.")
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text.strip("0") else ""


def _clock(text: str) -> str:
    """`080000` in ISO's writing; midnight is SAP's empty time, and so it is nothing."""
    if not _CLOCK.fullmatch(text):
        raise Unfit("not_a_time", "A time is HHMMSS.")
    return f"{text[:2]}:{text[2:4]}:{text[4:]}" if text.strip("0") else ""


def moment(segment: Node, day: str, clock: str, settings: Settings) -> tuple[datetime | None, bool]:
    """What two fields say, as wall time of the partner, and whether there is a time of day at all."""
    said, at = segment.text(day, _day), segment.text(clock, _clock)
    if not said:
        return None, False
    try:
        return values.wall_time(f"{said}T{at}" if at else said, settings.zone), bool(at)
    except Unfit as unfit:
        skipped = unfit.code == "no_such_local_time" and at
        segment.problems.add(f"{segment.pointer}/{clock if skipped else day}", unfit.code, unfit.detail)
        return None, False


def window(segment: Node, day: str, clock: str, settings: Settings) -> tuple[Window, ...]:
    """The visit that two fields ask for. SAP says when it starts, never when it ends; a day alone is the whole day."""
    start, timed = moment(segment, day, clock, settings)
    if start is None:
        return ()
    end: datetime | None = start + timedelta(minutes=settings.window_minutes)
    if not timed:
        tomorrow = (start.date() + timedelta(days=1)).isoformat()
        end = segment.problems.take(f"{segment.pointer}/{day}", values.wall_time, tomorrow, settings.zone)
    return (Window(start=start, end=end),) if end else ()


# How a line goes on from the one before (SAPscript's ITF). A command or a comment is no text; whatever else stands in
# TDFORMAT begins a new line.
_GOES_ON = {"": " ", "=": "", "(": " "}
_NO_TEXT = frozenset({"/:", "/*"})


def prose(node: Node, block: str, line: str) -> str | None:
    """The texts of a document or an item: blocks of lines, put together again by their TDFORMAT."""
    blocks = node.all(block)
    told = "\n".join(text for outer in blocks if (text := _joined(outer.all(line))))
    return node.problems.take(blocks[0].pointer, values.prose, told) if told else None


def _joined(lines: list[Node]) -> str:
    text = ""
    for line in lines:
        how = line.raw("TDFORMAT") or ""
        if how not in _NO_TEXT:
            said = line.raw("TDLINE") or ""
            text += (_GOES_ON.get(how, "\n") if text else "") + said
    return text
