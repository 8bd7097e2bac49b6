"""Lists, the feed, and whose they are."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import text

from adapters.canonical import JobState
from gateway.jobs import queries, service
from gateway.jobs.moving import Move
from gateway.tenant import Tenant
from tests.support.orders import json_order


@pytest.fixture
def shop(api):
    return api.caller("demo")


def place(caller, clock, *numbers):
    for number in numbers:
        assert caller.post("/v1/orders", json_order(number, clock())).status == 201
        clock.advance(1)


def whole_feed(caller, limit=3):
    events, after = [], ""
    while True:
        page = caller.get(f"/v1/events?limit={limit}{after}").json
        if not page["items"]:
            return events, page["next"]
        events += page["items"]
        after = f"&after={page['next']}"


def test_orders_are_paged_and_filtered(shop, clock):
    place(shop, clock, "W-1", "W-2", "W-3")
    first = shop.get("/v1/orders?limit=2").json
    rest = shop.get(f"/v1/orders?limit=2&after={first['next']}").json
    assert [order["partner_order_id"] for order in first["items"] + rest["items"]] == ["W-1", "W-2", "W-3"]
    assert [one["partner_order_id"] for one in shop.get("/v1/orders?partner_order_id=W-2").json["items"]] == ["W-2"]
    assert shop.get("/v1/orders?state=completed").json["items"] == []
    since = "2026-01-14T14:32:11.5Z"
    assert [one["partner_order_id"] for one in shop.get(f"/v1/jobs?updated_after={since}").json["items"]] == ["W-3"]


def test_an_order_reads_as_it_was_answered(shop, clock):
    placed = shop.post("/v1/orders", json_order("W-1", clock())).json
    assert shop.get(f"/v1/orders/{placed['id']}").json == placed
    assert shop.get(f"/v1/jobs/{placed['jobs'][0]['id']}").json == placed["jobs"][0]


def test_a_cursor_of_another_list_or_tenant_is_a_400(api, shop, clock):
    """T2"""
    place(shop, clock, "W-1", "W-2")
    cursor = shop.get("/v1/orders?limit=1").json["next"]
    for caller, url in [(shop, "/v1/jobs"), (shop, "/v1/orders"), (api.caller("brack"), "/v1/orders")]:
        narrow = "&state=scheduled" if (caller, url) == (shop, "/v1/orders") else ""
        answer = caller.get(f"{url}?after={cursor}{narrow}")
        assert (answer.status, answer.pointers) == (400, ["?after"])


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("/v1/orders?limit=0", "?limit"),
        ("/v1/orders?limit=201", "?limit"),
        ("/v1/orders?limit=1_0", "?limit"),
        ("/v1/orders?limit=1&limit=2", "?limit"),
        ("/v1/orders?colour=red", "?colour"),
        ("/v1/orders?updated_after=yesterday", "?updated_after"),
        ("/v1/jobs?state=asleep", "?state"),
        ("/v1/events?after=nonsense", "?after"),
    ],
)
def test_a_query_that_cannot_be_used_is_a_400_with_its_place(shop, url, pointer):
    """C18"""
    answer = shop.get(url)
    assert (answer.status, answer.pointers) == (400, [pointer])


def test_the_feed_has_every_event_once_in_the_order_of_the_jobs(shop, clock):
    place(shop, clock, "W-1", "W-2", "W-3")
    events, following = whole_feed(shop)
    assert [event["type"] for event in events] == ["job.received", "job.scheduled"] * 3
    assert len({event["id"] for event in events}) == 6
    assert shop.get(f"/v1/events?after={following}").json == {"items": [], "next": following}


def test_the_feed_never_skips_an_event_that_commits_late(shop, runtime, clock):
    """D8: a transaction begins, a later one commits and is read, then the first one commits."""
    place(shop, clock, "W-1")
    tenant = Tenant(shop.get("/v1/orders").json and _partner(runtime), "sandbox")
    begun, go_on = Event(), Event()

    def slowly():
        with runtime.sessions.begin() as session:
            session.execute(text("SELECT pg_current_xact_id()"))
            begun.set()
            go_on.wait(10)
            session.execute(text(_COPY), {"id": "evt_late", "sequence": 90})

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(slowly)
        begun.wait(10)
        with runtime.sessions.begin() as session:
            session.execute(text(_COPY), {"id": "evt_quick", "sequence": 91})
        with runtime.sessions() as session:
            seen = queries.feed(session, tenant, (0, 0), 100)
        go_on.set()
        slow.result()
    with runtime.sessions() as session:
        after = seen[-1][:2]
        later = queries.feed(session, tenant, after, 100)
    assert len(seen) == 2
    assert len(later) == 2


def test_the_feed_tells_a_jobs_steps_in_order_whoever_began_first(shop, runtime, clock):
    """A step that has waited for another one, under an older transaction's number."""
    place(shop, clock, "W-1")
    job = shop.get("/v1/jobs").json["items"][0]["id"]
    with runtime.sessions.begin() as older:
        older.execute(text("SELECT pg_current_xact_id()"))
        with runtime.sessions.begin() as younger:
            _step(younger, job, clock, "offered")
        _step(older, job, clock, "unassignable", actor="system", reason="all_declined")
    events, _ = whole_feed(shop, 1)
    assert [event["data"]["sequence"] for event in events] == [1, 2, 3, 4]


def _step(session, job, clock, state, actor="dispatch", reason=None):
    move = Move(to=JobState(state), actor=actor, reason=reason)
    assert service.advance(session, service.locate(session, job), move, clock())


def _partner(runtime) -> str:
    with runtime.sessions() as session:
        return session.scalar(text("SELECT partner_id FROM job_event LIMIT 1"))


_COPY = """
    INSERT INTO job_event (id, partner_id, environment, job_id, sequence, type, actor, at, body)
    SELECT :id, partner_id, environment, job_id, :sequence, type, actor, at, body FROM job_event LIMIT 1
"""


def test_the_feed_skips_nothing_while_many_write(shop, api, clock):
    orders = [json_order(f"W-{number}", clock()) for number in range(40)]
    requests = [shop.request("POST", "/v1/orders", order) for order in orders]
    feeds = [shop.request("GET", "/v1/events?limit=200") for _ in range(10)]
    answers = api.together(*requests, *feeds)
    assert {answer.status for answer in answers[:40]} == {201}
    whole, _ = whole_feed(shop, 200)
    assert len(whole) == 80
    for answer in answers[40:]:
        early = [event["id"] for event in answer.json["items"]]
        assert early == [event["id"] for event in whole[: len(early)]]


def test_another_tenants_things_are_404(api, shop, clock):
    """T1"""
    order = shop.post("/v1/orders", json_order("W-1", clock())).json
    job = order["jobs"][0]["id"]
    for stranger in (api.caller("brack"), api.caller("demo", "live")):
        for url in (f"/v1/orders/{order['id']}", f"/v1/jobs/{job}", f"/v1/jobs/{job}/events"):
            answer, unknown = stranger.get(url), stranger.get("/v1/jobs/job_01KEYEQMGGPEF9XDG08YJXDZ03")
            assert (answer.status, answer.json["code"]) == (unknown.status, unknown.json["code"]) == (404, "not-found")
        assert stranger.post(f"/v1/jobs/{job}/cancellation", {"reason": "changed_mind"}).status == 404
        assert stranger.get("/v1/orders").json["items"] == []
        assert stranger.get("/v1/events").json["items"] == []
    assert shop.get(f"/v1/jobs/{job}").json["state"] == "scheduled"


def test_the_lifecycle_is_served(shop):
    assert len(shop.get("/v1/lifecycle").json["states"]) == 20
