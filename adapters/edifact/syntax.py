"""The syntax of ISO 9735, versions 1 to 3: bytes to segments and back, in linear time (security.md I10).

Line breaks are no data anywhere: files come with one after each segment, wrapped at 80 columns, or as one line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

MAX_BYTES = 1024 * 1024
MAX_SEGMENTS = 10_000
MAX_ELEMENTS = 100
MAX_COMPONENT = 512

# UNOX (ISO 2022) switches alphabets on the way: nobody sends it, and it hides characters from whoever looks on.
CHARSETS = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso-8859-1",
    "UNOD": "iso-8859-2",
    "UNOE": "iso-8859-5",
    "UNOF": "iso-8859-7",
    "UNOG": "iso-8859-3",
    "UNOH": "iso-8859-4",
    "UNOI": "iso-8859-6",
    "UNOJ": "iso-8859-8",
    "UNOK": "iso-8859-9",
    "UNOW": "utf-8",
    "UNOY": "utf-8",
}
_BOM = b"\xef\xbb\xbf"
BREAKS = b"\r\n"

# Control characters, and what a converter leaves where it has lost a letter.
_INVALID = re.compile("[\x00-\x1f\x7f-\x9f\ufffd]")
_SERVICE = re.compile(r"UNA([!-/:-@\[-`{-~]{4}[ !-/:-@\[-`{-~][!-/:-@\[-`{-~])")


class Characters(NamedTuple):
    """The six of UNA, in its order."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    reserved: str = " "
    terminator: str = "'"


DEFAULT = Characters()


class Segment:
    """A tag and its elements, each a list of components. `number` counts in the message, UNH is 1.

    `text` is the segment as it was written, or empty where characters in it were released.
    """

    __slots__ = ("elements", "number", "tag", "text")

    def __init__(self, tag: str, elements: list[list[str]], text: str = "") -> None:
        self.tag = tag
        self.elements = elements
        self.text = text
        self.number = 0

    def get(self, element: int, component: int = 1) -> str:
        """By position, from 1; empty where there is none."""
        try:
            return self.elements[element - 1][component - 1]
        except IndexError:
            return ""

    def parts(self, element: int) -> list[str]:
        """The components of an element that say something."""
        return [part for part in self.elements[element - 1] if part.strip()] if element <= len(self.elements) else []


@dataclass(slots=True)
class Piece:
    """What stands from UNA or UNB to UNZ.

    `charset` is what its letters were read by ("" where all are ASCII), `mislabelled` that they are UTF-8 under
    another name. `suspects` are segments to look at twice: they hold invalid characters, or may be too long. `fault`
    says why the file is read no further.
    """

    characters: Characters = DEFAULT
    segments: list[Segment] = field(default_factory=list)
    charset: str = ""
    mislabelled: bool = False
    suspects: frozenset[Segment] = frozenset()
    fault: str = ""


# --- bytes to segments -------------------------------------------------------------------------------------------


def pieces(body: bytes) -> Iterator[Piece]:
    """The interchanges of a file, one after the other, each with service characters and a charset of its own."""
    data = body.removeprefix(_BOM).translate(None, BREAKS)
    # Service characters are ASCII, and no byte of a letter in ISO 8859 or UTF-8 is: one byte is one character here.
    text = data.decode("latin-1")
    at, room = 0, MAX_SEGMENTS
    while True:
        piece, start = Piece(), at
        at, texts = _cut(text, at, room, piece)
        whole = text[start:at]
        if not whole.isascii():
            texts = _decoded(data[start:at], texts, piece)
            whole = "".join(texts)
        piece.segments = [_segment(one, piece.characters) for one in texts]
        piece.suspects = _suspects(whole, texts, piece.segments)
        yield piece
        room -= len(texts)
        if piece.fault or at >= len(text):
            return


