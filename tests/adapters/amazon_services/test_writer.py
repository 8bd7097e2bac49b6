"""Calls of Amazon's API: what they say, what is not said twice, and what the answers make of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.amazon_services.codes import STATES
from adapters.amazon_services.settings import Options
from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    JobState,
    Outcome,
    Reason,
    Receipt,
    StatusUpdate,
    Technician,
    Window,
)
from adapters.contract import Answer, Calling, Pollable, RawMessage, Rendered, Verdict
from adapters.errors import Problem
from tests.support.documents import MORNING, NOON, make_job, make_update

HERE = Path(__file__).parent
AMAZON = HERE.parents[3] / "shared" / "partners" / "amazon_de"
NUMBER = "W-7788123"
JOB = f"/service/v1/serviceJobs/{NUMBER}"
JO = Technician(id="tech_1", name="Jo")
KNOWS_JO = {"resources": {"tech_1": "A8B3M999LMHF2"}}
AFTERNOON = Window(start=MORNING.start + timedelta(hours=5), end=MORNING.end + timedelta(hours=5))
SAID = [state for state in JobState if STATES[state]]


def update(state: JobState = JobState.SCHEDULED, *, siblings: Any = (), **other: Any) -> StatusUpdate:
    """A step to `state` of a job that is otherwise like `other`."""
    told = make_update(state)
    return replace(told, job=replace(told.job, **other), reason=other.get("reason", told.reason), siblings=siblings)


def render(said: StatusUpdate, **options: Any) -> list[Rendered]:
    return AmazonServicesAdapter(options).render(said)


def call(state: JobState = JobState.SCHEDULED, options: Any = None, **other: Any) -> Rendered:
    (said,) = render(update(state, **other), **(options or {}))
    return said


def there(status: str = "NOT_SERVICED", *appointments: Any) -> Answer:
    """How the job stands at Amazon."""
    document = {"payload": {"serviceJobId": NUMBER, "serviceJobStatus": status, "appointments": list(appointments)}}
    return Answer(status=200, body=json.dumps(document).encode())


def appointment(window: Window = MORNING, status: str = "ACTIVE", name: str = "A-00001") -> dict[str, Any]:
    minutes = int((window.end - window.start).total_seconds()) // 60
    time = {"startTime": window.start.isoformat(), "durationInMinutes": minutes}
    return {"appointmentId": name, "appointmentStatus": status, "appointmentTime": time}


def probed(said: Rendered, answer: Answer) -> Rendered | Verdict:
    return AmazonServicesAdapter({}).probed(said, answer)


def made(said: Rendered, answer: Answer) -> Rendered:
    """The call that is made after the probe."""
    ready = probed(said, answer)
    assert isinstance(ready, Rendered)
    assert ready.probe is None
    assert "{" not in ready.path
    return ready


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


# --- answers -------------------------------------------------------------------------------------------------------


def judged(status: int, document: Any = None, state: JobState = JobState.SCHEDULED) -> Verdict:
    body = b"" if document is None else json.dumps(document).encode()
    return AmazonServicesAdapter({}).judge(call(state), Answer(status=status, body=body))


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
def test_a_call_that_is_wrong_stays_wrong(status: int) -> None:
    assert judged(status, {"errors": [{"code": "InvalidInput", "message": "no\u00a0break"}]}) == "failed"


@pytest.mark.parametrize("status", [302, 401, 403, 408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert judged(status, {"errors": [{"code": "QuotaExceeded", "message": "later"}]}) == "retry"


def test_warnings_are_no_errors_and_errors_count_even_in_a_success() -> None:
    note = {"code": "RESOURCES_UNASSIGNED", "message": "m"}
    assert judged(200, {"appointmentId": "A-00001", "warnings": [note]}) == "delivered"
    assert judged(200, {"payload": {"warnings": [note]}}) == "delivered"
    assert judged(200, {"errors": [{**note, "errorLevel": "WARNING"}]}) == "delivered"
    assert judged(200, {"errors": [{**note, "errorLevel": "WARNING"}, note]}) == "failed"
    assert judged(200, [{**note, "errorLevel": "ERROR"}]) == "failed"


@pytest.mark.parametrize("document", [None, {}, "", [], {"errors": None}, {"errors": {}}, 7])
def test_a_success_without_words_is_one(document: Any) -> None:
    assert judged(204, document) == "delivered"


@given(status=st.integers(100, 599), body=st.binary(max_size=100), state=st.sampled_from(SAID))
def test_any_answer_at_all_has_a_verdict(status: int, body: bytes, state: JobState) -> None:
    said, answer = call(state), Answer(status=status, body=body)
    assert AmazonServicesAdapter({}).judge(said, answer) in ("delivered", "retry", "failed")
    assert isinstance(probed(said, answer), Rendered | str)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.sampled_from(["ACTIVE", "CANCELLED"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["appointmentId", "appointmentStatus", "appointmentTime", "startTime", "durationInMinutes"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(appointments=JSON_VALUES, status=JSON_VALUES, state=st.sampled_from(SAID))
def test_whatever_a_job_holds_a_call_is_complete_or_a_verdict(appointments: Any, status: Any, state: JobState) -> None:
    payload = {"serviceJobStatus": status, "appointments": appointments}
    said = call(state, KNOWS_JO, technician=JO)
    ready = probed(said, Answer(status=200, body=json.dumps({"payload": payload}).encode()))
    assert ready in ("delivered", "retry", "failed") if isinstance(ready, str) else COMPLETE.fullmatch(ready.path)


COMPLETE = re.compile(rf"{JOB}(/[^/{{}}?]+)+(\?cancellationReasonCode=V1)?")


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


# --- against their model -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    if not AMAZON.exists():
        pytest.skip("the partners' own specifications are not here")
    found: dict[str, Any] = json.loads((AMAZON / "services.json").read_text())
    return found


def operation(model: dict[str, Any], said: Rendered) -> dict[str, Any]:
    """The one operation that a call is of, with the values of its path checked."""
    path, _, query = said.path.partition("?")
    for template, methods in model["paths"].items():
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/?]+)", template), path)
        known = methods.get(said.method.lower()) if found else None
        if found and known:
            told = {**found.groupdict(), **dict(parse_qsl(query, keep_blank_values=True))}
            assert not violations(model, known, told, said.body)
            return dict(known)
    raise AssertionError(f"{said.method} {path} is no operation of theirs")


def violations(model: dict[str, Any], known: dict[str, Any], told: dict[str, str], body: bytes) -> list[str]:
    wrong = []
    for one in known["parameters"]:
        if one["in"] == "body":
            rooted = {**one["schema"], "definitions": model["definitions"]}
            if not jsonschema_rs.Draft4Validator(rooted, validate_formats=True).is_valid(json.loads(body)):
                wrong.append("body")
            continue
        value = unquote(told.get(one["name"], ""))
        if not one["minLength"] <= len(value) <= one["maxLength"] or not re.search(one.get("pattern", ""), value):
            wrong.append(one["name"])
    return wrong + [name for name in told if name not in {one["name"] for one in known["parameters"]}]


STANDS = [
    there("PENDING_SCHEDULE"),
    there("NOT_SERVICED", appointment(AFTERNOON)),
    there("HOLD", appointment(status="CANCELLED"), appointment(AFTERNOON)),
]


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("options", [{}, KNOWS_JO])
def test_every_state_is_a_call_of_theirs_or_a_declared_nothing(
    model: dict[str, Any], state: JobState, options: dict[str, Any]
) -> None:
    step = replace(update(state, technician=JO, eta=NOON), work=MORNING)
    told = render(step, **options)
    assert bool(told) == (STATES[state] is not None)
    for said in told:
        assert said.probe is not None
        assert operation(model, said.probe)["operationId"] == said.probe.event
        for answer in STANDS:
            ready = probed(said, answer)
            if isinstance(ready, Rendered):
                assert operation(model, ready)["operationId"] == ready.event


def test_their_model_refuses_what_is_wrong(model: dict[str, Any]) -> None:
    """The check of the check."""
    good = made(call(), there())
    assert operation(model, good)["operationId"] == good.event
    bad = [
        replace(good, body=b'{"appointmentTime": {"startTime": "soon"}}'),
        replace(good, body=b"{}"),
        replace(good, path=f"{JOB}/appointment"),
        replace(good, method="PUT"),
        replace(call(JobState.CANCELLED), path=f"{JOB}/cancellations?cancellationReasonCode=v-1"),
        replace(call(JobState.CANCELLED), path=f"{JOB}/cancellations"),
        replace(call(JobState.COMPLETED), path=f"{JOB}/completions?reason=V1"),
    ]
    for said in bad:
        with pytest.raises(AssertionError):
            operation(model, said)


def sandbox(model: dict[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Every answer of the sandbox to an operation of ours, with its operation and its status."""
    for methods in model["paths"].values():
        for method, known in methods.items():
            if method == "parameters" or known["operationId"] not in OURS:
                continue
            for status, response in known["responses"].items():
                for pair in response.get("x-amzn-api-sandbox", {}).get("static", ()):
                    yield known["operationId"], int(status), pair


