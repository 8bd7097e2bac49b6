"""Reset: this partner's sandbox, all of it, and nothing else."""

import time

import pytest
from sqlalchemy import text

from gateway.sandbox import reset as resetting
from gateway.tenant import Tenant
from tests.support.orders import json_order
from tests.support.outbox import eventually, rows
from tests.support.rows import snapshot

KEPT = {"oauth_client", "oauth_client_secret", "webhook_endpoint", "partner_article", "sandbox_inbox"}
KEPT |= {"idempotency_record"}  # that of the reset itself
KEPT |= {"event_consumer"}  # what comes is behind its place, as before
KEPT |= {"sandbox_checkpoint"}
KEPT |= {"webhook_recovery"}  # it goes with its endpoint, and finds nothing more to do


@pytest.fixture
def inhabited(api, clock, shop, heard):
    """Orders, runs and deliveries of several tenants; returns the others."""
    others = [api.caller("demo", "live"), api.caller("brack"), api.caller("brack", "live")]
    for caller in (shop, *others):
        caller.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
        assert caller.post("/v1/orders", json_order("W-1", clock())).status == 201
    shop.post("/v1/webhook-endpoints", {"url": "inbox:"})
    assert shop.post("/v1/sandbox/scenarios/dispute/run").json["status"] == "done"
    assert shop.post("/v1/sandbox/scenarios/dispute/run", {"pace": "realtime"}).json["status"] == "running"
    return others


def test_it_removes_what_was_there_and_touches_nothing_else(runtime, api, clock, shop, inhabited):
    [partner_id] = {row[0] for row in rows(runtime.sessions, "SELECT id FROM partner WHERE slug = 'demo'")}
    mine = Tenant(partner_id, "sandbox")
    eventually(lambda: not rows(runtime.sessions, "SELECT FROM webhook_mailbox WHERE leased"))
    with runtime.sessions() as session:
        others = snapshot(session, mine, others=True)
    answer = shop.post("/v1/sandbox/reset")
    assert answer.status == 200
    assert {"runs": 2, "orders": 3, "documents": 3}.items() <= answer.json["removed"].items()
    with runtime.sessions() as session:
        left = {name: found for name, found in snapshot(session, mine).items() if found}
        now_others = snapshot(session, mine, others=True)
    about = "SELECT subject FROM webhook_message WHERE owner = :id AND environment = 'sandbox'"
    # What was said about the endpoints themselves stays with them.
    assert {str(row[0])[:5] for row in rows(runtime.sessions, about, id=partner_id)} <= {"whep_"}
    assert {name for name in left if not name.startswith("webhook_")} <= KEPT, left.keys()
    assert len(left["idempotency_record"]) == 1
    # Whoever delivers goes on with what is theirs.
    for name in others:
        if not name.startswith("webhook_"):
            assert now_others[name] == others[name], name
    assert len(now_others["webhook_message"]) == len(others["webhook_message"])
    orphans = """SELECT FROM webhook_payload p
                  WHERE NOT EXISTS (SELECT FROM webhook_message m WHERE m.payload_id = p.id)"""
    assert rows(runtime.sessions, orphans) == []


def test_everything_works_as_on_the_first_day(shop, heard, clock):
    first = shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k")
    assert shop.post("/v1/sandbox/reset").status == 200
    assert shop.get("/v1/orders").json["items"] == []
    assert shop.get("/v1/events").json["items"] == []
    again = shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k")
    assert (again.status, "idempotency-replayed" in again.headers) == (201, False)
    assert again.json["id"] != first.json["id"]
    job = again.json["jobs"][0]["id"]
    assert shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=10", {"event": "job.offered"}).json["settled"]


def test_a_delivery_that_is_under_way_meanwhile_comes_to_nothing(runtime, shop, heard, clock):
    """Its attempt has no message any more, and is not recorded."""

    def slowly(sock, request):
        time.sleep(0.3)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    heard.always(slowly)
    shop.post("/v1/orders", json_order("W-1", clock()))
    heard.wait_for(1)
    assert shop.post("/v1/sandbox/reset").status == 200
    heard.behave = lambda n: lambda sock, request: sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    job = shop.post("/v1/orders", json_order("W-2", clock())).json["jobs"][0]["id"]
    assert shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=10", {"event": "job.offered"}).json["settled"]
    about = "SELECT subject FROM webhook_message WHERE subject LIKE 'job_%'"
    assert {row[0] for row in rows(runtime.sessions, about)} == {job}


def test_what_came_to_the_inbox_while_the_clock_stood_goes_as_well(shop, clock, delivering):
    """It is there by real time, which is a little later than where the clock stands."""
    shop.post("/v1/webhook-endpoints", {"url": "inbox:"})
    shop.post("/v1/sandbox/clock", {"action": "freeze"})
    clock.advance(30)
    assert shop.post("/v1/sandbox/scenarios/dispute/run").json["settled"]
    assert shop.get("/v1/sandbox/inbox").json["items"] != []
    assert shop.post("/v1/sandbox/reset").status == 200
    assert shop.get("/v1/sandbox/inbox").json["items"] == []


def test_what_is_of_a_clock_that_was_a_little_ahead_goes_as_well(api, shop, clock):
    shop.post("/v1/sandbox/clock", {"action": "advance", "by": "PT30S"})
    shop.post("/v1/orders", json_order("W-1", clock()))
    assert shop.post("/v1/sandbox/clock", {"action": "reset"}).json["status"] == "running"
    assert shop.post("/v1/sandbox/reset").json["removed"]["orders"] == 1


def test_the_same_key_resets_once(shop, clock):
    shop.post("/v1/sandbox/reset", Idempotency_Key="r-1")
    shop.post("/v1/orders", json_order("W-1", clock()))
    again = shop.post("/v1/sandbox/reset", Idempotency_Key="r-1")
    assert again.headers["idempotency-replayed"] == "true"
    assert len(shop.get("/v1/orders").json["items"]) == 1


def test_very_much_goes_in_batches_and_on_with_the_same_key(shop, clock, monkeypatch):
    for number in range(5):
        shop.post("/v1/orders", json_order(f"W-{number}", clock()))
    monkeypatch.setattr(resetting, "WITHIN", -1.0)
    asked = shop.post("/v1/sandbox/reset", Idempotency_Key="r-1")
    assert (asked.status, asked.headers["retry-after"]) == (503, "1")
    monkeypatch.setattr(resetting, "WITHIN", 8.0)
    assert shop.post("/v1/sandbox/reset", Idempotency_Key="r-1").json["removed"]["orders"] == 5


def test_only_a_sandbox_is_reset(runtime, clock):
    with pytest.raises(ValueError, match="only a sandbox"):
        resetting.reset(runtime.sessions, Tenant("ptn_x", "live"), clock(), clock())


def test_every_table_of_a_tenant_is_thought_of(runtime):
    """A new one with an environment is either removed by a reset, or kept on purpose."""
    removed = {"sandbox_run", "support_order", "job", "job_event", "inbound_message", "slot_hold", "privacy_wish"}
    removed |= {"sandbox_chaos", "sandbox_advance", "webhook_clock"}
    removed |= {"sandbox_inbox_message", "webhook_mailbox", "webhook_message", "webhook_payload", "webhook_attempt"}
    kept = KEPT | {"connection", "request_log", "webhook_measured"}
    query = text("SELECT table_name FROM information_schema.columns WHERE column_name = 'environment'")
    with runtime.sessions() as session:
        found = set(session.scalars(query))
    assert found - removed - kept == set(), "reset it, or keep it on purpose"
