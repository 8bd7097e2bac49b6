"""Recoveries and dead letters through the API, and events that an endpoint never had."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text

from gateway.endpoints import recovering
from tests.support.orders import json_order

URL = "http://127.0.0.1:9999/hook"
SINCE = "2026-01-14T12:00:00Z"


@pytest.fixture
def shop(api):
    return api.caller("demo")


@pytest.fixture
def endpoint(shop):
    return shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]


def url(endpoint_id):
    return f"/v1/webhook-endpoints/{endpoint_id}"


def die(runtime):
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE webhook_message SET status = 'failed', attempts = 10"))
        session.execute(text("UPDATE webhook_mailbox SET due_at = NULL"))


def go(runtime, clock, rounds=4):
    for _ in range(rounds):
        clock.advance(61)
        recovering.go(runtime)


def messages(runtime, endpoint_id):
    with runtime.sessions() as session:
        rows = session.execute(
            text("""
                SELECT m.event_type, m.sequence, m.status, m.id, m.event_id, p.body FROM webhook_message m
                  JOIN webhook_payload p ON p.id = m.payload_id
                 WHERE m.endpoint_id = :id AND m.event_type LIKE 'job.%' ORDER BY m.position"""),
            {"id": endpoint_id},
        )
        return [tuple(row) for row in rows]


def test_a_recovery_runs_in_the_background_and_shows_how_far_it_is(shop, endpoint, runtime, clock):
    shop.post("/v1/orders", json_order("W-1", clock()))
    die(runtime)
    dead = shop.get(f"{url(endpoint)}/dead-letters?limit=2").json
    assert [one["status"] for one in dead["items"]] == ["failed"] * 2
    assert len(shop.get(f"{url(endpoint)}/dead-letters?limit=2&after={dead['next']}").json["items"]) == 1
    assert shop.get(url(endpoint)).json["health"]["dead_letters"] == 3
    clock.advance(1)
    answer = shop.post(f"{url(endpoint)}/recover", {"since": SINCE, "event_types": ["job.received", "job.scheduled"]})
    assert answer.status == 202
    begun = answer.json
    assert (begun["status"], begun["stage"], begun["progress"], begun["resent"]) == ("running", "waiting", 0, 0)
    go(runtime, clock)
    ended = shop.get(answer.headers["location"]).json
    assert (ended["status"], ended["progress"], ended["resent"]) == ("completed", 1.0, 2)
    assert [row[2] for row in messages(runtime, endpoint)] == ["pending", "pending"]
    assert [one["id"] for one in shop.get(f"{url(endpoint)}/recoveries").json["items"]] == [begun["id"]]
    assert len(shop.get(f"{url(endpoint)}/dead-letters").json["items"]) == 1


def test_one_runs_at_a_time_and_may_be_cancelled(shop, endpoint, clock):
    clock.advance(1)
    begun = shop.post(f"{url(endpoint)}/recover", {"since": SINCE}).json
    assert shop.post(f"{url(endpoint)}/recover", {"since": SINCE}).status == 409
    place = f"{url(endpoint)}/recoveries/{begun['id']}"
    for _ in range(2):
        answer = shop.post(f"{place}/cancel")
        assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert shop.post(f"{url(endpoint)}/recover", {"since": SINCE}).status == 202


def test_one_that_fails_stops_no_other(shop, endpoint, runtime, clock, monkeypatch):
    other = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    clock.advance(1)
    begun = [shop.post(f"{url(one)}/recover", {"since": SINCE}).json["id"] for one in (endpoint, other)]
    step = recovering.recovery.step

    def stumble(session, found, most, *, now):
        if found.id == begun[0]:
            raise RuntimeError
        step(session, found, most, now=now)

    monkeypatch.setattr(recovering.recovery, "step", stumble)
    for _ in range(4):
        clock.advance(61)
        with pytest.raises(RuntimeError):
            recovering.go(runtime)
    assert shop.get(f"{url(other)}/recoveries/{begun[1]}").json["status"] == "completed"


def test_what_is_over_cannot_be_cancelled(shop, endpoint, runtime, clock):
    clock.advance(1)
    begun = shop.post(f"{url(endpoint)}/recover", {"since": SINCE}).json
    go(runtime, clock)
    assert shop.post(f"{url(endpoint)}/recoveries/{begun['id']}/cancel").status == 409


@pytest.mark.parametrize(
    "wish",
    [
        {"since": "2026-01-15T00:00:00Z"},
        {"since": SINCE, "until": SINCE},
        {"since": SINCE, "until": "2026-01-13T00:00:00Z"},
        {"since": SINCE, "until": "2026-02-01T00:00:00Z"},
    ],
)
def test_refuses_times_that_lie_ahead_or_are_turned_round(shop, endpoint, wish):
    answer = shop.post(f"{url(endpoint)}/recover", wish)
    assert (answer.status, answer.pointers) == (422, ["/since"])


def test_what_is_missing_in_a_dialect_cannot_be_written(api, clock):
    brack = api.caller("brack")
    made = brack.post("/v1/webhook-endpoints", {"url": URL, "format": "dialect"}).json["id"]
    answer = brack.post(f"{url(made)}/recover", {"since": SINCE, "missing": True})
    assert (answer.status, answer.pointers) == (422, ["/missing"])


def test_nobody_recovers_what_is_anothers(api, endpoint):
    brack = api.caller("brack")
    for answer in (
        brack.post(f"{url(endpoint)}/recover", {"since": SINCE}),
        brack.get(f"{url(endpoint)}/dead-letters"),
        brack.get(f"{url(endpoint)}/recoveries"),
        brack.get(f"{url(endpoint)}/recoveries/whr_1"),
    ):
        assert answer.status == 404


def test_what_was_said_before_the_endpoint_was_made_is_written(shop, runtime, clock):
    for number in range(3):
        shop.post("/v1/orders", json_order(f"W-{number}", clock.advance(60)))
    fed = shop.get("/v1/events").body
    clock.advance(60)
    late = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    shop.post("/v1/orders", json_order("W-9", clock.advance(60)))  # this one it has
    clock.advance(60)
    shop.post(f"{url(late)}/recover", {"since": SINCE, "missing": True})
    go(runtime, clock)
    found = messages(runtime, late)
    assert len(found) == 8
    # In the order of the feed, word for word, behind what was there.
    assert [row[:2] for row in found[2:]] == [("job.received", 1), ("job.scheduled", 2)] * 3
    assert all(row[5] in fed for row in found[2:])
    assert len({row[4] for row in found}) == 8
    ended = shop.get(f"{url(late)}/recoveries").json["items"][0]
    assert (ended["status"], ended["written"], ended["progress"]) == ("completed", 6, 1.0)


def test_what_is_missing_comes_in_the_shape_that_is_wanted_and_of_the_services_that_are(shop, runtime, clock):
    shop.post("/v1/orders", json_order("W-1", clock.advance(60)))
    shape = {"format": "cloudevents", "content": "thin"}
    late = shop.post("/v1/webhook-endpoints", {"url": URL, "services": ["tv.wall_mount_l"], **shape}).json["id"]
    other = shop.post("/v1/webhook-endpoints", {"url": URL, "services": ["audio.surround"], **shape}).json["id"]
    clock.advance(60)
    for one in (late, other):
        assert shop.post(f"{url(one)}/recover", {"since": SINCE, "missing": True}).status == 202
    go(runtime, clock)
    found = [orjson.loads(row[5]) for row in messages(runtime, late)]
    assert [(one["specversion"], one["type"]) for one in found] == [("1.0", "job.received"), ("1.0", "job.scheduled")]
    assert all("links" in one["data"]["data"] for one in found)
    assert messages(runtime, other) == []


def test_what_is_missing_is_written_once(shop, runtime, clock):
    shop.post("/v1/orders", json_order("W-1", clock.advance(60)))
    late = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    for _ in range(2):
        clock.advance(1)
        assert shop.post(f"{url(late)}/recover", {"since": SINCE, "missing": True}).status == 202
        go(runtime, clock)
    assert len(messages(runtime, late)) == 2
    assert [one["written"] for one in shop.get(f"{url(late)}/recoveries").json["items"]] == [0, 2]


def test_what_a_filter_kept_out_is_written_by_its_types(shop, runtime, clock):
    picky = shop.post("/v1/webhook-endpoints", {"url": URL, "event_types": ["job.received"]}).json["id"]
    shop.post("/v1/orders", json_order("W-1", clock.advance(60)))
    clock.advance(60)
    shop.post(f"{url(picky)}/recover", {"since": SINCE, "missing": True})
    go(runtime, clock)
    assert [row[0] for row in messages(runtime, picky)] == ["job.received"]
    shop.post(f"{url(picky)}/recover", {"since": SINCE, "missing": True, "event_types": ["job.scheduled"]})
    go(runtime, clock)
    assert [row[0] for row in messages(runtime, picky)] == ["job.received", "job.scheduled"]


def test_only_what_lies_between_the_times_is_written(api, runtime, clock):
    times = []
    for number in range(40):
        times.append(clock.advance(3600))
        shop = api.caller("demo")  # a token is good for a quarter of an hour
        shop.post("/v1/orders", json_order(f"W-{number}", clock()))
    clock.advance(60)
    late = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    bounds = {"since": times[20].isoformat(), "until": (times[25] - timedelta(seconds=1)).isoformat()}
    shop.post(f"{url(late)}/recover", bounds | {"missing": True})
    go(runtime, clock)
    found = messages(runtime, late)
    assert len(found) == 10
    assert shop.get(f"{url(late)}/recoveries").json["items"][0]["status"] == "completed"


def test_many_missing_events_are_many_steps_that_may_each_be_killed(api, shop, runtime, clock, monkeypatch):
    monkeypatch.setattr(recovering, "SCAN", 3)
    for number in range(5):
        shop.post("/v1/orders", json_order(f"W-{number}", clock.advance(60)))
    late = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    clock.advance(60)
    shop.post(f"{url(late)}/recover", {"since": SINCE, "missing": True, "rate_per_second": 2})
    killed, wrote = [], recovering.recovery.wrote

    def dies(*args, **told):
        wrote(*args, **told)
        if len(killed) % 2 == 0:
            killed.append(1)
            raise KeyboardInterrupt
        killed.append(0)

    monkeypatch.setattr(recovering.recovery, "wrote", dies)
    for _ in range(30):
        clock.advance(61)
        try:
            recovering.go(runtime)
        except KeyboardInterrupt:
            continue
    found = messages(runtime, late)
    assert len(found) == len({row[4] for row in found}) == 10
    shop = api.caller("demo")
    assert shop.get(f"{url(late)}/recoveries").json["items"][0]["written"] == 10
    assert sum(killed) >= 4