def _cut(text: str, at: int, room: int, piece: Piece) -> tuple[int, list[str]]:
    """Where the interchange ends, and the segments up to there."""
    texts: list[str] = []
    if text.startswith("UNA", at):
        service = _SERVICE.match(text, at)
        if service is None or len(set(service[1])) < len(DEFAULT):
            piece.fault = "una"
            return at, texts
        piece.characters = Characters(*service[1])
        at = service.end()
    if not text.startswith("UNB", at):
        piece.fault = "no_unb"
        return at, texts
    whole = _whole(piece.characters.release, piece.characters.terminator)
    while found := whole.match(text, at):
        if len(texts) == room:
            piece.fault = "too_many_segments"
            return at, texts
        one = found[1]
        at = found.end()
        texts.append(one)
        if one[:3] == "UNZ":
            return at, texts
    piece.fault = "unterminated" if at < len(text) else "no_unz"
    return len(text), texts


@lru_cache(maxsize=64)
def _whole(release: str, terminator: str) -> re.Pattern[str]:
    """A segment and its end. Each character can be matched in one way only, so that nothing is tried twice."""
    plain = f"[^{re.escape(release + terminator)}]*"
    return re.compile(f"({plain}(?:{re.escape(release)}.{plain})*){re.escape(terminator)}")


def _decoded(data: bytes, texts: list[str], piece: Piece) -> list[str]:
    """Letters beyond ASCII by what UNB declares; but what is valid UTF-8 is UTF-8: real senders call it UNOC."""
    declared = CHARSETS.get(texts[0][4:8], "ascii") if texts else "ascii"
    piece.charset = declared if declared == "ascii" or not _is_utf8(data) else "utf-8"
    piece.mislabelled = piece.charset != declared
    return [one if one.isascii() else one.encode("latin-1").decode(piece.charset, "replace") for one in texts]


def _suspects(whole: str, texts: list[str], segments: list[Segment]) -> frozenset[Segment]:
    # A hundred elements are a hundred characters at least.
    strange = not (whole.isascii() and whole.isprintable()) and not is_readable(whole)
    if not strange and max(map(len, texts), default=0) < MAX_ELEMENTS:
        return frozenset()
    pairs = zip(texts, segments, strict=True)
    return frozenset(it for text, it in pairs if len(text) >= MAX_ELEMENTS or not is_readable(text))


def is_readable(text: str) -> bool:
    """Whether a converter has lost nothing in it, and nothing controls a terminal."""
    return _INVALID.search(text) is None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _segment(text: str, characters: Characters) -> Segment:
    component, element, _, release, _, _ = characters
    if release in text:
        parts = _released(text, characters)
        return Segment(component.join(parts[0]), parts[1:])
    tag, *rest = text.split(element)
    return Segment(tag, [part.split(component) for part in rest], text)


def _released(text: str, characters: Characters) -> list[list[str]]:
    elements: list[list[str]] = [[]]
    for part, separator in _part(characters.component, characters.element, characters.release).findall(text):
        elements[-1].append(_RELEASED[characters.release].sub(r"\1", part) if characters.release in part else part)
        if separator == characters.element:
            elements.append([])
        elif not separator:
            break
    return elements


@lru_cache(maxsize=64)
def _part(component: str, element: str, release: str) -> re.Pattern[str]:
    plain = f"[^{re.escape(component + element + release)}]*"
    return re.compile(f"({plain}(?:{re.escape(release)}.{plain})*)([{re.escape(component + element)}]|$)")


class _Releases(dict[str, re.Pattern[str]]):
    """Finds a release character with what it releases."""

    def __missing__(self, release: str) -> re.Pattern[str]:
        pattern = self[release] = re.compile(f"{re.escape(release)}(.)")
        return pattern


_RELEASED = _Releases()


# --- segments to bytes -------------------------------------------------------------------------------------------

Value = str | int | tuple[str | int | None, ...] | None


def written(tag: str, *elements: Value) -> str:
    """A segment by the default service characters, without its end. Empty ones at the end are left out."""
    parts = [_element(element) for element in elements]
    while parts and not parts[-1]:
        parts.pop()
    return "+".join([tag, *parts])


def _element(element: Value) -> str:
    parts = [_escaped(part) for part in (element if isinstance(element, tuple) else (element,))]
    while parts and not parts[-1]:
        parts.pop()
    return ":".join(parts)


_SPECIAL = re.compile(r"[?+:']")


def _escaped(value: str | int | None) -> str:
    return _SPECIAL.sub(r"?\g<0>", str(value)) if value is not None else ""
