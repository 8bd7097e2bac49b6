"""security.md I10, fault by fault: what is wrong with a file, where, and the code that a CONTRL says it with."""

import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import Outcome, Receipt, Refusal
from adapters.contract import Numbered, RawMessage
from adapters.edifact.adapter import EdifactAdapter
from adapters.edifact.faults import MAX_FAULTS
from adapters.errors import MalformedMessage, TranslationError
from tests.support.documents import NOON
from tests.support.edifact import HEAD, HOME, LINE, file_of, messages_of, order

GOOD = order()


def refused(document: str | bytes, **options: Any) -> TranslationError:
    body = document.encode("iso-8859-1") if isinstance(document, str) else document
    with pytest.raises(TranslationError) as caught:
        EdifactAdapter(options).parse(RawMessage(body=body, media_type="application/edifact"))
    return caught.value


def codes(document: str | bytes, **options: Any) -> list[tuple[str, str, str]]:
    return [(fault.pointer, fault.code, str(fault.error)) for fault in refused(document, **options).problems]


def unread(error: TranslationError, at: datetime = NOON) -> Refusal:
    detail = "The document is not a message that can be taken."
    code = "malformed" if error.status == 400 else "invalid"
    return Refusal(message_id="msg_1", at=at, code=code, status=error.status, detail=detail, problems=error.problems)


def contrl(document: str | bytes, at: datetime = NOON) -> list[str]:
    """UCI and what follows, of our answer to a document that is refused."""
    body = document.encode("iso-8859-1") if isinstance(document, str) else document
    message = RawMessage(body=body, media_type="application/edifact")
    answer = EdifactAdapter({}).refuse(message, unread(refused(document), at))
    assert answer is not None
    (control,) = messages_of(answer.body)
    return ["+".join(":".join(element) for element in segment) for segment in control[1:-1]]


