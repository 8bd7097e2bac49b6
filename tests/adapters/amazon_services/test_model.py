"""Our calls against the model of Amazon's API, and the answers of its sandbox."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.amazon_services.codes import STATES
from adapters.canonical import (
    JobState,
)
from adapters.contract import Rendered
from tests.adapters.amazon_services.steps import (
    AFTERNOON,
    AMAZON,
    JO,
    JOB,
    KNOWS_JO,
    appointment,
    call,
    judged,
    made,
    probed,
    render,
    there,
    update,
)
from tests.support.amazon import operation
from tests.support.documents import MORNING, NOON


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    if not AMAZON.exists():
        pytest.skip("the partners' own specifications are not here")
    found: dict[str, Any] = json.loads((AMAZON / "services.json").read_text())
    return found


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
