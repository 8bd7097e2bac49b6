"""Runs: at a pace, paused, stopped, cut off anywhere, and always the same with a seed."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.canonical import JobState
from gateway.errors import CATALOGUE
from gateway.sandbox import runs
from gateway.sandbox.planning import _way
from tests.support.orders import json_order

TO_COMPLETED = [
    "job.offered",
    "job.assigned",
    "job.confirmed",
    "job.en_route",
    "job.arrived",
    "job.started",
    "job.work_done",
    "job.completed",
]


@pytest.fixture
def job(shop, clock):
    return shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]


def run(shop, job, **wish):
    return shop.post(f"/v1/sandbox/jobs/{job}/run?wait=0", wish)


def state(shop, job):
    return shop.get(f"/v1/jobs/{job}").json["state"]


def test_to_a_state_along_the_way_when_nothing_goes_wrong(shop, job):
    answer = run(shop, job, until="completed")
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/sandbox/runs/{answer.json['id']}"
    assert [step["event"] for step in answer.json["steps"]] == TO_COMPLETED
    assert (answer.json["status"], state(shop, job)) == ("done", "completed")
    assert shop.get(answer.headers["location"]).json["steps"] == answer.json["steps"]
    events = shop.get(f"/v1/jobs/{job}/events").json["items"][2:]
    assert [step["event_id"] for step in answer.json["steps"]] == [event["id"] for event in events]


@pytest.mark.parametrize("target", [one for one in JobState if one is not JobState.RECEIVED])
def test_every_state_can_be_reached_from_the_beginning(target):
    way = _way(JobState.RECEIVED, target)
    assert way[-1].target is target
    assert [edge.source for edge in way[1:]] == [edge.target for edge in way[:-1]]


def test_the_reason_is_for_the_last_step(shop, job):
    run(shop, job, until="failed", reason="site_unsuitable")
    assert shop.get(f"/v1/jobs/{job}").json["reason"]["code"] == "site_unsuitable"


def test_there_is_nothing_to_do_where_the_job_is(shop, job):
    assert run(shop, job, until="scheduled").json["status"] == "done"
    assert shop.get(f"/v1/jobs/{job}").json["sequence"] == 2


def test_where_no_way_leads_it_says_what_is_legal_and_changes_nothing(shop, job):
    refused = run(shop, job, until="received")
    assert (refused.status, refused.json["state"]) == (409, "scheduled")
    assert {one["event"] for one in refused.json["legal"]} >= {"job.offered", "job.cancelled"}
    run(shop, job, until="cancelled")
    refused = run(shop, job, scenario="happy_path")
    assert (refused.status, refused.json["code"], refused.json["legal"]) == (409, "illegal-transition", [])
    assert shop.get("/v1/sandbox/runs").json["items"][0]["until"] == "cancelled"


def test_a_job_without_a_date_is_brought_first_to_where_a_scenario_begins(shop, clock):
    order = json_order("W-2", clock(), lines=[{"line_id": "7", "sku": "SVC-NET-SETUP"}])
    job = shop.post("/v1/orders", order).json["jobs"][0]["id"]
    answer = run(shop, job, scenario="customer_absent")
    assert answer.json["steps"][0]["event"] == "job.scheduled"
    assert {step["line_id"] for step in answer.json["steps"]} == {"7"}
    assert state(shop, job) == "failed"


def test_a_scenario_of_two_lines_needs_its_own_order(shop, job):
    refused = run(shop, job, scenario="two_lines")
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "/v1/sandbox/scenarios/" in refused.json["detail"]


def test_an_unknown_scenario_is_a_fault_of_the_body(shop, job):
    refused = run(shop, job, scenario="alien_landing")
    assert (refused.status, refused.pointers) == (422, ["/scenario"])
    assert "happy_path" in refused.json["scenarios"]


@pytest.mark.parametrize("wish", [{}, {"until": "completed", "scenario": "happy_path"}])
def test_it_is_either_a_state_or_a_scenario(shop, job, wish):
    refused = run(shop, job, **wish)
    assert (refused.status, refused.pointers) == (422, ["/until"])


def test_a_value_that_cannot_be_is_refused_with_those_that_can(shop, job):
    refused = run(shop, job, until="flying", seed="x" * 101, reason=1)
    faults = {one["pointer"]: one["detail"] for one in refused.json["errors"]}
    assert "scheduled, offered" in faults["/until"]
    assert "100 characters are the most" in faults["/seed"]
    assert "string" in faults["/reason"]


def test_a_wrong_reason_fails_the_run_and_is_told(shop, job):
    answer = run(shop, job, until="cancelled", reason="customer_absent").json
    assert (answer["status"], answer["problem"]["code"]) == ("failed", "invalid")
    assert answer["problem"]["errors"][0]["code"] == "wrong_reason"
    assert answer["problem"]["code"] in CATALOGUE
    assert state(shop, job) == "scheduled"


def test_at_its_pace_each_step_when_it_is_due(shop, runtime, clock, job):
    """x60: what lasts two minutes in earnest takes two seconds."""
    answer = run(shop, job, scenario="happy_path", pace="x60")
    assert (answer.json["status"], answer.json["steps_taken"]) == ("running", 0)
    runs.go(runtime)
    assert state(shop, job) == "scheduled"
    clock.advance(2)
    runs.go(runtime)
    runs.go(runtime)
    assert state(shop, job) == "offered"
    clock.advance(5)
    runs.go(runtime)
    assert state(shop, job) == "assigned"
    for _ in range(6):
        clock.advance(120)
        runs.go(runtime)
    found = shop.get(f"/v1/sandbox/runs/{answer.json['id']}").json
    assert (found["status"], state(shop, job)) == ("done", "completed")
    assert found["steps"][0]["at"] == (clock() - timedelta(seconds=725)).isoformat()


def test_realtime_takes_as_long_as_in_earnest(shop, runtime, clock, job):
    answer = run(shop, job, until="completed", pace="realtime").json
    assert answer["next_step_at"] == (clock() + timedelta(minutes=5)).isoformat()
    clock.advance(299)
    runs.go(runtime)
    assert state(shop, job) == "scheduled"
    clock.advance(1)
    runs.go(runtime)
    assert state(shop, job) == "offered"


def test_paused_it_waits_and_resumed_it_waits_only_for_the_rest(api, shop, runtime, clock, job):
    url = f"/v1/sandbox/runs/{run(shop, job, until='completed', pace='realtime').json['id']}"
    clock.advance(290)
    assert shop.post(f"{url}/pause").json["status"] == "paused"
    assert shop.post(f"{url}/pause").json["next_step_at"] is None
    clock.advance(86400)
    shop = api.caller("demo")
    runs.go(runtime)
    assert state(shop, job) == "scheduled"
    resumed = shop.post(f"{url}/resume").json
    assert (resumed["status"], resumed["next_step_at"]) == ("running", (clock() + timedelta(seconds=10)).isoformat())
    assert shop.post(f"{url}/resume").json == resumed
    clock.advance(10)
    runs.go(runtime)
    assert state(shop, job) == "offered"


def test_stopped_it_is_over_and_the_job_stays(api, shop, runtime, clock, job):
    url = f"/v1/sandbox/runs/{run(shop, job, until='completed', pace='realtime').json['id']}"
    assert [shop.post(f"{url}/stop").json["status"] for _ in range(2)] == ["stopped", "stopped"]
    clock.advance(86400)
    shop = api.caller("demo")
    runs.go(runtime)
    assert state(shop, job) == "scheduled"
    for verb in ("pause", "resume"):
        refused = shop.post(f"{url}/{verb}")
        assert (refused.status, refused.json["code"], refused.json["ended"]) == (409, "conflict", "stopped")
    assert run(shop, job, until="offered").json["status"] == "done"


def test_an_order_has_one_run_at_a_time(shop, job):
    first = run(shop, job, until="completed", pace="realtime").json
    refused = run(shop, job, until="offered")
    assert (refused.status, refused.json["run_id"]) == (409, first["id"])


def test_there_is_an_end_to_how_many_run(shop, job, monkeypatch):
    monkeypatch.setattr(runs, "MOST_ACTIVE", 1)
    assert shop.post("/v1/sandbox/scenarios/happy_path/run", {"pace": "x60"}).status == 201
    refused = run(shop, job, until="completed", pace="x60")
    assert (refused.status, refused.json["code"]) == (409, "conflict")


def test_who_moves_the_job_meanwhile_ends_the_run_with_a_reason(shop, runtime, clock, job):
    answer = run(shop, job, until="completed", pace="realtime").json
    shop.post(f"/v1/jobs/{job}/cancellation", {"reason": "changed_mind"})
    clock.advance(300)
    runs.go(runtime)
    found = shop.get(f"/v1/sandbox/runs/{answer['id']}").json
    assert (found["status"], found["problem"]["code"]) == ("failed", "illegal-transition")
    assert found["problem"]["state"] == "cancelled"


def test_a_step_that_was_cut_off_is_taken_once_by_whoever_comes_later(shop, runtime, clock, job, monkeypatch):
    answer = run(shop, job, until="completed", pace="realtime").json
    clock.advance(300)
    with monkeypatch.context() as patched:
        patched.setattr(runs, "_go_on", lambda *_: (_ for _ in ()).throw(SystemExit))  # as kill -9 in its middle
        with pytest.raises(SystemExit):
            runs.go(runtime)
    runs.go(runtime)
    assert state(shop, job) == "scheduled"  # the lease of the one that died
    clock.advance(runs.LEASE.total_seconds())
    runs.go(runtime)
    assert shop.get(f"/v1/jobs/{job}").json["sequence"] == 3
    assert shop.get(f"/v1/sandbox/runs/{answer['id']}").json["steps_taken"] == 1


def test_an_instant_run_whose_request_died_is_finished_by_the_rounds(shop, runtime, clock, job, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(runs, "finish", lambda *_: None)
        assert run(shop, job, until="completed").json["status"] == "running"
    runs.go(runtime)
    assert state(shop, job) == "scheduled"
    clock.advance(runs.LEASE.total_seconds())
    runs.go(runtime)
    assert state(shop, job) == "completed"


def test_a_run_that_cannot_be_gone_on_with_holds_up_no_other(shop, runtime, clock, job):
    run(shop, job, until="completed", pace="realtime")
    other = shop.post("/v1/sandbox/scenarios/happy_path/run", {"pace": "x60"}).json
    with runtime.sessions.begin() as session:
        broken = "UPDATE sandbox_run SET plan = '[{}, {}]' WHERE id <> :other"
        session.execute(text(broken), {"other": other["id"]})
    clock.advance(300)
    with pytest.raises(TypeError):
        runs.go(runtime)
    runs.go(runtime)
    assert shop.get(f"/v1/sandbox/runs/{other['id']}").json["steps_taken"] == 1


def test_the_same_key_begins_one_run(shop, job):
    wish = {"until": "offered"}
    first, second = (shop.post(f"/v1/sandbox/jobs/{job}/run", wish, Idempotency_Key="k") for _ in range(2))
    assert (first.json["id"], second.headers["idempotency-replayed"]) == (second.json["id"], "true")
    assert len(shop.get("/v1/sandbox/runs").json["items"]) == 1


def test_runs_are_paged_newest_first(shop, job):
    ids = [run(shop, job, until=target).json["id"] for target in ("offered", "assigned", "confirmed")]
    first = shop.get("/v1/sandbox/runs?limit=2").json
    second = shop.get(f"/v1/sandbox/runs?limit=2&after={first['next']}").json
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_what_is_long_over_is_forgotten(api, shop, runtime, clock, job):
    over = run(shop, job, until="offered").json["id"]
    waiting = shop.post("/v1/sandbox/scenarios/happy_path/run", {"pace": "x60"}).json["id"]
    shop.post(f"/v1/sandbox/runs/{waiting}/pause")
    for days, left in ((runs.KEPT.days - 1, {over, waiting}), (2, {waiting})):
        clock.advance(days * 86400)
        runs.forget(runtime)
        assert {one["id"] for one in api.caller("demo").get("/v1/sandbox/runs").json["items"]} == left


def test_a_run_of_somebody_else_is_not_there(api, shop, job):
    url = f"/v1/sandbox/runs/{run(shop, job, until='completed', pace='realtime').json['id']}"
    other = api.caller("brack")
    assert other.get(url).status == 404
    assert [other.post(f"{url}/{verb}").status for verb in ("pause", "resume", "stop")] == [404, 404, 404]
    assert other.get("/v1/sandbox/runs").json["items"] == []
    assert run(other, job, until="completed").status == 404


# --- the same every time ------------------------------------------------------------------------------------------


def told(shop, job):
    return shop.get(f"/v1/jobs/{job}/events").json["items"]


def seeded(shop, **wish):
    answer = shop.post("/v1/sandbox/scenarios/two_lines/run?wait=0", {"seed": "s-1", **wish})
    assert answer.status == 201, answer.body
    return answer.json


def test_a_seed_gives_the_same_orders_jobs_events_and_times(api, shop, clock):
    first = seeded(shop)
    events = [told(shop, job["id"]) for job in first["jobs"]]
    assert shop.post("/v1/sandbox/reset").status == 200
    clock.advance(86400)
    shop = api.caller("demo")
    second = seeded(shop)
    assert [told(shop, job["id"]) for job in second["jobs"]] == events
    assert (first["order_id"], first["steps"], first["jobs"]) == (
        second["order_id"],
        second["steps"],
        second["jobs"],
    )
    assert first["steps"][0]["at"] == "2026-01-12T07:02:00+00:00"
    assert first["steps"][-1]["at"] > first["steps"][0]["at"]


def test_a_pace_changes_no_id_and_no_time(api, shop, runtime, clock):
    first = seeded(shop)
    shop.post("/v1/sandbox/reset")
    run_id = seeded(shop, pace="x60")["id"]
    for _ in range(12):
        clock.advance(3600)
        runs.go(runtime)
    assert api.caller("demo").get(f"/v1/sandbox/runs/{run_id}").json["steps"] == first["steps"]


def test_another_seed_another_partner_and_no_seed_are_others(api, shop):
    found = [seeded(shop), seeded(shop, seed="s-2"), seeded(shop, seed=None), seeded(api.caller("brack"))]
    assert len({one["order_id"] for one in found}) == 4
    assert len({job["id"] for one in found for job in one["jobs"]}) == 8


def test_the_same_seed_twice_is_a_conflict_until_a_reset(shop):
    first = seeded(shop)
    refused = shop.post("/v1/sandbox/scenarios/two_lines/run", {"seed": "s-1"})
    assert (refused.status, refused.json["order_id"]) == (409, first["order_id"])
    assert len(shop.get("/v1/orders").json["items"]) == 1


def test_a_seeded_run_begins_when_it_is_told(shop):
    run = seeded(shop, starts_at="2026-01-10T08:00:00+01:00")
    assert run["steps"][0]["at"] == "2026-01-10T07:02:00+00:00"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"starts_at": "2026-01-10T08:00:00+01:00"}, "needs_seed"),
        ({"starts_at": "2036-01-10T08:00:00+01:00", "seed": "s"}, "in_the_future"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(shop, wish, code):
    refused = shop.post("/v1/sandbox/scenarios/happy_path/run", wish)
    assert (refused.status, refused.json["errors"][0]) == (
        422,
        {"pointer": "/starts_at", "code": code, "detail": refused.json["detail"]},
    )


def test_a_seeded_run_of_a_job_never_runs_ahead_of_the_clock(shop, clock, job):
    answer = run(shop, job, until="completed", seed="s-1").json
    assert answer["status"] == "done"
    assert {step["at"] for step in answer["steps"]} == {clock().isoformat()}


def test_the_order_is_placed_in_any_country(shop):
    answer = shop.post("/v1/sandbox/scenarios/happy_path/run", {"country": "GB", "partner_order_id": "MINE-1"})
    order = shop.get(f"/v1/orders/{answer.json['order_id']}").json
    assert (order["partner_order_id"], order["service_address"]["country"]) == ("MINE-1", "GB")
    assert order["jobs"][0]["window"]["timezone"] == "Europe/London"
