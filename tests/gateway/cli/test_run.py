"""How a run of the sandbox is followed: its steps, the line in between, and its end."""

import json
from datetime import UTC, datetime, timedelta

import click
import pytest

from gateway.cli import run
from gateway.cli.run import follow

JOB = {"id": "job_1", "state": "failed", "reason": {"code": "customer_absent"}}
EVENTS = ("job.offered", "job.failed")


def at(taken, status="running", **over):
    """The run, with so many of its steps taken."""
    soon = (datetime.now(UTC) + timedelta(seconds=41)).isoformat()
    steps = [
        {
            "event": event,
            "to": event[4:],
            "actor": "dispatch",
            "job_id": "job_1",
            "reason": None,
            "event_id": f"evt_{place}" if place < taken else None,
            "at": "2026-01-15T08:30:01+00:00" if place < taken else None,
        }
        for place, event in enumerate(EVENTS)
    ]
    made = {"id": "run_1", "status": status, "steps": steps, "steps_taken": taken, "steps_total": len(steps)}
    return {**made, "next_step_at": soon, "problem": None, "jobs": [JOB], "webhooks": [{"status": "delivered"}], **over}


class Api:
    """Answers with the next one of `runs`; an exception among them is raised."""

    def __init__(self, *runs, clock="running"):
        self.runs, self.clock = list(runs), clock

    def get(self, path):
        if path == "/v1/sandbox/clock":
            return {"status": self.clock, "now": "2026-01-15T08:30:01.5+00:00"}
        assert path == "/v1/sandbox/runs/run_1"
        answer = self.runs.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(run.time, "sleep", lambda seconds: None)


def test_each_step_is_told_once_and_then_the_end(capsys):
    follow(Api(at(1), at(1), at(2, "done")), at(0), as_json=False)
    said = capsys.readouterr()
    assert said.err == ""
    assert [" ".join(line.split()) for line in said.out.splitlines()] == [
        "1/2 08:30:01Z job.offered offered dispatch job_1",
        "2/2 08:30:01Z job.failed failed dispatch job_1",
        "run_1 is done: 2 of 2 steps.",
        "job_1 failed (customer_absent)",
        "webhooks: 1 delivered",
    ]


def test_who_waits_for_a_clock_that_stands_is_told(capsys):
    follow(Api(at(2, "done"), clock="frozen"), at(1), as_json=True)
    assert "The clock stands at 2026-01-15T08:30:01Z" in capsys.readouterr().err


def test_who_looks_sees_what_is_waited_for(capsys, monkeypatch):
    monkeypatch.setattr(run.sys.stderr, "isatty", lambda: True)
    follow(Api(at(1, "paused"), at(2, "done")), at(0), as_json=False)
    lines = [line for line in capsys.readouterr().err.split("\r\x1b[K") if line]
    assert lines[0] in ("0/2  next: job.offered, in 41 s", "0/2  next: job.offered, in 40 s")
    assert lines[1] == "1/2  next: job.failed, paused"


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_one_that_did_not_come_to_its_end_is_not_well(capsys, status):
    with pytest.raises(click.exceptions.Exit) as ended:
        follow(Api(), at(1, status, problem={"detail": "Somebody else moved the job."}), as_json=False)
    assert ended.value.exit_code == 1
    assert "  Somebody else moved the job.\n" in capsys.readouterr().out


def test_for_programs_it_is_one_document(capsys):
    last = at(2, "done")
    follow(Api(last), at(0), as_json=True)
    assert json.loads(capsys.readouterr().out) == last


def test_whoever_leaves_is_told_that_it_goes_on(capsys):
    with pytest.raises(click.exceptions.Exit) as ended:
        follow(Api(KeyboardInterrupt()), at(0), as_json=False)
    assert ended.value.exit_code == 130
    assert "run_1 goes on without you" in capsys.readouterr().err
