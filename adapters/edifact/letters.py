"""Our interchanges: an envelope around messages, in ISO 8859-1, addressed to whoever sent theirs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from unicodedata import normalize

from adapters.canonical import EMPTY
from adapters.edifact.settings import Settings
from adapters.edifact.syntax import written

UNA = "UNA:+.? '"
_GLN = "14"  # 0007: EAN International
_TEST = "1"
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which are read to people on the phone
_REFERENCE = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One interchange of ours: its control reference is derived from `source`, the id of what it answers or tells.

    `theirs` is the envelope that it answers, as the reader has kept it, or empty.
    """

    source: str
    at: datetime
    settings: Settings
    test: bool = False
    theirs: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def reference(self) -> str:
        return reference(self.source)

    def local(self, form: str) -> str:
        return self.at.astimezone(self.settings.zone).strftime(form)

    @property
    def sender(self) -> tuple[str, str]:
        return _side(self.theirs.get("recipient"), self.settings.our_id or "OURS")

    @property
    def recipient(self) -> tuple[str, str]:
        return _side(self.theirs.get("sender"), self.settings.partner_id or "PARTNER")


def _side(told: Sequence[str] | None, agreed: str) -> tuple[str, str]:
    return (told[0], told[1]) if told else (agreed, _GLN)


def reference(source: str) -> str:
    """A control reference of 14 characters, always the same one for the same source."""
    number = int.from_bytes(sha256(source.encode()).digest()[:10])
    signs: list[str] = []
    for _ in range(_REFERENCE):
        number, sign = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[sign])
    return "".join(signs)


def interchange(letter: Letter, messages: Sequence[tuple[str, Iterable[str]]]) -> bytes:
    """UNA to UNZ around messages, each by what stands in its UNH and the segments after that."""
    prepared = (letter.local("%y%m%d"), letter.local("%H%M"))
    test = _TEST if letter.test else None
    nothing = [None] * 5  # password, application, priority, acknowledgement, agreement
    header = [("UNOC", "3"), letter.sender, letter.recipient, prepared, letter.reference, *nothing, test]
    segments = [written("UNB", *header)]
    for number, (kind, inner) in enumerate(messages, 1):
        whole = [written("UNH", number, tuple(kind.split(":"))), *inner]
        segments += [*whole, written("UNT", len(whole) + 1, number)]
    segments.append(written("UNZ", len(messages), letter.reference))
    return latin(UNA + "\r\n" + "".join(f"{segment}'\r\n" for segment in segments))


def latin(text: str) -> bytes:
    """ISO 8859-1. A letter that it does not have loses its accents, or becomes a full stop."""
    try:
        return text.encode("iso-8859-1")
    except UnicodeEncodeError:
        return "".join(map(_plain, text)).encode("iso-8859-1")


def _plain(letter: str) -> str:
    if letter <= "\xff":
        return letter
    base = normalize("NFKD", letter)[0]
    return base if base.isalnum() and base <= "\xff" else "."
