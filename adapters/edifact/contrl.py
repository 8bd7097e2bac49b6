"""CONTRL: whether an interchange was taken, and if not, what is wrong with it, fault by fault."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from adapters.edifact.envelope import Interchange, Message
from adapters.edifact.faults import Error, Fault
from adapters.edifact.syntax import Value, written

# 0083.
REJECTED, TAKEN = "4", "7"
# 0013: only of these segments an interchange's or a message's own line can speak.
_OF_INTERCHANGE, _OF_MESSAGE = ("UNA", "UNB", "UNZ"), ("UNH", "UNT")
_MOST = 99


def taken(theirs: Mapping[str, Any], *, duplicate: bool) -> Iterator[str]:
    """UCI for an interchange that was read: acknowledged, or refused since it brought nothing new."""
    sides = tuple(theirs["sender"]), tuple(theirs["recipient"])
    verdict = (REJECTED, Error.DUPLICATE) if duplicate else (TAKEN,)
    yield written("UCI", theirs["reference"], *sides, *verdict)


def refused(interchange: Interchange, faults: Sequence[Fault]) -> Iterator[str]:
    """UCI with 4, and each fault of the messages in UCM, UCS and UCD. `faults` are those of this interchange."""
    own = next((fault for fault in faults if fault.spot.message is None), None)
    inner = sorted((fault for fault in faults if fault.spot.message is not None), key=_order)
    # Without a fault of its own, it was refused for what else the file holds.
    told = _told(own, _OF_INTERCHANGE) if own or inner else (Error.UNSPECIFIED,)
    yield written("UCI", interchange.reference[:14], *_sides(interchange), REJECTED, *told)
    for place, group in groupby(inner, key=lambda fault: fault.spot.message or 0):
        if place < len(interchange.messages):
            yield from _message(interchange.messages[place], list(group))


def _order(fault: Fault) -> tuple[int, int]:
    return fault.spot.message or 0, fault.spot.segment


def _sides(interchange: Interchange) -> tuple[tuple[str, str], tuple[str, str]]:
    header = interchange.header
    return (header.get(2, 1), header.get(2, 2)), (header.get(3, 1), header.get(3, 2))


def _message(message: Message, faults: list[Fault]) -> Iterator[str]:
    own = next((fault for fault in faults if fault.spot.tag in _OF_MESSAGE), None)
    kind = tuple(part[:6] for part in message.kind[:5])
    yield written("UCM", message.reference[:14], kind, REJECTED, *_told(own, _OF_MESSAGE))
    rest = [fault for fault in faults if fault.spot.tag not in _OF_MESSAGE]
    for number, group in groupby(rest, key=lambda fault: fault.spot.segment):
        yield from _segment(number, list(group))


def _segment(number: int, faults: list[Fault]) -> Iterator[str]:
    """UCS with what is wrong with the segment as a whole, or first with one of its elements; UCD for each of these."""
    whole = next((fault for fault in faults if not fault.spot.element), faults[0])
    yield written("UCS", number, whole.error)
    for fault in [fault for fault in faults if fault.spot.element][:_MOST]:
        yield written("UCD", fault.error, _position(fault))


def _told(fault: Fault | None, tags: Sequence[str]) -> tuple[Value, ...]:
    """0085, 0013 and S011 of a line's own fault. A segment that is missing has no place, but a name."""
    if fault is None:
        return ()
    named = next((tag for tag in tags if tag in (fault.spot.tag, fault.pointer[-3:])), None)
    return fault.error, named, _position(fault) if fault.spot.element else None


def _position(fault: Fault) -> tuple[int, int | None]:
    """S011 counts the tag as the first element."""
    return fault.spot.element + 1, fault.spot.component or None
