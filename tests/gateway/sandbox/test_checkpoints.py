"""Checkpoints: a sandbox is as it was, and goes on from there."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.canonical import PrivacyRequest
from gateway.privacy import service as privacy
from gateway.sandbox.checkpoints import erasing, rows, service
from gateway.tenant import Tenant
from tests.support.orders import json_order
from tests.support.outbox import eventually
from tests.support.outbox import rows as found
from tests.support.rows import snapshot

PATH = "/v1/sandbox/checkpoints"
LATER = {"webhook_message", "webhook_mailbox", "sandbox_run", "idempotency_record", "sandbox_checkpoint"}
"""Tables that come back otherwise than they were: what waits, waits from now on, and the test's own requests."""


@pytest.fixture
def tenant(runtime, shop):
    [row] = found(runtime.sessions, "SELECT id FROM partner WHERE slug = 'demo'")
    return Tenant(row[0], "sandbox")


def keep(shop, **said):
    answer = shop.post(PATH, said)
    assert answer.status == 201, answer.body
    return answer.json["id"]


def back(shop, checkpoint):
    return shop.post("/v1/sandbox/reset", {"checkpoint": checkpoint})


def step(shop, job, event):
    taken = shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=10", {"event": event})
    assert taken.status == 200, taken.body
    return taken.json


def test_a_job_that_was_walked_on_is_where_it_was_and_goes_on_in_order(runtime, api, shop, tenant, heard, clock):
    others = [api.caller("demo", "live"), api.caller("brack")]
    for other in others:
        assert other.post("/v1/orders", json_order("W-1", clock())).status == 201
    job = shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k").json["jobs"][0]["id"]
    assert step(shop, job, "job.offered")["settled"]
    shop.post("/v1/sandbox/scenarios/happy_path/run", {"pace": "realtime"})
    eventually(lambda: not found(runtime.sessions, "SELECT FROM webhook_message WHERE status = 'pending'"))
    with runtime.sessions() as session:
        before, theirs = snapshot(session, tenant), snapshot(session, tenant, others=True)
    job_then, events = shop.get(f"/v1/jobs/{job}").json, shop.get(f"/v1/jobs/{job}/events").json
    read = shop.get("/v1/events").json
    checkpoint = keep(shop, label="offered")
    assert step(shop, job, "job.assigned")["settled"]
    shop.post("/v1/orders", json_order("W-2", clock()))

    assert back(shop, checkpoint).status == 200
    with runtime.sessions() as session:
        after = snapshot(session, tenant)
        for name, whose in snapshot(session, tenant, others=True).items():
            if not name.startswith("webhook_"):
                assert whose == theirs[name], name
    for name in rows.TABLES.keys() - LATER:
        assert after[name] == before[name], name
    assert len(after["webhook_message"]) == len(before["webhook_message"])
    assert shop.get(f"/v1/jobs/{job}").json == job_then
    assert shop.get(f"/v1/jobs/{job}/events").json == events
    assert shop.get("/v1/events").json["items"] == read["items"]
    [run] = shop.get("/v1/sandbox/runs").json["items"]
    assert run["status"] == "paused"
    assert shop.post(f"/v1/sandbox/runs/{run['id']}/resume").json["status"] == "running"
    replayed = shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k")
    assert replayed.headers["idempotency-replayed"] == "true"

    on = step(shop, job, "job.assigned")
    assert (on["settled"], on["webhooks"][0]["status"]) == (True, "delivered")
    assert on["webhooks"][0]["sequence"] == job_then["sequence"] + 1
    assert [one["id"] for one in shop.get(f"/v1/events?after={read['next']}").json["items"]] == [on["event"]["id"]]


def test_what_was_pending_is_sent_again_but_not_to_an_endpoint_that_is_gone(runtime, shop, receiver, request, clock):
    kept = shop.post("/v1/webhook-endpoints", {"url": receiver.url}).json["id"]
    gone = shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/gone"}).json["id"]
    job = shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]
    about = "SELECT id, endpoint_id FROM webhook_message WHERE subject = :job ORDER BY position"
    pending = found(runtime.sessions, about, job=job)
    lease = (
        "UPDATE webhook_mailbox SET leased = true, generation = 4, due_at = now() + interval '1 h' WHERE subject = :job"
    )
    with runtime.sessions.begin() as session:
        session.execute(text(lease), {"job": job})
    checkpoint = keep(shop)
    assert shop.call("DELETE", f"/v1/webhook-endpoints/{gone}").status == 204
    assert back(shop, checkpoint).status == 200
    boxes = "SELECT endpoint_id, leased, generation > 1000000 FROM webhook_mailbox WHERE subject = :job"
    assert [tuple(row) for row in found(runtime.sessions, boxes, job=job)] == [(kept, False, True)]
    orphans = "SELECT FROM webhook_payload p WHERE NOT EXISTS (SELECT FROM webhook_message m WHERE m.payload_id = p.id)"
    assert found(runtime.sessions, orphans) == []
    request.getfixturevalue("delivering")
    sent = [message_id for message_id, endpoint_id in pending if endpoint_id == kept]
    mine = "SELECT id FROM webhook_message WHERE subject = :job AND status = 'delivered' ORDER BY position"
    eventually(lambda: [row[0] for row in found(runtime.sessions, mine, job=job)] == sent)
    heard = [request.headers["webhook-id"] for request in receiver.got]
    assert [one for one in heard if one in sent] == sent


