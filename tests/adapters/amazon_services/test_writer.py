"""Calls of Amazon's API: what they say, and what is not said twice."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.amazon_services.settings import Options
from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    JobState,
    Outcome,
    Reason,
    Receipt,
    Window,
)
from adapters.contract import Answer, Calling, Pollable, RawMessage, Rendered
from adapters.errors import Problem
from tests.adapters.amazon_services.steps import (
    AFTERNOON,
    JO,
    JOB,
    KNOWS_JO,
    SAID,
    appointment,
    call,
    made,
    probed,
    render,
    there,
    update,
)
from tests.support.documents import MORNING, NOON, make_job

HERE = Path(__file__).parent


def test_it_fetches_and_calls() -> None:
    assert isinstance(AmazonServicesAdapter({}), Calling)
    assert isinstance(AmazonServicesAdapter({}), Pollable)


# --- before every call ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", SAID)
def test_the_job_is_read_before_anything_is_said(state: JobState) -> None:
    for said in render(update(state, partner_order_id="a/b?c", technician=JO), **KNOWS_JO):
        assert said.probe == Rendered(
            body=b"",
            media_type="application/json",
            event="getServiceJobByServiceJobId",
            method="GET",
            path="/service/v1/serviceJobs/a%2Fb%3Fc",
        )
        assert said.path.startswith(said.probe.path)


@pytest.mark.parametrize("state", SAID)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"payload": null}', b'{"payload": {"serviceJobSta'])
def test_a_read_that_says_nothing_is_tried_again(state: JobState, body: bytes) -> None:
    assert probed(call(state), Answer(status=200, body=body)) == "retry"


# --- appointments --------------------------------------------------------------------------------------------------


def test_the_first_appointment_is_added() -> None:
    said = made(call(), there("PENDING_SCHEDULE"))
    assert (said.event, said.method, said.path) == (
        "addAppointmentForServiceJobByServiceJobId",
        "POST",
        f"{JOB}/appointments",
    )
    assert json.loads(said.body) == {
        "appointmentTime": {"startTime": "2026-01-20T07:00:00.000Z", "durationInMinutes": 240}
    }


def test_another_one_moves_the_active_one_with_a_reason() -> None:
    reason = Reason(code="customer_asked", group="reschedule", fault="customer")
    said = call(window=AFTERNOON, reason=reason, options={"reschedule_codes": {"customer_asked": "C7"}})
    ready = made(said, there("NOT_SERVICED", appointment(status="CANCELLED", name="A-0/000"), appointment(name="A/1")))
    assert (ready.event, ready.path) == (
        "rescheduleAppointmentForServiceJobByServiceJobId",
        f"{JOB}/appointments/A%2F1",
    )
    assert json.loads(ready.body) == {
        "appointmentTime": {"startTime": "2026-01-20T12:00:00.000Z", "durationInMinutes": 240},
        "rescheduleReasonCode": "C7",
    }


def test_an_appointment_that_is_there_already_is_delivered_in_whatever_offset_it_stands() -> None:
    local = timezone(timedelta(hours=5, minutes=30))
    same = Window(start=MORNING.start.astimezone(local), end=MORNING.end.astimezone(local))
    assert probed(call(), there("NOT_SERVICED", appointment(same))) == "delivered"
    assert made(call(), there("NOT_SERVICED", appointment(status="COMPLETED"))).path == f"{JOB}/appointments"


@pytest.mark.parametrize("time", [None, 7, {}, {"startTime": "soon", "durationInMinutes": 1}, {"startTime": None}])
def test_an_appointment_at_no_readable_time_is_moved(time: Any) -> None:
    ready = made(call(), there("NOT_SERVICED", {**appointment(), "appointmentTime": time}))
    assert ready.path == f"{JOB}/appointments/A-00001"


@pytest.mark.parametrize("hours", [-8, 0, 2, 5.5, 14])
def test_times_are_utc_to_the_millisecond_whatever_they_were(hours: float) -> None:
    zone = timezone(timedelta(hours=hours))
    window = Window(start=MORNING.start.astimezone(zone), end=MORNING.end.astimezone(zone))
    assert json.loads(call(window=window).body)["appointmentTime"]["startTime"] == "2026-01-20T07:00:00.000Z"


def test_the_length_of_a_window_counts_over_the_change_of_the_clocks() -> None:
    """From 1:30 to 4:00 of that night in Berlin are 90 minutes."""
    winter, summer = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
    window = Window(start=datetime(2026, 3, 29, 1, 30, tzinfo=winter), end=datetime(2026, 3, 29, 4, 0, tzinfo=summer))
    assert json.loads(call(window=window).body)["appointmentTime"]["durationInMinutes"] == 90


@pytest.mark.parametrize("state", [JobState.SCHEDULED, JobState.ASSIGNED, JobState.EN_ROUTE])
@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_what_is_over_there_takes_no_appointment_any_more(state: JobState, status: str) -> None:
    assert probed(call(state, KNOWS_JO, technician=JO), there(status, appointment())) == "failed"


# --- on the way ----------------------------------------------------------------------------------------------------


def test_who_comes_is_said_with_amazons_own_number() -> None:
    ready = made(call(JobState.ASSIGNED, KNOWS_JO, technician=JO), there("NOT_SERVICED", appointment()))
    assert (ready.event, ready.method, ready.path) == (
        "assignAppointmentResources",
        "PUT",
        f"{JOB}/appointments/A-00001/resources",
    )
    assert json.loads(ready.body) == {"resources": [{"resourceId": "A8B3M999LMHF2"}]}


def test_somebody_whom_amazon_does_not_know_is_nobody_to_tell_of() -> None:
    said = call(JobState.ASSIGNED, technician=JO)
    assert b"tech_1" not in said.body
    assert probed(said, there("NOT_SERVICED", appointment())) == "delivered"


def test_who_is_on_the_way_arrives_from_the_eta_on_or_within_the_window() -> None:
    eta = NOON + timedelta(minutes=20)
    said = made(call(JobState.EN_ROUTE, KNOWS_JO, eta=eta, technician=JO), there("NOT_SERVICED", appointment()))
    assert (said.event, said.path) == ("setAppointmentFulfillmentData", f"{JOB}/appointments/A-00001/fulfillment")
    assert json.loads(said.body) == {
        "estimatedArrivalTime": {"startTime": "2026-01-14T12:20:00.000Z", "endTime": "2026-01-14T12:50:00.000Z"},
        "appointmentResources": [{"resourceId": "A8B3M999LMHF2"}],
    }
    assert json.loads(call(JobState.EN_ROUTE, {"arrival_minutes": 60}).body) == {
        "estimatedArrivalTime": {"startTime": "2026-01-20T07:00:00.000Z", "endTime": "2026-01-20T11:00:00.000Z"}
    }


@pytest.mark.parametrize("state", [JobState.ASSIGNED, JobState.EN_ROUTE])
def test_without_an_appointment_there_is_nothing_to_add_to(state: JobState) -> None:
    said = call(state, KNOWS_JO, technician=JO)
    for broken in (
        [],
        [appointment(status="CANCELLED")],
        [None, 7],
        [appointment(name="")],
        [{**appointment(), "appointmentId": 3}],
    ):
        assert probed(said, there("NOT_SERVICED", *broken)) == "failed"
    assert probed(said, Answer(status=200, body=b'{"payload": {"appointments": {}}}')) == "failed"


# --- ends ----------------------------------------------------------------------------------------------------------


def test_a_completed_job_is_completed_there_and_when_it_was_done_is_said_before() -> None:
    (alone,) = render(update(JobState.COMPLETED))
    assert (alone.event, alone.method, alone.path) == ("completeServiceJobByServiceJobId", "PUT", f"{JOB}/completions")
    done = replace(update(JobState.COMPLETED, technician=JO), work=MORNING)
    told, after = render(done, **KNOWS_JO)
    assert after == alone
    assert json.loads(told.body) == {
        "fulfillmentTime": {"startTime": "2026-01-20T07:00:00.000Z", "endTime": "2026-01-20T11:00:00.000Z"},
        "appointmentResources": [{"resourceId": "A8B3M999LMHF2"}],
    }
    assert made(told, there("NOT_SERVICED", appointment())).path == f"{JOB}/appointments/A-00001/fulfillment"


@pytest.mark.parametrize("state", [JobState.REJECTED, JobState.FAILED, JobState.CANCELLED])
def test_what_will_not_be_is_cancelled_with_a_code(state: JobState) -> None:
    reason = Reason(code="no_supply", group="cancel", fault="platform")
    codes = {"cancellation_codes": {"no_supply": "N_1", "*": "X9"}}
    other = replace(reason, code="changed_mind")
    told = [call(state, reason=reason), call(state, codes, reason=reason), call(state, codes, reason=other)]
    assert [said.path for said in told] == [
        f"{JOB}/cancellations?cancellationReasonCode={c}" for c in ("V1", "N_1", "X9")
    ]
    assert {(said.event, said.method) for said in told} == {("cancelServiceJobByServiceJobId", "PUT")}


@pytest.mark.parametrize(
    ("state", "status", "verdict"),
    [
        (JobState.COMPLETED, "COMPLETED", "delivered"),
        (JobState.COMPLETED, "CANCELLED", "failed"),
        (JobState.CANCELLED, "CANCELLED", "delivered"),
        (JobState.CANCELLED, "COMPLETED", "failed"),
    ],
)
def test_an_end_is_not_said_twice_nor_against_another_one(state: JobState, status: str, verdict: str) -> None:
    assert probed(call(state), there(status)) == verdict


@pytest.mark.parametrize(
    "status", ["NOT_SERVICED", "PENDING_SCHEDULE", "HOLD", "PAYMENT_DECLINED", "NOT_FULFILLABLE", ""]
)
def test_an_end_is_said_while_there_is_none(status: str) -> None:
    for state in (JobState.COMPLETED, JobState.CANCELLED):
        said = call(state)
        assert made(said, there(status)) == replace(said, probe=None)
        assert made(said, Answer(status=200, body=b'{"payload": {}}')) == replace(said, probe=None)


# --- several visits of one job -------------------------------------------------------------------------------------


def visits(*states: JobState) -> tuple[Any, ...]:
    return tuple(make_job(state, unit=unit, id=f"job_{unit}") for unit, state in enumerate(states, 1))


def test_of_several_visits_the_first_open_one_makes_the_appointment() -> None:
    first, second = visits(JobState.SCHEDULED, JobState.SCHEDULED)
    gone, done = visits(JobState.CANCELLED)[0], visits(JobState.COMPLETED)[0]
    assert len(render(update(unit=1, siblings=(second,)))) == 1
    assert render(update(unit=2, siblings=(first,))) == []
    assert len(render(update(unit=2, siblings=(gone,)))) == 1
    assert len(render(update(unit=2, siblings=(done,)))) == 1


@pytest.mark.parametrize("state", [JobState.REJECTED, JobState.CANCELLED, JobState.FAILED, JobState.COMPLETED])
def test_an_end_of_one_visit_is_none_of_the_job(state: JobState) -> None:
    assert render(update(state, unit=2, siblings=visits(JobState.CONFIRMED))) == []


def test_the_last_end_says_what_became_of_all() -> None:
    """Amazon has no part of a job: one that was done for the most part is done."""
    ends = {
        (JobState.CANCELLED, JobState.CANCELLED): "cancelServiceJobByServiceJobId",
        (JobState.COMPLETED, JobState.CANCELLED): "completeServiceJobByServiceJobId",
        (JobState.FAILED, JobState.COMPLETED): "completeServiceJobByServiceJobId",
        (JobState.FAILED, JobState.REJECTED): "cancelServiceJobByServiceJobId",
    }
    for (before, last), event in ends.items():
        (said,) = render(update(last, unit=2, siblings=visits(before)))
        assert said.event == event


# --- the life of one job -------------------------------------------------------------------------------------------


def test_from_the_order_to_its_end() -> None:
    """Placed, moved by the customer, and cancelled by Amazon: what comes in, and what we say to each."""
    said = []
    for name in ("tv_on_the_wall", "moved_by_the_customer", "cancelled_by_the_customer"):
        body = (HERE / "samples" / name / "job.json").read_bytes()
        (intent,) = AmazonServicesAdapter({}).parse(RawMessage(body=body, media_type="application/json"))
        said.append((intent, Answer(status=200, body=body if b"payload" in body else b'{"payload":%b}' % body)))
    (placed, waiting), (moved, fixed), (ended, gone) = said
    assert isinstance(placed, ChangeOrder)
    assert isinstance(moved, ChangeOrder)
    assert isinstance(ended, CancelOrder)
    assert placed.whole is not None
    first, other = (one.lines[0].requested_windows[0] for one in (placed, moved))
    number = placed.partner_order_id
    ours = call(window=first, partner_order_id=number)
    assert made(ours, waiting).path == f"/service/v1/serviceJobs/{number}/appointments"
    assert made(ours, fixed).event == "rescheduleAppointmentForServiceJobByServiceJobId"
    assert probed(call(window=other, partner_order_id=number), fixed) == "delivered"
    assert probed(call(JobState.CANCELLED, partner_order_id=number), gone) == "delivered"
    assert probed(ours, gone) == "failed"


def test_who_brings_a_job_by_hand_hears_what_became_of_it() -> None:
    problem = Problem(pointer="/payload", code="illegal_transition", detail="It is too late.")
    outcomes = (
        Outcome(intent=CancelOrder(partner_order_id="J-1", change_id="1"), result="refused", problems=(problem,)),
        Outcome(
            intent=ChangeOrder(partner_order_id="J-2", change_id="1", lines=()), result="accepted", order_id="ord_2"
        ),
    )
    said = AmazonServicesAdapter({}).acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=outcomes))
    assert json.loads(said.body) == {
        "payload": {
            "jobs": [
                {"serviceJobId": "J-1", "orderId": None, "result": "refused"},
                {"serviceJobId": "J-2", "orderId": "ord_2", "result": "accepted"},
            ]
        },
        "errors": [{"code": "illegal_transition", "message": "It is too late.", "details": "/payload"}],
    }


@pytest.mark.parametrize(
    "options",
    [
        {"cancellation_codes": {"*": "v1"}},
        {"reschedule_codes": {"*": ""}},
        {"marketplace_id": "A1&x=y"},
        {"resources": {"tech_1": ""}},
        {"arrival_minutes": 1},
        {"start_days": 366},
    ],
)
def test_options_that_amazon_would_not_take_are_refused(options: dict[str, Any]) -> None:
    assert Options().validate(options)
