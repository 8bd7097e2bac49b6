"""What is wrong with an interchange, said twice: a problem for people, and the code and place that CONTRL wants."""

from dataclasses import dataclass
from enum import StrEnum

from adapters.edifact.syntax import Segment
from adapters.errors import InvalidOrder, MalformedMessage, Problem, TranslationError, Unsupported

MAX_FAULTS = 999  # so many UCS a message of CONTRL may have


class Error(StrEnum):
    """Code list 0085 of the syntax: what of it we say."""

    SYNTAX_LEVEL = "2"
    OTHER_RECIPIENT = "7"
    INVALID_VALUE = "12"
    MISSING = "13"
    NOT_HERE = "15"
    TOO_MANY_CONSTITUENTS = "16"
    NO_AGREEMENT = "17"
    UNSPECIFIED = "18"
    DECIMAL_NOTATION = "19"
    INVALID_CHARACTER = "21"
    INVALID_SERVICE_CHARACTER = "22"
    UNKNOWN_SENDER = "23"
    DUPLICATE = "26"
    REFERENCES_DIFFER = "28"
    COUNT_DIFFERS = "29"
    LOWER_LEVEL_EMPTY = "32"
    OUTSIDE = "33"
    TOO_MANY_SEGMENTS = "35"
    TOO_MANY_GROUPS = "36"
    INVALID_TYPE = "37"
    TOO_LONG = "39"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where in the file: the interchange, the message in it (both from 0; None on the level above), the segment in the
    message (UNH is 1), the element and the component in it (from 1; 0 is all of it; the tag is not counted)."""

    interchange: int
    message: int | None = None
    segment: int = 0
    tag: str = ""
    element: int = 0
    component: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Problem):
    """A problem that a CONTRL can say."""

    error: Error
    spot: Spot


class Faults:
    """Collects on the way through the messages of a file, and raises once, in `done`."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.interchange = 0
        self.message: int | None = None
        self.prefix = ""
        # One fault of the syntax makes the whole file malformed; else it is wrong, or asks for what we cannot do.
        self._malformed = False
        self._wrong = False
        self._spots: set[Spot] = set()

    def add(self, error: Error, pointer: str, code: str, detail: str, at: "At | None" = None) -> None:
        """Wrong in what it means."""
        self._wrong = True
        self._keep(error, pointer, code, detail, at)

    def broken(self, error: Error, pointer: str, code: str, detail: str, at: "At | None" = None) -> None:
        """Wrong in its syntax or structure."""
        self._malformed = True
        self._keep(error, pointer, code, detail, at)

    def unsupported(self, pointer: str, code: str, detail: str, at: "At | None" = None) -> None:
        """Right, and nothing for us."""
        self._keep(Error.NO_AGREEMENT, pointer, code, detail, at)

    def _keep(self, error: Error, pointer: str, code: str, detail: str, at: "At | None") -> None:
        segment, element, component = at or (None, 0, 0)
        spot = Spot(
            interchange=self.interchange,
            message=self.message,
            segment=segment.number if segment else 0,
            tag=segment.tag if segment else "",
            element=element,
            component=component,
        )
        if len(self.found) >= MAX_FAULTS:
            return
        # What the tables have found in an element, whoever reads it need not say again.
        if element and spot in self._spots:
            return
        self._spots.add(spot)
        self.found.append(Fault(pointer=self.prefix + pointer, code=code, detail=detail, error=error, spot=spot))

    def done(self) -> None:
        if self.found:
            kind: type[TranslationError] = InvalidOrder if self._wrong else Unsupported
            raise (MalformedMessage if self._malformed else kind)(self.found)


At = tuple[Segment, int, int]
"""A place in a message: the segment, the element, the component."""