FAULTS = {
    "UNA with the same character twice": ("UNA:+.? :" + GOOD, "UNA", "una", "22"),
    "UNA cut off": ("UNA:+.", "UNA", "una", "22"),
    "no UNB": (GOOD[GOOD.index("UNH") :], "UNB", "no_unb", "13"),
    "an unknown charset": (GOOD.replace("UNOC:3", "KLIN:3"), "UNB/S001", "syntax_level", "2"),
    "version 4 of the syntax": (GOOD.replace("UNOC:3", "UNOC:4"), "UNB/S001", "syntax_level", "2"),
    "no sender": (GOOD.replace("7613001000004:14", ""), "UNB/0004", "missing", "13"),
    "no recipient": (GOOD.replace("7640199900007:14", ""), "UNB/0010", "missing", "13"),
    "no control reference": (GOOD.replace("ID0000123", ""), "UNB/0020", "missing", "13"),
    "a control reference too long": (GOOD.replace("ID0000123", "ID00001234567890"), "UNB/0020", "reference", "39"),
    "a time of preparation that is none": (GOOD.replace("260114:1533", "today"), "UNB/S004", "not_a_time", "12"),
    "another reference in UNT": (GOOD.replace("UNT+11+1", "UNT+11+2"), "UNT", "message_reference", "28"),
    "another count in UNT": (GOOD.replace("UNT+11", "UNT+12"), "UNT", "segment_count", "29"),
    "no number in UNT": (GOOD.replace("UNT+11", "UNT+twelve"), "UNT", "segment_count", "29"),
    "no UNT": (GOOD.replace("UNT+11+1'", ""), "UNT", "no_unt", "13"),
    "no UNZ": (GOOD[: GOOD.index("UNZ")], "UNZ", "no_unz", "13"),
    "another count in UNZ": (GOOD.replace("UNZ+1", "UNZ+2"), "UNZ", "message_count", "29"),
    "another reference in UNZ": (GOOD.replace("+ID0000123'", "+ID0000124'"), "UNZ", "interchange_reference", "28"),
    "bytes after UNZ": (GOOD + "GET / HTTP/1.1", "UNB[2]/UNB", "no_unb", "33"),
    "a release character at the end": (GOOD[:-1] + "?", "UNZ", "unterminated", "13"),
    "cut off in the middle": (GOOD[: len(GOOD) // 2], "UNZ", "unterminated", "13"),
    "no message": ("UNB+UNOC:3+A:14+B:14+260114:1533+1'UNZ+0+1'", "UNB", "no_message", "32"),
    "a functional group": (GOOD.replace("UNH+1", "UNG+ORDERS'UNH+1"), "UNB", "outside_a_message", "33"),
    "a tag in small letters": (GOOD.replace("LIN+1", "lin+1"), "NAD+DP/segment[7]", "bad_tag", "12"),
    "NUL": (GOOD.replace("Zürich", "Z\0rich"), "NAD[4]", "bad_character", "21"),
    "a letter that was lost": (GOOD.replace("Zürich", "Z\ufffdrich").encode(), "NAD[4]", "bad_character", "21"),
    "101 elements": (GOOD.replace("'LIN+1", "'LIN" + "+1" * 101), "LIN[7]", "too_many_elements", "16"),
    "an element of 513 characters": (GOOD.replace("Zürich", "Z" * 513), "NAD[4]", "too_long", "39"),
    "10001 segments": (GOOD.replace("UNS", "LIN'" * 10_000 + "UNS"), "UNB", "too_many_segments", "18"),
    "more than a megabyte": (GOOD.replace("Zürich", "Z" * 1_100_000), "", "too_large", "18"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_an_envelope_is_told_with_its_place_and_its_code_i10(name: str) -> None:
    document, pointer, code, error = FAULTS[name]
    assert isinstance(refused(document), MalformedMessage)
    assert (pointer, code, error) in codes(document)


def test_the_document_that_they_are_made_of_is_right() -> None:
    assert len(EdifactAdapter({}).parse(RawMessage(body=GOOD.encode("iso-8859-1"), media_type="text/plain"))) == 1


GRAMMAR = {
    "a segment that the message does not have": (order(lines="LIN+1'STS+1'QTY+21:1'"), "LIN+1/STS", "not_here", "15"),
    "a segment in another place": (order(tail="UNS+S'NAD+BY+1::9'"), "NAD+BY", "not_here", "15"),
    "a segment too often": (order(tail="UNS+S'" + "CNT+2:1'" * 11), "CNT", "too_many", "35"),
    "a group too often": (order(home=HOME + "CTA+DL'" * 5), "NAD+DP/CTA", "too_many", "36"),
    "a segment that is missing": (order(head=HEAD.replace("DTM+137:202601141532:203'", "")), "DTM", "missing", "13"),
    "an element that is missing": (order(lines="LIN+1'QTY'PIA+5+X:SA'"), "LIN+1/QTY", "missing", "13"),
    "a component that is missing": (order(lines="LIN+1'PIA+5+X:SA'QTY+21'"), "LIN+1/QTY", "missing", "13"),
    "too many elements": (order(tail="UNS+S+S'"), "UNS", "too_many_elements", "16"),
    "too many components": (order(lines=LINE.replace("21:1", "21:1:PCE:1")), "LIN+1/QTY", "too_many_components", "16"),
    "an element too long": (order(home=HOME.replace("8004", "8" * 18)), "NAD+DP", "too_long", "39"),
    "a number that is none": (order(tail="UNS+S'CNT+2:one'"), "CNT", "not_a_number", "37"),
    "a decimal comma that UNA does not know": (order(tail="UNS+S'MOA+79:12,5'"), "MOA", "not_a_number", "19"),
    "a count of lines that is another": (order(tail="UNS+S'CNT+2:2'"), "CNT", "line_count", "29"),
}


@pytest.mark.parametrize("name", GRAMMAR)
def test_every_fault_of_a_message_is_told_with_its_place_and_its_code(name: str) -> None:
    document, pointer, code, error = GRAMMAR[name]
    assert isinstance(refused(document), MalformedMessage)
    assert (pointer, code, error) in codes(document)


def test_all_faults_come_at_once_those_of_the_meaning_too() -> None:
    home = HOME.replace("8004", "").replace("+CH'", "+Helvetia'")
    document = order(home=home, lines=LINE * 2).replace("UNT+14", "UNT+9")
    assert codes(document) == [
        ("UNT", "segment_count", "29"),
        ("NAD+DP", "too_long", "39"),
        ("LIN+1/1082", "duplicate_line_id", "12"),
        ("NAD+DP/3251", "missing", "13"),
        ("NAD+DP/COM/3148", "not_a_phone", "12"),
    ]


def test_the_message_and_the_interchange_are_told_where_there_are_several() -> None:
    message = HEAD + HOME + LINE + "UNS+S'"
    second = message.replace("UNH+1", "UNH+2").replace("8004", "")
    assert codes(GOOD + file_of(message, second)) == [("UNB[2]/UNH[2]/NAD+DP/3251", "missing", "13")]


EVIL = [
    "STS+1'",
    "QTY'",
    "LIN+1'",
    "CTA+DL+?'",
    "RFF'",
    "NAD+DP'CTA'COM'",
    "FTX+AAI+++" + "x" * 90 + "'",
    "UNT+1+1'UNH+1'",
]


@pytest.mark.parametrize("evil", EVIL)
def test_ten_thousand_faults_take_no_longer_than_they_must_i10(evil: str) -> None:
    def took(count: int) -> float:
        document = order(lines=LINE + evil * count)
        start = time.process_time()
        assert 0 < len(refused(document).problems) <= MAX_FAULTS
        return time.process_time() - start

    # Eight times as many take about eight times as long; a quadratic reader takes 64 times.
    small, large = (min(took(count) for _ in range(3)) for count in (350, 2800))
    assert large < 32 * max(small, 0.005)


def test_an_agreed_sender_and_recipient_are_asked_for() -> None:
    assert codes(GOOD, partner_id="1", our_id="2") == [
        ("UNB/0004", "unknown_sender", "23"),
        ("UNB/0010", "other_recipient", "7"),
    ]


@given(places=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 6)), min_size=1, max_size=4))
def test_whatever_happens_to_the_bytes_of_an_order_it_is_intents_or_problems(places: Any) -> None:
    body = GOOD.encode("iso-8859-1")
    for place, other, length in places:
        at = int(place * len(body))
        body = body[:at] + other + body[at + length :]
    dialect, message = EdifactAdapter({}), RawMessage(body=body, media_type="application/edifact")
    try:
        assert dialect.parse(message)
    except TranslationError as error:
        assert error.problems  # noqa: PT017
        answer = dialect.refuse(message, unread(error))
        assert answer is None or b"UCI+" in answer.body


# --- CONTRL ------------------------------------------------------------------------------------------------------

UCI = "UCI+ID0000123+7613001000004:14+7640199900007:14+4"
UCM = "UCM+1+ORDERS:D:01B:UN:EAN010+4"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (GOOD.replace("UNT+11", "UNT+12"), [UCI, UCM + "+29+UNT+2"]),
        (GOOD.replace("UNT+11+1", "UNT+11+2"), [UCI, UCM + "+28+UNT+3"]),
        (GOOD.replace("UNZ+1", "UNZ+2"), [UCI + "+29+UNZ+2"]),
        (GOOD.replace("+ID0000123'", "+ID0000124'"), [UCI + "+28+UNZ+3"]),
        (GOOD[: GOOD.index("UNZ")], [UCI + "+13+UNZ"]),
        (GOOD.replace("UNOC:3", "UNOC:4"), [UCI + "+2+UNB+2"]),
        (order(lines="LIN+1'PIA+5+X:SA'QTY+21'"), [UCI, UCM, "UCS+9+13", "UCD+13+2:2"]),
        (order(lines="LIN+1'STS+1'QTY+21:1'PIA+5+X:SA'"), [UCI, UCM, "UCS+7+13", "UCS+8+15", "UCS+10+15"]),
        (order(tail="UNS+S'MOA+79:12,5'"), [UCI, UCM, "UCS+11+19", "UCD+19+2:2"]),
        (order(home=HOME.replace("8004", "")), [UCI, UCM, "UCS+4+13", "UCD+13+9:1"]),
        (order().replace("ORDERS:D:01B", "INVOIC:D:01B"), [UCI, "UCM+1+INVOIC:D:01B:UN:EAN010+4+17+UNH+3:1"]),
    ],
)
def test_a_contrl_says_the_code_and_the_place_of_each_fault(document: str, said: list[str]) -> None:
    assert contrl(document) == said


