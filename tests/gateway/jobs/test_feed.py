"""The feed: who waits for it, and who reads it by a name."""

import asyncio
import json
import time

import pytest
from sqlalchemy import select, text

from gateway.jobs import consumers
from gateway.jobs.tables import JobEvent
from tests.support.orders import json_order
from tests.support.patience import going, together


@pytest.fixture
def shop(api):
    return api.caller("demo")


def place(caller, clock, number):
    answer = caller.post("/v1/orders", json_order(number, clock()))
    assert answer.status == 201, answer.body


def page(caller, **query):
    answer = caller.get("/v1/events?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status == 200, answer.body
    return answer.json


def waits(api, caller, seconds, **query):
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return going(api, caller.request("GET", f"/v1/events?wait={seconds}{more}"))


def acknowledge(caller, name, cursor):
    return caller.post(f"/v1/events/consumers/{name}/ack", {"cursor": cursor})


async def soon(call):
    """Run it in a thread, after the others have begun to wait."""
    await asyncio.sleep(0.4)
    return await asyncio.to_thread(call)


def again(runtime, number):
    """One more event of a job, by itself."""
    with runtime.sessions.begin() as session:
        session.execute(text(_COPY), {"id": f"evt_{number}", "sequence": number})


_COPY = """
    INSERT INTO job_event (id, partner_id, environment, job_id, sequence, type, actor, at, body)
    SELECT :id, partner_id, environment, job_id, :sequence, type, actor, at, body FROM job_event LIMIT 1
"""


def test_what_happens_while_somebody_waits_is_told_at_once(api, shop, runtime, clock):
    place(shop, clock, "W-1")
    after = page(shop)["next"]
    (answer, took), _ = together(api, waits(api, shop, 20, after=after), soon(lambda: again(runtime, 90)))
    assert len(answer.json["items"]) == 1
    assert 0.3 < took < 5


def test_where_nothing_happens_the_answer_is_empty_when_it_is_time(api, shop, clock):
    place(shop, clock, "W-1")
    after = page(shop)["next"]
    ((answer, took),) = together(api, waits(api, shop, 1, after=after))
    assert answer.json == {"items": [], "next": after}
    assert took >= 1


def test_what_has_not_settled_wakes_nobody_and_is_told_when_it_has(api, shop, runtime, clock):
    """An event that is committed while an older transaction still runs could be followed by an earlier one."""
    place(shop, clock, "W-1")
    after = page(shop)["next"]

    def late():
        with runtime.sessions.begin() as older:
            older.execute(text("SELECT pg_current_xact_id()"))
            again(runtime, 91)
            time.sleep(1)
            older.execute(text(_COPY), {"id": "evt_90", "sequence": 90})

    (answer, took), _ = together(api, waits(api, shop, 20, after=after), soon(late))
    told = answer.json
    assert 1.3 < took < 6
    with runtime.sessions() as session:
        written = session.scalars(select(JobEvent.sequence).where(JobEvent.sequence >= 90).order_by(JobEvent.tx)).all()
    assert written == [90, 91]
    assert len(told["items"]) == 2


def test_another_tenants_events_wake_nobody(api, shop, clock):
    place(shop, clock, "W-1")
    ((answer, took),) = together(api, waits(api, api.caller("brack"), 1))
    assert answer.json["items"] == []
    assert took >= 1


def test_a_consumer_goes_on_behind_what_it_has_acknowledged(shop, clock):
    place(shop, clock, "W-1")
    first = page(shop, consumer="billing", limit=1)
    assert page(shop, consumer="billing", limit=1) == first, "nothing was acknowledged"
    assert acknowledge(shop, "billing", first["next"]).json["cursor"] == first["next"]
    second = page(shop, consumer="billing", limit=1)
    assert [one["type"] for one in first["items"] + second["items"]] == ["job.received", "job.scheduled"]
    assert page(shop, consumer="stock", limit=1) == first, "another one has read nothing"
    assert page(shop, consumer="billing", after=second["next"])["items"] == [], "`after` says where"


def test_an_acknowledgement_never_goes_back(shop, clock):
    place(shop, clock, "W-1")
    first = page(shop, limit=1)["next"]
    last = page(shop)["next"]
    assert acknowledge(shop, "billing", last).status == 200
    assert acknowledge(shop, "billing", first).json["cursor"] == last
    assert page(shop, consumer="billing")["items"] == []


def test_a_consumer_waits_behind_what_it_has_acknowledged(api, shop, runtime, clock):
    place(shop, clock, "W-1")
    acknowledge(shop, "billing", page(shop)["next"])
    (answer, took), _ = together(api, waits(api, shop, 20, consumer="billing"), soon(lambda: again(runtime, 90)))
    assert len(answer.json["items"]) == 1
    assert 0.3 < took < 5
    ((answer, took),) = together(api, waits(api, shop, 20, consumer="stock"))
    assert len(answer.json["items"]) == 3
    assert took < 5


def test_consumers_are_few_and_can_be_forgotten(shop, clock, monkeypatch):
    monkeypatch.setattr(consumers, "MOST", 2)
    place(shop, clock, "W-1")
    cursor = page(shop)["next"]
    assert [acknowledge(shop, name, cursor).status for name in ("a", "b", "c", "a")] == [200, 200, 409, 200]
    assert [one["name"] for one in shop.get("/v1/events/consumers").json["items"]] == ["a", "b"]
    assert shop.call("DELETE", "/v1/events/consumers/a").status == 204
    assert shop.call("DELETE", "/v1/events/consumers/a").status == 404
    assert acknowledge(shop, "c", cursor).status == 200
    assert len(page(shop, consumer="a")["items"]) == 2


@pytest.mark.parametrize("cursor", ["nonsense", "AAAAAAAAAAAAAAAAMC4w"])
def test_only_a_place_in_the_feed_can_be_acknowledged(shop, cursor):
    answer = acknowledge(shop, "billing", cursor)
    assert (answer.status, answer.pointers) == (422, ["/cursor"])


@pytest.mark.parametrize("name", ["a%20b", "%C3%BC", "x" * 65])
def test_a_name_that_cannot_be_asked_for_cannot_be_made(shop, name):
    cursor = page(shop)["next"]
    assert acknowledge(shop, name, cursor).status == 404
    assert shop.get(f"/v1/events?consumer={name}").status == 400


def test_consumers_are_their_tenants(api, shop, clock):
    place(shop, clock, "W-1")
    cursor = page(shop)["next"]
    acknowledge(shop, "billing", cursor)
    for stranger in (api.caller("brack"), api.caller("demo", "live")):
        assert stranger.get("/v1/events/consumers").json["items"] == []
        assert stranger.call("DELETE", "/v1/events/consumers/billing").status == 404
        assert acknowledge(stranger, "billing", cursor).status == 422


def test_one_event_is_read_by_its_id_and_by_its_tenant_only(api, shop, clock):
    place(shop, clock, "W-1")
    whole = page(shop)["items"][0]
    answer = shop.get(f"/v1/events/{whole['id']}")
    assert json.loads(answer.body) == whole
    assert shop.get("/v1/events/evt_unknown").status == 404
    for stranger in (api.caller("brack"), api.caller("demo", "live")):
        assert stranger.get(f"/v1/events/{whole['id']}").status == 404
