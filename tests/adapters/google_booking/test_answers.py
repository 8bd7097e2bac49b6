"""Answers of the booking server: each is a message of Google's, and a business that says no says it with HTTP 200."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    Found,
    Intent,
    Job,
    JobState,
    Outcome,
    PlaceOrder,
    Query,
    Reason,
    Receipt,
    Refusal,
    Reply,
    Window,
)
from adapters.contract import Refusing, Rendered
from adapters.errors import Problem, TranslationError
from adapters.google_booking.adapter import GoogleBookingAdapter
from tests.support.documents import MORNING, NOON, make_job, make_order
from tests.support.google import HOURS, SHARED, START, booking, request, said

EIGHT = datetime(2026, 1, 20, 7, tzinfo=UTC)
SLOT = Window(start=EIGHT, end=EIGHT + timedelta(hours=2))
DIALECT = GoogleBookingAdapter({})
LATE = Problem(pointer="/booking/status", code="illegal_transition", detail="It is too late.")


def read(method: str, document: Any) -> Any:
    [intent] = DIALECT.parse(request(method, document))
    return intent


def visit(state: JobState = JobState.SCHEDULED, **other: Any) -> Job:
    return make_job(state, **{"line_id": "1", "sku": "nest-thermostat", "window": SLOT, **other})


def answered(intent: Intent, *jobs: Job, **other: Any) -> Rendered:
    order = read("CreateBooking", booking()).order
    known = {"intent": intent, "result": "accepted", "order_id": "ord_1", "order": order, "jobs": jobs, **other}
    return DIALECT.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(Outcome(**known),)))


def told(query: Query, at: datetime = NOON, **found: Any) -> Any:
    answer = DIALECT.acknowledge(
        Receipt(message_id="msg_1", at=at, outcomes=(), replies=(Reply(intent=query, **found),))
    )
    assert answer.status == 200
    return said(answer, query.echo["method"])


# --- bookings ----------------------------------------------------------------------------------------------------


def test_a_booking_is_confirmed_at_once_with_what_was_sent_and_our_number() -> None:
    answer = answered(read("CreateBooking", booking()), visit())
    found = said(answer, "CreateBooking")["booking"]
    sent = booking()
    assert answer.status == 200
    assert found["booking_id"] == "ord_1"
    assert found["status"] == "CONFIRMED"
    assert found["slot"] == sent["slot"]
    assert found["payment_information"] == sent["payment_information"]
    assert found["user_information"]["user_id"] == sent["user_information"]["user_id"]
    assert "address" not in found["user_information"]


def test_the_same_token_again_is_the_same_answer() -> None:
    intent = read("CreateBooking", booking())
    assert answered(intent, visit()) == answered(intent, visit(), result="duplicate")


@pytest.mark.skipif(not SHARED.exists(), reason="Google's own samples are not here")
def test_our_answer_has_the_form_of_googles_own() -> None:
    theirs = json.loads((SHARED / "samples" / "CreateBooking.response.json").read_bytes())["booking"]
    ours = said(answered(read("CreateBooking", booking()), visit()), "CreateBooking")["booking"]
    assert set(theirs) == set(ours)
    assert set(theirs["slot"]) == set(ours["slot"])
    assert {type(item) for item in theirs["slot"].values()} == {type(item) for item in ours["slot"].values()}
    assert set(theirs["user_information"]) <= set(ours["user_information"])


def test_a_booking_that_was_moved_has_its_new_time() -> None:
    later = Window(start=EIGHT + timedelta(days=1), end=EIGHT + timedelta(days=1, hours=3))
    change = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "slot": booking()["slot"]}})
    found = said(answered(change, visit(window=later)), "UpdateBooking")["booking"]["slot"]
    assert (found["start_sec"], found["duration_sec"]) == (str(START + 86400), "10800")
    assert found["resources"] == {"staff_id": "s-7"}


def test_a_cancelled_booking_is_canceled_with_one_l() -> None:
    cancel = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "status": "CANCELED"}})
    once = answered(cancel, visit(JobState.CANCELLED))
    assert said(once, "UpdateBooking")["booking"]["status"] == "CANCELED"
    assert answered(cancel, visit(JobState.CANCELLED), result="duplicate") == once


@pytest.mark.parametrize(
    ("document", "state", "cause"),
    [
        ({"status": "CANCELED"}, JobState.IN_PROGRESS, "BOOKING_NOT_CANCELLABLE"),
        ({"slot": booking()["slot"]}, JobState.CANCELLED, "BOOKING_ALREADY_CANCELLED"),
        ({"slot": booking()["slot"]}, JobState.EN_ROUTE, "SLOT_UNAVAILABLE"),
    ],
)
def test_what_is_too_late_is_a_failure_with_200(document: Any, state: JobState, cause: str) -> None:
    intent = read("UpdateBooking", {"booking": {"booking_id": "ord_1", **document}})
    answer = answered(intent, visit(state), problems=(LATE,))
    assert answer.status == 200
    assert said(answer, "UpdateBooking") == {"booking_failure": {"cause": cause, "description": "It is too late."}}


@pytest.mark.skipif(not SHARED.exists(), reason="the constructed documents are not here")
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("02_CreateBooking_business_error_HTTP200", "CreateBooking"),
        ("04_UpdateBooking_already_cancelled_HTTP200", "UpdateBooking"),
    ],
)
def test_a_failure_has_the_form_of_the_constructed_ones(name: str, method: str) -> None:
    document = booking() if method == "CreateBooking" else {"booking": {"booking_id": "o", "slot": booking()["slot"]}}
    state = JobState.REJECTED if method == "CreateBooking" else JobState.CANCELLED
    ours = said(answered(read(method, document), visit(state), problems=(LATE,)), method)["booking_failure"]
    theirs = json.loads((SHARED / "constructed" / f"{name}.json").read_bytes())["booking_failure"]
    assert ours["cause"] == theirs["cause"]
    assert set(theirs) <= set(ours)


def test_a_place_where_nobody_comes_is_a_failure_and_an_unknown_service_an_error() -> None:
    intent = read("CreateBooking", booking())

    def rejected(code: str) -> Rendered:
        return answered(intent, visit(JobState.REJECTED, reason=Reason(code=code, group="intake", fault="none")))

    assert said(rejected("not_serviceable"), "CreateBooking")["booking_failure"]["cause"] == "SLOT_UNAVAILABLE"
    assert rejected("unknown_service").status == 400
    [_, faults] = said(rejected("unknown_service"), "error")["error"]["details"]
    assert faults["fieldViolations"][0]["field"] == "/slot/service_id"


@pytest.mark.parametrize("state", JobState)
def test_there_is_a_valid_answer_for_a_booking_in_every_state(state: JobState) -> None:
    intent = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "status": "CANCELED"}})
    for window in (SLOT, None):
        said(answered(intent, visit(state, window=window)), "UpdateBooking")
    query = Query(about="order", order_id="ord_1", echo={"method": "GetBookingStatus"})
    assert told(query, found=(found_as(visit(state)),))["booking_status"]


def test_a_visit_that_failed_for_want_of_the_customer_is_a_no_show() -> None:
    query = Query(about="order", order_id="ord_1", echo={"method": "GetBookingStatus"})
    absent = visit(JobState.FAILED, reason=Reason(code="customer_absent", group="failure", fault="customer"))
    late = visit(JobState.FAILED, reason=Reason(code="technician_late", group="failure", fault="technician"))
    assert told(query, found=(found_as(absent),))["booking_status"] == "NO_SHOW"
    assert told(query, found=(found_as(late),))["booking_status"] == "FAILED"


# --- questions ---------------------------------------------------------------------------------------------------


def found_as(*jobs: Job, order_id: str = "ord_1", **other: Any) -> Found:
    order = replace(read("CreateBooking", booking()).order, **other)
    return Found(order_id=order_id, order=order, status="scheduled", created_at=NOON, updated_at=NOON, jobs=jobs)


def test_health_is_said_in_a_word() -> None:
    assert told(Query(about="nothing", echo={"method": "HealthCheck"})) == {"status": "SERVING"}


def test_there_is_exactly_one_answer_for_each_slot_that_was_asked_for() -> None:
    slots: list[dict[str, Any]] = [
        {"service_id": "b", "start_sec": str(START), "duration_sec": str(HOURS), "resource_ids": {"party_size": 2}},
        {"service_id": "b", "start_sec": str(START), "duration_sec": "3600"},
        {"service_id": "a", "start_sec": START},
        {"service_id": "a", "start_sec": str(START + HOURS)},
        {"service_id": "b", "start_sec": str(START), "duration_sec": str(HOURS), "resource_ids": {"party_size": 2}},
    ]
    query = read("BatchAvailabilityLookup", {"merchant_id": "m", "slot_time": slots})
    found = told(query, slots=((SLOT,), (SLOT,)))["slot_time_availability"]
    assert [one["available"] for one in found] == [True, False, True, False, True]
    assert [one["slot_time"] for one in found] == [{**slot, "start_sec": str(slot["start_sec"])} for slot in slots]


def test_a_slot_of_another_service_is_not_free_for_this_one() -> None:
    slots = [{"service_id": name, "start_sec": str(START)} for name in "ab"]
    query = read("BatchAvailabilityLookup", {"merchant_id": "m", "slot_time": slots})
    found = told(query, slots=((), (SLOT,)))["slot_time_availability"]
    assert [one["available"] for one in found] == [False, True]


@pytest.mark.parametrize(("free", "count"), [((SLOT,), 1), ((), 0), ((MORNING,), 0)])
def test_the_older_question_is_answered_with_a_count(free: Any, count: int) -> None:
    query = read("CheckAvailability", {"slot": booking()["slot"]})
    assert told(query, slots=(free,)) == {"slot": booking()["slot"], "count_available": count}


def test_the_status_of_a_booking_comes_with_its_prepayment() -> None:
    query = read("GetBookingStatus", {"booking_id": "ord_1"})
    assert told(query, found=(found_as(visit(JobState.COMPLETED)),), total=1) == {
        "booking_id": "ord_1",
        "booking_status": "CONFIRMED",
        "prepayment_status": "PREPAYMENT_NOT_PROVIDED",
    }


def test_only_bookings_to_come_are_listed() -> None:
    """https://developers.google.com/actions-center/legacy/reference/booking-server/listbookings-method"""
    query = read("ListBookings", {"user_id": "1111111111111111111"})
    during = EIGHT + timedelta(hours=1)
    past = Window(start=EIGHT - timedelta(days=1), end=EIGHT)
    found = (
        found_as(visit(), order_id="coming"),
        found_as(visit(JobState.IN_PROGRESS), order_id="now"),
        found_as(visit(JobState.ON_HOLD, window=None), order_id="some day"),
        found_as(visit(window=past), order_id="past"),
        found_as(visit(JobState.CANCELLED), order_id="cancelled"),
        found_as(visit(JobState.COMPLETED), order_id="done"),
    )
    listed = told(query, at=during, found=found, total=len(found))["bookings"]
    assert [one["booking_id"] for one in listed] == ["coming", "now", "some day"]
    assert told(query) == {"bookings": []}


