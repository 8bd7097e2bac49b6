"""Marshmallow fields over `adapters.values`: a fault says `code: sentence`, as every message of this dialect does."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from adapters import values
from adapters.reading import Unfit

MISSING = "missing: This is missing."
UNKNOWN = "unknown_field: There is no such field."
OBJECT = "not_an_object: This is not an object."
MESSAGES: dict[str, Any] = {"required": MISSING, "null": MISSING}


class Value(fields.Field[Any]):
    """A field whose `read` takes what was sent, or raises `ValidationError`. A null is as good as nothing."""

    default_error_messages = MESSAGES

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(required=required, allow_none=not required)

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return self.read(value)


class Text(Value):
    """A text through one of the functions of `adapters.values`; an empty one is a fault."""

    def __init__(self, clean: Callable[..., Any] = values.line, *more: Any, required: bool = False) -> None:
        super().__init__(required=required)
        self._clean, self._more = clean, more

    def read(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("not_text: This is not a text.")
        try:
            read = self._clean(value, *self._more)
        except Unfit as unfit:
            raise ValidationError(f"{unfit.code}: {unfit.detail}") from None
        if read == "":
            raise ValidationError("empty: This is empty.")
        return read


class Count(Value):
    """A whole number between two bounds; `true` is none."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self._low, self._high = low, high

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("not_whole: This is not a whole number.")
        if not self._low <= value <= self._high:
            raise ValidationError(f"out_of_range: This may be {self._low} to {self._high}.")
        return value


class Choice(Value):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self._words = words

    def read(self, value: Any) -> str:
        if value not in self._words:
            raise ValidationError(f"not_a_choice: This may be {' or '.join(self._words)}.")
        return str(value)


class Flag(Value):
    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("not_a_boolean: This is not true or false.")
        return value


class Record(Value):
    """An object: its members through their fields, then `make` of those that are there.

    It does what a nested schema does, unknown members raised and every fault kept, at a third of its cost: an order
    has ten such objects, and they were two thirds of the time that a POST /v1/orders spent in marshmallow.
    """

    def __init__(self, make: Callable[..., Any], members: Mapping[str, Value], *, required: bool = False) -> None:
        super().__init__(required=required)
        self._make, self._members = make, members

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(OBJECT)
        found: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for name, given in value.items():
            field = self._members.get(name)
            if field is None:
                faults[name] = [UNKNOWN]
            elif given is not None:
                try:
                    found[name] = field.read(given)
                except ValidationError as error:
                    faults[name] = error.messages
        if faults or len(found) < len(self._members):
            faults |= {n: [MISSING] for n, f in self._members.items() if f.required and value.get(n) is None}
        if faults:
            raise ValidationError(faults)
        return self._make(**found)


class Several(Value):
    """A list of `low` to `high` items."""

    def __init__(self, item: Value, low: int, high: int, *, required: bool = False) -> None:
        super().__init__(required=required)
        self._item, self._low, self._high = item, low, high

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValidationError("not_a_list: This is not a list.")
        # Say so before reading them: nobody should pay for the faults of ten thousand lines.
        if not self._low <= len(value) <= self._high:
            raise ValidationError(f"out_of_range: There may be {self._low} to {self._high} of these.")
        found: list[Any] = []
        faults: dict[Any, Any] = {}
        for place, given in enumerate(value):
            try:
                found.append(self._item.read(given))
            except ValidationError as error:
                faults[place] = error.messages
        if faults:
            raise ValidationError(faults)
        return tuple(found)
