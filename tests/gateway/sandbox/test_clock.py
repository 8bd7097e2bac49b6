"""The test clock: it stands, goes ahead with all that falls due, and is left again."""

import json
from datetime import UTC, datetime, timedelta

from adapters.canonical import HoldSlot, SlotWish, Window
from gateway.sandbox.clock import advancing
from gateway.scheduling import service as scheduling
from gateway.scheduling.grid import windows
from gateway.tenant import Tenant
from tests.support.orders import json_order
from tests.support.outbox import eventually, rows
from tests.support.receiver import answer
from webhooks.policy import JITTER, LIVE

CLOCK = "/v1/sandbox/clock"
DAY = timedelta(days=1)


def freeze(caller):
    answer = caller.post(CLOCK, {"action": "freeze"})
    assert (answer.status, answer.json["status"]) == (200, "frozen"), answer.body
    return datetime.fromisoformat(answer.json["now"])


def advance(caller, by, wait=20):
    answer = caller.post(f"{CLOCK}?wait={wait}", {"action": "advance", "by": by})
    assert answer.status == 200, answer.body
    return answer.json


def tenant(runtime, slug="demo"):
    return Tenant(str(rows(runtime.sessions, "SELECT id FROM partner WHERE slug = :slug", slug=slug)[0][0]), "sandbox")


def fired(clock, kind):
    return [one for one in clock["advance"]["fired"] if one["kind"] == kind]


def settled(runtime):
    """Whatever is due was tried."""
    due = "SELECT FROM webhook_mailbox WHERE leased OR due_at <= :now"
    eventually(lambda: not rows(runtime.sessions, due, now=runtime.clock()))


def test_after_a_failed_delivery_26_hours_fire_exactly_the_retries_of_the_schedule_in_order(
    runtime, shop, heard, clock, api
):
    settled(runtime)
    begun = freeze(shop)
    heard.always(answer("500 Oh No"))
    shop.post("/v1/orders", json_order("W-1", clock()))
    settled(runtime)
    # The one behind it waits for it.
    head = "SELECT id FROM webhook_message WHERE status = 'pending' ORDER BY position LIMIT 1"
    [(message_id,)] = rows(runtime.sessions, head)

    now = advance(shop, "PT26H")

    assert now["status"] == "frozen"
    assert datetime.fromisoformat(now["now"]) == begun + timedelta(hours=26)
    told = now["advance"]["fired"]
    assert [(one["kind"], one["id"], one["outcome"], one["attempt"]) for one in told] == [
        ("webhook", message_id, "retry", number) for number in range(2, 8)
    ]
    times = [begun, *(datetime.fromisoformat(one["at"]) for one in told)]
    for before, after, delay in zip(times, times[1:], LIVE.delays, strict=False):
        assert delay <= after - before <= delay * (1 + JITTER)
    assert {one.headers["webhook-id"] for one in heard.got[1:]} == {message_id}
    assert len(heard.got) == 8
    assert now["next_due"] == {"at": now["next_due"]["at"], "kind": "webhook", "id": message_id}
    assert datetime.fromisoformat(now["next_due"]["at"]) > begun + timedelta(hours=26)
    attempts = "SELECT at FROM webhook_attempt WHERE message_id = :id ORDER BY id"
    assert [row[0] for row in rows(runtime.sessions, attempts, id=message_id)] == times

    # The receiver is well again: the next retry is the last one, and what waited behind it goes out as well.
    heard.always(answer("204 No Content"))
    now = advance(api.caller("demo"), "P1D")
    assert [(one["outcome"], one["attempt"]) for one in now["advance"]["fired"]] == [("delivered", 8), ("delivered", 1)]
    assert now["next_due"] is None


