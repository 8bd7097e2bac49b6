"""Webhook endpoints, as partners manage them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from tests.support.orders import json_order
from tests.support.system import eventually
from webhooks import endpoints
from webhooks.tables import Endpoint, Message, Payload
from webhooks.tenant import Tenant

URL = "http://127.0.0.1:9999/hook"


@pytest.fixture
def shop(api):
    return api.caller("demo")


@pytest.fixture
def endpoint(shop):
    return shop.post("/v1/webhook-endpoints", {"url": URL}).json


def sent(runtime, kind):
    with runtime.sessions() as session:
        return session.execute(select(Message, Payload).outerjoin(Payload).where(Message.event_type == kind)).all()


def test_an_endpoint_is_made_and_its_secret_shown_once(shop, runtime):
    answer = shop.post("/v1/webhook-endpoints", {"url": URL, "event_types": ["*"], "description": "shop"})
    assert answer.status == 201
    made = answer.json
    assert made["secret"].startswith("whsec_")
    assert answer.headers["location"] == f"/v1/webhook-endpoints/{made['id']}"
    assert {**made, "secret": ...} == {
        "id": made["id"],
        "url": URL,
        "event_types": ["*"],
        "services": None,
        "format": "plain",
        "content": "full",
        "signature": "v1",
        "secrets": [
            {
                "prefix": made["secret"][:10],
                "public_key": None,
                "created_at": made["created_at"],
                "expires_at": None,
                "last_used_at": None,
            }
        ],
        "authentication": {"scheme": "standard-webhooks"},
        "description": "shop",
        "ordered": True,
        "concurrency": None,
        "rate_per_second": None,
        "environment": "sandbox",
        "status": "enabled",
        "disabled_reason": None,
        "paused_until": None,
        "health": {
            "ratio": None,
            "attempts": 0,
            "failures": 0,
            "since": None,
            "last_success_at": None,
            "dead_letters": 0,
        },
        "created_at": made["created_at"],
        "secret": ...,
    }
    shown = shop.get(f"/v1/webhook-endpoints/{made['id']}").json
    assert "secret" not in shown
    with runtime.sessions() as session:
        assert made["secret"].encode() not in session.scalars(select(Endpoint.secret)).one()


def test_a_lost_answer_is_replayed_with_its_secret(shop):
    """R26: the stored body is encrypted, since it holds what is shown once."""
    first, again = (shop.post("/v1/webhook-endpoints", {"url": URL}, Idempotency_Key="k") for _ in range(2))
    assert again.json["secret"] == first.json["secret"]
    assert len(shop.get("/v1/webhook-endpoints").json["items"]) == 1


def test_a_test_message_goes_out_on_creation(shop, endpoint, runtime):
    [(message, payload)] = sent(runtime, "webhook_endpoint.created")
    assert (message.endpoint_id, message.status) == (endpoint["id"], "pending")
    assert endpoint["secret"].encode() not in payload.body
    [delivery] = shop.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries").json["items"]
    assert (delivery["type"], delivery["status"], delivery["attempts"]) == ("webhook_endpoint.created", "pending", [])


def test_each_event_of_a_job_becomes_a_message_in_its_transaction(shop, endpoint, runtime, clock):
    shop.post("/v1/orders", json_order("W-1", clock()))
    pushed = [payload.body for kind in ("job.received", "job.scheduled") for _, payload in sent(runtime, kind)]
    pulled = shop.get("/v1/events").body
    assert len(pushed) == 2
    assert all(body in pulled for body in pushed)


def test_only_the_types_asked_for_are_sent(shop, runtime, clock):
    shop.post("/v1/webhook-endpoints", {"url": URL, "event_types": ["job.scheduled"]})
    shop.post("/v1/orders", json_order("W-1", clock()))
    assert len(sent(runtime, "job.scheduled")) == 1
    assert sent(runtime, "job.received") == []


def test_a_dialect_endpoint_hears_its_own_language_and_nothing_it_has_no_word_for(api, runtime, clock):
    brack = api.caller("brack")
    assert brack.post("/v1/webhook-endpoints", {"url": URL, "format": "dialect"}).status == 201
    brack.post("/v1/orders", json_order("W-1", clock()))
    assert sent(runtime, "job.received") == []
    [(_, payload)] = sent(runtime, "job.scheduled")
    assert payload.media_type.startswith("application/xml")
    assert b"ORDERRESPONSE" in payload.body


def test_a_partner_without_a_dialect_cannot_ask_for_it(shop, runtime):
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE partner SET adapter = NULL WHERE slug = 'demo'"))
    answer = shop.post("/v1/webhook-endpoints", {"url": URL, "format": "dialect"})
    assert (answer.status, answer.pointers) == (422, ["/format"])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example.com/hook", "not_https"),
        ("https://10.0.0.1/hook", "host_is_address"),
        ("https://2130706433/", "host_is_address"),
        ("https://user:secret@shop.example.com/", "userinfo"),
        ("https://shop.example.com:22/", "port_not_allowed"),
        ("https://localhost.localdomain#x", "fragment"),
        ("ftp://shop.example.com/", "malformed"),
        ("https://intranet/", "host_not_qualified"),
    ],
)
def test_a_url_that_must_not_be_called_is_refused_with_its_reason(shop, url, code):
    """W1"""
    answer = shop.post("/v1/webhook-endpoints", {"url": url})
    assert answer.status == 422
    assert code in [fault["code"] for fault in answer.json["errors"]]
    assert url.encode() not in answer.body


def test_an_endpoint_is_changed_switched_off_and_deleted(shop, endpoint):
    url = f"/v1/webhook-endpoints/{endpoint['id']}"
    changed = shop.call("PATCH", url, {"event_types": ["job.completed"], "status": "disabled"}).json
    assert (changed["event_types"], changed["status"]) == (["job.completed"], "disabled")
    assert shop.call("PATCH", url, {"status": "enabled"}).json["disabled_reason"] is None
    assert shop.call("PATCH", url, {}).status == 422
    assert shop.call("DELETE", url).status == 204
    assert shop.get(url).status == 404
    assert shop.get("/v1/webhook-endpoints").json["items"] == []


def test_an_endpoint_says_how_much_it_takes(shop):
    wish = {"url": URL, "ordered": False, "concurrency": 4, "rate_per_second": 2.5}
    made = shop.post("/v1/webhook-endpoints", wish).json
    assert {name: made[name] for name in wish} == wish

    def changed(**wish):
        answer = shop.call("PATCH", f"/v1/webhook-endpoints/{made['id']}", wish)
        return answer.status, answer.json

    status, found = changed(concurrency=None, ordered=True)
    assert (status, found["concurrency"], found["rate_per_second"], found["ordered"]) == (200, None, 2.5, True)
    status, found = changed(rate_per_second=None)
    assert (status, found["rate_per_second"]) == (200, None)
    for wish in ({"concurrency": 0}, {"concurrency": 65}, {"rate_per_second": 0}, {"rate_per_second": 1001}):
        assert changed(**wish)[0] == 422


def test_an_endpoint_shows_that_it_is_left_alone(shop, endpoint, runtime):
    with runtime.sessions.begin() as session:
        session.execute(
            text("INSERT INTO webhook_gate (endpoint_id, open_until) VALUES (:id, '2031-01-02T03:04:05Z')"),
            {"id": endpoint["id"]},
        )
    place = f"/v1/webhook-endpoints/{endpoint['id']}"
    assert shop.get(place).json["paused_until"] == "2031-01-02T03:04:05+00:00"
    assert shop.get("/v1/webhook-endpoints").json["items"][0]["paused_until"] == "2031-01-02T03:04:05+00:00"


def test_another_tenants_endpoint_is_404(api, endpoint):
    """T1"""
    url = f"/v1/webhook-endpoints/{endpoint['id']}"
    for stranger in (api.caller("brack"), api.caller("demo", "live")):
        assert stranger.get(url).status == 404
        assert stranger.call("PATCH", url, {"status": "disabled"}).status == 404
        assert stranger.call("DELETE", url).status == 404
        assert stranger.get(f"{url}/deliveries").status == 404
        assert stranger.post(f"{url}/deliveries/whm_x/retry").status == 404
        assert stranger.get("/v1/webhook-endpoints").json["items"] == []


def test_endpoints_and_deliveries_are_paged(shop, endpoint, clock):
    for number in range(3):
        clock.advance(1)
        shop.post("/v1/webhook-endpoints", {"url": f"{URL}/{number}"})
    first = shop.get("/v1/webhook-endpoints?limit=3").json
    rest = shop.get(f"/v1/webhook-endpoints?limit=3&after={first['next']}").json
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [3, 1, None]
    shop.post("/v1/orders", json_order("W-1", clock()))
    url = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    newest = shop.get(f"{url}?limit=2").json
    oldest = shop.get(f"{url}?limit=2&after={newest['next']}").json
    types = [delivery["type"] for delivery in newest["items"] + oldest["items"]]
    assert types == ["job.scheduled", "job.received", "webhook_endpoint.created"]


def test_a_delivery_that_is_on_its_way_is_not_sent_twice(shop, endpoint):
    url = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    [delivery] = shop.get(url).json["items"]
    answer = shop.post(f"{url}/{delivery['id']}/retry")
    assert (answer.status, answer.json["status"]) == (202, "pending")
    assert shop.post(f"{url}/whm_unknown/retry").status == 404


def test_an_endpoint_that_is_being_deleted_is_not_enabled_again(shop, endpoint, runtime, clock):
    url = f"/v1/webhook-endpoints/{endpoint['id']}"
    shop.call("PATCH", url, {"status": "disabled"})
    with ThreadPoolExecutor(1) as pool:
        with runtime.sessions.begin() as session:
            owner = session.scalars(select(Endpoint.owner)).one()
            row = endpoints.get(session, Tenant(owner, "sandbox"), endpoint["id"], lock=True)
            enabled = pool.submit(shop.call, "PATCH", url, {"status": "enabled"})
            eventually(lambda: _somebody_waits(runtime), "the change waits")
            endpoints.delete(session, row, now=clock())
        assert enabled.result().status == 404
    with runtime.sessions() as session:
        assert session.scalars(select(Endpoint.status)).one() == "deleted"


def _somebody_waits(runtime):
    with runtime.sessions() as session:
        return session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
