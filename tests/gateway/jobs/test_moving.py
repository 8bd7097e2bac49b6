"""Opening a job and moving it on, as pure functions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from adapters.canonical import Address, Customer, Job, JobState, OrderLine, SupportOrder, Technician, Window
from gateway.jobs.lifecycle import IllegalTransition
from gateway.jobs.moving import InvalidMove, Move, moved, says_nothing_new
from gateway.jobs.opening import blank, open_jobs, order_status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AHEAD = Window(start=NOW + timedelta(days=1), end=NOW + timedelta(days=1, hours=4))
PAST = Window(start=NOW - timedelta(days=2), end=NOW - timedelta(days=2, hours=-4))


def order(*windows: Window, quantity: int = 1, country: str = "CH") -> SupportOrder:
    line = OrderLine(line_id="10", sku="SVC-TV-WALL-65", quantity=quantity, requested_windows=windows)
    address = Address(street="Langstrasse", postcode="8004", city="Zürich", country=country)
    return SupportOrder(
        partner_order_id="W-1", customer=Customer(family_name="Keller"), service_address=address, lines=(line,)
    )


def opened(placed: SupportOrder, service: str | None = "tv.wall_mount_l"):
    numbers = count(1)
    base = blank(placed, "ord_1", "sandbox", NOW)
    return open_jobs(placed, base, {"10": service}, lambda prefix: f"{prefix}_{next(numbers)}")


def job(state: JobState, **facts) -> Job:
    return replace(opened(order(AHEAD))[-1].job, state=state, **facts)


def test_an_order_for_a_day_ahead_is_scheduled_for_it():
    received, scheduled = opened(order(AHEAD))
    assert (received.type, received.job.sequence, received.previous_state) == ("job.received", 1, None)
    assert (scheduled.type, scheduled.job.sequence) == ("job.scheduled", 2)
    assert scheduled.job.window == AHEAD
    assert scheduled.job.timezone == "Europe/Zurich"


def test_a_past_first_window_gives_way_to_one_ahead():
    assert opened(order(PAST, AHEAD))[-1].job.window == AHEAD


@pytest.mark.parametrize("windows", [(), (PAST,)])
def test_without_a_window_ahead_the_job_waits_for_a_date(windows):
    assert opened(order(*windows))[-1].job.state is JobState.UNSCHEDULED


def test_an_unknown_service_rejects_the_job_by_the_partners_fault():
    rejected = opened(order(AHEAD), service=None)[-1]
    assert rejected.job.state is JobState.REJECTED
    assert (rejected.reason.code, rejected.reason.fault) == ("unknown_service", "partner")


def test_a_country_that_is_not_served_rejects_the_job():
    assert opened(order(AHEAD, country="IT"))[-1].job.reason.code == "not_serviceable"


def test_a_quantity_of_three_is_three_jobs():
    updates = opened(order(AHEAD, quantity=3))
    assert [update.job.unit for update in updates] == [1, 1, 2, 2, 3, 3]
    assert len({update.job.id for update in updates}) == 3


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["scheduled", "completed"], "scheduled"),
        (["in_progress", "unscheduled"], "received"),
        (["completed", "completed"], "completed"),
        (["completed", "failed"], "partial"),
        (["cancelled"], "cancelled"),
    ],
)
def test_an_orders_status_is_that_of_its_least_advanced_live_job(states, status):
    assert order_status(map(JobState, states)) == status


def test_another_eta_on_the_way_is_an_event_and_the_same_one_is_not():
    there = job(JobState.EN_ROUTE, eta=NOW)
    assert says_nothing_new(there, Move(to=JobState.EN_ROUTE, actor="technician", eta=NOW))
    step, after = moved(there, Move(to=JobState.EN_ROUTE, actor="technician", eta=AHEAD.start), NOW)
    assert (step.event, after.eta, after.sequence) == ("job.eta_changed", AHEAD.start, there.sequence + 1)


def test_a_second_technician_cannot_take_a_job_that_is_taken():
    taken = job(JobState.ASSIGNED, technician=Technician(id="t-1"))
    late = Move(to=JobState.ASSIGNED, actor="technician", technician=Technician(id="t-2"))
    assert not says_nothing_new(taken, late)
    with pytest.raises(IllegalTransition):
        moved(taken, late, NOW)


def test_rescheduling_frees_the_technician():
    taken = job(JobState.CONFIRMED, technician=Technician(id="t-1"))
    wish = Move(to=JobState.SCHEDULED, actor="customer", reason="customer_asked", window=AHEAD)
    step, after = moved(taken, wish, NOW)
    assert (step.event, after.technician, after.window) == ("job.rescheduled", None, AHEAD)


def test_rescheduling_needs_a_window():
    with pytest.raises(InvalidMove) as refused:
        moved(job(JobState.ASSIGNED), Move(to=JobState.SCHEDULED, actor="customer", reason="customer_asked"), NOW)
    assert (refused.value.pointer, refused.value.code) == ("/window", "required")


def test_a_window_that_has_passed_is_refused():
    wish = Move(to=JobState.SCHEDULED, actor="customer", reason="customer_asked", window=PAST)
    with pytest.raises(InvalidMove) as refused:
        moved(job(JobState.ASSIGNED), wish, NOW)
    assert refused.value.code == "in_the_past"


def test_nothing_happens_in_the_future():
    wish = Move(to=JobState.ON_SITE, actor="technician", at=NOW + timedelta(hours=1))
    with pytest.raises(InvalidMove) as refused:
        moved(job(JobState.EN_ROUTE), wish, NOW)
    assert refused.value.pointer == "/at"


def test_a_job_is_not_released_into_the_past():
    held = job(JobState.ON_HOLD, window=PAST)
    with pytest.raises(InvalidMove) as refused:
        moved(held, Move(to=JobState.SCHEDULED, actor="dispatch"), NOW)
    assert refused.value.code == "in_the_past"
    assert moved(held, Move(to=JobState.SCHEDULED, actor="dispatch", window=AHEAD), NOW)[1].window == AHEAD


def test_nothing_is_told_from_long_ago():
    wish = Move(to=JobState.ON_SITE, actor="technician", at=NOW - timedelta(days=8))
    with pytest.raises(InvalidMove) as refused:
        moved(job(JobState.EN_ROUTE), wish, NOW)
    assert (refused.value.pointer, refused.value.code) == ("/at", "too_long_ago")


def test_a_window_is_set_by_a_step_to_scheduled_only():
    taken = job(JobState.ASSIGNED)
    _, after = moved(taken, Move(to=JobState.CONFIRMED, actor="technician", window=taken.window), NOW)
    assert after.window == taken.window
    other = Window(start=AHEAD.start, end=AHEAD.end + timedelta(hours=1))
    with pytest.raises(InvalidMove) as refused:
        moved(taken, Move(to=JobState.CONFIRMED, actor="technician", window=other), NOW)
    assert refused.value.code == "not_taken"
