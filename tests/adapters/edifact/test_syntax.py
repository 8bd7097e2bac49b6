"""Bytes and segments: service characters, release, charsets, wrapped and broken files."""

import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.edifact import syntax
from adapters.edifact.syntax import Characters, pieces, written
from tests.support.edifact import order


def segments(body: bytes) -> list[tuple[str, list[list[str]]]]:
    (piece,) = pieces(body)
    return [(segment.tag, segment.elements) for segment in piece.segments]


SIGNS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)
ELEMENTS = st.lists(st.lists(SIGNS, min_size=1, max_size=4), min_size=1, max_size=6)


def trimmed(elements: Any) -> list[list[str]]:
    """Without what is empty at the end, which is not written."""

    def cut(parts: Any) -> Any:
        while parts and not parts[-1]:
            parts = parts[:-1]
        return parts

    return cut([cut(element) for element in elements])


def is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@given(elements=ELEMENTS)
def test_what_is_written_reads_back_as_it_was(elements: Any) -> None:
    line = written("FTX", *(tuple(element) for element in elements))
    body = f"UNB+UNOC:3'{line}'UNZ+0+1'".encode("iso-8859-1")
    assume(body.isascii() or not is_utf8(body))  # letters that happen to be UTF-8 are taken for it
    tag, found = segments(body)[1]
    assert (tag, trimmed(found)) == ("FTX", trimmed(elements))


@given(body=st.binary(max_size=400))
def test_any_bytes_are_cut_somehow(body: bytes) -> None:
    assert list(pieces(body))
    assert list(pieces(b"UNB+UNOC:3" + body))


SERVICE = st.lists(st.sampled_from("+:?'.,*#~^|&!;"), min_size=6, max_size=6, unique=True)


@given(signs=SERVICE, text=st.text("ab+:?'.,*#~^|&!;", max_size=20))
def test_any_service_characters_do_what_una_says(signs: list[str], text: str) -> None:
    una = Characters(*signs)
    special = {una.component, una.element, una.release, una.terminator}
    told = "".join(una.release + sign if sign in special else sign for sign in text)
    line = f"FTX{una.element}{told}{una.component}x"
    body = f"UNA{''.join(una)}UNB{una.element}UNOC{una.terminator}{line}{una.terminator}UNZ{una.terminator}"
    assert segments(body.encode())[1] == ("FTX", [[text, "x"]])


def test_wrapped_at_eighty_columns_with_line_ends_or_as_one_line_is_the_same() -> None:
    one = order().encode("iso-8859-1")
    wrapped = b"\r\n".join(one[at : at + 80] for at in range(0, len(one), 80))
    lines = one.replace(b"'", b"'\r\n")
    assert segments(one) == segments(wrapped) == segments(lines) == segments(lines.replace(b"\r\n", b"\n"))


def test_a_line_break_between_release_and_what_it_releases_does_not_matter() -> None:
    assert segments(b"UNB+UNOC:3'COM+?\r\n+41:TE'UNZ'")[1] == ("COM", [["+41", "TE"]])


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("UNOC", "iso-8859-1", "Zürich Genève"),
        ("UNOD", "iso-8859-2", "Žižkov Łódź"),
        ("UNOE", "iso-8859-5", "Москва"),
        ("UNOF", "iso-8859-7", "Αθήνα"),
        ("UNOW", "utf-8", "Łódź Αθήνα"),
        ("UNOA", "ascii", "ZUERICH"),
        ("UNOB", "ascii", "Zuerich"),
    ],
)
def test_letters_are_those_of_the_declared_charset(declared: str, codec: str, text: str) -> None:
    (piece,) = pieces(f"UNB+{declared}:3'NAD+{text}'UNZ'".encode(codec))
    assert (piece.segments[1].get(1), piece.mislabelled, piece.suspects) == (text, False, frozenset())


def test_utf_8_declared_as_unoc_is_utf_8_and_remembered() -> None:
    (piece,) = pieces("UNB+UNOC:3'NAD+Zürich'UNZ'".encode())
    assert (piece.segments[1].get(1), piece.mislabelled) == ("Zürich", True)


@pytest.mark.parametrize("text", ["Z\ufffdrich", "Z\x00rich", "Z\x1brich", "Z\trich"])
def test_lost_letters_and_control_characters_are_suspect(text: str) -> None:
    (piece,) = pieces(f"UNB+UNOC:3'NAD+{text}'UNZ'".encode())
    assert piece.suspects == {piece.segments[1]}


def test_letters_beyond_what_unoa_has_are_suspect() -> None:
    (piece,) = pieces("UNB+UNOA:3'NAD+Zürich'UNZ'".encode("iso-8859-1"))
    assert piece.suspects == {piece.segments[1]}


def test_a_byte_order_mark_is_no_fault() -> None:
    assert segments(b"\xef\xbb\xbfUNB+UNOC:3'UNZ'") == [("UNB", [["UNOC", "3"]]), ("UNZ", [])]


def test_each_interchange_has_its_own_service_characters_and_charset() -> None:
    first, second = pieces(b"UNA:+,? 'UNB+UNOC:3'X+\xfc'UNZ'" + "UNA!*.# ~UNB*UNOW!3~X*ü!#!~UNZ~".encode())
    assert (first.characters.decimal, first.segments[1].get(1)) == (",", "ü")
    assert second.segments[1].elements == [["ü", "!"]]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "no_unb"),
        (b"UNA:+.? UNB", "una"),
        (b"UNA++.? 'UNB+UNOC:3'UNZ'", "una"),
        (b"UNA:+.?a'UNB+UNOC:3'UNZ'", "una"),
        (b"UNA:+.?'", "una"),
        (b"UNH+1'", "no_unb"),
        (b"UNB+UNOC:3'UNH+1'", "no_unz"),
        (b"UNB+UNOC:3'UNH+1", "unterminated"),
        (b"UNB+UNOC:3'UNH+1?'", "unterminated"),
        (b"UNB+UNOC:3'UNH+1?", "unterminated"),
        (b"UNB'" * (syntax.MAX_SEGMENTS + 1), "too_many_segments"),
    ],
)
def test_what_cannot_be_cut_says_why_i10(body: bytes, fault: str) -> None:
    assert [piece.fault for piece in pieces(body)] == [fault]


@pytest.mark.parametrize("evil", [b"?", b"'", b"+", b":", b"?'", b"UNZ'", b"UNB+'UNZ'", b"UNA:+.? '", b"\xc3"])
def test_a_megabyte_of_anything_is_linear_i10(evil: bytes) -> None:
    def took(length: int) -> float:
        body = b"UNB+UNOC:3'" + evil * (length // len(evil))
        start = time.process_time()
        list(pieces(body))
        return time.process_time() - start

    # Eight times as much takes about eight times as long; a quadratic reader takes 64 times.
    small, large = (min(took(length) for _ in range(3)) for length in (125_000, 1_000_000))
    assert large < 32 * max(small, 0.001)
