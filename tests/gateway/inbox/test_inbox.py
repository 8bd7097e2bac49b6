"""The inbox: what is delivered there, as it would have been sent, for its partner alone."""

import base64
import hmac
import threading
from hashlib import sha256

import pytest

from gateway.sandbox.inbox import service
from gateway.sandbox.inbox.service import Span
from gateway.tenant import Tenant
from tests.support.inbox import INBOX, endpoint, fill, page, partner_of, paths
from tests.support.orders import json_order
from tests.support.outbox import eventually, rows
from webhooks.transport import Transport


@pytest.fixture
def no_network(monkeypatch):
    def send(*args, **kwargs):
        raise AssertionError("something was sent")

    monkeypatch.setattr(Transport, "send", send)


# --- delivered ---------------------------------------------------------------------------------------------------


def test_an_order_is_heard_of_in_the_inbox_and_nowhere_else(shop, runtime, clock, worker, no_network):
    made = endpoint(shop)
    assert (made["url"], made["signature"]) == ("inbox:", "v1")
    shop.post("/v1/orders", json_order("W-1", clock()))
    worker.ring()
    items = eventually(lambda: found if len(found := page(shop)["items"]) == 3 else None)[::-1]
    assert [item["headers"]["webhook-id"][:4] for item in items] == ["whm_"] * 3
    for item in items:
        headers = item["headers"]
        assert item["verdict"]["code"] == "good"
        assert (item["method"], item["endpoint_id"]) == ("POST", made["id"])
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("Stecker/")
        assert item["signed_string"] == f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{item['body']}"
        key = base64.b64decode(made["secret"].removeprefix("whsec_"))
        digest = base64.b64encode(hmac.digest(key, item["signed_string"].encode(), sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
    deliveries = shop.get(f"/v1/webhook-endpoints/{made['id']}/deliveries").json["items"]
    assert {one["status"] for one in deliveries} == {"delivered"}
    assert {one["attempts"][0]["detail"] for one in deliveries} == {"It is in the inbox."}
    assert {one["attempts"][0]["step"] for one in deliveries} == {"inbox"}
    assert {one["id"] for one in deliveries} == {item["headers"]["webhook-id"] for item in items}


def test_a_delivery_that_is_sent_again_comes_again(shop, worker):
    made = endpoint(shop)
    worker.ring()
    eventually(lambda: page(shop)["items"])
    url = f"/v1/webhook-endpoints/{made['id']}/deliveries"
    delivery = eventually(lambda: [one for one in shop.get(url).json["items"] if one["status"] == "delivered"])[0]
    assert shop.post(f"{url}/{delivery['id']}/retry").status == 202
    worker.ring()
    items = eventually(lambda: found if len(found := page(shop)["items"]) == 2 else None)
    assert {item["headers"]["webhook-id"] for item in items} == {delivery["id"]}


def test_a_dialect_comes_in_its_own_words_and_bytes(api, clock, worker):
    brack = api.caller("brack")
    endpoint(brack, format="dialect")
    brack.post("/v1/orders", json_order("W-1", clock()))
    worker.ring()
    items = eventually(lambda: found if len(found := page(brack)["items"]) > 1 else None)
    assert items[0]["body"].startswith("<?xml")
    assert items[0]["headers"]["content-type"].startswith("application/xml")
    assert {item["verdict"]["code"] for item in items} == {"good"}


def test_bytes_that_are_no_text_are_told_as_bytes(shop, runtime):
    fill(runtime, partner_of(runtime), 1, body=b"M\xfcller")
    (item,) = page(shop)["items"]
    assert (item["body"], item["signed_string"]) == (None, None)
    assert base64.b64decode(item["body_base64"]) == b"M\xfcller"


# --- whose it is -------------------------------------------------------------------------------------------------


def test_only_the_sandbox_has_an_inbox(api):
    live = api.caller("demo", "live")
    answer = live.post("/v1/webhook-endpoints", {"url": "inbox:"})
    assert (answer.status, answer.pointers) == (422, ["/url"])
    assert answer.json["errors"][0]["code"] == "sandbox_only"
    refused = live.get(INBOX)
    assert (refused.status, refused.json["code"]) == (403, "sandbox-only")


def test_it_needs_its_scope(api):
    refused = api.caller("demo", "sandbox", "orders:read").get(INBOX)
    assert (refused.status, refused.json["code"]) == (403, "insufficient-scope")


def test_nobody_reads_anothers(api, runtime, shop):
    fill(runtime, partner_of(runtime, "brack"), 2)
    assert page(shop)["items"] == []
    theirs = page(api.caller("brack"))
    assert len(theirs["items"]) == 2
    assert shop.get(f"{INBOX}?after={theirs['next']}").status == 400


@pytest.mark.parametrize("url", ["inbox:other", "inbox://", "INBOX:", "inbox"])
def test_there_is_one_inbox_and_it_has_no_name(shop, url):
    answer = shop.post("/v1/webhook-endpoints", {"url": url})
    assert (answer.status, answer.pointers) == (422, ["/url"])


def test_an_inbox_stays_one_and_needs_no_credentials(shop):
    bearer = {"scheme": "bearer", "token": "t"}
    both = shop.post("/v1/webhook-endpoints", {"url": "inbox:", "authentication": bearer})
    assert (both.status, both.pointers) == (422, ["/authentication"])
    url = f"/v1/webhook-endpoints/{endpoint(shop)['id']}"
    assert shop.call("PATCH", url, {"url": "https://shop.example.com/hook"}).status == 409
    assert shop.call("PATCH", url, {"authentication": bearer}).status == 409
    assert shop.call("PATCH", url, {"url": "inbox:", "description": "mine"}).status == 200
    other = shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"}).json["id"]
    assert shop.call("PATCH", f"/v1/webhook-endpoints/{other}", {"url": "inbox:"}).status == 409


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_newest_come_first_and_what_is_older_below(shop, runtime):
    fill(runtime, partner_of(runtime), 5)
    first = page(shop, limit=2)
    assert paths(first) == ["4", "3"]
    second = page(shop, limit=2, before=first["older"])
    assert paths(second) == ["2", "1"]
    last = page(shop, limit=2, before=second["older"])
    assert (paths(last), last["older"]) == (["0"], None)
    assert page(shop, after=last["next"])["items"] == []


def test_what_comes_later_is_read_behind_a_cursor_in_its_order(shop, runtime):
    partner_id = partner_of(runtime)
    start = page(shop)
    assert start["items"] == []
    fill(runtime, partner_id, 5)
    seen, after = [], start["next"]
    while items := (found := page(shop, after=after, limit=2))["items"]:
        seen += [item["path"] for item in items]
        after = found["next"]
    assert seen == ["0", "1", "2", "3", "4"]
    assert found["next"] == after
    assert paths(page(shop, after=page(shop)["items"][2]["cursor"])) == ["3", "4"]


def test_one_endpoint_alone_and_its_cursor_passes_the_others(shop, runtime):
    partner_id = partner_of(runtime)
    fill(runtime, partner_id, 3, endpoint_id="whep_a")
    fill(runtime, partner_id, 2, endpoint_id="whep_b")
    assert paths(page(shop, endpoint_id="whep_a")) == ["2", "1", "0"]
    start = page(shop, endpoint_id="whep_a", limit=3, after=page(shop, before=page(shop, limit=4)["older"])["next"])
    assert start["items"] == []
    fill(runtime, partner_id, 1, endpoint_id="whep_b")
    again = page(shop, endpoint_id="whep_a", after=start["next"])
    assert again["items"] == []
    assert page(shop, after=again["next"])["items"] == []


@pytest.mark.parametrize("query", ["after=x", "before=x", "wait=26", "wait=-1", "wait=soon", "limit=0", "since=1"])
def test_a_query_that_cannot_be_used_is_a_problem(shop, query):
    answer = shop.get(f"{INBOX}?{query}")
    assert (answer.status, answer.pointers) == (400, [f"?{query.split('=')[0]}"])


def test_before_and_after_do_not_go_together(shop, runtime):
    fill(runtime, partner_of(runtime), 1)
    place = page(shop)["next"]
    answer = shop.get(f"{INBOX}?after={place}&before={place}")
    assert (answer.status, answer.pointers) == (400, ["?before"])


def test_who_follows_misses_nothing_while_many_write(shop, runtime):
    partner_id = partner_of(runtime)
    writers = [threading.Thread(target=fill, args=(runtime, partner_id, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    seen, after = [], 0
    while any(writer.is_alive() for writer in writers) or after < 100:
        with runtime.sessions() as session:
            found = service.page(session, Tenant(partner_id, "sandbox"), Span(limit=7, after=after))
        seen += [row.position for row in found]
        after = seen[-1] if seen else 0
    for writer in writers:
        writer.join()
    assert seen == list(range(1, 101))


# --- kept small --------------------------------------------------------------------------------------------------


def test_the_old_and_the_many_go_in_batches(runtime, shop, clock, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 2)
    monkeypatch.setattr(service, "MOST", 5)
    ours, theirs = partner_of(runtime), partner_of(runtime, "brack")
    fill(runtime, ours, 5, at=clock() - service.KEPT)
    fill(runtime, theirs, 3)
    clock.advance(1)
    fill(runtime, ours, 8)
    service.sweep(runtime)
    assert paths(page(shop)) == ["7", "6", "5", "4", "3"]
    assert len(rows(runtime.sessions, "SELECT 1 FROM sandbox_inbox_message WHERE partner_id = :id", id=theirs)) == 3
    with runtime.sessions() as session:
        assert service.last(session, Tenant(ours, "sandbox")) == 13
