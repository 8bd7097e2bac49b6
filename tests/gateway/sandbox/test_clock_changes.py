"""What may be asked of a test clock, what is refused, and what it leaves alone."""

import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from adapters.canonical import SlotWish, Window
from gateway.sandbox.clock import advancing, wishes
from gateway.scheduling import service as scheduling
from tests.gateway.sandbox.test_clock import CLOCK, advance, freeze, settled, tenant
from tests.support.orders import json_order
from tests.support.outbox import eventually, rows
from tests.support.patience import going, together
from tests.support.receiver import answer
from tests.support.rows import snapshot

HOUR = timedelta(hours=1)
ZURICH = ZoneInfo("Europe/Zurich")


def test_it_runs_stands_goes_ahead_and_comes_back(runtime, api, shop, clock):
    assert shop.get(CLOCK).json == {
        "status": "running",
        "now": clock().isoformat(),
        "real_now": clock().isoformat(),
        "next_due": None,
        "advance": None,
    }
    begun = freeze(shop)
    clock.advance(60)
    assert freeze(shop) == begun
    there = (begun + HOUR / 6).isoformat()
    for wish in ({"action": "freeze", "at": there}, {"action": "advance", "by": "PT10M"}):
        clock.advance(1)
        now = shop.post(CLOCK, wish).json
        assert (now["status"], now["advance"]["status"], now["advance"]["to"]) == ("frozen", "done", now["now"])
        shop = api.caller("demo")
    assert datetime.fromisoformat(now["now"]) == begun + HOUR / 3
    assert shop.post(CLOCK, {"action": "reset"}).json["status"] == "running"
    clock_of_all = "SELECT count(*) FROM webhook_clock WHERE stands_at IS NOT NULL"
    assert rows(runtime.sessions, clock_of_all) == [(0,)]


BAD = [
    ({"action": "rewind"}, "/action", "freeze, advance, reset"),
    ({}, "/action", None),
    ({"action": "advance"}, "/by", "by how much, or to when"),
    ({"action": "advance", "by": "PT1H", "to": "2026-02-01T00:00:00Z"}, "/by", "by how much, or to when"),
    ({"action": "advance", "by": "26h"}, "/by", "PT26H"),
    ({"action": "advance", "by": "P1M"}, "/by", "PT26H"),
    ({"action": "advance", "by": "P"}, "/by", "PT26H"),
    ({"action": "advance", "by": "-PT1H"}, "/by", "PT26H"),
    ({"action": "advance", "by": "PT0S"}, "/by", "there already"),
    ({"action": "advance", "by": "P401D"}, "/by", "400 days"),
    ({"action": "advance", "by": "P9999W"}, "/by", "400 days"),
    ({"action": "advance", "to": "2026-01-14T14:00:00Z"}, "/to", "only goes ahead"),
    ({"action": "advance", "to": "2026-02-14T14:00:00"}, "/to", "offset"),
    ({"action": "advance", "to": "2099-02-14T14:00:00Z"}, "/to", "400 days"),
    ({"action": "advance", "at": "2026-02-14T14:00:00Z"}, "/at", "by or to"),
    ({"action": "freeze", "at": "2026-01-14T14:00:00+01:00"}, "/at", "only goes ahead"),
    ({"action": "freeze", "by": "PT1H"}, "/by", "goes at"),
    ({"action": "reset", "to": "2026-02-14T14:00:00Z"}, "/to", "nothing else"),
    ({"action": "freeze", "speed": 2}, "/speed", None),
]


def test_what_cannot_be_is_refused_in_one_problem_that_says_what_can(runtime, shop):
    for wish, pointer, legal in BAD:
        refused = shop.post(CLOCK, wish)
        assert (refused.status, refused.json["code"]) == (422, "invalid"), (wish, refused.body)
        assert pointer in refused.pointers, (wish, refused.body)
        assert legal is None or legal in str(refused.json["errors"]), (wish, refused.body)
    assert {shop.post(CLOCK, body).status for body in (None, [], b"{")} <= {400, 415, 422}
    assert shop.get(CLOCK).json["status"] == "running"
    assert rows(runtime.sessions, "SELECT FROM webhook_clock UNION ALL SELECT FROM sandbox_advance") == []


def test_a_clock_is_never_more_than_so_far_ahead(api, shop):
    for _ in range(2):
        advance(shop, "P400D")
        shop = api.caller("demo")
    refused = shop.post(CLOCK, {"action": "advance", "by": "P400D"})
    assert "1000 days" in refused.json["errors"][0]["detail"]


def test_live_credentials_are_refused(api):
    live = api.caller("demo", "live")
    for refused in (live.get(CLOCK), live.post(CLOCK, {"action": "freeze"})):
        assert (refused.status, refused.json["code"]) == (403, "sandbox-only")


