"""Strict JSON and the small values."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import values
from adapters.errors import InvalidOrder, MalformedMessage
from adapters.reading import Problems, Unfit, strict_json

ZURICH = ZoneInfo("Europe/Zurich")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ("{}".encode("utf-16"), "not_utf8"),
        (b'"\xe4"', "not_utf8"),
        (b'{"a": 1, "a": 1}', "duplicate_member"),
        (b"[NaN]", "not_a_number"),
        (b"[-Infinity]", "not_a_number"),
        (b"[1e999]", "number_too_large"),
        (b"[-1e999]", "number_too_large"),
        (b"[9007199254740993]", "number_too_large"),
        (b"[1" + b"0" * 5000 + b"]", "number_too_large"),
        (b"[0." + b"1" * 99 + b"]", "number_too_large"),
        (b'["\\u0000"]', "bad_character"),
        (b'["\\ud800"]', "bad_character"),
        (b'{"\\udc00": 1}', "bad_character"),
        (b'["\x01"]', "not_json"),
        (b"[01]", "not_json"),
        (b"[1,]", "not_json"),
        (b"{} {}", "not_json"),
        (b"{'a': 1}", "not_json"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b"[" * 1_000_000, "too_deep"),
    ],
)
def test_strict_json_refuses_what_parsers_disagree_about_i1(body: bytes, code: str) -> None:
    with pytest.raises(MalformedMessage) as refused:
        strict_json(body)
    assert [problem.code for problem in refused.value.problems] == [code]


@pytest.mark.parametrize(
    "body", [b"[" * 32 + b"]" * 32, '["ü", "\\ud83d\\ude00"]'.encode(), b" \r\n\t[1.5, -2, 9007199254740992] "]
)
def test_strict_json_takes_what_all_parsers_agree_about_i1(body: bytes) -> None:
    assert strict_json(body) == json.loads(body)


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(value=ANY_JSON, escaped=st.booleans())
def test_strict_json_reads_back_whatever_was_written(value: Any, escaped: bool) -> None:
    assert strict_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


def test_problems_are_collected_and_raised_together() -> None:
    problems = Problems()
    problems.done()
    assert problems.take("/a", values.decimal, "1.5") == Decimal("1.5")
    assert problems.take("/b", values.decimal, "1,5") is None
    problems.add("/c", "missing", "This is missing.")
    with pytest.raises(InvalidOrder) as refused:
        problems.done()
    assert [problem.pointer for problem in refused.value.problems] == ["/b", "/c"]


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("079 123 45 67", "CH"),
        ("0791234567", "CH"),
        ("0041 79 123 45 67", "CH"),
        ("+41 (0)79 123 45 67", None),
        ("+41 79/123-45-67", "DE"),
        ("tel:+41791234567", "CH"),
    ],
)
def test_a_phone_number_comes_in_any_national_writing(written: str, region: str | None) -> None:
    assert values.phone(written, region) == "+41791234567"


@pytest.mark.parametrize("written", ["", "123", "hello", "079 123 45 67 89 10 11 12", "+999 123 456 789", "0" * 300])
def test_what_nobody_can_call_is_no_phone_number(written: str) -> None:
    with pytest.raises(Unfit):
        values.phone(written, "CH")


def test_a_national_number_needs_a_country() -> None:
    with pytest.raises(Unfit):
        values.phone("079 123 45 67", None)


@pytest.mark.parametrize(
    "text", ["a\0b", "a\x1bb", "a\x85b", "a\nb", "evil\u202etxt", "a\u2066b", "a\ufffeb", "a\ud800b", "x" * 201]
)
def test_names_hold_no_controls_and_no_turned_writing_i6(text: str) -> None:
    with pytest.raises(Unfit):
        values.line(text)


def test_prose_may_have_lines_but_no_escapes_i6() -> None:
    assert values.prose("one\r\n\ttwo") == "one\r\n\ttwo"
    with pytest.raises(Unfit):
        values.prose("\x1b[31m")


def test_text_is_compared_in_one_form_i7() -> None:
    assert values.line("Zu\u0308rich") == "Zürich"
    assert values.line("  👩‍🔧 Zoë ") == "👩‍🔧 Zoë"


@pytest.mark.parametrize("text", ["a@b.ch", "zoe.m+tag@mail.example.ch", "ö@müller.example"])
def test_an_email_address_that_reaches_somebody(text: str) -> None:
    assert values.email(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b.ch", "a@b", "a b@c.ch", "a@b..ch", "a@-b.ch", "<a@b.ch>", "a@b.ch\r\nBcc: x@y.z", "a" * 65 + "@b.ch"],
)
def test_what_reaches_nobody_is_no_email_address(text: str) -> None:
    with pytest.raises(Unfit):
        values.email(text)


def test_a_long_bad_email_is_refused_quickly_i15() -> None:
    with pytest.raises(Unfit):
        values.email("a" * 100_000 + "!")
    with pytest.raises(Unfit):
        values.email("a@" + "a-" * 120 + "!")


@pytest.mark.parametrize(
    "text",
    ["2026-01-20", "2026-01-20T08:00:00", "2026-01-20 08:00:00Z", "2026-W04-2T08:00:00Z", "2026-02-30T08:00:00Z",
     "2026-01-20T24:00:01Z", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "2026-01-20T08:00:60Z",
     "٢٠٢٦-01-20T08:00:00Z"],
)  # fmt: skip
def test_a_time_without_an_offset_or_out_of_our_time_is_refused_i17(text: str) -> None:
    with pytest.raises(Unfit):
        values.instant(text)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_rfc_3339_time_is_read(at: datetime) -> None:
    assert values.instant(at.isoformat()) == at
    assert values.instant(at.isoformat().replace("+00:00", "z")) == at


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-20", "2026-01-20T00:00:00+01:00"),
        ("2026-07-20T08:30", "2026-07-20T08:30:00+02:00"),
        ("2026-07-20T08:30:00Z", "2026-07-20T08:30:00+00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_wall_time_is_local_until_it_says_otherwise(text: str, read: str) -> None:
    at = values.wall_time(text, ZURICH)
    assert at.isoformat() == read
    assert at.utcoffset() is not None


@pytest.mark.parametrize("text", ["2026", "2026-01", "2026-03-29T02:30:00", "20.01.2026", ""])
def test_a_bare_year_or_an_hour_that_the_clocks_skip_is_no_time(text: str) -> None:
    with pytest.raises(Unfit):
        values.wall_time(text, ZURICH)


@given(st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2099, 1, 1)))  # noqa: DTZ001
def test_wall_time_says_what_the_clock_on_the_wall_says(naive: datetime) -> None:
    text = naive.isoformat(timespec="seconds")
    try:
        at = values.wall_time(text, ZURICH)
    except Unfit:
        shown = naive.replace(tzinfo=ZURICH).astimezone(UTC).astimezone(ZURICH)
        assert shown.replace(tzinfo=None, fold=0) != naive.replace(fold=0)
    else:
        assert at.astimezone(ZURICH).isoformat(timespec="seconds").startswith(text)


@pytest.mark.parametrize("text", ["1,5", "1e3", "1'000", "", "NaN", "--1", "1.", "1234567890123", "١"])
def test_an_amount_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(Unfit):
        values.decimal(text)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert values.whole("2.0") == 2
    with pytest.raises(Unfit):
        values.whole("2.5")


def test_a_gtin_is_judged_by_its_check_digit() -> None:
    assert values.gtin("4006381333931") == "4006381333931"
    assert values.gtin("96385074") == "96385074"
    for wrong in ("4006381333932", "400638133393", "40063813339311", "abc", "４００６３８１３３３９３１"):
        with pytest.raises(Unfit):
            values.gtin(wrong)


def test_there_are_249_countries() -> None:
    assert len(values.COUNTRIES) == 249
    assert values.country(" ch ") == "CH"
    for wrong in ("XK", "UK", "CHE", "", "C"):
        with pytest.raises(Unfit):
            values.country(wrong)


@pytest.mark.parametrize(
    ("text", "tag"),
    [("ger", "de"), ("deu", "de"), ("fre", "fr"), ("fra", "fr"), ("ITA", "it"), ("roh", "rm"), ("de-ch", "de-CH"),
     ("zh-hant-tw", "zh-Hant-TW"), ("gsw", "gsw"), ("en", "en")],
)  # fmt: skip
def test_languages_come_in_either_iso_639_2_code_or_as_bcp_47(text: str, tag: str) -> None:
    assert values.language(text) == tag


@pytest.mark.parametrize("text", ["xx", "xyz", "german", "", "de_CH"])
def test_an_unknown_language_is_a_problem_and_no_default(text: str) -> None:
    with pytest.raises(Unfit):
        values.language(text)


def test_a_window_of_wall_times_can_cross_the_change_of_clocks() -> None:
    start, end = (values.wall_time(text, ZURICH) for text in ("2026-03-28T12:00", "2026-03-29T12:00"))
    assert end - start == timedelta(hours=23)