def test_an_order_that_came_through_another_door_has_our_own_words() -> None:
    query = read("GetBookingStatus", {"booking_id": "ord_1"})
    found = Found(
        order_id="ord_1", order=make_order(), status="scheduled", created_at=NOON, updated_at=NOON, jobs=(visit(),)
    )
    assert told(query, found=(found,)) == {"booking_id": "ord_1", "booking_status": "CONFIRMED"}


# --- refusals ----------------------------------------------------------------------------------------------------


def refusal(code: str, status: int, *intents: Intent, problems: tuple[Problem, ...] = (LATE,)) -> Rendered:
    why = Refusal(
        message_id="msg_1", at=NOON, code=code, status=status, detail="No.", problems=problems, intents=intents
    )
    assert isinstance(DIALECT, Refusing)
    answer = DIALECT.refuse(request("CreateBooking", b""), why)
    assert answer is not None
    return answer


PLACE: PlaceOrder = read("CreateBooking", booking())
CANCEL: CancelOrder = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "status": "CANCELED"}})
CHANGE: ChangeOrder = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "slot": booking()["slot"]}})
ASK: Query = read("GetBookingStatus", {"booking_id": "ord_1"})


@pytest.mark.parametrize("code", ["conflict", "illegal-transition"])
@pytest.mark.parametrize(
    ("intent", "cause"),
    [(PLACE, "SLOT_UNAVAILABLE"), (CHANGE, "SLOT_UNAVAILABLE"), (CANCEL, "BOOKING_NOT_CANCELLABLE")],
)
def test_a_slot_that_is_taken_is_a_failure_with_200(code: str, intent: Intent, cause: str) -> None:
    taken = Problem(pointer="", code="slot_taken", detail="There is no free place at this time.")
    answer = refusal(code, 409, intent, problems=(taken,))
    assert answer.status == 200
    assert said(answer, "booking_failure")["booking_failure"] == {"cause": cause, "description": taken.detail}