OURS = {*filter(None, STATES.values()), "rescheduleAppointmentForServiceJobByServiceJobId"}


def test_the_answers_of_the_sandbox_are_judged_by_their_status(model: dict[str, Any]) -> None:
    seen = set()
    for event, status, pair in sandbox(model):
        verdict = judged(status, pair["response"])
        assert verdict == ("delivered" if status < 300 else "retry" if status == 403 else "failed"), (event, pair)
        seen.add((event, status))
    assert len(seen) == len({event for event, _ in seen}) * 4 == len(OURS) * 4


def test_our_words_are_those_of_the_sandboxs_own_requests(model: dict[str, Any]) -> None:
    """What the sandbox takes has the same shape as what we send: the same members, times to the millisecond in UTC."""
    taken = [
        pair["request"]["parameters"]["body"]["value"]
        for event, status, pair in sandbox(model)
        if status == 200 and event == "rescheduleAppointmentForServiceJobByServiceJobId"
    ]
    ours = json.loads(made(call(window=AFTERNOON), there("NOT_SERVICED", appointment())).body)
    assert ours.keys() == taken[-1].keys()
    assert ours["rescheduleReasonCode"] == taken[-1]["rescheduleReasonCode"]
    shape = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert all(shape.fullmatch(one["appointmentTime"]["startTime"]) for one in [ours, *taken])