def test_a_frozen_clock_fires_nothing_and_what_is_done_has_its_time(runtime, shop, heard, clock):
    settled(runtime)
    begun = freeze(shop)
    heard.always(answer("500 Oh No"))
    run = shop.post("/v1/sandbox/scenarios/happy_path/run?wait=0", {"pace": "realtime"}).json
    settled(runtime)
    sent = len(heard.got)
    clock.advance(86400 * 30)
    advancing.go(runtime)
    shop.post("/v1/orders", json_order("W-1", clock()))
    eventually(lambda: len(heard.got) == sent + 1)  # which is the new job's: the others were not looked at again
    eventually(lambda: not rows(runtime.sessions, "SELECT FROM webhook_mailbox WHERE leased"))
    assert len(heard.got) == sent + 1
    assert shop.get(f"/v1/sandbox/runs/{run['id']}").json["steps_taken"] == 0
    events = shop.get("/v1/events").json["items"]
    assert {datetime.fromisoformat(one["timestamp"]) for one in events} == {begun}
    shown = shop.get(CLOCK).json
    assert (shown["status"], datetime.fromisoformat(shown["now"])) == ("frozen", begun)
    assert datetime.fromisoformat(shown["real_now"]) == begun + 30 * DAY
    asked = shop.get("/v1/orders").headers["x-request-id"]
    logged = eventually(lambda: (one := shop.get(f"/v1/sandbox/requests/{asked}")).status == 200 and one.json)
    assert (logged["clock"], datetime.fromisoformat(logged["at"]) > begun) == (begun.isoformat(), True)


def test_a_run_at_its_real_pace_goes_on_over_hours(runtime, api, shop, heard):
    settled(runtime)
    freeze(shop)
    run = shop.post("/v1/sandbox/scenarios/happy_path/run?wait=0", {"pace": "realtime"}).json
    settled(runtime)
    now = advance(shop, "P30D")
    # The token was of a time that has passed.
    done = api.caller("demo").get(f"/v1/sandbox/runs/{run['id']}").json
    assert done["status"] == "done"
    steps = fired(now, "run_step")
    assert [one["outcome"] for one in steps] == [one["event"] for one in done["steps"]]
    waits = [one["after_seconds"] for one in done["steps"]]
    begun = datetime.fromisoformat(run["created_at"])
    for one, planned, wait in zip(steps, done["steps"], waits, strict=True):
        begun += timedelta(seconds=wait)
        assert datetime.fromisoformat(one["at"]) == datetime.fromisoformat(planned["at"]) == begun
    # Each event is told before the next thing happens.
    assert [one["kind"] for one in now["advance"]["fired"]] == ["run_step", "webhook"] * len(steps)
    assert {one["outcome"] for one in fired(now, "webhook")} == {"delivered"}


def test_holds_end_on_the_way_but_not_those_of_others(runtime, api, clock):
    clock.now = datetime.now(UTC)
    google = api.caller("google")
    begun = freeze(google)
    theirs = held(runtime, "brack", clock())
    mine = held(runtime, "google", begun)
    shown = google.get(CLOCK).json
    assert shown["next_due"] == {"at": (begun + timedelta(minutes=15)).isoformat(), "kind": "hold_expired", "id": mine}
    now = advance(google, "PT1H", wait=5)
    assert [(one["id"], one["outcome"]) for one in now["advance"]["fired"]] == [(mine, "expired")]
    # Whoever asks in their future does not take what is another one's until then.
    _, window = asked(begun)
    with runtime.sessions.begin() as session:
        counted = scheduling._taken(session, "sandbox", "CH-80", [window.start], begun + timedelta(hours=1))
        assert counted[window.start] == 1
        assert scheduling.get(session, tenant(runtime, "brack"), theirs, clock()).state == "held"


def test_what_others_do_to_its_jobs_has_its_time_too(runtime, api, shop, heard, clock):
    settled(runtime)
    begun = freeze(shop)
    clock.advance(3600)
    job = shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]
    dispatch = api.caller("dispatch")
    assert dispatch.get(f"/fulfilment/v1/jobs/{job}").status == 200
    wish = {"to": "offered", "actor": "dispatch"}
    assert dispatch.post(f"/fulfilment/v1/jobs/{job}/transitions", wish).status == 200
    settled(runtime)
    events = shop.get(f"/v1/jobs/{job}/events").json["items"]
    assert {datetime.fromisoformat(one["timestamp"]) for one in events} == {begun}
    sent = {json.loads(one.body)["type"] for one in heard.got}
    assert "job.offered" in sent


def asked(begun):
    """A visit, and a window for it."""
    wish = SlotWish(country="CH", postcode="8004")
    within = Window(start=begun + 2 * DAY, end=begun + 9 * DAY)
    return wish, next(windows("CH", within, begun))


def held(runtime, slug, now):
    wish, window = asked(now)
    with runtime.sessions.begin() as session:
        return scheduling.hold(session, tenant(runtime, slug), HoldSlot(wish=wish, window=window, pointer=""), now).id
