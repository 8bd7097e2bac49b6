"""What a sandbox key asked is written down, and what came of it; nothing of what live keys ask is."""

import json
import shlex
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from gateway.errors import Problem
from gateway.ids import new_id
from gateway.quota import Quota
from gateway.requestlog import service
from gateway.requestlog.tables import RequestRecord
from tests.support.orders import json_order, opentrans

WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")


def count(runtime):
    with runtime.sessions() as session:
        return session.scalar(text("SELECT count(*) FROM request_log"))


def test_an_order_with_all_that_it_caused(shop, clock, logged):
    endpoint = shop.post("/v1/webhook-endpoints", {"url": "inbox:"}).json["id"]
    answer = shop.post("/v1/orders", json_order("W-1", clock()), X_Request_Id="mine-1")
    _, entry = logged(shop, 2)
    order = answer.json
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v1/orders", 201)
    assert (entry["request_id"], answer.headers["x-request-id"]) == ("mine-1", "mine-1")
    assert (entry["operation"], entry["problem"], entry["replayed"]) == ("create_order", None, False)
    assert entry["client_id"].startswith("stk_test_")
    assert entry["duration_ms"] > 0
    assert entry["request"]["body"]["partner_order_id"] == "W-1"
    assert entry["answer"]["body"]["id"] == order["id"]
    caused = entry["caused"]
    assert (caused["orders"], caused["jobs"]) == ([order["id"]], [order["jobs"][0]["id"]])
    assert [event["type"] for event in caused["events"]] == ["job.received", "job.scheduled"]
    assert {message["event_id"] for message in caused["messages"]} == {event["id"] for event in caused["events"]}
    assert {message["endpoint_id"] for message in caused["messages"]} == {endpoint}
    assert [document["outcome"] for document in caused["documents"]] == ["accepted"]


def test_a_document_leads_to_its_order_by_the_moment_it_came(api, clock, logged):
    brack = api.caller("brack")
    assert brack.post("/inbound/brack", opentrans("4711", WINDOW), Content_Type="application/xml").status == 201
    [entry] = logged(brack, 1)
    [order] = brack.get("/v1/orders?partner_order_id=4711").json["items"]
    assert (entry["request"]["media_type"], entry["request"]["body"]) == ("application/xml", None)
    assert entry["caused"]["orders"] == [order["id"]]
    assert len(entry["caused"]["jobs"]) == 2
    assert "--data-binary @document" in entry["curl"]


def test_a_step_names_the_event_and_the_messages_it_answered_with(shop, clock, logged):
    shop.post("/v1/webhook-endpoints", {"url": "inbox:"})
    job = shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]
    step = shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=0", {"event": "job.offered"}).json
    entry = logged(shop, 3)[-1]
    assert entry["path"] == f"/v1/sandbox/jobs/{job}/steps?wait=0"
    assert [event["id"] for event in entry["caused"]["events"]] == [step["event"]["id"]]
    assert [one["id"] for one in entry["caused"]["messages"]] == [one["id"] for one in step["webhooks"]]


def test_an_answer_that_was_lost_shows_both_calls_of_a_client_that_asks_again(shop, clock, logged):
    """The first answer never arrives; the client asks again with its key, and ends with one order."""
    order = json_order("W-1", clock())
    for _ in range(2):
        shop.post("/v1/orders", order, Idempotency_Key="try-1")
    first, second = logged(shop, 2)
    assert [first["status"], second["status"]] == [201, 201]
    assert [first["replayed"], second["replayed"]] == [False, True]
    assert (len(first["caused"]["jobs"]), second["caused"]["jobs"]) == (1, [])
    listed = shop.get("/v1/sandbox/requests?idempotency_key=try-1").json["items"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert len(shop.get("/v1/orders").json["items"]) == 1


def test_a_connection_that_is_cut_amid_the_answer_is_written_down_as_it_was_answered(api, shop, clock, logged):
    """Whoever has the connection cut still has the request in the log."""
    method, url, body, headers = shop.request("POST", "/v1/orders", json_order("W-1", clock()))
    raw = json.dumps(body).encode()
    given = {**{name.lower(): value for name, value in headers.items()}, "content-type": "application/json"}
    parts = [{"type": "http.request", "body": raw}, {"type": "http.disconnect"}]

    async def receive():
        return parts.pop(0) if len(parts) > 1 else parts[0]

    async def send(message):
        raise ConnectionResetError

    with suppress(ConnectionResetError, RuntimeError):
        api.loop.run_until_complete(api.app(api._scope(method, url, given), receive, send))
    [entry] = logged(shop, 1)
    assert (entry["status"], len(entry["caused"]["jobs"])) == (201, 1)


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "problem"),
    [
        ("GET", "/v1/orders?limit=0", None, 400, "bad-request"),
        ("GET", "/fulfilment/v1/jobs", None, 403, "insufficient-scope"),
        ("GET", "/v1/jobs/job_1", None, 404, "not-found"),
        ("POST", "/v1/orders", b"{", 400, "malformed"),
        ("POST", "/v1/orders", {"lines": []}, 422, "invalid"),
    ],
)
def test_what_was_refused_is_there_with_its_problem(shop, logged, method, url, body, status, problem):
    headers = {"Content-Type": "application/json"} if body else {}
    answer = shop.call(method, url, body, headers)
    assert answer.status == status
    [entry] = logged(shop, 1)
    assert (entry["status"], entry["problem"]) == (status, problem)
    assert entry["answer"]["body"]["detail"] == answer.json["detail"]
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert shop.get(f"/v1/sandbox/requests?problem={problem}").json["items"][0]["id"] == entry["id"]


