"""What we tell Shopify: as its schema has it, and never twice."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import JobState, Reason, StatusUpdate, Window
from adapters.contract import Rendered
from adapters.shopify.adapter import ShopifyAdapter
from adapters.shopify.codes import ENDED, REJECTIONS, STATES
from adapters.shopify.graphql import (
    ACCEPT,
    ACCEPT_CANCELLATION,
    ARGUMENTS,
    CLOSE,
    EVENTS,
    FULFILL,
    REJECT,
    REJECT_CANCELLATION,
    STAND,
    TELL,
    UNDO,
    mutation,
)
from gateway.jobs.lifecycle import lifecycle
from tests.support.documents import NOON
from tests.support.graphql import Wrong, check
from tests.support.shopify import INSTALL, NETWORK, SCHEMA, UNHAPPY, Shop, update

DIALECT = ShopifyAdapter({})

EVENT_STATUSES = {
    "ATTEMPTED_DELIVERY",
    "CARRIER_PICKED_UP",
    "CONFIRMED",
    "DELAYED",
    "DELIVERED",
    "FAILURE",
    "IN_TRANSIT",
    "LABEL_PRINTED",
    "LABEL_PURCHASED",
    "OUT_FOR_DELIVERY",
    "READY_FOR_PICKUP",
}
EVENT_FIELDS = {"fulfillmentId", "status", "happenedAt", "estimatedDeliveryAt", "message"}
REJECTION_REASONS = {
    "INCORRECT_ADDRESS",
    "INELIGIBLE_PRODUCT",
    "INVALID_CONTACT_INFORMATION",
    "INVALID_SKU",
    "MERCHANT_BLOCKED_OR_SUSPENDED",
    "OTHER",
    "UNDELIVERABLE_DESTINATION",
}
COMING, DONE, OFF = JobState.EN_ROUTE, JobState.COMPLETED, JobState.CANCELLED


@pytest.fixture
def shop() -> Shop:
    return Shop()


def tell(shop: Shop, call: Rendered) -> str:
    """One attempt, as a courier makes it."""
    assert call.probe is not None
    then = DIALECT.probed(call, shop.answer(call.probe))
    return then if isinstance(then, str) else DIALECT.judge(then, shop.answer(then))


def say(shop: Shop, state: JobState, **other: Any) -> list[str]:
    return [tell(shop, call) for call in DIALECT.render(update(state, **other))]


# --- the documents themselves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [*((name,) for name in ARGUMENTS), (ACCEPT, FULFILL), (REJECT_CANCELLATION, FULFILL)])
def test_a_mutation_is_graphql_of_their_schema(names: tuple[str, ...]) -> None:
    variables = {argument: "x" for name in names for argument in ARGUMENTS[name]}
    assert check(mutation(*names), variables, SCHEMA) == list(names)


@pytest.mark.parametrize("question", [STAND, EVENTS])
def test_a_question_is_graphql_of_their_schema_and_costs_less_than_a_thousand(question: str) -> None:
    assert check(question, {"order": "x"}, SCHEMA) == ["order"]
    assert cost(question) < 1000


def cost(question: str) -> int:
    """Each object is one point, times the nodes of the lists around it: rather more than Shopify counts."""
    points, around, size = 0, [1], 1
    for token in question.replace("(", " ( ").replace(")", " ) ").replace(":", " : ").split():
        if token.isdecimal() or (token.rstrip(",").isdecimal()):
            size = int(token.rstrip(","))
        elif token == "{":
            around.append(around[-1] * size)
            points += around[-1]
            size = 1
        elif token == "}":
            around.pop()
    return points


@pytest.mark.parametrize(
    "bad",
    [
        "mutation x($id: ID!) { fulfillmentOrderClose(id: $id) { userErrors { field } }",
        "mutation x($id: ID!) { fulfillmentOrderClose(id: $id) { userErrors { } } }",
        "mutation x($id: ID!) { fulfillmentOrderClose(id: $other) { userErrors { field } } }",
        "mutation x($id: ID!) { fulfillmentOrderClose(number: $id) { userErrors { field } } }",
        "mutation x($id: ID!) { fulfillmentOrderOpen(id: $id) { userErrors { field } } }",
        "subscription x($id: ID!) { fulfillmentOrderClose(id: $id) { userErrors { field } } }",
        "mutation x($id: ID!) { fulfillmentOrderClose(id: $id) { userErrors { field } } } }",
    ],
)
def test_the_check_sees_what_is_no_graphql_or_not_of_the_schema(bad: str) -> None:
    with pytest.raises((Wrong, IndexError)):
        check(bad, {"id": "x"}, SCHEMA)


def test_a_call_goes_to_the_version_that_was_agreed() -> None:
    call, _ = ShopifyAdapter({"api_version": "2026-10"}).render(update(OFF))
    assert call.probe is not None
    assert {(one.method, one.path, one.media_type) for one in (call, call.probe)} == {
        ("POST", "/admin/api/2026-10/graphql.json", "application/json")
    }
    assert DIALECT.render(update(OFF))[0].path == "/admin/api/2026-01/graphql.json"


# --- every state --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_told_as_their_schema_has_it_or_not_at_all(shop: Shop, state: JobState) -> None:
    shop.add({INSTALL: 1})
    verdicts = say(shop, state)
    assert bool(verdicts) == (STATES[state] is not None)
    assert set(verdicts) <= {"delivered"}
    assert set(shop.told()) <= EVENT_STATUSES


@pytest.mark.parametrize("state", [state for state in JobState if STATES[state]])
def test_told_twice_it_is_said_once(shop: Shop, state: JobState) -> None:
    shop.add({INSTALL: 1})
    assert say(shop, state)
    before = (list(shop.calls), shop.told())
    assert set(say(shop, state)) == {"delivered"}
    assert (shop.calls, shop.told()) == before


@pytest.mark.parametrize("state", [state for state in JobState if STATES[state]])
def test_a_call_whose_answer_was_lost_is_not_made_again(shop: Shop, state: JobState) -> None:
    shop.add({INSTALL: 1})
    for call in DIALECT.render(update(state)):
        assert call.probe is not None
        then = DIALECT.probed(call, shop.answer(call.probe))
        assert isinstance(then, Rendered) or call.event == UNDO
        if isinstance(then, Rendered):
            shop.answer(then)  # and then we died
        calls = list(shop.calls)
        assert tell(shop, call) == "delivered"
        assert shop.calls == calls
    assert shop.calls


def test_a_visit_from_its_request_to_its_end(shop: Shop) -> None:
    shop.add({INSTALL: 1})
    for state in (JobState.UNSCHEDULED, JobState.SCHEDULED, JobState.ASSIGNED, COMING, JobState.ON_SITE, DONE):
        assert set(say(shop, state)) <= {"delivered"}
    assert shop.calls == [ACCEPT, FULFILL, TELL, TELL]
    assert shop.told() == ["OUT_FOR_DELIVERY", "DELIVERED"]
    assert shop.requests[0]["status"] == "CLOSED"


@st.composite
def lives(draw: st.DrawFn) -> list[JobState]:
    state, life = JobState.RECEIVED, []
    for _ in range(draw(st.integers(1, 20))):
        further = [step.target for step in lifecycle().steps if step.source is state]
        if not further:
            break
        state = draw(st.sampled_from(further))
        life.append(state)
    return life


@given(life=lives(), request=st.sampled_from(["UNSUBMITTED", "SUBMITTED", "ACCEPTED"]), others=st.booleans())
def test_whatever_a_visit_goes_through_it_is_one_fulfillment_and_each_step_is_told_once(
    life: list[JobState], request: str, others: bool
) -> None:
    shop = Shop()
    shop.add({INSTALL: 1, NETWORK: 1} if others else {INSTALL: 1}, request=request)
    expected: list[str] = []
    for minute, state in enumerate(life):
        news = replace(update(state), at=NOON + timedelta(minutes=minute))
        for call in DIALECT.render(news):
            verdict = tell(shop, call)
            assert verdict == tell(shop, call)
            # Only what nobody asked of us, or what holds other lines, cannot be given back.
            assert verdict == "delivered" or call.event in (REJECT, CLOSE)
        if STATES[state] in EVENT_STATUSES:
            expected.append(str(STATES[state]))
    live = [one for one in shop.fulfillments if one["status"] == "SUCCESS"]
    assert shop.told() == expected
    assert len(shop.fulfillments) <= 1
    assert not live or life[-1] not in (OFF, JobState.HANDED_OVER)
    assert shop.requests[0]["lines"].get(NETWORK, 1) == 1


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_date_is_words_for_the_merchant(shop: Shop) -> None:
    (call,) = DIALECT.render(update(JobState.SCHEDULED))
    assert json.loads(call.body)["variables"] == {"message": "2026-01-20 08:00 - 12:00 (Europe/Zurich)"}
    night = Window(start=datetime(2026, 1, 20, 21, tzinfo=UTC), end=datetime(2026, 1, 21, 1, tzinfo=UTC))
    (late,) = DIALECT.render(update(JobState.SCHEDULED, window=night))
    assert json.loads(late.body)["variables"] == {"message": "2026-01-20 22:00 - 2026-01-21 02:00 (Europe/Zurich)"}
    (without,) = DIALECT.render(update(JobState.UNSCHEDULED, window=None))
    assert json.loads(without.body)["variables"] == {"message": None}


@pytest.mark.parametrize("request_status", ["UNSUBMITTED", "ACCEPTED", "REJECTED", "CANCELLATION_REQUESTED", "CLOSED"])
def test_only_what_is_asked_is_accepted(shop: Shop, request_status: str) -> None:
    shop.add({INSTALL: 1}, request=request_status)
    assert say(shop, JobState.SCHEDULED) == ["delivered"]
    assert shop.calls == []


@pytest.mark.parametrize("code", [*REJECTIONS, "duplicate_order"])
def test_a_refused_request_says_why_in_their_words(shop: Shop, code: str) -> None:
    news = update(JobState.REJECTED)
    (call,) = DIALECT.render(replace(news, reason=replace(UNHAPPY, code=code)))
    variables = json.loads(call.body)["variables"]
    assert variables == {"reason": REJECTIONS.get(code, "OTHER"), "message": code}
    assert variables["reason"] in REJECTION_REASONS
    shop.add({INSTALL: 1})
    assert tell(shop, call) == "delivered"
    assert shop.calls == [REJECT]


@pytest.mark.parametrize(
    ("request_status", "status", "verdict", "calls"),
    [
        ("SUBMITTED", "OPEN", "delivered", [REJECT]),
        ("ACCEPTED", "IN_PROGRESS", "delivered", [CLOSE]),
        ("CANCELLATION_REJECTED", "IN_PROGRESS", "delivered", [CLOSE]),
        ("CANCELLATION_REQUESTED", "IN_PROGRESS", "delivered", [ACCEPT_CANCELLATION]),
        ("CANCELLATION_ACCEPTED", "CANCELLED", "delivered", []),
        ("REJECTED", "OPEN", "delivered", []),
        ("CLOSED", "INCOMPLETE", "delivered", []),
        ("ACCEPTED", "CLOSED", "delivered", []),
        ("UNSUBMITTED", "OPEN", "failed", []),
    ],
)
def test_a_cancelled_visit_gives_back_what_was_asked(
    shop: Shop, request_status: str, status: str, verdict: str, calls: list[str]
) -> None:
    shop.add({INSTALL: 1}, request_status, status)
    assert say(shop, OFF) == ["delivered", verdict]
    assert shop.calls == calls


def test_trap_a_request_that_holds_other_lines_is_not_given_back_with_them(shop: Shop) -> None:
    shop.add({INSTALL: 1, NETWORK: 1})
    assert say(shop, JobState.REJECTED) == ["failed"]
    say(shop, JobState.SCHEDULED, line=NETWORK)
    assert say(shop, OFF) == ["delivered", "failed"]
    assert shop.calls == [ACCEPT]
    shop.requests[0]["lines"][NETWORK] = 0  # it was fulfilled, or removed
    assert say(shop, OFF) == ["delivered", "delivered"]
    assert shop.calls == [ACCEPT, CLOSE]


def test_a_cancellation_that_was_asked_for_the_whole_request_is_accepted_with_any_of_its_lines(shop: Shop) -> None:
    shop.add({INSTALL: 1, NETWORK: 1}, "CANCELLATION_REQUESTED", "IN_PROGRESS")
    assert say(shop, OFF) == ["delivered", "delivered"]
    assert shop.calls == [ACCEPT_CANCELLATION]


def test_of_an_order_that_is_cancelled_there_is_nothing_to_give_back(shop: Shop) -> None:
    shop.add({INSTALL: 1, NETWORK: 1}, "UNSUBMITTED")
    shop.cancelled_at = "2026-01-15T08:00:00Z"
    assert say(shop, OFF) == ["delivered", "delivered"]
    assert shop.calls == []


def test_a_visit_that_was_on_its_way_takes_its_fulfillment_back(shop: Shop) -> None:
    shop.add({INSTALL: 1})
    say(shop, COMING)
    assert say(shop, OFF) == ["delivered", "delivered"]
    assert shop.calls == [ACCEPT, FULFILL, TELL, UNDO]
    assert [one["requestStatus"] for one in shop.requests] == ["ACCEPTED", "UNSUBMITTED"]


# --- several visits of one line -----------------------------------------------------------------------------------


def of_two(state: JobState, sibling: JobState, unit: int = 2) -> StatusUpdate:
    other = update(sibling, unit=3 - unit).job
    return replace(update(state, unit=unit), siblings=(other,))


@pytest.mark.parametrize("sibling", JobState)
def test_a_request_is_given_back_with_its_last_visit(sibling: JobState) -> None:
    last = sibling in ENDED
    assert [call.event for call in DIALECT.render(of_two(OFF, sibling))] == ([UNDO, CLOSE] if last else [UNDO])
    assert [call.event for call in DIALECT.render(of_two(JobState.REJECTED, sibling))] == ([REJECT] if last else [])


def test_two_visits_are_two_fulfillments_of_one_each(shop: Shop) -> None:
    shop.add({INSTALL: 2})
    for unit in (1, 2):
        for state in (COMING, DONE):
            assert say(shop, state, unit=unit) == ["delivered", "delivered"]
    assert [one["trackingInfo"][0]["number"] for one in shop.fulfillments] == ["job_14501112_1", "job_14501112_2"]
    assert shop.requests[0]["lines"] == {INSTALL: 0}


def test_one_of_two_that_is_cancelled_on_its_way_leaves_the_other(shop: Shop) -> None:
    shop.add({INSTALL: 2})
    for unit in (1, 2):
        say(shop, COMING, unit=unit)
    for call in DIALECT.render(of_two(OFF, COMING)):
        assert tell(shop, call) == "delivered"
    assert [one["status"] for one in shop.fulfillments] == ["SUCCESS", "CANCELLED"]


# --- fulfillments and events --------------------------------------------------------------------------------------


def test_an_event_says_when_it_happened_and_what_is_expected() -> None:
    eta = datetime(2026, 1, 20, 8, 45, 30, 999, tzinfo=UTC)
    _, call = DIALECT.render(replace(update(COMING, eta=eta), at=NOON.replace(microsecond=5)))
    event = json.loads(call.body)["variables"]["fulfillmentEvent"]
    assert event == {
        "status": "OUT_FOR_DELIVERY",
        "happenedAt": "2026-01-14T12:00:00Z",
        "estimatedDeliveryAt": "2026-01-20T08:45:30Z",
    }
    _, end = DIALECT.render(update(DONE))
    assert "estimatedDeliveryAt" not in json.loads(end.body)["variables"]["fulfillmentEvent"]


def test_a_visit_that_nobody_was_at_home_for_was_attempted() -> None:
    absent = Reason(code="customer_absent", group="failure", fault="customer")
    for reason, status in ((absent, "ATTEMPTED_DELIVERY"), (replace(absent, code="tool_missing"), "FAILURE")):
        _, call = DIALECT.render(update(JobState.FAILED, reason=reason))
        event = json.loads(call.body)["variables"]["fulfillmentEvent"]
        assert (event["status"], event["message"]) == (status, reason.code)
        assert event.keys() <= EVENT_FIELDS


def test_somebody_on_the_way_refuses_a_cancellation_that_comes_too_late(shop: Shop) -> None:
    shop.add({INSTALL: 1}, "CANCELLATION_REQUESTED", "IN_PROGRESS")
    assert say(shop, COMING) == ["delivered", "delivered"]
    assert shop.calls == [REJECT_CANCELLATION, FULFILL, TELL]


@pytest.mark.parametrize(
    ("request_status", "status", "verdict"),
    [
        ("ACCEPTED", "ON_HOLD", "retry"),
        ("UNSUBMITTED", "SCHEDULED", "retry"),
        ("UNSUBMITTED", "OPEN", "delivered"),
        ("CLOSED", "INCOMPLETE", "failed"),
        ("CANCELLATION_ACCEPTED", "CANCELLED", "failed"),
    ],
)
def test_how_the_request_stands_decides_whether_there_is_anything_to_fulfill(
    shop: Shop, request_status: str, status: str, verdict: str
) -> None:
    shop.add({INSTALL: 1}, request_status, status)
    assert say(shop, COMING)[0] == verdict


def test_what_was_moved_is_fulfilled_where_it_is_now(shop: Shop) -> None:
    shop.add({INSTALL: 1}, "CLOSED", "CLOSED")
    shop.add({INSTALL: 1}, "ACCEPTED", "IN_PROGRESS")
    assert say(shop, COMING) == ["delivered", "delivered"]
    assert [one["lines"] for one in shop.requests] == [{INSTALL: 1}, {INSTALL: 0}]


def test_what_is_left_counts_and_not_what_somebody_fulfilled_after_it(shop: Shop) -> None:
    shop.add({INSTALL: 1}, "ACCEPTED", "IN_PROGRESS")
    shop.add({INSTALL: 0}, "ACCEPTED", "CLOSED")
    assert say(shop, COMING) == ["delivered", "delivered"]


def test_a_line_of_which_nothing_is_left_is_over_though_its_request_goes_on(shop: Shop) -> None:
    shop.add({INSTALL: 0, NETWORK: 1}, "ACCEPTED", "IN_PROGRESS")
    assert say(shop, OFF) == ["delivered", "delivered"]
    assert say(shop, COMING) == ["failed", "failed"]
    assert shop.calls == []


def test_a_line_that_shopify_does_not_have_has_failed(shop: Shop) -> None:
    shop.add({NETWORK: 1})
    for state in (JobState.SCHEDULED, JobState.REJECTED, DONE):
        assert set(say(shop, state)) == {"failed"}
    assert shop.calls == []