def test_what_was_right_in_a_refused_file_is_refused_with_it() -> None:
    other = GOOD.replace("ID0000123", "ID0000124").replace("UNT+11", "UNT+12")
    message = RawMessage(body=(GOOD + other).encode("iso-8859-1"), media_type="text/plain")
    answer = EdifactAdapter({}).refuse(message, unread(refused(GOOD + other)))
    assert answer is not None
    assert answer.status == 400
    assert [["".join(e) for e in message[1]][-1] for message in messages_of(answer.body)] == ["18", "4"]


@pytest.mark.parametrize(
    "document", [GOOD.replace("ORDERS:D", "CONTRL:D"), "", "UNH", GOOD.replace("7613001000004:14", "")]
)
def test_a_contrl_is_never_answered_with_a_contrl_nor_is_nobody(document: str) -> None:
    message = RawMessage(body=document.encode("iso-8859-1"), media_type="text/plain")
    assert EdifactAdapter({}).refuse(message, unread(refused(document))) is None


# --- the number of an interchange --------------------------------------------------------------------------------


def number(document: str | bytes) -> str | None:
    body = document.encode("iso-8859-1") if isinstance(document, str) else document
    return EdifactAdapter({}).number(RawMessage(body=body, media_type="text/plain"))


def test_an_interchange_is_the_same_however_its_lines_are_broken() -> None:
    assert isinstance(EdifactAdapter({}), Numbered)
    first = number(GOOD)
    assert first is not None
    assert first.startswith("7613001000004/ID0000123/260114/1533/")
    assert number(GOOD.replace("'", "'\r\n")) == first


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("ID0000123", "ID0000124"),
        ("260114:1533", "270114:1533"),  # a year later, when references have begun again
        ("7613001000004", "7613001000011"),
        ("++++1'", "'"),  # not a test any more
        ("4500981234", "4500981235"),  # by a sender who calls them all 1
    ],
)
def test_another_interchange_has_another_number(was: str, now: str) -> None:
    assert GOOD.replace(was, now) != GOOD
    assert number(GOOD.replace(was, now)) != number(GOOD)


def test_a_file_of_two_interchanges_is_neither_of_them() -> None:
    assert number(GOOD + GOOD.replace("ID0000123", "ID0000124")) != number(GOOD)


@given(body=st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(b"UNB+".__add__)))
def test_any_bytes_have_a_short_number_or_none(body: bytes) -> None:
    assert len(number(body) or "") <= 200


def known(document: str) -> Any:
    dialect, message = EdifactAdapter({}), RawMessage(body=document.encode("iso-8859-1"), media_type="text/plain")
    outcomes = tuple(Outcome(intent=intent, result="duplicate") for intent in dialect.parse(message))
    return dialect.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=outcomes))


def test_an_interchange_that_came_before_is_a_duplicate_and_no_error() -> None:
    answer = known(GOOD + GOOD.replace("ID0000123", "ID0000124"))
    assert answer.status == 200
    controls = [message for message in messages_of(answer.body) if message[0][2][0] == "CONTRL"]
    assert [len(control) for control in controls] == [3, 3]
    assert [control[1] for control in controls] == [
        [["UCI"], [reference], ["7613001000004", "14"], ["7640199900007", "14"], ["4"], ["26"]]
        for reference in ("ID0000123", "ID0000124")
    ]
