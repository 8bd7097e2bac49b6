"""One message while it is read: its tree, what is wrong with it, and by which guideline it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from adapters import values
from adapters.edifact.faults import Error, Faults
from adapters.edifact.grammar import Branch
from adapters.edifact.guidelines import Guideline
from adapters.edifact.settings import Settings
from adapters.edifact.syntax import Segment
from adapters.reading import Unfit

T = TypeVar("T")


class Item(NamedTuple):
    """A data element by its number in the directory, and where it stands in its segment."""

    code: str
    element: int
    component: int = 1


_ERRORS = {"missing": Error.MISSING, "too_long": Error.TOO_LONG, "bad_character": Error.INVALID_CHARACTER}


@dataclass(frozen=True, slots=True)
class Document:
    root: Branch
    faults: Faults
    guideline: Guideline
    settings: Settings
    decimal_mark: str

    def add(self, branch: Branch, segment: Segment, item: Item, code: str, detail: str) -> None:
        """A fault of one element."""
        at = (segment, item.element, item.component)
        pointer = f"{branch.place(segment)}/{item.code}"
        self.faults.add(_ERRORS.get(code, Error.INVALID_VALUE), pointer, code, detail, at)

    def missing(self, branch: Branch, name: str, detail: str = "This is missing.") -> None:
        """A segment that is not there."""
        self.faults.add(Error.MISSING, branch.pointer + name, "missing", detail, (branch.trigger, 0, 0))

    def take(self, branch: Branch, segment: Segment | None, item: Item, read: Callable[..., T], *more: Any) -> T | None:
        """The element through `read(text, *more)`; None where it is empty, and a fault where it is not fit."""
        text = segment.get(item.element, item.component).strip() if segment else ""
        return self._read(branch, segment, item, text, read, *more) if segment and text else None

    def needed(
        self, branch: Branch, segment: Segment | None, item: Item, read: Callable[..., T], *more: Any
    ) -> T | None:
        """As `take`, and a fault where there is nothing. Of a segment that is missing, nothing is said."""
        if segment is None:
            return None
        if text := segment.get(item.element, item.component).strip():
            return self._read(branch, segment, item, text, read, *more)
        self.add(branch, segment, item, "missing", "This is missing.")
        return None

    def _read(
        self, branch: Branch, segment: Segment, item: Item, text: str, read: Callable[..., T], *more: Any
    ) -> T | None:
        try:
            return read(text, *more)
        except Unfit as unfit:
            self.add(branch, segment, item, unfit.code, unfit.detail)
            return None

    def decimal(self, text: str) -> Decimal:
        """A number by the decimal mark of the file; the grammar has refused any other."""
        return values.decimal(text.replace(self.decimal_mark, "."))
