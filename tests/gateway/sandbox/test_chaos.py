"""Chaos is begun, listed and ended: its bounds, whose it is, and what is said to who asks for what cannot be."""

from datetime import timedelta

import pytest

from gateway import specification
from gateway.sandbox.chaos import service
from gateway.sandbox.chaos.kinds import KINDS, NEVER, NUMBERS
from gateway.worker.rounds import rounds
from tests.support.orders import json_order

CHAOS = "/v1/sandbox/chaos"


@pytest.fixture
def colleague(api):
    """Another key of the same partner."""
    return api.caller("demo")


def begin(caller, kind="too_many_requests", **wish):
    answer = caller.post(CHAOS, {"kind": kind, **wish})
    assert answer.status == 201, answer.body
    return answer.json


def listed(caller):
    return {one["id"]: one for one in caller.get(CHAOS).json["items"]}


def test_the_usual_bounds_hold_where_nobody_says_any(shop, clock):
    started = begin(shop, "delay")
    assert {name: started[name] for name in ("kind", "disturbs", "times", "remaining", "delay_seconds", "status")} == {
        "kind": "delay",
        "disturbs": "webhooks",
        "times": 1,
        "remaining": 1,
        "delay_seconds": 10,
        "status": "active",
    }
    assert started["until"] == (clock() + timedelta(minutes=10)).isoformat()
    assert listed(shop) == {started["id"]: started}


def test_the_specification_says_the_same_as_the_code():
    schemas = specification.document()["components"]["schemas"]
    assert schemas["ChaosKind"]["enum"] == list(KINDS)
    said = schemas["NewSandboxChaos"]["properties"]
    found = {name: said[name] for name in said if said[name].get("type") == "integer"}
    assert {name: (one["minimum"], one["maximum"], one["default"]) for name, one in found.items()} == {
        name: (bounds.least, bounds.most, bounds.usual) for name, bounds in NUMBERS.items()
    }


@pytest.mark.parametrize(
    ("wish", "faults"),
    [
        ({"kind": "too_many_requests", "times": None}, {"/times": "1 to 100; 1 where"}),
        ({"kind": "too_many_requests", "times": 101}, {"/times": "no chaos without end"}),
        ({"kind": "too_many_requests", "times": 0}, {"/times": "1 to 100"}),
        ({"kind": "lost_answer", "lasts_seconds": 86401}, {"/lasts_seconds": "1 to 86400; 600 where"}),
        ({"kind": "lost_answer", "lasts_seconds": "forever"}, {"/lasts_seconds": "no chaos without end"}),
        ({"kind": "everything"}, {"/kind": "duplicate, reorder, sequence_gap"}),
        ({}, {"/kind": "lost_answer, too_many_requests, unavailable"}),
        ({"kind": "duplicate", "copies": 11, "delay_seconds": 5}, {"/copies": "1 to 10", "/delay_seconds": "it takes"}),
        ({"kind": "unavailable", "endpoint_id": "whep_1"}, {"/endpoint_id": "it takes lasts_seconds, method, path"}),
        ({"kind": "delay", "method": "GET", "path": "/v1"}, {"/method": "it takes", "/path": "it takes"}),
        ({"kind": "lost_answer", "path": "/v1/sandbox/chaos"}, {"/path": "/v1/sandbox/reset"}),
        ({"kind": "reorder", "nonsense": 1}, {"/nonsense": "does not know"}),
        ({"kind": "reorder", "endpoint_id": "whep_1"}, {"/endpoint_id": "no such webhook endpoint"}),
        ([], {"": "another type"}),
    ],
)
def test_what_cannot_be_is_one_problem_that_says_what_could(shop, wish, faults):
    answer = shop.post(CHAOS, wish)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    told = {fault["pointer"]: fault["detail"] for fault in answer.json["errors"]}
    assert told.keys() == faults.keys()
    assert all(words in told[pointer] for pointer, words in faults.items()), told
    assert listed(shop) == {}


def test_an_endpoint_of_somebody_else_is_none(api, shop):
    theirs = api.caller("brack").post("/v1/webhook-endpoints", {"url": "inbox:"}).json["id"]
    live = api.caller("demo", "live").post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/"}).json["id"]
    for endpoint_id in (theirs, live):
        answer = shop.post(CHAOS, {"kind": "duplicate", "endpoint_id": endpoint_id})
        assert (answer.status, answer.json["errors"][0]["code"]) == (422, "unknown_endpoint")


