"""`stecker sandbox` and `stecker trigger` against a running system."""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.remote import Remote
from tests.support.orders import json_order
from tests.support.receiver import Receiver
from tests.support.receiver import answer as refusal
from tests.support.system import eventually

Stecker = Callable[..., Result]


@pytest.fixture
def stecker(client: Mapping[str, str]) -> Stecker:
    return lambda *words, **more: CliRunner(env=dict(client)).invoke(main, words, **more)


@pytest.fixture
def job(remote: Remote) -> str:
    """A job of an order, with its date and nobody yet who comes."""
    order = remote.post("/v1/orders", json_order(uuid.uuid4().hex[:12], datetime.now(UTC)))
    return str(order["jobs"][0]["id"])


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def words(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_the_stories_and_what_they_teach(stecker: Stecker) -> None:
    lines = words(stecker("sandbox", "scenarios"))
    assert lines[0].split() == ["scenario", "steps", "in", "earnest", "teaches"]
    assert any(line.startswith("customer_absent ") and "whose fault" in line for line in lines)
    assert len(told(stecker("sandbox", "scenarios", "--json"))) == len(lines) - 1


def test_a_story_is_told_step_by_step(stecker: Stecker) -> None:
    lines = words(stecker("trigger", "customer_absent", "--country", "DE"))
    assert [line.split()[0] for line in lines[:6]] == [f"{place}/6" for place in range(1, 7)]
    assert lines[5].split()[2:5] == ["job.failed", "failed", "technician"]
    assert lines[6].endswith(" is done: 6 of 6 steps.")
    assert lines[7].endswith("  failed (customer_absent)")
    assert lines[8] == "  webhooks: none, as there is no endpoint for them"


def test_a_story_that_does_not_exist_is_refused(stecker: Stecker) -> None:
    refused = stecker("trigger", "happily ever/after?")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "There is nothing here." in refused.stderr


def test_steps_one_by_one(stecker: Stecker, job: str) -> None:
    lines = words(stecker("sandbox", "steps", job))
    assert lines[0].startswith(f"{job} is ")
    assert any(line.startswith("job.cancelled ") and "partner" in line for line in lines)

    lines = words(stecker("sandbox", "step", job, "job.offered"))
    assert lines[0].startswith(f"{job} is offered, #")

    refused = stecker("sandbox", "step", job, "job.arrived")
    assert refused.exit_code == 2
    assert any(line.startswith("  legal now: job.assigned → assigned, by ") for line in refused.stderr.splitlines())


def test_a_job_is_walked_to_a_state(stecker: Stecker, job: str) -> None:
    run = told(stecker("sandbox", "run", job, "--until", "on_site", "--json"))
    assert (run["status"], run["jobs"][0]["state"]) == ("done", "on_site")
    assert words(stecker("sandbox", "runs", "--limit", "1"))[1].startswith(f"{run['id']}  done    until on_site ")


def test_a_slow_run_is_paused_stopped_and_followed(stecker: Stecker, remote: Remote, job: str) -> None:
    run = remote.post(f"/v1/sandbox/jobs/{job}/run", {"until": "completed", "pace": "realtime"})["id"]
    assert words(stecker("sandbox", "pause", run)) == [f"{run} is paused."]
    assert words(stecker("sandbox", "resume", run)) == [f"{run} is running."]
    assert words(stecker("sandbox", "stop", run)) == [f"{run} is stopped."]
    assert told(stecker("sandbox", "runs", "--json"))[0]["status"] == "stopped"


def test_the_inbox(stecker: Stecker, remote: Remote) -> None:
    endpoint = remote.post("/v1/webhook-endpoints", {"url": "inbox:"})["id"]
    assert words(stecker("trigger", "customer_absent"))[-1] == "  webhooks: 8 delivered"
    lines = words(stecker("sandbox", "inbox", "--endpoint", endpoint, "--limit", "5"))
    assert [line.split()[2] for line in lines[1:]] == [endpoint] * 5
    assert all(" good " in line for line in lines[1:])
    remote.delete(f"/v1/webhook-endpoints/{endpoint}")


def test_chaos(stecker: Stecker, remote: Remote) -> None:
    started = told(
        stecker("sandbox", "chaos", "start", "unavailable", "--path", "/v1/orders", "--times", "2", "--json")
    )
    assert (started["kind"], started["path"], started["times"]) == ("unavailable", "/v1/orders", 2)
    lines = words(stecker("sandbox", "chaos", "start", "drop_first", "--attempts", "2", "--event", "job.held"))
    assert "event_types  job.held" in lines
    remote.get("/v1/orders")  # asks again by itself, until the two are used up
    lines = words(stecker("sandbox", "chaos", "list"))
    assert lines[1].split()[1:6] == ["drop_first", "active", "1", "of", "1"]
    assert lines[2].split()[:6] == [started["id"], "unavailable", "spent", "0", "of", "2"]
    assert words(stecker("sandbox", "chaos", "stop", started["id"])) == [f"{started['id']} has ended."]
    assert words(stecker("sandbox", "chaos", "stop")) == ["Nothing is disturbed any more."]
    listed = told(stecker("sandbox", "chaos", "list", "--json"))  # newest first, behind them those of other tests
    assert [(one["kind"], one["status"]) for one in listed[:2]] == [("drop_first", "stopped"), ("unavailable", "spent")]

    refused = stecker("sandbox", "chaos", "start", "lost_answer", "--times", "1000")
    assert refused.exit_code == 2
    assert "There is no chaos without end." in refused.stderr


def test_the_clock(stecker: Stecker, remote: Remote) -> None:
    """By the system's own worker: hours of retries, and then real time for the others again."""
    receiver = Receiver(behave=lambda n: refusal("500 Oh No"))
    endpoint = remote.post("/v1/webhook-endpoints", {"url": receiver.url, "event_types": ["job.created"]})["id"]
    try:
        assert words(stecker("sandbox", "clock", "freeze"))[0].split() == ["clock", "frozen"]
        remote.post("/v1/orders", json_order(uuid.uuid4().hex[:12], datetime.now(UTC)))
        receiver.wait_for(1)
        lines = words(stecker("sandbox", "clock", "advance", "26h"))
        fired = [line.split()[2:] for line in lines if " webhook " in line and "attempt" in line]
        attempts = [int(words[-1]) for words in fired if words[-1] != "1"]
        assert attempts == [2, 3, 4, 5, 6, 7], lines
        assert lines[-3].split() == ["clock", "frozen"]
        assert " webhook whm_" in lines[-1]
        assert told(stecker("sandbox", "clock", "show", "--json"))["advance"]["status"] == "done"

        refused = stecker("sandbox", "clock", "advance", "2026-01-01T00:00:00Z")
        assert refused.exit_code == 2
        assert "A clock only goes ahead" in refused.stderr
    finally:
        assert words(stecker("sandbox", "clock", "reset"))[0].split() == ["clock", "running"]
        remote.delete(f"/v1/webhook-endpoints/{endpoint}")
        receiver.close()


def test_a_command_whose_answer_gets_lost_asks_again_and_there_is_one_order(remote: Remote) -> None:
    remote.post("/v1/sandbox/chaos", {"kind": "lost_answer", "path": "/v1/orders"})
    number = uuid.uuid4().hex[:12]
    placed = remote.post("/v1/orders", json_order(number, datetime.now(UTC)))
    assert [one["id"] for one in remote.get("/v1/orders", partner_order_id=number)["items"]] == [placed["id"]]

    def tries() -> list[Any]:
        found = remote.get("/v1/sandbox/requests", limit=20)["items"]
        return [one for one in found if one["operation"] == "create_order"][:2]

    eventually(lambda: [one["chaos"] for one in tries()] == [None, "lost_answer"], "both are in the log")
    again, lost = tries()
    assert (lost["status"], again["status"], again["replayed"]) == (201, 201, True)
    assert lost["idempotency_key"] == again["idempotency_key"]


def test_keys(stecker: Stecker) -> None:
    made = told(stecker("sandbox", "add-key", "Ada", "--json"))
    assert any(line.startswith(f"{made['id']}  Ada ") for line in words(stecker("sandbox", "keys")))
    other = {"STECKER_CLIENT": f"{made['client_id']}:{made['client_secret']}"}
    assert stecker("sandbox", "runs", env=other).exit_code == 0
    assert words(stecker("sandbox", "revoke-key", made["id"])) == [f"{made['id']} is revoked."]
    assert words(stecker("sandbox", "keys")) == ["None."]


def test_checkpoints(stecker: Stecker, job: str) -> None:
    made = told(stecker("sandbox", "checkpoint", "create", "before", "--json"))
    assert any(line.startswith(f"{made['id']}  before  ") for line in words(stecker("sandbox", "checkpoint", "list")))
    assert stecker("sandbox", "step", job, "job.offered").exit_code == 0
    assert stecker("sandbox", "reset", "--yes", "--checkpoint", made["id"]).exit_code == 0
    assert stecker("sandbox", "step", job, "job.offered").exit_code == 0
    assert words(stecker("sandbox", "checkpoint", "delete", made["id"])) == [f"{made['id']} is gone."]
    assert words(stecker("sandbox", "checkpoint", "list")) == ["None."]


def test_reset_asks_first(stecker: Stecker, job: str) -> None:
    assert stecker("sandbox", "reset", input="n\n").exit_code == 1
    assert stecker("sandbox", "steps", job).exit_code == 0
    assert told(stecker("sandbox", "reset", "--yes", "--json"))["orders"] >= 1
    assert stecker("sandbox", "steps", job).exit_code == 2
