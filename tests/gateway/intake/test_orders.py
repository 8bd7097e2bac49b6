"""`POST /v1/orders`, through the whole application."""

import copy
import json

import pytest
from sqlalchemy import delete, func, select

from adapters.canonical import JobState
from gateway.catalogue.tables import PartnerArticle
from gateway.crypto import Place
from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Job, JobEvent, Order
from tests.support.orders import json_order
from tests.support.statements import noted
from webhooks import tables


def count(runtime, table) -> int:
    with runtime.sessions() as session:
        return session.scalar(select(func.count()).select_from(table))


def messages(runtime) -> list[InboundMessage]:
    with runtime.sessions() as session:
        return list(session.scalars(select(InboundMessage).order_by(InboundMessage.id)))


@pytest.fixture
def shop(api):
    return api.caller("demo")


def test_an_order_becomes_one_scheduled_job(shop, clock):
    answer = shop.post("/v1/orders", json_order("W-1", clock()))
    assert answer.status == 201, answer.body
    order = answer.json
    assert answer.headers["location"] == f"/v1/orders/{order['id']}"
    assert order["status"] == "scheduled"
    assert order["customer"]["phone"] == "+41791234567"
    [job] = order["jobs"]
    assert (job["state"], job["service"], job["sequence"]) == ("scheduled", "tv.wall_mount_l", 2)
    assert job["window"] == {
        "start": "2026-01-21T08:00:00+01:00",
        "end": "2026-01-21T12:00:00+01:00",
        "timezone": "Europe/Zurich",
    }
    assert {"event": "job.cancelled"}.items() <= job["actions"][-1].items()


def test_order_jobs_events_and_message_are_stored_together(shop, runtime, clock):
    answer = shop.post("/v1/orders", json_order("W-1", clock()))
    assert [count(runtime, table) for table in (Order, Job, JobEvent, InboundMessage)] == [1, 1, 2, 1]
    [message] = messages(runtime)
    assert (message.outcome, message.order_id) == ("accepted", answer.json["id"])


def test_the_raw_message_is_kept_encrypted_byte_for_byte(shop, runtime, clock):
    order = json_order("W-1", clock())
    shop.post("/v1/orders", order)
    [message] = messages(runtime)
    assert b"Beispiel" not in message.body
    place = Place(message.partner_id, "inbound_message", message.id, "body")
    assert b'"family_name": "Beispiel"' in runtime.vault.decrypt(message.body, place)


def test_the_same_key_and_body_replay_the_stored_answer(shop, runtime, clock):
    order = json_order("W-1", clock())
    first = shop.post("/v1/orders", order, Idempotency_Key="k")
    clock.advance(60)
    again = shop.post("/v1/orders", order, Idempotency_Key="k")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert count(runtime, Order) == 1


def test_a_quoted_key_is_the_bare_one(shop, clock):
    order = json_order("W-1", clock())
    shop.post("/v1/orders", order, Idempotency_Key='"k"')
    assert shop.post("/v1/orders", order, Idempotency_Key="k").headers["idempotency-replayed"] == "true"


def test_the_same_key_with_another_body_is_refused(shop, clock):
    shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k")
    answer = shop.post("/v1/orders", json_order("W-2", clock()), Idempotency_Key="k")
    assert (answer.status, answer.json["code"]) == (422, "idempotency-key-reused")


def test_another_partners_same_key_is_another_key(api, clock):
    order = json_order("W-1", clock())
    answers = [api.caller(slug).post("/v1/orders", order, Idempotency_Key="k") for slug in ("demo", "brack")]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json["id"] != answers[1].json["id"]


def test_a_missing_key_is_a_400_that_says_what_to_send(api, shop, clock):
    method, url, body, headers = shop.request("POST", "/v1/orders", json_order("W-1", clock()))
    del headers["Idempotency-Key"]
    answer = api.call(method, url, body, headers)
    assert (answer.status, answer.json["code"]) == (400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["", "x" * 256, "white space", "ümlaut", '"open'])
def test_a_key_that_is_no_key_is_a_400(shop, clock, key):
    answer = shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key=key)
    assert answer.status == 400
    assert key not in answer.body.decode() or key == ""


def test_a_refused_order_leaves_its_key_free(shop, clock):
    bad = json_order("W-1", clock(), notes=7)
    assert shop.post("/v1/orders", bad, Idempotency_Key="k").status == 422
    assert shop.post("/v1/orders", json_order("W-1", clock()), Idempotency_Key="k").status == 201


def test_the_same_content_under_another_key_is_the_same_order(shop, runtime, clock):
    order = json_order("W-1", clock())
    first = shop.post("/v1/orders", order)
    again = shop.post("/v1/orders", order)
    assert (again.status, again.json) == (200, first.json)
    assert count(runtime, Job) == 1


def test_other_content_is_a_409_that_names_the_differences(shop, runtime, clock):
    order = json_order("W-1", clock())
    placed = shop.post("/v1/orders", order).json
    other = copy.deepcopy(order)
    other["customer"]["family_name"] = "Meier"
    other["lines"][0]["price"]["amount"] = "150.00"
    answer = shop.post("/v1/orders", other)
    assert (answer.status, answer.json["code"]) == (409, "order-differs")
    assert answer.pointers == ["/customer/family_name", "/lines/0/price/amount"]
    assert answer.json["order_id"] == placed["id"]
    assert b"Meier" not in answer.body
    assert [message.outcome for message in messages(runtime)] == ["accepted", "refused"]