def test_durations_are_of_what_has_a_length():
    found = [wishes.duration(one) for one in ("P2W", "P1DT2H", "PT26H", "pt1m30s")]
    assert found == [timedelta(weeks=2), 26 * HOUR, 26 * HOUR, timedelta(seconds=90)]


def test_of_two_advances_at_once_one_is_told_to_wait(api, runtime, shop, heard, clock):
    begun = freeze(shop)
    wish = {"action": "advance", "by": "PT10M"}
    both = api.together(*(shop.request("POST", f"{CLOCK}?wait=0", wish) for _ in range(2)))
    assert sorted(one.status for one in both) == [200, 409]
    refused = next(one for one in both if one.status == 409)
    assert "wait=20" in refused.json["detail"]
    driving = threading.Thread(target=advancing.drive, args=(runtime, tenant(runtime), 20))
    driving.start()
    waited, _ = together(api, going(api, shop.request("GET", f"{CLOCK}?wait=20")))[0]
    driving.join()
    assert (waited.json["status"], datetime.fromisoformat(waited.json["now"])) == ("frozen", begun + HOUR / 6)


def test_the_same_advance_again_goes_no_further(runtime, shop):
    freeze(shop)
    first, again = (shop.post(CLOCK, {"action": "advance", "by": "PT10M"}, Idempotency_Key="k") for _ in range(2))
    assert again.json["now"] == first.json["now"]
    assert again.headers["idempotency-replayed"] == "true"


def test_while_it_advances_it_is_not_frozen_and_a_reset_stops_it(runtime, shop, heard, clock):
    settled(runtime)
    freeze(shop)
    heard.always(answer("500 Oh No"))
    shop.post("/v1/orders", json_order("W-1", clock()))
    settled(runtime)
    assert advance(shop, "PT1H", wait=0)["status"] == "advancing"
    for wish in ({"action": "freeze"}, {"action": "advance", "by": "PT1H"}):
        assert shop.post(CLOCK, wish).json["code"] == "conflict"
    [(left,)] = rows(
        runtime.sessions, "SELECT next_attempt_at FROM webhook_message WHERE next_attempt_at > :now", now=clock()
    )
    clock.advance(3600)
    stopped = shop.post(CLOCK, {"action": "reset"}).json
    assert (stopped["status"], stopped["advance"]["status"]) == ("running", "stopped")
    assert datetime.fromisoformat(stopped["next_due"]["at"]) == left + HOUR


def test_a_token_lives_by_the_clock(api, shop, clock):
    freeze(shop)
    clock.advance(7200)
    assert shop.get("/v1/orders").status == 200
    other = api.caller("brack")
    advance(shop, "PT14M", wait=5)
    assert shop.get("/v1/orders").status == 200
    advance(shop, "PT1M", wait=5)
    refused = shop.get("/v1/orders")
    assert (refused.status, "invalid_token" in refused.headers["www-authenticate"]) == (401, True)
    assert "in this sandbox" in refused.json["detail"]
    assert refused.headers["stecker-clock"] == api.caller("demo").get(CLOCK).json["now"]
    assert "stecker-clock" not in other.get("/v1/orders").headers
    assert other.get("/v1/orders").status == 200
    shop = api.caller("demo")
    advance(shop, "PT8H", wait=5)
    shop = api.caller("demo")
    assert shop.post(CLOCK, {"action": "reset"}).status == 200
    assert shop.get("/v1/orders").status == 401, "it is of a time that has not come"
    assert api.caller("demo").get("/v1/orders").status == 200


def test_a_token_ends_with_its_key_wherever_the_clock_stands(runtime, api, shop):
    """A key that was revoked is forgotten when its tokens are over in real time; here they would not be."""
    freeze(shop)
    assert shop.get("/v1/orders").status == 200
    with runtime.sessions.begin() as session:
        session.execute(text("DELETE FROM oauth_client_secret"))
        session.execute(text("DELETE FROM oauth_client"))
    assert shop.get("/v1/orders").status == 401


PROGRAM = """
import sys
from gateway import runtime as runtimes
from gateway.config import Settings
from gateway.sandbox.clock import advancing
runtime = runtimes.build(Settings(database_url=sys.argv[1], redis_url="redis://127.0.0.1:1", secret_key=bytes(32)))
print("ready", flush=True)
while True:
    advancing.go(runtime)
"""


