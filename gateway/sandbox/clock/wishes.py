"""What is asked of a clock, checked: every fault at once, each saying what would be legal."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from adapters.errors import Problem as Fault
from adapters.reading import Unfit
from adapters.values import instant
from gateway.call import Call
from gateway.errors import Problem
from gateway.sandbox.clock.service import FURTHEST

Action = Literal["freeze", "advance", "reset"]

TAKES: Mapping[Action, tuple[str, ...]] = {"freeze": ("at",), "advance": ("by", "to"), "reset": ()}
"""What may be said beside each action."""

MOST = timedelta(days=400)
"""How far one advance goes."""

# ISO 8601, with what has a length of its own: no month or year has.
DURATION = re.compile(r"P(?:(\d{1,4})W|(?=.)(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`to` or `by` is how far the clock is to go; neither, where it only stands, or is left."""

    action: Action
    to: datetime | None = None
    by: timedelta | None = None
    place: str = ""

    def target(self, now: datetime, real: datetime) -> datetime | None:
        """Where it leads from `now`. Raises `Problem` where that is behind, or too far ahead."""
        if self.action == "reset" or (self.to is None and self.by is None):
            return None
        to = self.to if self.to is not None else now + (self.by or timedelta())
        if found := _distance(to, now, real):
            code, detail = found
            fault = Fault(pointer=f"/{self.place}", code=code, detail=detail)
            raise Problem(code="invalid", detail="The clock cannot go there.", faults=(fault,))
        return to


def wish(call: Call) -> Wish:
    """Raises `Problem`."""
    said = call.document
    faults = [_explained(fault) for fault in call.faults]
    if isinstance(said, Mapping) and said.get("action") in TAKES:
        faults += _misplaced(said)
    if faults:
        raise Problem(code="invalid", detail="The clock cannot do this.", faults=tuple(faults))
    place = next((name for name in TAKES[said["action"]] if name in said), "")
    if not place:
        return Wish(action=said["action"])
    if place == "by":
        return Wish(action="advance", by=_read(place, duration, said[place]), place=place)
    return Wish(action=said["action"], to=_read(place, instant, said[place]), place=place)


def duration(text: str) -> timedelta:
    """ISO 8601 in weeks, days, hours, minutes and seconds. Raises `Unfit`."""
    match = DURATION.fullmatch(text.upper())
    if match is None:
        raise Unfit(
            "not_a_duration", "An ISO 8601 duration in weeks, or days, hours, minutes and seconds, such as PT26H."
        )
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _read(place: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except Unfit as unfit:
        fault = Fault(pointer=f"/{place}", code=unfit.code, detail=unfit.detail)
        raise Problem(code="invalid", detail="The clock cannot do this.", faults=(fault,)) from None


def _explained(fault: Fault) -> Fault:
    """With what would be legal there."""
    if fault.pointer == "/action":
        return replace(fault, detail=f"The actions are {', '.join(TAKES)}.")
    return fault


def _misplaced(said: Mapping[str, Any]) -> Iterator[Fault]:
    """What the specification cannot say."""
    action: Action = said["action"]
    for name in ("at", "by", "to"):
        if name in said and name not in TAKES[action]:
            takes = " or ".join(TAKES[action]) or "nothing else"
            yield Fault(pointer=f"/{name}", code="not_for_this_action", detail=f"With {action} goes {takes}.")
    if action == "advance" and ("by" in said) == ("to" in said):
        yield Fault(pointer="/by", code="one_of", detail="Say either by how much, or to when.")


def _distance(to: datetime, now: datetime, real: datetime) -> tuple[str, str] | None:
    if to < now:
        detail = f"A clock only goes ahead, and this one is at {now.isoformat()}; reset brings it back to real time."
        return "backwards", detail
    if to == now:
        return "no_distance", f"The clock is there already: at {now.isoformat()}."
    if to - now > MOST:
        return "too_far", f"One advance is of {MOST.days} days at most: to {(now + MOST).isoformat()}."
    if to - real > FURTHEST:
        detail = f"A clock is at most {FURTHEST.days} days ahead of real time: at {(real + FURTHEST).isoformat()}."
        return "too_far", detail
    return None
