"""Steps: what is legal now, one taken, and what it caused."""

import threading

import pytest

from adapters.canonical import JobState
from gateway.jobs.lifecycle import lifecycle
from gateway.sandbox import outcomes
from tests.support.orders import json_order
from tests.support.receiver import answer

PAUSE = threading.Event()


@pytest.fixture
def job(shop, clock):
    return shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]


def take(shop, job, event, wait=5, **more):
    return shop.post(f"/v1/sandbox/jobs/{job}/steps?wait={wait}", {"event": event, **more})


def test_it_lists_what_the_lifecycle_says(shop, job):
    listed = shop.get(f"/v1/sandbox/jobs/{job}/steps").json
    legal = [edge for edge in lifecycle().steps if edge.source is JobState.SCHEDULED]
    assert (listed["state"], listed["sequence"]) == ("scheduled", 2)
    assert [(one["event"], one["to"]) for one in listed["items"]] == [(edge.event, edge.target) for edge in legal]
    held = next(one for one in listed["items"] if one["event"] == "job.held")
    assert held["actors"] == ["partner", "dispatch", "system"]
    assert "awaiting_goods" in held["reasons"]
    assert listed["items"][-1]["reasons"] == []


def test_a_step_answers_with_the_job_the_event_and_what_was_delivered(shop, heard, job):
    taken = take(shop, job, "job.offered")
    assert taken.status == 200, taken.body
    assert (taken.json["job"]["state"], taken.json["job"]["sequence"]) == ("offered", 3)
    assert (taken.json["event"]["type"], taken.json["event"]["data"]["actor"]) == ("job.offered", "dispatch")
    [message] = taken.json["webhooks"]
    assert (taken.json["settled"], message["status"], message["attempts"][0]["status_code"]) == (True, "delivered", 204)
    assert (message["event_id"], message["job_id"]) == (taken.json["event"]["id"], job)
    assert message["id"] in {request.headers["webhook-id"] for request in heard.got}
    assert shop.get(f"/v1/jobs/{job}").json == taken.json["job"]


def test_a_step_whose_delivery_failed_says_so_and_goes_on(shop, heard, job):
    assert take(shop, job, "job.offered").json["settled"]
    heard.always(answer("500 Oh"))
    taken = take(shop, job, "job.assigned").json
    [message] = taken["webhooks"]
    assert (taken["settled"], message["status"]) == (True, "pending")
    assert message["attempts"][0]["error"] == "unexpected_status"
    assert message["next_attempt_at"] is not None


def test_nobody_waits_for_an_endpoint_that_is_switched_off_or_when_there_is_none(shop, job, receiver):
    assert take(shop, job, "job.offered", wait=10).json["webhooks"] == []
    endpoint = shop.post("/v1/webhook-endpoints", {"url": receiver.url}).json["id"]
    shop.call("PATCH", f"/v1/webhook-endpoints/{endpoint}", {"status": "disabled"})
    taken = take(shop, job, "job.assigned", wait=10).json
    assert (taken["settled"], [one["status"] for one in taken["webhooks"]]) == (True, ["pending"])


def test_what_is_not_delivered_in_time_is_not_settled(shop, job, receiver):
    shop.post("/v1/webhook-endpoints", {"url": receiver.url})
    taken = take(shop, job, "job.offered", wait=0).json
    assert (taken["settled"], taken["webhooks"][0]["attempts"]) == (False, [])


def test_nothing_of_the_database_is_held_while_somebody_waits(shop, job, runtime, receiver, monkeypatch):
    shop.post("/v1/webhook-endpoints", {"url": receiver.url})
    held = []
    monkeypatch.setattr(
        outcomes.time, "sleep", lambda _: held.append(runtime.engine.pool.checkedout()) or PAUSE.wait(0.05)
    )
    assert take(shop, job, "job.offered", wait=1).json["settled"] is False
    # The thread that looks after the standing of clients may hold one.
    assert len(held) > 5
    assert held.count(0) > len(held) / 2


