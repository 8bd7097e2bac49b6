"""How documents are read: every problem is collected where it is, and JSON is taken in its strict form only."""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, TypeVar

from adapters.errors import InvalidOrder, MalformedMessage, Problem, TranslationError

T = TypeVar("T")

MAX_DEPTH = 32
MAX_NUMBER = 100
MAX_INTEGER = 2**53  # beyond it, JavaScript and many others read another number

SURROGATE = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class Unfit(ValueError):
    """A value that cannot be taken, in words for programs and for people; whoever knows the place adds it."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


class Problems:
    """What is wrong with a document, all of it: read on after the first fault, and raise once, in `done`."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        self.found.append(Problem(pointer=pointer, code=code, detail=detail))

    def take(self, pointer: str, read: Callable[..., T], *values: Any) -> T | None:
        """`read(*values)`, or None and a problem at `pointer` when it raises `Unfit`."""
        try:
            return read(*values)
        except Unfit as unfit:
            self.add(pointer, unfit.code, unfit.detail)
            return None

    def done(self, error: type[TranslationError] = InvalidOrder) -> None:
        """Raise `error` with everything that was found; nothing found, nothing raised."""
        if self.found:
            raise error(self.found)


def step(name: str) -> str:
    """A member's name as a step of a JSON pointer, cut short when it was made up to be long: no place to shout."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:64])
    return shown.replace("~", "~0").replace("/", "~1")


def strict_json(body: bytes, largest: int = MAX_INTEGER) -> Any:
    """The JSON value of `body`, as every other parser of the world would read it (security.md I1, I6, I17).

    UTF-8 without BOM, at most `MAX_DEPTH` levels, numbers of at most `MAX_NUMBER` characters that are finite and, when
    whole, within ±`largest`, for partners whose numbers are int64; no member name twice, no NUL, no half of a surrogate
    pair. Anything else raises `MalformedMessage` with one problem, which never repeats what was sent.
    """
    try:
        text = body.decode("utf-8")
        document = _decoder(largest).decode(text)
        # Only escapes can smuggle these in, and only many brackets nest deeply: most documents need no walk.
        if _SUSPECT.search(body) or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
            _walk(document, 1)
    except UnicodeDecodeError:
        raise _malformed("not_utf8", "JSON must be encoded as UTF-8.") from None
    except json.JSONDecodeError as error:
        detail = f"This is not JSON: it breaks at line {error.lineno}, column {error.colno}."
        raise _malformed("not_json", detail) from None
    except RecursionError:
        raise _malformed("too_deep", f"JSON may nest {MAX_DEPTH} levels.") from None
    except Unfit as unfit:
        raise _malformed(unfit.code, unfit.detail) from None
    return document


def _malformed(code: str, detail: str) -> MalformedMessage:
    return MalformedMessage([Problem(pointer="", code=code, detail=detail)])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unfit("duplicate_member", "A member name stands twice in one object.")
    return found


def _integer(literal: str, largest: int) -> int:
    if len(literal) > MAX_NUMBER or abs(value := int(literal)) > largest:
        raise Unfit("number_too_large", f"A whole number lies beyond ±2^{largest.bit_length() - 1}.")
    return value


def _float(literal: str) -> float:
    if len(literal) > MAX_NUMBER or (value := float(literal)) in (float("inf"), float("-inf")):
        raise Unfit("number_too_large", "A number has too many digits or overflows.")
    return value


def _constant(literal: str) -> float:
    raise Unfit("not_a_number", "NaN and Infinity are no JSON.")


@cache
def _decoder(largest: int) -> json.JSONDecoder:
    whole = partial(_integer, largest=largest)
    return json.JSONDecoder(object_pairs_hook=_object, parse_int=whole, parse_float=_float, parse_constant=_constant)


def _walk(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value or SURROGATE.search(value):
            raise Unfit("bad_character", "A text holds NUL or half of a surrogate pair.")
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise Unfit("too_deep", f"JSON may nest {MAX_DEPTH} levels.")
        inner: Iterable[Any] = value if isinstance(value, list) else (*value, *value.values())
        for item in inner:
            _walk(item, depth + 1)
