"""`stecker job`: what it shows, what it does, and how it says no."""

import json
from typing import Any

import pytest

WINDOW = "2030-01-15T08:00+01:00/2030-01-15T12:00+01:00"


def test_shows_a_job_with_everything_that_has_happened_to_it(stecker: Any, job_id: str) -> None:
    lines = stecker("job", "show", job_id).stdout.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines[: lines.index("")])
    assert facts["job"] == job_id
    assert "demo W-1001, line 10" in facts["order"]
    assert facts["state"] == "scheduled  (status scheduled)"
    events = [line.split()[:4] for line in lines[lines.index("") + 2 :]]
    assert events == [["1", "job.received", "received", "system"], ["2", "job.scheduled", "scheduled", "system"]]


def test_takes_a_job_on_as_the_fulfilment_api_does(stecker: Any, shop: Any, job_id: str) -> None:
    assert stecker("job", "advance", job_id, "offered", "--actor", "dispatch").stdout == (
        f"{job_id}  scheduled -> offered\n"
    )
    accepted = stecker("job", "advance", job_id, "assigned", "--actor", "technician", "--technician", "tech-7")
    assert accepted.exit_code == 0
    shown = shop.get(f"/v1/jobs/{job_id}").json
    assert (shown["state"], shown["sequence"], shown["technician"]["id"]) == ("assigned", 4, "tech-7")


def test_takes_a_reason_and_says_whose_fault_it_is(stecker: Any, job_id: str) -> None:
    words = ("job", "advance", job_id, "cancelled", "--actor", "dispatch", "--reason", "booked_twice")
    assert stecker(*words).exit_code == 0
    shown = stecker("job", "show", job_id).stdout
    assert "booked_twice (fault: partner)" in shown
    assert "nothing: this is the end" in shown


def test_gives_a_job_another_window(stecker: Any, job_id: str) -> None:
    words = ("--actor", "customer", "--reason", "customer_asked", "--window", WINDOW)
    assert stecker("job", "advance", job_id, "scheduled", *words).exit_code == 0
    shown = json.loads(stecker("job", "show", job_id, "--json").stdout)
    assert shown["window"]["start"] == "2030-01-15T08:00:00+01:00"
    assert [event["type"] for event in shown["events"]][-1] == "job.rescheduled"


def test_says_what_is_legal_where_a_step_is_not(refusal: Any, job_id: str) -> None:
    said = refusal("job", "advance", job_id, "completed", "--actor", "technician")
    assert said == (
        "The job is scheduled and the technician cannot make it completed; "
        "from there the technician can make it scheduled."
    )


def test_says_which_reasons_a_step_takes(refusal: Any, job_id: str) -> None:
    said = refusal("job", "advance", job_id, "cancelled", "--actor", "dispatch")
    assert "needs a --reason of the group cancel: changed_mind," in said
    assert "takes no reason" in refusal("job", "advance", job_id, "offered", "--actor", "dispatch", "--reason", "x")


@pytest.mark.parametrize("window", ["tomorrow", "2030-01-15T08:00/2030-01-15T12:00", "2030-01-15T08:00+01:00"])
def test_says_how_a_window_is_written(refusal: Any, job_id: str, window: str) -> None:
    words = ("--actor", "customer", "--reason", "customer_asked", "--window", window)
    assert "START/END" in refusal("job", "advance", job_id, "scheduled", *words)


def test_says_what_is_wrong_with_a_window(refusal: Any, job_id: str) -> None:
    backwards = "/".join(reversed(WINDOW.split("/")))
    words = ("--actor", "customer", "--reason", "customer_asked", "--window", backwards)
    assert refusal("job", "advance", job_id, "scheduled", *words) == "The window ends before it starts. (window/end)"


def test_knows_no_other_jobs(refusal: Any, api: Any) -> None:
    assert "no such job" in refusal("job", "show", "job_x")
    assert "no such job" in refusal("job", "advance", "job_x", "offered", "--actor", "dispatch")
