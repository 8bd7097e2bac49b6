"""Events: what each step of a job says to the listener, held against the standard's definitions."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.canonical import JobState, OrderLine, Reason, StatusUpdate, Window
from adapters.contract import Rendered
from adapters.tmforum.adapter import TmForumAdapter
from adapters.tmforum.codes import STATES, VISITS
from adapters.tmforum.events import (
    APPOINTED,
    APPOINTMENT_STATE,
    ATTRIBUTE,
    INFORMATION_REQUIRED,
    JEOPARDY,
    KINDS,
    MILESTONE,
    MOVED,
    STATE,
)
from gateway.jobs.lifecycle import lifecycle
from tests.support.documents import MORNING, NOON, make_job, make_order, make_update
from tests.support.tmforum import said

DIALECT = TmForumAdapter({})
STEPS = [(step.source, step.target, step.event) for step in lifecycle().steps]
LINES = (OrderLine(line_id="10", sku="a"), OrderLine(line_id="20", sku="b"))


def step(state: JobState, before: JobState | None = JobState.RECEIVED, event: str = "", **job: Any) -> StatusUpdate:
    order = make_order(lines=LINES[:1])
    event = event or f"job.{state.value}"
    return make_update(state, type=event, order=order, previous_state=before, job=make_job(state, **job))


def told(update: StatusUpdate) -> dict[str, Any]:
    """The events of a step by their kinds, in order; each is valid, and of no kind twice."""
    found = DIALECT.render(update)
    events = {one.event: said(one, one.event) for one in found}
    assert len(events) == len(found)
    return events


# --- each step ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, *JobState])
@pytest.mark.parametrize("window", [MORNING, None])
@pytest.mark.parametrize("state", JobState)
def test_every_step_is_told_in_valid_events(state: JobState, before: JobState | None, window: Window | None) -> None:
    reason = Reason(code="awaiting_customer_data", group="hold", fault="customer")
    events = told(step(state, before, window=window, reason=reason))
    assert events.keys() & set(KINDS["serviceOrdering"])
    assert window or not events.keys() & set(KINDS["appointment"])
    for kind, event in events.items():
        assert event["eventType"] == kind
        assert event["correlationId"] == "W-7788123"
        assert event["timeOcurred"] == event["eventTime"] == "2026-01-14T12:00:00.000Z"


@pytest.mark.parametrize(("source", "target", "event"), STEPS)
def test_every_edge_of_the_lifecycle_says_more_than_that_something_is_otherwise(
    source: JobState, target: JobState, event: str
) -> None:
    update = step(target, source, event)
    late = replace(update.job, eta=MORNING.end + timedelta(minutes=1))
    events = told(replace(update, job=late))
    assert ATTRIBUTE not in events
    assert (STATE in events) == (STATES[source] != STATES[target])


def test_each_event_of_a_step_has_an_id_of_its_own() -> None:
    events = told(step(JobState.SCHEDULED))
    assert list(events) == [STATE, MILESTONE, APPOINTED]
    ids = [event["eventId"] for event in events.values()]
    assert ids == [f"evt_01K9ZK4N2D3W5Y7A8B9C0D1E2F{end}" for end in ("", ".1", ".2")]


def test_an_order_in_an_event_is_as_it_stands_and_says_nothing_of_the_person() -> None:
    event = told(step(JobState.EN_ROUTE, JobState.CONFIRMED))[MILESTONE]
    order = event["event"]["serviceOrder"]
    assert (order["id"], order["externalId"]) == ("ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F", "W-7788123")
    assert (order["state"], [one["state"] for one in order["serviceOrderItem"]]) == ("inProgress", ["inProgress"])
    assert not any(word in json.dumps(event) for word in ("Keller", "Langstrasse", "791234567", "Zürich"))


# --- what is reached, in danger, missing -------------------------------------------------------------------------


def milestone(update: StatusUpdate) -> dict[str, Any]:
    [found] = told(update)[MILESTONE]["event"]["serviceOrder"]["milestone"]
    return dict(found)


def test_a_date_that_is_agreed_is_a_milestone_with_its_window() -> None:
    found = milestone(step(JobState.SCHEDULED))
    assert (found["name"], found["message"]) == (
        "appointmentConfirmed",
        "2026-01-20T07:00:00.000Z/2026-01-20T11:00:00.000Z",
    )
    assert found["serviceOrderItem"] == [
        {"id": "10", "itemId": "10", "serviceOrderId": "ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F"}
    ]


def test_who_is_on_the_way_is_expected_at_a_time() -> None:
    assert milestone(step(JobState.EN_ROUTE, eta=NOON))["message"] == "Arrival expected at 2026-01-14T12:00:00.000Z"
    assert "message" not in milestone(step(JobState.EN_ROUTE))


def test_a_technician_who_will_be_late_is_an_alert_and_no_second_milestone() -> None:
    late = step(JobState.EN_ROUTE, JobState.EN_ROUTE, "job.eta_changed", eta=MORNING.end + timedelta(minutes=5))
    events = told(late)
    assert list(events) == [JEOPARDY]
    [alert] = events[JEOPARDY]["event"]["serviceOrder"]["jeopardyAlert"]
    assert (alert["name"], alert["message"]) == ("delay", "Arrival expected at 2026-01-20T11:05:00.000Z")


def test_another_arrival_in_time_is_only_that_something_is_otherwise() -> None:
    on_time = step(JobState.EN_ROUTE, JobState.EN_ROUTE, "job.eta_changed", eta=MORNING.start)
    assert told(on_time)[ATTRIBUTE]["fieldPath"] == "serviceOrderItem"


@pytest.mark.parametrize(
    ("update", "name"),
    [
        (step(JobState.UNASSIGNABLE, JobState.OFFERED), "noTechnician"),
        (step(JobState.OFFERED, JobState.ASSIGNED, "job.unassigned"), "technicianLost"),
    ],
)
def test_a_visit_that_nobody_makes_yet_is_in_jeopardy(update: StatusUpdate, name: str) -> None:
    [alert] = told(update)[JEOPARDY]["event"]["serviceOrder"]["jeopardyAlert"]
    assert alert["name"] == name


def test_a_job_that_waits_for_the_customers_data_asks_for_them() -> None:
    reason = Reason(code="awaiting_customer_data", group="hold", fault="customer")
    events = told(step(JobState.ON_HOLD, reason=reason, window=None))
    assert list(events) == [STATE, INFORMATION_REQUIRED]
    assert events[INFORMATION_REQUIRED]["fieldPath"] == "relatedParty"
    [item] = events[STATE]["event"]["serviceOrder"]["serviceOrderItem"]
    assert (item["state"], item["errorMessage"][0]["code"]) == ("held", "awaiting_customer_data")
    part = Reason(code="awaiting_part", group="hold", fault="none")
    assert INFORMATION_REQUIRED not in told(step(JobState.ON_HOLD, reason=part))


def test_a_visit_that_failed_says_why() -> None:
    reason = Reason(code="customer_absent", group="failure", fault="customer", text="Niemand da")
    [item] = told(step(JobState.FAILED, JobState.ON_SITE, reason=reason))[STATE]["event"]["serviceOrder"][
        "serviceOrderItem"
    ]
    [error] = item["errorMessage"]
    assert (error["code"], error["reason"], error["message"]) == ("customer_absent", "customer absent", "Niemand da")


# --- orders of several visits ------------------------------------------------------------------------------------


def test_the_state_of_an_order_is_told_where_all_its_items_are_known() -> None:
    update = replace(step(JobState.COMPLETED, JobState.WORK_DONE), order=make_order(lines=LINES))
    alone = told(update)[STATE]["event"]["serviceOrder"]
    assert "state" not in alone
    assert [one.get("state") for one in alone["serviceOrderItem"]] == ["completed", None]
    other = make_job(JobState.EN_ROUTE, line_id="20", id="job_2")
    whole = told(replace(update, others=(other,)))[STATE]["event"]["serviceOrder"]
    assert (whole["state"], [one["state"] for one in whole["serviceOrderItem"]]) == (
        "inProgress",
        ["completed", "inProgress"],
    )


def test_an_item_of_two_visits_is_done_when_both_are() -> None:
    update = step(JobState.COMPLETED, JobState.WORK_DONE)
    first = told(replace(update, siblings=(make_job(JobState.EN_ROUTE, unit=2, id="job_2"),)))
    assert STATE not in first
    assert list(first) == [ATTRIBUTE, APPOINTMENT_STATE]
    last = told(replace(update, siblings=(make_job(JobState.COMPLETED, unit=2, id="job_2"),)))
    assert last[STATE]["event"]["serviceOrder"]["state"] == "completed"


# --- appointments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "event", "kind"),
    [
        (None, JobState.RECEIVED, "job.received", APPOINTMENT_STATE),
        (JobState.RECEIVED, JobState.SCHEDULED, "job.scheduled", APPOINTED),
        (JobState.ON_HOLD, JobState.SCHEDULED, "job.released", APPOINTED),
        (JobState.CONFIRMED, JobState.SCHEDULED, "job.rescheduled", MOVED),
        (JobState.SCHEDULED, JobState.OFFERED, "job.offered", None),
        (JobState.SCHEDULED, JobState.CANCELLED, "job.cancelled", APPOINTMENT_STATE),
        (JobState.WORK_DONE, JobState.COMPLETED, "job.completed", APPOINTMENT_STATE),
        (JobState.FAILED, JobState.SCHEDULED, "job.revisit", APPOINTMENT_STATE),
    ],
)
def test_an_appointment_is_made_moved_and_ended(before: Any, after: JobState, event: str, kind: str | None) -> None:
    events = told(step(after, before, event))
    of_the_visit = [one for one in events if one in KINDS["appointment"]]
    assert of_the_visit == ([kind] if kind else [])
    if kind:
        appointment = events[kind]["event"]["appointment"]
        assert (appointment["id"], appointment["status"]) == ("ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F.10", VISITS[after])
        assert events[kind].get("fieldPath") == ("validFor" if kind == MOVED else None)


# --- where they go -----------------------------------------------------------------------------------------------


def calls(options: dict[str, Any]) -> list[Rendered]:
    return TmForumAdapter(options).render(step(JobState.SCHEDULED))


def test_each_kind_of_event_has_its_path_below_the_callback() -> None:
    assert [(one.method, one.path) for one in calls({})] == [
        ("POST", "/listener/serviceOrderStateChangeEvent"),
        ("POST", "/listener/serviceOrderMilestoneEvent"),
        ("POST", "/listener/appointmentCreateEvent"),
    ]


def test_events_go_straight_to_the_callback_where_that_was_agreed() -> None:
    assert {one.path for one in calls({"listener": "callback"})} == {""}
    assert TmForumAdapter.profile.options().validate({"listener": "elsewhere"})