def test_who_is_too_fast_is_there_too(api, shop, logged, monkeypatch):
    async def none_left(self, client):
        raise Problem(code="too-many-requests", detail="Enough.")

    with monkeypatch.context() as patched:
        patched.setattr(Quota, "take", none_left)
        assert shop.get("/v1/orders").status == 429
    [entry] = logged(shop, 1)
    assert (entry["status"], entry["problem"]) == (429, "too-many-requests")


def test_a_curl_line_runs_as_it_stands(api, shop, clock, logged):
    """It is taken apart as a shell would, and asked: the place and the answer are the same."""
    shop.post("/v1/orders", json_order("W-1", clock()))
    [entry] = logged(shop, 1)
    words = shlex.split(entry["curl"].replace("\\\n", " "))
    assert words[:4] == ["curl", "-i", "-X", "POST"]
    assert words[4] == "http://127.0.0.1:8080/v1/orders"
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    assert headers["Authorization"] == "Bearer $TOKEN"
    assert headers["Idempotency-Key"] == "$(date +%s)-$RANDOM"  # with a customer who was replaced it is another request
    body = json.loads(words[words.index("--data-binary") + 1])
    again = {**body, "partner_order_id": "W-2"}
    assert shop.post("/v1/orders", again).status == 201


def test_pages_filters_and_the_newest_of_one_name(shop, logged):
    for _ in range(3):
        shop.call("GET", "/v1/orders", headers={"X-Request-Id": "same"})
    logged(shop, 3)
    first = shop.get("/v1/sandbox/requests?limit=2").json
    rest = shop.get(f"/v1/sandbox/requests?limit=2&after={first['next']}").json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert shop.get("/v1/sandbox/requests/same").json["id"] == first["items"][0]["id"]
    assert shop.get(f"/v1/sandbox/requests?problem=invalid&after={first['next']}").status == 400
    key = first["items"][0]["client_id"]
    assert len(shop.get(f"/v1/sandbox/requests?client_id={key}").json["items"]) == 3
    assert shop.get("/v1/sandbox/requests?client_id=stk_test_other").json["items"] == []


def test_nobody_sees_what_somebody_else_asked(api, shop, logged):
    shop.get("/v1/orders")
    [entry] = logged(shop, 1)
    other = api.caller("brack")
    assert other.get("/v1/sandbox/requests").json["items"] == []
    assert other.get(f"/v1/sandbox/requests/{entry['id']}").status == 404
    assert other.get(f"/v1/sandbox/requests/{entry['request_id']}").status == 404


def test_live_requests_are_not_written_down_and_live_keys_are_refused(api, shop, clock, runtime, logged):
    live = api.caller("demo", "live")
    assert live.post("/v1/orders", json_order("W-1", clock())).status == 201
    refused = live.get("/v1/sandbox/requests")
    assert (refused.status, refused.json["code"]) == (403, "sandbox-only")
    shop.get("/v1/orders")
    [entry] = logged(shop, 1)
    assert entry["operation"] == "list_orders"
    assert count(runtime) == 1


def test_what_is_old_or_too_much_is_deleted_in_batches(shop, runtime, clock, monkeypatch):
    monkeypatch.setattr(service, "MOST", 3)
    monkeypatch.setattr(service, "AT_ONCE", 2)
    with runtime.sessions.begin() as session:
        for place in range(8):
            session.add(row(clock() - timedelta(days=31 if place < 3 else 1), "stk_test_a"))
        for _ in range(2):
            session.add(row(clock(), "stk_test_b"))
    service.sweep(runtime)
    with runtime.sessions() as session:
        left = session.execute(text("SELECT client_id, count(*) FROM request_log GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(one) for one in left] == [("stk_test_a", 3), ("stk_test_b", 2)]


def row(at, client_id):
    return RequestRecord(
        id=new_id("rql", at),
        partner_id="ptn_1",
        environment="sandbox",
        client_id=client_id,
        request_id="r",
        at=at,
        operation="list_orders",
        method="GET",
        path="/v1/orders",
        replayed=False,
        status=200,
        duration_ms=1.0,
        sent_bytes=0,
        answered_bytes=0,
        redacted=[],
        mentioned=[],
    )
