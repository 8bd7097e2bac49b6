"""The envelope: which messages a file holds, from whom, and whether all that was sent has arrived (security.md I10)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

from adapters.edifact.faults import Error, Faults
from adapters.edifact.syntax import (
    BREAKS,
    CHARSETS,
    MAX_BYTES,
    MAX_COMPONENT,
    MAX_ELEMENTS,
    Characters,
    Piece,
    Segment,
    is_readable,
    pieces,
)

_TAG = re.compile("[A-Z]{3}")
_REFERENCE = re.compile(r"[^\s]{1,14}")


@dataclass(slots=True)
class Message:
    """From UNH to UNT."""

    segments: list[Segment]

    @property
    def reference(self) -> str:
        return self.segments[0].get(1)

    @property
    def kind(self) -> list[str]:
        """Type, version, release, agency, association code, as far as UNH says them: `["ORDERS", "D", "01B", "UN"]`."""
        return self.segments[0].elements[1] if len(self.segments[0].elements) > 1 else []


@dataclass(slots=True)
class Interchange:
    """From UNB to UNZ."""

    piece: Piece
    header: Segment
    messages: list[Message] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return self.header.get(5)

    @property
    def characters(self) -> Characters:
        return self.piece.characters


# What a file is read no further for: where, why, and in words.
_ENDS = {
    "una": ("UNA", Error.INVALID_SERVICE_CHARACTER, "UNA is followed by six different service characters."),
    "no_unb": ("UNB", Error.MISSING, "An interchange begins here, with UNA or UNB."),
    "no_unz": ("UNZ", Error.MISSING, "The interchange is cut off before its UNZ."),
    "unterminated": ("UNZ", Error.MISSING, "The last segment is cut off before its end."),
    "too_many_segments": ("UNB", Error.UNSPECIFIED, "A file may have 10000 segments."),
}


def open_file(body: bytes, faults: Faults) -> list[Interchange]:
    """The interchanges of a file, with every fault of their envelopes."""
    if len(body) > MAX_BYTES:
        faults.broken(Error.UNSPECIFIED, "", "too_large", f"A file may have {MAX_BYTES} bytes.")
        return []
    found: list[Interchange] = []
    for number, piece in enumerate(pieces(body)):
        faults.interchange, faults.message = number, None
        faults.prefix = f"UNB[{number + 1}]/" if number else ""
        if piece.fault:
            pointer, error, detail = _ENDS[piece.fault]
            if piece.fault == "no_unb" and number:
                error, detail = Error.OUTSIDE, "After UNZ there is nothing, or another interchange."
            faults.broken(error, pointer, piece.fault, detail)
        if piece.segments:
            found.append(_open(piece, faults))
    return found


def _open(piece: Piece, faults: Faults) -> Interchange:
    interchange = Interchange(piece, piece.segments[0])
    _check_header(interchange, faults)
    prefix = faults.prefix
    places = count()
    for message in _messages(interchange, faults):
        faults.message = next(places)
        faults.prefix = f"{prefix}UNH[{faults.message + 1}]/" if faults.message else prefix
        _check_message(message, faults)
        _check_suspects(message.segments, piece, faults)
        interchange.messages.append(message)
    faults.message, faults.prefix = None, prefix
    _check_suspects([piece.segments[0], piece.segments[-1]], piece, faults)
    _check_trailer(interchange, faults)
    return interchange


def _messages(interchange: Interchange, faults: Faults) -> Iterator[Message]:
    """What stands between UNH and UNT, and nothing beside it."""
    inside: list[Segment] | None = None
    for segment in interchange.piece.segments[1:]:
        tag = segment.tag
        if tag == "UNH" or (tag == "UNZ" and inside is not None):
            if inside is not None:
                yield Message(inside)
            inside = [segment] if tag == "UNH" else None
        elif inside is not None:
            inside.append(segment)
            if tag == "UNT":
                yield Message(inside)
                inside = None
        elif tag != "UNZ":
            detail = "This stands outside of any message; functional groups are not taken."
            faults.broken(Error.OUTSIDE, "UNB", "outside_a_message", detail)
            return
    if inside is not None:
        yield Message(inside)


def _check_message(message: Message, faults: Faults) -> None:
    for number, segment in enumerate(message.segments, 1):
        segment.number = number
    last, reference = message.segments[-1], message.reference
    if last.tag != "UNT":
        faults.broken(Error.MISSING, "UNT", "no_unt", "The message does not end with UNT.", (last, 0, 0))
        return
    if not _counts(last.get(1), len(message.segments)):
        detail = f"UNT counts the segments from UNH to UNT; these are {len(message.segments)}."
        faults.broken(Error.COUNT_DIFFERS, "UNT", "segment_count", detail, (last, 1, 0))
    if last.get(2) != reference:
        detail = "UNT does not repeat the reference of UNH."
        faults.broken(Error.REFERENCES_DIFFER, "UNT", "message_reference", detail, (last, 2, 0))
    if not _REFERENCE.fullmatch(reference):
        faults.broken(
            Error.MISSING, "UNH", "reference", "A reference has 1 to 14 characters.", (message.segments[0], 1, 0)
        )


def _counts(written: str, counted: int) -> bool:
    return written.isascii() and written.isdecimal() and len(written) <= 6 and int(written) == counted


def _check_suspects(segments: list[Segment], piece: Piece, faults: Faults) -> None:
    """What may be wrong with any segment, wherever it stands."""
    for segment in segments if piece.suspects else ():
        if segment in piece.suspects:
            if len(segment.elements) > MAX_ELEMENTS:
                detail = f"A segment may have {MAX_ELEMENTS} elements."
                _wrong(faults, Error.TOO_MANY_CONSTITUENTS, segment, "too_many_elements", detail)
            else:
                _check_characters(segment, faults)


def _check_characters(segment: Segment, faults: Faults) -> None:
    parts = [segment.tag, *(part for element in segment.elements for part in element)]
    if max(map(len, parts), default=0) > MAX_COMPONENT:
        _wrong(faults, Error.TOO_LONG, segment, "too_long", f"An element may have {MAX_COMPONENT} characters.")
    if not all(map(is_readable, parts)):
        detail = "This holds characters that the declared character set does not have."
        _wrong(faults, Error.INVALID_CHARACTER, segment, "bad_character", detail)


def _wrong(faults: Faults, error: Error, segment: Segment, code: str, detail: str) -> None:
    tag = segment.tag if _TAG.fullmatch(segment.tag) else "segment"
    pointer = f"{tag}[{segment.number}]" if segment.number else tag
    faults.broken(error, pointer, code, detail, (segment, 0, 0))


_HEADER = (
    (2, "0004", "the sender"),
    (3, "0010", "the recipient"),
    (5, "0020", "the control reference"),
)
_CLOCK = re.compile("[0-9]{6}"), re.compile("[0-9]{4}")


def _check_header(interchange: Interchange, faults: Faults) -> None:
    header = interchange.header
    if header.get(1) not in CHARSETS or header.get(1, 2) not in ("1", "2", "3"):
        detail = "This takes UNOA to UNOK, UNOW and UNOY in the versions 1 to 3 of the syntax."
        faults.broken(Error.SYNTAX_LEVEL, "UNB/S001", "syntax_level", detail, (header, 1, 0))
    for element, code, meaning in _HEADER:
        if not header.get(element).strip():
            faults.broken(Error.MISSING, f"UNB/{code}", "missing", f"This is {meaning}.", (header, element, 1))
    if interchange.reference and not _REFERENCE.fullmatch(interchange.reference):
        detail = "A control reference has 1 to 14 characters without blanks."
        faults.broken(Error.TOO_LONG, "UNB/0020", "reference", detail, (header, 5, 1))
    if not all(form.fullmatch(header.get(4, part)) for part, form in enumerate(_CLOCK, 1)):
        detail = "The time of preparation is YYMMDD:HHMM."
        faults.broken(Error.INVALID_VALUE, "UNB/S004", "not_a_time", detail, (header, 4, 0))


def _check_trailer(interchange: Interchange, faults: Faults) -> None:
    last = interchange.piece.segments[-1]
    if last.tag != "UNZ":
        return  # and has been told
    if not interchange.messages:
        faults.broken(Error.LOWER_LEVEL_EMPTY, "UNB", "no_message", "There is no message in this interchange.")
    if not _counts(last.get(1), len(interchange.messages)):
        detail = f"UNZ counts the messages; these are {len(interchange.messages)}."
        faults.broken(Error.COUNT_DIFFERS, "UNZ", "message_count", detail, (last, 1, 0))
    if last.get(2) != interchange.reference:
        detail = "UNZ does not repeat the reference of UNB."
        faults.broken(Error.REFERENCES_DIFFER, "UNZ", "interchange_reference", detail, (last, 2, 0))


def number(body: bytes) -> str | None:
    """What a file is known by: sender, reference and time of preparation of its first interchange, and what it says.

    References begin again after a year, and some senders never write another than 1 (partners.md 2.7).
    """
    header = next(iter(next(pieces(body)).segments), None)
    if header is None:
        return None
    said = sha256(body.translate(None, BREAKS)).hexdigest()[:32]
    return "/".join((header.get(2)[:35], header.get(5)[:14], header.get(4)[:8], header.get(4, 2)[:4], said))


def origin(interchange: Interchange) -> dict[str, Any]:
    """Which envelope it was, as JSON: for CONTRL, for the address of our answer, and to know a second delivery by."""
    header, piece = interchange.header, interchange.piece
    return {
        "reference": interchange.reference,
        "sender": [header.get(2, 1), header.get(2, 2)],
        "recipient": [header.get(3, 1), header.get(3, 2)],
        "prepared": f"{header.get(4, 1)}:{header.get(4, 2)}",
        "test": header.get(11) == "1",
        **({"mislabelled": piece.charset} if piece.mislabelled else {}),
    }
