"""JSON as partners send it: each member through a reader, each fault at its pointer. And JSON as we send it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from adapters import values
from adapters.reading import Problems, step

T = TypeVar("T")


def minified(document: Any) -> bytes:
    """UTF-8 without blanks."""
    return orjson.dumps(document)


class Object:
    """An object of a document that `strict_json` has parsed; what is no object counts as an empty one, and a problem.

    A member that is null or an empty text is not there. Members that nobody asks for are left alone.
    """

    __slots__ = ("members", "pointer", "problems")

    def __init__(self, value: Any, problems: Problems, pointer: str = "") -> None:
        if not isinstance(value, dict):
            problems.add(pointer, "not_an_object", "This is not an object.")
        self.members: dict[str, Any] = value if isinstance(value, dict) else {}
        self.pointer = pointer
        self.problems = problems

    def at(self, name: str) -> str:
        """The pointer of a member."""
        return f"{self.pointer}/{step(name)}"

    def says(self, name: str) -> bool:
        """Whether the member is there, and says something."""
        value = self.members.get(name)
        return value is not None and not (isinstance(value, str) and not value.strip())

    def text(self, name: str, read: Callable[..., T], *more: Any) -> T | None:
        """A text through `read(text, *more)`."""
        value = self.members.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            self.problems.add(self.at(name), "not_text", "This is not a text.")
            return None
        return self.problems.take(self.at(name), read, value.strip(), *more)

    def needed(self, name: str, read: Callable[..., T], *more: Any) -> T | None:
        """As `text`, and a problem where there is none."""
        self.check(name)
        return self.text(name, read, *more)

    def check(self, name: str) -> bool:
        """Whether the member says something; a problem where it does not."""
        there = self.says(name)
        if not there:
            self.problems.add(self.at(name), "missing", "This is missing.")
        return there

    def number(self, name: str, read: Callable[..., T], *more: Any) -> T | None:
        """A number through `read(decimal, *more)`: as it was written, not as a float holds it."""
        value = self.members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problems.add(self.at(name), "not_a_number", "This is not a number.")
            return None
        return self.problems.take(self.at(name), read, Decimal(repr(value)), *more)

    def flag(self, name: str) -> bool | None:
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            self.problems.add(self.at(name), "not_a_boolean", "This is not true or false.")
            return None
        return value

    def code(self, name: str, known: dict[str, T] | frozenset[str]) -> Any:
        """A word of a table, as the table means it; any other is a problem."""
        word = self.text(name, values.line, values.ID)
        if word is None:
            return None
        if word not in known:
            self.problems.add(self.at(name), "unknown_code", "This is not a code that we know.")
            return None
        return known[word] if isinstance(known, dict) else word

    def first(self, name: str) -> "Object | None":
        """The object in this member."""
        value = self.members.get(name)
        return None if value is None else Object(value, self.problems, self.at(name))

    def child(self, name: str) -> "Object":
        """The object in this member; where there is none that is one problem, and nothing is missing inside."""
        if self.check(name):
            return Object(self.members[name], self.problems, self.at(name))
        return Object({}, Problems(), self.at(name))

    def all(self, name: str, most: int = 100) -> list["Object"]:
        """The objects in this member's list."""
        value = self.members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.add(self.at(name), "not_a_list", "This is not a list.")
            return []
        if len(value) > most:
            self.problems.add(self.at(name), "too_many", f"There may be {most} of these.")
            return []
        return [Object(item, self.problems, f"{self.at(name)}/{place}") for place, item in enumerate(value)]