def test_an_advance_that_was_killed_is_carried_on_and_nothing_fires_twice(runtime, api, shop, heard, settings):
    settled(runtime)
    freeze(shop)
    run = shop.post("/v1/sandbox/scenarios/happy_path/run?wait=0", {"pace": "realtime"}).json
    settled(runtime)
    assert advance(shop, "P30D", wait=0)["status"] == "advancing"
    done = "SELECT status FROM sandbox_advance"
    for number in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, settings.database_url],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
        )
        with process.stdout as stream:
            assert stream.readline() == b"ready\n"
        if number == 3:
            eventually(lambda: rows(runtime.sessions, done) == [("done",)], within=30)
        time.sleep(0.02 * number)
        process.kill()
        process.wait(10)
    shop = api.caller("demo")
    told = shop.get(CLOCK).json["advance"]
    taken = shop.get(f"/v1/sandbox/runs/{run['id']}").json
    steps = [one["outcome"] for one in told["fired"] if one["kind"] == "run_step"]
    assert (taken["status"], steps) == ("done", [one["event"] for one in taken["steps"]])
    sent = [one.headers["webhook-id"] for one in heard.got]
    assert len(set(sent)) == len(sent)


def test_where_nobody_delivers_the_clock_goes_on_after_a_while(runtime, shop, clock):
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    freeze(shop)
    shop.post("/v1/orders", json_order("W-1", clock()))
    assert advance(shop, "PT5M", wait=0)["status"] == "advancing"
    advancing.go(runtime)
    assert shop.get(CLOCK).json["status"] == "advancing"
    clock.advance(60)
    advancing.go(runtime)
    told = shop.get(CLOCK).json
    assert told["status"] == "frozen"
    assert {one["outcome"] for one in told["advance"]["fired"]} == {"waiting"}


def test_the_attempts_of_others_are_not_read_again_and_again(runtime, api, shop, heard, clock):
    settled(runtime)
    freeze(shop)
    advance(shop, "PT5M", wait=0)
    other = api.caller("brack")
    other.post("/v1/webhook-endpoints", {"url": heard.url})
    other.post("/v1/orders", json_order("W-1", clock()))
    settled(runtime)
    advancing.step(runtime, tenant(runtime))
    [(noted, last)] = rows(runtime.sessions, "SELECT noted, (SELECT max(id) FROM webhook_attempt) FROM sandbox_advance")
    assert noted == last > 0


def test_nothing_of_others_is_touched(runtime, api, shop, heard, clock):
    others = [api.caller("demo", "live"), api.caller("brack"), api.caller("brack", "live")]
    for caller in others:
        caller.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
        caller.post("/v1/orders", json_order("W-1", clock()))
    mine = tenant(runtime)
    settled(runtime)
    with runtime.sessions() as session:
        before = snapshot(session, mine, others=True)
    freeze(shop)
    shop.post("/v1/orders", json_order("W-2", clock()))
    advance(shop, "P2D")
    assert api.caller("demo").post(CLOCK, {"action": "reset"}).status == 200
    with runtime.sessions() as session:
        after = snapshot(session, mine, others=True)
    # Those clients are new.
    assert {name for name in before if before[name] != after[name]} <= {"oauth_client", "oauth_client_secret"}
    assert {one.get(CLOCK).json["status"] for one in others[1:2]} == {"running"}
    assert others[0].post("/v1/orders", json_order("W-3", clock())).status == 201


def test_a_reset_of_the_sandbox_brings_it_back_too(runtime, api, shop, heard, clock):
    advance(shop, "P40D")
    shop = api.caller("demo")
    shop.post("/v1/orders", json_order("W-1", clock() + timedelta(days=40)))
    assert shop.post("/v1/sandbox/reset").json["removed"]["orders"] == 1
    shop = api.caller("demo")
    shown = shop.get(CLOCK).json
    assert (shown["status"], shown["advance"]) == ("running", None)
    assert shop.get("/v1/orders").json["items"] == []


@pytest.mark.parametrize(
    ("thursday", "hours"), [("2026-03-26T06:00:00+01:00", (7, 6, 6)), ("2026-10-22T06:00:00+02:00", (6, 7, 7))]
)
def test_windows_are_at_eight_on_the_wall_on_both_sides_of_a_change_of_clocks(runtime, api, shop, thursday, hours):
    """In Zurich, at eight: on Saturday, on the Monday behind it, and then again when that Monday is there."""
    now = datetime.fromisoformat(shop.post(CLOCK, {"action": "freeze", "at": thursday}).json["now"])
    assert (starts(runtime, now, 2), starts(runtime, now, 4)) == hours[:2]
    monday = datetime.fromisoformat(advance(api.caller("demo"), "P4D")["now"])
    assert monday.astimezone(ZURICH).hour != now.astimezone(ZURICH).hour == 6
    assert starts(runtime, monday, 2) == hours[2]


def starts(runtime, now, days):
    """The hour in UTC at which the first window of that day begins."""
    with runtime.sessions() as session:
        within = Window(start=now, end=now + timedelta(days=7))
        found = scheduling.free(session, "sandbox", SlotWish(country="CH", postcode="8004"), [within], now)
    first = next(one for one in found if one.start.date() == (now + timedelta(days=days)).date())
    assert first.start.astimezone(ZURICH).hour == 8
    return first.start.hour