def test_fifty_at_once_with_one_key_are_one_order_and_its_replays(shop, api, runtime, clock):
    """R27"""
    request = shop.request("POST", "/v1/orders", json_order("W-1", clock()), {"Idempotency-Key": "k"})
    answers = api.together(*[request] * 50)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert count(runtime, Order) == 1


def test_fifty_at_once_with_their_own_keys_are_one_order(shop, api, runtime, clock):
    """R27"""
    order = json_order("W-1", clock())
    answers = api.together(*(shop.request("POST", "/v1/orders", order) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert [count(runtime, Order), count(runtime, Job), count(runtime, JobEvent)] == [1, 1, 2]


def test_what_changed_since_the_last_order_is_seen_by_the_next(shop, runtime, clock):
    """Endpoints and articles are remembered from order to order, and never wrongly."""
    shop.post("/v1/orders", json_order("W-1", clock()))
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    before = count(runtime, tables.Message)
    assert shop.post("/v1/orders", json_order("W-2", clock())).status == 201
    assert count(runtime, tables.Message) == before + 2
    with runtime.sessions.begin() as session:
        session.execute(delete(PartnerArticle))
    answer = shop.post("/v1/orders", json_order("W-3", clock()))
    assert (answer.status, answer.json["status"]) == (201, "rejected")
    assert count(runtime, tables.Message) == before + 4
    assert count(runtime, Order) == 3


def test_a_new_order_is_one_statement(api, runtime, clock):
    shop = api.caller("demo", "live")  # what is asked in the sandbox is logged besides
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    shop.post("/v1/orders", json_order("W-1", clock()))
    with noted(runtime.engine) as statements:
        assert shop.post("/v1/orders", json_order("W-2", clock())).status == 201
    assert len([one for one in statements if "oauth" not in one]) == 1


def test_an_unknown_sku_rejects_its_line_only(shop, clock):
    order = json_order("W-1", clock())
    order["lines"].append({"line_id": "20", "sku": "NO-SUCH"})
    jobs = shop.post("/v1/orders", order).json["jobs"]
    assert [job["state"] for job in jobs] == ["scheduled", "rejected"]
    assert jobs[1]["reason"] == {"code": "unknown_service", "group": "intake", "fault": "partner", "text": None}


def test_our_own_service_code_names_a_service(shop, clock):
    lines = [{"line_id": "1", "service": "net.router_install"}, {"line_id": "2", "service": "no.such"}]
    jobs = shop.post("/v1/orders", json_order("W-1", clock(), lines=lines)).json["jobs"]
    assert [(job["service"], job["state"]) for job in jobs] == [
        ("net.router_install", JobState.UNSCHEDULED),
        (None, JobState.REJECTED),
    ]


def test_a_quantity_makes_as_many_jobs(shop, clock):
    lines = [{"line_id": "1", "sku": "SVC-NET-SETUP", "quantity": 3}]
    jobs = shop.post("/v1/orders", json_order("W-1", clock(), lines=lines)).json["jobs"]
    assert [job["unit"] for job in jobs] == [1, 2, 3]


def test_schema_and_reader_report_every_fault_at_once(shop, runtime, clock):
    order = json_order("W-1", clock(), surprise=1)
    order["service_address"]["country"] = "Switzerland"
    order["customer"]["phone"] = "x"
    order["customer"]["email"] = "not-an-address"
    order["lines"][0]["quantity"] = 0
    order["lines"][0]["requested_windows"][0]["start"] = "2026-01-21T08:00:00"
    answer = shop.post("/v1/orders", order)
    assert answer.status == 422
    assert set(answer.pointers) == {
        "/surprise",
        "/service_address/country",
        "/customer/phone",
        "/customer/email",
        "/lines/0/quantity",
        "/lines/0/requested_windows/0/start",
    }
    for sent in (b"Switzerland", b"not-an-address", b"Beispiel"):
        assert sent not in answer.body
    [message] = messages(runtime)
    assert message.outcome == "refused"
    assert len(message.problems) == 6
    assert count(runtime, Order) == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": ',
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{} {}",
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 1000 + b"]" * 1000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_an_order_is_never_a_500(shop, body):
    """I1"""
    answer = shop.call("POST", "/v1/orders", body, {"Content-Type": "application/json"})
    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_json_order_that_cannot_be_read_is_not_stored(shop, runtime):
    assert shop.call("POST", "/v1/orders", b"{", {"Content-Type": "application/json"}).status == 400
    assert messages(runtime) == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/jsonx"])
def test_another_media_type_is_a_415(shop, content_type):
    """C8"""
    answer = shop.call("POST", "/v1/orders", b"{}", {"Content-Type": content_type})
    assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")


def test_an_order_in_chunks_arrives_whole(api, shop, clock):
    """C2"""
    body = json.dumps(json_order("W-1", clock())).encode()
    _, _, _, headers = shop.request("POST", "/v1/orders")
    headers |= {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    pieces = [body[place : place + 100] for place in range(0, len(body), 100)]
    assert api.call("POST", "/v1/orders", None, headers, pieces).status == 201
