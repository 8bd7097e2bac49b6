"""Calls of the Maps Booking API: what is said of which step, and what Google's answer to one means."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import JobState, Reason, StatusUpdate, Window
from adapters.contract import Answer, Calling, Rendered
from adapters.google_booking.adapter import GoogleBookingAdapter
from adapters.google_booking.codes import STATES
from tests.support.documents import MORNING, make_job, make_order, make_update
from tests.support.google import SHARED, said

DIALECT = GoogleBookingAdapter({"partner_id": "20000884"})
NAME = "partners/20000884/bookings/ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F"
ECHO = {"customer": "u", "slot": {"merchant_id": "nest-ch", "service_id": "nest-thermostat"}}
TIME = {"startTime": "2026-01-20T07:00:00Z", "duration": "14400s"}


def step(state: JobState, before: JobState | None = JobState.CONFIRMED, **job: Any) -> StatusUpdate:
    order = make_order(echo=ECHO)
    return make_update(state, order=order, previous_state=before, job=make_job(state, **job))


def call(update: StatusUpdate) -> Rendered:
    [found] = DIALECT.render(update)
    return found


def changed(update: StatusUpdate) -> dict[str, Any]:
    """The fields that a call changes, which are those of its mask."""
    found = call(update)
    document = said(found, "notification")
    path, _, mask = found.path.partition("?updateMask=")
    assert (found.method, path) == ("PATCH", f"/v1alpha/notification/{NAME}")
    fixed = {name: document.pop(name) for name in ("name", "merchantId", "serviceId")}
    assert fixed == {"name": NAME, "merchantId": "nest-ch", "serviceId": "nest-thermostat"}
    assert list(document) == mask.split(",")
    return dict(document)


@pytest.mark.parametrize("before", [None, *JobState])
@pytest.mark.parametrize("window", [MORNING, None])
@pytest.mark.parametrize("state", JobState)
def test_every_step_is_a_valid_call_or_a_declared_nothing(
    state: JobState, before: JobState | None, window: Window | None
) -> None:
    update = step(state, before, window=window)
    if STATES[state] is None:
        assert DIALECT.render(update) == []
    else:
        assert changed(update)


def test_the_first_confirmation_repeats_that_of_the_answer() -> None:
    assert changed(step(JobState.SCHEDULED, JobState.RECEIVED)) == {"status": "CONFIRMED"}


@pytest.mark.parametrize("before", [JobState.SCHEDULED, JobState.OFFERED, JobState.ASSIGNED, JobState.CONFIRMED])
def test_a_visit_that_is_moved_has_another_time_and_is_no_more_confirmed_than_before(before: JobState) -> None:
    assert changed(step(JobState.SCHEDULED, before)) == TIME


@pytest.mark.parametrize("before", [JobState.ON_HOLD, JobState.UNSCHEDULED, JobState.FAILED])
def test_a_visit_that_comes_out_of_doubt_is_confirmed_with_its_time(before: JobState) -> None:
    assert changed(step(JobState.SCHEDULED, before)) == {"status": "CONFIRMED", **TIME}


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (JobState.REJECTED, "DECLINED_BY_MERCHANT"),
        (JobState.CANCELLED, "CANCELED"),
        (JobState.FAILED, "FAILED"),
    ],
)
def test_an_end_is_a_status(state: JobState, word: str) -> None:
    assert changed(step(state)) == {"status": word}


def test_a_customer_who_was_not_there_did_not_show() -> None:
    reason = Reason(code="customer_absent", group="failure", fault="customer")
    assert changed(step(JobState.FAILED, reason=reason)) == {"status": "NO_SHOW"}


@pytest.mark.skipif(not SHARED.exists(), reason="Google's own samples are not here")
def test_a_cancellation_is_that_of_googles_own_sample() -> None:
    theirs = json.loads((SHARED / "samples" / "BookingNotification.cancel.request.json").read_bytes())
    ours = json.loads(call(step(JobState.CANCELLED)).body)
    assert list(ours) == list(theirs)
    assert ours["status"] == theirs["status"]


INDIA = timezone(timedelta(hours=5, minutes=30))


@given(seconds=st.integers(0, 10**8), minutes=st.integers(1, 2000))
def test_any_window_is_a_valid_call_and_the_time_is_utc(seconds: int, minutes: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=INDIA) + timedelta(seconds=seconds)
    window = Window(start=start, end=start + timedelta(minutes=minutes))
    found = changed(step(JobState.SCHEDULED, window=window))
    assert found["duration"] == f"{minutes * 60}s"
    assert found["startTime"] == (start - timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_service_of_ours_is_called_as_in_the_feed() -> None:
    dialect = GoogleBookingAdapter({"services": {"nest-9": "SVC-TV-WALL-65"}, "merchant_id": "nest-ch"})
    [found] = dialect.render(make_update())
    document = said(found, "notification")
    assert (document["merchantId"], document["serviceId"]) == ("nest-ch", "nest-9")


# --- what Google answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "delivered"),
        (204, "delivered"),
        (400, "failed"),
        (401, "retry"),
        (403, "retry"),
        (404, "failed"),
        (409, "failed"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ],
)
def test_some_answers_are_for_good(status: int, verdict: str) -> None:
    assert isinstance(DIALECT, Calling)
    assert DIALECT.judge(call(step(JobState.CANCELLED)), Answer(status=status)) == verdict


def test_a_booking_that_google_does_not_know_may_be_on_its_way_or_never_was_one() -> None:
    unknown = Answer(status=404)
    assert DIALECT.judge(call(step(JobState.SCHEDULED, JobState.RECEIVED)), unknown) == "retry"
    assert DIALECT.judge(call(step(JobState.REJECTED, JobState.RECEIVED)), unknown) == "delivered"


def test_nothing_is_asked_before_a_call() -> None:
    found = call(step(JobState.CANCELLED))
    assert found.probe is None
    assert DIALECT.probed(found, Answer(status=200)) == found
