"""Every adapter × every promise of `adapters/contract.py`."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ADAPTERS, by_name
from adapters.canonical import CancelOrder, ChangeOrder, Document, JobState, Outcome, PlaceOrder, Receipt
from adapters.contract import Adapter, RawMessage
from adapters.errors import Problem, TranslationError
from tests.support.dialects import left_to_replace, smallest
from tests.support.documents import NOON, make_job, make_order, make_update

BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">%s]><ORDER>&z;</ORDER>' % b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("z") + 1)
)

GARBAGE = {
    "nothing": b"",
    "NUL": b"\x00",
    "half an object": b"{",
    "half an element": b"<a>",
    "a wrong charset": b"\xff\xfe\xfd\xfc\xe4",
    "a charset that lies": '<?xml version="1.0" encoding="UTF-8"?><ORDER>Müller</ORDER>'.encode("latin-1"),
    "a charset nobody knows": b'<?xml version="1.0" encoding="klingon"?><ORDER/>',
    "billion laughs": BOMB,
    "2 MB": b"x" * 2_000_000,
    "2 MB of brackets": b"[" * 2_000_000,
    "2 MB of elements": b"<a>" * 700_000,
    "another document": b'<?xml version="1.0"?><cXML/>',
    "another JSON": b'{"hello": ["world"]}',
    "a list": b"[1, 2, 3]",
    "only null": b"null",
}


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.profile.name)
def dialect(request: pytest.FixtureRequest) -> Adapter:
    kind: type[Adapter] = request.param
    return kind({})


def message(dialect: Adapter, body: bytes) -> RawMessage:
    return RawMessage(body=body, media_type=dialect.profile.media_types[0])


def test_names_are_unique_and_lead_back_to_the_adapter() -> None:
    assert [by_name(adapter.profile.name) for adapter in ADAPTERS] == list(ADAPTERS)
    with pytest.raises(KeyError):
        by_name("klingon")


def test_has_an_entry_for_every_state(dialect: Adapter) -> None:
    assert set(dialect.profile.states) == set(JobState)


def test_the_options_have_defaults_and_refuse_what_nobody_knows(dialect: Adapter) -> None:
    schema = dialect.profile.options()
    assert schema.load({}) == {}
    assert schema.validate({"colour": "red"})


@pytest.mark.parametrize("state", JobState)
def test_renders_a_state_exactly_where_it_has_a_word_for_it(dialect: Adapter, state: JobState) -> None:
    rendered = dialect.render(make_update(state))
    assert bool(rendered) == (dialect.profile.states[state] is not None)
    assert all(document.body and document.event for document in rendered)
    assert {document.media_type for document in rendered} <= set(dialect.profile.media_types)


@pytest.mark.parametrize("name", GARBAGE)
def test_refuses_garbage_with_problems_and_not_with_a_stack_trace(dialect: Adapter, name: str) -> None:
    with pytest.raises(TranslationError) as refused:
        dialect.parse(message(dialect, GARBAGE[name]))
    assert refused.value.problems
    assert refused.value.status in (400, 422)
    assert all(problem.code.isidentifier() and problem.detail for problem in refused.value.problems)


@given(body=st.binary(max_size=300))
@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda adapter: adapter.profile.name)
def test_no_bytes_at_all_bring_anything_but_problems(kind: type[Adapter], body: bytes) -> None:
    with pytest.raises(TranslationError):
        kind({}).parse(RawMessage(body=body, media_type=kind.profile.media_types[0]))


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.text(max_size=30)), min_size=1, max_size=3)


@given(edits=EDITS)
@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda adapter: adapter.profile.name)
def test_an_order_with_anything_in_it_changed_is_intents_or_problems(kind: type[Adapter], edits: Any) -> None:
    text = smallest(kind.profile.name).decode()
    for place, length, other in edits:
        at = int(place * len(text))
        text = text[:at] + other + text[at + length :]
    raw = RawMessage(body=text.encode(errors="surrogatepass"), media_type=kind.profile.media_types[0])
    try:
        assert kind({}).parse(raw)
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017


def test_problems_never_repeat_what_was_sent_i19(dialect: Adapter, document: bytes) -> None:
    marked = document.replace(b"CH", b"K7canary").replace(b"079 123 45 67", b"K7canary")
    assert marked != document
    with pytest.raises(TranslationError) as refused:
        dialect.parse(message(dialect, marked))
    assert len(refused.value.problems) >= 2
    assert "K7canary" not in str(refused.value)
    assert not any("K7canary" in problem.detail for problem in refused.value.problems)


def test_reads_only_intents_that_it_declares_and_reads_them_alike_every_time(dialect: Adapter, document: bytes) -> None:
    raw = message(dialect, document)
    before = replace(raw)
    intents = dialect.parse(raw)
    assert {type(intent).__name__ for intent in intents} <= set(dialect.profile.intents)
    assert dialect.parse(raw) == intents
    assert raw == before


def test_a_document_cut_off_anywhere_is_refused(dialect: Adapter, document: bytes) -> None:
    whole = document.rstrip()
    for length in range(0, len(whole), 7):
        with pytest.raises(TranslationError):
            dialect.parse(message(dialect, whole[:length]))


# To Google a repeated order is the same answer, and its own number of it is not in it.
ALWAYS_200 = {"google_booking"}


@pytest.mark.parametrize("result", ["accepted", "duplicate"])
def test_acknowledges_a_new_order_with_201_and_a_known_one_with_200(dialect: Adapter, result: Any) -> None:
    order = make_order()
    outcome = Outcome(
        intent=PlaceOrder(order=order),
        result=result,
        order_id="ord_1",
        order=order,
        status="scheduled",
        jobs=(make_job(), make_job(JobState.REJECTED, line_id="20", window=None)),
    )
    answer = dialect.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))
    assert answer.status in ((201, 200) if result == "accepted" else (200,))
    if dialect.profile.name in ALWAYS_200:
        assert answer.status == 200
        assert b"ord_1" in answer.body
    elif dialect.profile.acknowledges:
        assert answer.status == (201 if result == "accepted" else 200)
        assert answer.media_type in dialect.profile.media_types
        assert order.partner_order_id.encode() in answer.body
        assert b"ord_1" in answer.body


def test_acknowledges_every_document_it_reads_even_when_refused(dialect: Adapter) -> None:
    problem = Problem(pointer="/", code="illegal_transition", detail="It is too late.")
    intents: dict[str, Document] = {
        "PlaceOrder": PlaceOrder(order=make_order()),
        "ChangeOrder": ChangeOrder(partner_order_id="W-7788123", change_id="2", lines=()),
        "CancelOrder": CancelOrder(partner_order_id="W-7788123", change_id="3"),
    }
    for name in intents.keys() & set(dialect.profile.intents):
        outcome = Outcome(intent=intents[name], result="refused", problems=(problem,))
        answer = dialect.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))
        assert 200 <= answer.status < 500
        assert answer.body or not dialect.profile.acknowledges


@pytest.fixture
def document(dialect: Adapter) -> bytes:
    return smallest(dialect.profile.name)


NAMES = [adapter.profile.name for adapter in ADAPTERS]
LEFT = [(name, left) for name in NAMES for left in left_to_replace(name) or ("",)]


@pytest.mark.parametrize(("name", "left"), LEFT, ids=lambda value: (value or "done").partition(": ")[0])
def test_nothing_is_left_of_the_skeleton(name: str, left: str) -> None:
    """`stecker adapter new` writes REPLACE where only the partner's own words will do."""
    if left:
        pytest.fail(left, pytrace=False)
