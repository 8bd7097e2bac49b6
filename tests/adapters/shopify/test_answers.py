"""What Shopify's answers make of our calls, and what we answer at the door."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import CancelOrder, JobState, Outcome, Receipt, Refusal
from adapters.contract import Answer, Calling, Numbered, Refusing, Rendered
from adapters.errors import Problem
from adapters.shopify.adapter import ShopifyAdapter
from adapters.shopify.codes import PASSING
from adapters.shopify.graphql import ACCEPT, ACCEPT_CANCELLATION, CLOSE, FULFILL, REJECT, TELL
from tests.support.documents import NOON
from tests.support.shopify import INSTALL, ORDER, delivery, gid, order, update

DIALECT = ShopifyAdapter({})
ANY_CALL = DIALECT.render(update(JobState.EN_ROUTE))[0]


def answered(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def error(code: str | None, message: str = "No.") -> dict[str, Any]:
    return {"errors": [{"message": message, **({"extensions": {"code": code}} if code else {})}], "extensions": {}}


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        (ACCEPT, "delivered"),
        (ACCEPT_CANCELLATION, "delivered"),
        *((n, "failed") for n in (REJECT, CLOSE, FULFILL, TELL)),
    ],
)
def test_a_user_error_means_that_another_came_first_or_that_it_cannot_be(name: str, verdict: str) -> None:
    call = Rendered(body=b"{}", media_type="application/json", event=name)
    told = {"data": {name: {"userErrors": [{"field": ["id"], "message": "Not any more."}]}}}
    assert DIALECT.judge(call, answered(told)) == verdict
    assert DIALECT.judge(call, answered({"data": {name: {"userErrors": []}}})) == "delivered"


def test_of_several_calls_the_last_one_counts() -> None:
    call = Rendered(body=b"{}", media_type="application/json", event=FULFILL)
    told = {ACCEPT: {"userErrors": [{"message": "Accepted already."}]}, FULFILL: {"userErrors": []}}
    assert DIALECT.judge(call, answered({"data": told})) == "delivered"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        *((error(code), "retry") for code in sorted(PASSING)),
        (error("undefinedField"), "failed"),
        (error("MAX_COST_EXCEEDED"), "failed"),
        (error(None), "failed"),
        ({"data": None}, "retry"),
        ({"errors": "Unavailable Shop"}, "retry"),
        ({}, "retry"),
        ([], "retry"),
        (b"", "retry"),
        (b"<html>", "retry"),
    ],
)
def test_trap_errors_come_with_200(body: Any, verdict: str) -> None:
    assert DIALECT.judge(ANY_CALL, answered(body)) == verdict
    assert DIALECT.probed(ANY_CALL, answered(body)) == verdict


@pytest.mark.parametrize("status", [301, 401, 402, 403, 408, 423, 429, 430, 500, 502, 503])
def test_a_status_that_may_pass_is_tried_again(status: int) -> None:
    assert DIALECT.judge(ANY_CALL, answered({}, status)) == "retry"


@pytest.mark.parametrize("status", [400, 404, 405, 406, 413, 415, 422])
def test_what_would_be_refused_again_has_failed(status: int) -> None:
    assert DIALECT.judge(ANY_CALL, answered({}, status)) == "failed"


def test_an_order_that_is_not_there_has_failed() -> None:
    assert DIALECT.probed(ANY_CALL, answered({"data": {"order": None}})) == "failed"
    assert DIALECT.probed(ANY_CALL, answered({"data": {"order": None}, **error("THROTTLED")})) == "retry"


@pytest.mark.parametrize(
    ("status", "happened", "told"),
    [
        ("OUT_FOR_DELIVERY", "2026-01-14T13:00:00+01:00", True),
        ("DELIVERED", "2026-01-14T12:00:00Z", False),
        ("OUT_FOR_DELIVERY", "2026-01-14T12:00:01Z", False),
        ("OUT_FOR_DELIVERY", "yesterday", False),
        ("OUT_FOR_DELIVERY", None, False),
    ],
)
def test_an_event_is_known_by_its_status_and_its_second(status: str, happened: Any, told: bool) -> None:
    event = DIALECT.render(update(JobState.EN_ROUTE))[1]
    ours = {
        "id": gid("Fulfillment", 1),
        "trackingInfo": [{"number": f"job_{INSTALL}_1"}],
        "events": {"nodes": [{"status": status, "happenedAt": happened}]},
    }
    found = DIALECT.probed(event, answered({"data": {"order": {"fulfillments": [ours]}}}))
    assert found == "delivered" if told else isinstance(found, Rendered)


STEPS = [JobState.EN_ROUTE, JobState.COMPLETED, JobState.CANCELLED, JobState.REJECTED, JobState.SCHEDULED]
NAMES = st.sampled_from(
    [
        *("data", "order", "fulfillments", "fulfillmentOrders", "nodes", "lineItems", "lineItem", "id", "status"),
        *(
            "requestStatus",
            "remainingQuantity",
            "trackingInfo",
            "number",
            "events",
            "happenedAt",
            "errors",
            "extensions",
        ),
        *("code", "userErrors", FULFILL, gid("LineItem", INSTALL)),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | NAMES | st.just(gid("LineItem", INSTALL)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)


@given(inner=ANYTHING, part=ANYTHING, state=st.sampled_from(STEPS))
def test_whatever_they_answer_it_is_a_call_or_a_verdict(inner: Any, part: Any, state: JobState) -> None:
    there = {"fulfillmentOrders": {"nodes": [{"lineItems": {"nodes": [part]}}, inner]}, "fulfillments": [inner, part]}
    for call in DIALECT.render(update(state)):
        for told in (inner, {"data": inner}, {"data": {"order": inner}}, {"data": {"order": there}}):
            found = DIALECT.probed(call, answered(told))
            assert isinstance(found, Rendered) or found in ("delivered", "retry", "failed")
            assert DIALECT.judge(call, answered(told)) in ("delivered", "retry", "failed")


@given(body=st.binary(max_size=200))
def test_no_bytes_are_too_much_for_the_judge(body: bytes) -> None:
    assert DIALECT.probed(ANY_CALL, Answer(status=200, body=body)) == "retry"
    assert DIALECT.judge(ANY_CALL, Answer(status=200, body=body)) == "retry"


# --- the answer at the door ---------------------------------------------------------------------------------------


def refusal(code: str, *faults: str) -> Refusal:
    told = tuple(Problem(pointer="", code=fault, detail="No.") for fault in faults)
    return Refusal(message_id="m", at=NOON, code=code, status=409, detail="No.", problems=told)


def test_the_dialect_refuses_numbers_and_calls() -> None:
    assert isinstance(DIALECT, Refusing)
    assert isinstance(DIALECT, Numbered)
    assert isinstance(DIALECT, Calling)


@pytest.mark.parametrize(
    ("code", "fault", "status"),
    [
        ("conflict", "stale_change", 200),
        ("conflict", "order_ended", 200),
        ("change-differs", "change_differs", 200),
        ("invalid", "missing", 200),
        ("invalid", "unknown_order", 200),
        ("malformed", "not_json", 200),
        ("unsupported", "unknown_topic", 200),
        ("not-found", "unknown_order", 200),
    ],
)
def test_trap_what_would_be_refused_again_is_answered_with_200_or_the_subscription_ends(
    code: str, fault: str, status: int
) -> None:
    said = DIALECT.refuse(delivery(order(), "orders/updated"), refusal(code, fault))
    assert said is not None
    assert (said.status, said.body) == (status, b"")


def test_two_that_came_at_once_are_asked_to_come_again() -> None:
    assert DIALECT.refuse(delivery(order()), refusal("conflict", "conflict")) is None


def test_what_was_taken_is_answered_with_200() -> None:
    gone = CancelOrder(partner_order_id=str(ORDER), change_id="1")
    outcome = Outcome(intent=gone, result="accepted")
    said = DIALECT.acknowledge(Receipt(message_id="m", at=NOON, outcomes=(outcome,)))
    assert (said.status, said.body) == (200, b"")