@pytest.mark.parametrize(
    ("code", "status", "intents", "answered_with", "word"),
    [
        ("malformed", 400, (), 400, "INVALID_ARGUMENT"),
        ("invalid", 422, (), 400, "INVALID_ARGUMENT"),
        ("invalid", 422, (CANCEL,), 400, "INVALID_ARGUMENT"),  # a booking that never was
        ("not-found", 404, (ASK,), 404, "NOT_FOUND"),
        ("order-differs", 409, (PLACE,), 409, "ALREADY_EXISTS"),
        ("conflict", 409, (ASK,), 409, "ALREADY_EXISTS"),
        ("internal", 500, (), 500, "INTERNAL"),
    ],
)
def test_a_fault_of_the_request_is_an_error_with_its_places(
    code: str, status: int, intents: tuple[Intent, ...], answered_with: int, word: str
) -> None:
    answer = refusal(code, status, *intents)
    error = said(answer, "error")["error"]
    assert answer.status == error["code"] == answered_with
    assert error["status"] == word
    assert error["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "msg_1"},
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [
                {"field": "/booking/status", "description": "It is too late.", "reason": "ILLEGAL_TRANSITION"}
            ],
        },
    ]


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        (booking(user_information={"address": None}), "SLOT_UNAVAILABLE"),
        (booking(payment_processing_parameters={"x": 1}), "PAYMENT_ERROR"),
    ],
)
def test_what_we_cannot_do_is_a_failure_with_200(document: Any, cause: str) -> None:
    with pytest.raises(TranslationError) as error:
        read("CreateBooking", document)
    answer = refusal("unsupported", 422, problems=error.value.problems)
    assert answer.status == 200
    assert said(answer, "booking_failure")["booking_failure"]["cause"] == cause


# --- one booking from its beginning to its end --------------------------------------------------------------------


def test_a_booking_is_made_moved_and_cancelled() -> None:
    place = read("CreateBooking", booking())
    number = said(answered(place, visit()), "CreateBooking")["booking"]["booking_id"]

    later = str(START + 86400)
    move = read(
        "UpdateBooking", {"booking": {"booking_id": number, "slot": {"start_sec": later, "duration_sec": "7200"}}}
    )
    assert move.order_id == number
    [window] = move.lines[0].requested_windows
    moved = said(answered(move, visit(window=window)), "UpdateBooking")["booking"]
    assert moved["slot"]["start_sec"] == later

    cancel = read("UpdateBooking", {"booking": {"booking_id": number, "status": "CANCELED"}})
    assert cancel.order_id == number
    gone = said(answered(cancel, visit(JobState.CANCELLED, window=window)), "UpdateBooking")["booking"]
    assert gone == {**moved, "status": "CANCELED"}

    back = answered(move, visit(JobState.CANCELLED), problems=(LATE,))
    assert said(back, "UpdateBooking")["booking_failure"]["cause"] == "BOOKING_ALREADY_CANCELLED"