def test_who_delivers_meanwhile_comes_back_too_late(runtime, shop, heard, clock):
    """What was under way before the reset is not recorded after it: the message is sent again."""
    gone_back = threading.Event()

    def slowly(sock, request):
        gone_back.wait(4)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    heard.always(slowly)
    job = shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]
    eventually(lambda: any(job in request.body.decode() for request in heard.got))
    checkpoint = keep(shop)
    assert back(shop, checkpoint).status == 200
    gone_back.set()
    assert step(shop, job, "job.offered")["settled"]
    tries = """SELECT m.status, m.attempts, (SELECT count(*) FROM webhook_attempt a WHERE a.message_id = m.id)
                 FROM webhook_message m WHERE m.subject = :job"""
    eventually(lambda: {tuple(row) for row in found(runtime.sessions, tries, job=job)} == {("delivered", 1, 1)})
    ids = [request.headers["webhook-id"] for request in heard.got if job in request.body.decode()]
    assert ids[0] == ids[1], "it was sent twice"


def test_a_checkpoint_of_a_standing_clock_is_gone_back_to_in_real_time(runtime, shop, tenant, clock):
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    shop.post("/v1/sandbox/clock?wait=0", {"action": "advance", "by": "PT26H"})
    shop.post("/v1/sandbox/clock", {"action": "freeze"})
    shop.post("/v1/orders", json_order("W-1", clock()))
    checkpoint = keep(shop)
    assert back(shop, checkpoint).status == 200
    assert shop.get("/v1/sandbox/clock").json["status"] == "running"
    late = "SELECT FROM webhook_mailbox WHERE due_at > :soon"
    assert found(runtime.sessions, late, soon=clock() + timedelta(minutes=1)) == []
    assert len(shop.get("/v1/orders").json["items"]) == 1


def test_nobody_elses_and_none_that_is_gone(api, shop, clock):
    checkpoint = keep(shop)
    shop.post("/v1/orders", json_order("W-1", clock()))
    stranger = api.caller("brack")
    assert stranger.get(PATH).json["items"] == []
    assert stranger.call("DELETE", f"{PATH}/{checkpoint}").status == 404
    assert back(stranger, checkpoint).status == 404
    assert shop.call("DELETE", f"{PATH}/{checkpoint}").status == 204
    assert (back(shop, checkpoint).status, shop.call("DELETE", f"{PATH}/{checkpoint}").status) == (404, 404)
    assert len(shop.get("/v1/orders").json["items"]) == 1, "nothing was removed"


def test_bounds_say_so(runtime, shop, clock, monkeypatch):
    shop.post("/v1/orders", json_order("W-1", clock()))
    for name in ("MOST_ORDERS", "MOST_ROWS", "MOST_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(service, name, 0)
            refused = shop.post(PATH)
        assert (refused.status, refused.json["code"]) == (409, "conflict")
        assert "this sandbox holds more" in refused.json["detail"]
    first = keep(shop)
    monkeypatch.setattr(service, "MOST", 1)
    assert "delete one first" in shop.post(PATH).json["detail"]
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE sandbox_checkpoint SET revision = '0001'"))
    refused = back(shop, first)
    assert (refused.status, "make a new one" in refused.json["detail"]) == (409, True)
    assert len(shop.get("/v1/orders").json["items"]) == 1, "nothing was removed"


def test_the_same_key_keeps_it_once(shop):
    first, again = (shop.post(PATH, {"label": "x"}, Idempotency_Key="c-1") for _ in range(2))
    assert (again.json, again.headers["idempotency-replayed"]) == (first.json, "true")
    assert [one["label"] for one in shop.get(PATH).json["items"]] == ["x"]


def test_what_came_in_meanwhile_is_a_conflict_and_the_same_key_goes_on(shop, clock, monkeypatch):
    shop.post("/v1/orders", json_order("W-1", clock()))
    checkpoint = keep(shop)

    with monkeypatch.context() as patched:
        patched.setattr("gateway.sandbox.api.reset", lambda *_: {})
        refused = shop.post("/v1/sandbox/reset", {"checkpoint": checkpoint}, Idempotency_Key="r-1")
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "ask again" in refused.json["detail"]
    assert shop.post("/v1/sandbox/reset", {"checkpoint": checkpoint}, Idempotency_Key="r-1").status == 200


def test_it_expires(runtime, shop, clock):
    keep(shop)
    erasing.sweep(runtime)
    assert len(shop.get(PATH).json["items"]) == 1
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE sandbox_checkpoint SET created_at = created_at - interval '31 days'"))
    assert shop.get(PATH).json["items"] == []
    erasing.sweep(runtime)
    assert found(runtime.sessions, "SELECT FROM sandbox_checkpoint") == []


def test_an_erasure_reaches_them(runtime, api, shop, tenant, clock):
    """Both those of before, and those made while it waits for a visit to end."""
    brack = api.caller("brack")
    keep(brack)
    shop.post("/v1/orders", json_order("W-1", clock()))
    keep(shop)
    asked = PrivacyRequest(kind="erase", request_id="r1", partner_order_ids=("W-1",), customer=None)
    with runtime.sessions.begin() as session:
        privacy.ask(session, runtime.vault, tenant, asked, clock())
    assert shop.get(PATH).json["items"] == []
    keep(shop)
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE support_order SET status = 'completed'"))
    with runtime.sessions.begin() as session:
        privacy.sweep(session, runtime.vault, clock())
    assert shop.get(PATH).json["items"] == []
    assert len(brack.get(PATH).json["items"]) == 1


def test_a_live_environment_has_none(runtime, clock):
    with runtime.sessions() as session, pytest.raises(ValueError, match="only a sandbox"):
        service.take(session, Tenant("ptn_x", "live"), None, clock())