def test_a_third_one_does_not_wait(shop, job, receiver, monkeypatch):
    shop.post("/v1/webhook-endpoints", {"url": receiver.url})
    monkeypatch.setattr(outcomes.time, "sleep", lambda _: pytest.fail("it waited"))
    for _ in range(outcomes.AT_ONCE):
        assert outcomes._waiting.acquire(blocking=False)
    try:
        assert take(shop, job, "job.offered", wait=10).json["settled"] is False
    finally:
        for _ in range(outcomes.AT_ONCE):
            outcomes._waiting.release()


def test_the_simulator_says_what_such_a_step_says(shop, job):
    take(shop, job, "job.offered")
    assert take(shop, job, "job.assigned").json["job"]["technician"]["id"] == "sandbox-1"
    assert take(shop, job, "job.en_route").json["job"]["eta"] is not None
    before = shop.get(f"/v1/jobs/{job}").json["eta"]
    assert take(shop, job, "job.eta_changed").json["job"]["eta"] > before
    take(shop, job, "job.unassigned", reason="technician_ill")
    window = shop.get(f"/v1/jobs/{job}").json["window"]
    moved = take(shop, job, "job.rescheduled", reason="partner_asked", actor="partner").json["job"]["window"]
    assert moved["start"][:10] > window["start"][:10]
    assert moved["start"][10:] == window["start"][10:]


def test_what_is_said_holds(shop, job):
    window = {"start": "2026-01-29T08:00:00+01:00", "end": "2026-01-29T10:00:00+01:00"}
    wish = {"reason": "customer_asked", "actor": "customer", "window": window, "text": "on holiday", "note": "called"}
    taken = take(shop, job, "job.rescheduled", **wish).json
    assert (taken["job"]["window"]["start"], taken["event"]["data"]["actor"]) == (window["start"], "customer")
    assert taken["job"]["reason"]["text"] == "on holiday"
    take(shop, job, "job.offered")
    taken = take(shop, job, "job.assigned", technician={"id": "t-9", "name": "T. Neun"}, actor="dispatch").json
    assert taken["job"]["technician"] == {"id": "t-9", "name": "T. Neun"}
    taken = take(shop, job, "job.en_route", eta="2026-01-29T08:10:00+01:00").json
    assert taken["job"]["eta"].startswith("2026-01-29T0")


@pytest.mark.parametrize(
    "wish",
    [
        {"event": "job.completed"},
        {"event": "job.landed"},
        {"event": "job.offered", "actor": "customer"},
        {"event": "job.offered", "to": "completed"},
    ],
)
def test_an_illegal_step_says_what_would_be_legal_and_changes_nothing(shop, job, wish):
    refused = take(shop, job, **wish)
    assert (refused.status, refused.json["code"], refused.json["state"]) == (409, "illegal-transition", "scheduled")
    assert refused.json["legal"] == shop.get(f"/v1/sandbox/jobs/{job}/steps").json["items"]
    assert shop.get(f"/v1/jobs/{job}").json["sequence"] == 2


def test_a_wrong_reason_is_a_422_that_lists_the_right_ones(shop, job):
    for reason in (None, "customer_absent"):
        refused = take(shop, job, "job.cancelled", reason=reason)
        assert (refused.status, refused.pointers) == (422, ["/reason"])
        assert "changed_mind" in refused.json["allowed_reasons"]


def test_an_event_that_leads_to_two_states_needs_to_say_to_which(shop, job):
    take(shop, job, "job.held", reason="awaiting_goods")
    refused = take(shop, job, "job.released")
    assert (refused.status, refused.pointers) == (422, ["/to"])
    assert take(shop, job, "job.released", to="unscheduled").json["job"]["state"] == "unscheduled"


def test_the_same_key_takes_one_step(shop, heard, job):
    first, second = (
        shop.post(f"/v1/sandbox/jobs/{job}/steps", {"event": "job.offered"}, Idempotency_Key="k-1") for _ in range(2)
    )
    assert second.headers["idempotency-replayed"] == "true"
    assert (first.json["event"], first.json["job"]) == (second.json["event"], second.json["job"])
    assert shop.get(f"/v1/jobs/{job}").json["sequence"] == 3


def test_a_job_of_somebody_else_is_not_there(api, shop, job):
    other = api.caller("brack")
    assert other.get(f"/v1/sandbox/jobs/{job}/steps").status == 404
    assert take(other, job, "job.offered").status == 404
    assert shop.get(f"/v1/jobs/{job}").json["sequence"] == 2