@pytest.mark.parametrize(
    ("kind", "endpoint", "why"),
    [
        ("reorder", {"url": "inbox:", "ordered": False}, "none of its messages waits"),
        ("slow_body", {"url": "inbox:"}, "it is an inbox"),
        (
            "wrong_signature",
            {"url": "http://127.0.0.1:9/", "authentication": {"scheme": "bearer", "token": "t0k3n"}},
            "not signed",
        ),
    ],
)
def test_an_endpoint_that_can_never_be_disturbed_so_is_named(shop, kind, endpoint, why):
    made = shop.post("/v1/webhook-endpoints", endpoint).json["id"]
    refused = shop.post(CHAOS, {"kind": kind, "endpoint_id": made})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert why in refused.json["detail"]


def test_live_credentials_are_refused(api):
    live = api.caller("demo", "live")
    answers = [live.post(CHAOS, {"kind": "delay"}), live.get(CHAOS), live.call("DELETE", CHAOS)]
    assert {(answer.status, answer.json["code"]) for answer in answers} == {(403, "sandbox-only")}


def test_it_is_its_keys_own(api, shop, colleague):
    started = begin(shop)
    for other in (colleague, api.caller("brack")):
        assert listed(other) == {}
        refused = other.call("DELETE", f"{CHAOS}/{started['id']}")
        assert (refused.status, refused.json["code"]) == (404, "not-found")
        assert other.call("DELETE", CHAOS).status == 204
        assert other.get("/v1/orders").status == 200
    assert shop.get("/v1/orders").status == 429


def test_it_ends_with_its_times_its_time_or_a_word(shop, clock):
    spent, stopped, expired = begin(shop), begin(shop, "unavailable"), begin(shop, "lost_answer", lasts_seconds=60)
    assert shop.get("/v1/orders").status == 429
    assert shop.call("DELETE", f"{CHAOS}/{stopped['id']}").status == 204
    clock.advance(60)
    assert [shop.get("/v1/orders").status, shop.post("/v1/orders", json_order("W-1", clock())).status] == [200, 201]
    found = listed(shop)
    assert [found[one["id"]]["status"] for one in (spent, stopped, expired)] == ["spent", "stopped", "expired"]
    assert found[expired["id"]]["ended_at"] == expired["until"]
    assert found[spent["id"]]["ended_at"] == found[stopped["id"]]["ended_at"] == spent["created_at"]


def test_all_of_it_ends_at_once(shop):
    begin(shop, times=5)
    begin(shop, "unavailable", times=5)
    assert shop.call("DELETE", CHAOS).status == 204
    assert {one["status"] for one in listed(shop).values()} == {"stopped"}
    assert shop.get("/v1/orders").status == 200


def test_a_reset_ends_that_of_all_keys(shop, colleague):
    begin(shop, times=5)
    begin(colleague, times=5)
    assert shop.post("/v1/sandbox/reset").json["removed"]["chaos"] == 2
    assert [caller.get("/v1/orders").status for caller in (shop, colleague)] == [200, 200]


def test_a_key_has_only_so_many_at_a_time(shop):
    kept = [begin(shop, path="/nowhere") for _ in range(service.MOST)]
    refused = shop.post(CHAOS, {"kind": "delay"})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert shop.call("DELETE", f"{CHAOS}/{kept[0]['id']}").status == 204
    begin(shop, "delay")


def test_it_is_paged_newest_first(shop):
    made = [begin(shop, path="/nowhere")["id"] for _ in range(3)]
    first = shop.get(f"{CHAOS}?limit=2").json
    second = shop.get(f"{CHAOS}?limit=2&after={first['next']}").json
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


def test_one_request_begins_it_once(shop):
    first, again = (shop.post(CHAOS, {"kind": "delay"}, Idempotency_Key="c-1") for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert list(listed(shop)) == [first.json["id"]]


def test_what_ended_long_ago_is_forgotten(runtime, shop, clock):
    begin(shop, lasts_seconds=60)
    [sweep] = [one for one in rounds() if one.name == "chaos"]
    clock.advance(60 + service.SHOWN.total_seconds() - 1)
    sweep.go(runtime)
    with runtime.sessions() as session:
        assert session.query(service.Chaos).count() == 1
    clock.advance(2)
    sweep.go(runtime)
    with runtime.sessions() as session:
        assert session.query(service.Chaos).count() == 0


def test_the_ways_out_are_never_disturbed(shop):
    begin(shop, "unavailable", times=100)
    paths = {path for path in specification.document()["paths"] if path.startswith(NEVER)}
    assert {CHAOS, "/v1/sandbox/reset", "/v1/sandbox/requests"} <= paths
    assert [shop.get(CHAOS).status, shop.get("/v1/sandbox/requests").status] == [200, 200]
    assert shop.post("/v1/sandbox/reset").status == 200
