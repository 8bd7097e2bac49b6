"""Events whole or thin, bare or as CloudEvents, of every service or of some."""

import json

import pytest
from sqlalchemy import select

from gateway.endpoints import shapes
from tests.support.orders import json_order
from webhooks.tables import Message, Payload

URL = "http://127.0.0.1:9999/hook"


@pytest.fixture
def shop(api):
    return api.caller("demo")


def add(caller, **wish):
    answer = caller.post("/v1/webhook-endpoints", {"url": URL, **wish})
    assert answer.status == 201, answer.body
    return answer.json["id"]


def order(caller, clock, number="W-1", service=None):
    document = json_order(number, clock())
    if service is not None:
        del document["lines"][0]["sku"]
        document["lines"][0]["service"] = service
    answer = caller.post("/v1/orders", document)
    assert answer.status == 201, answer.body
    return answer.json["jobs"][0]


def heard(runtime, endpoint_id, kind="job.received"):
    """What waits for this endpoint: media types and documents."""
    wanted = (
        select(Payload.media_type, Payload.body)
        .join(Message, Message.payload_id == Payload.id)
        .where(Message.endpoint_id == endpoint_id, Message.event_type == kind)
        .order_by(Message.position)
    )
    with runtime.sessions() as session:
        return [(media_type, json.loads(body)) for media_type, body in session.execute(wanted)]


def test_a_thin_event_says_what_happened_to_which_job_and_where_to_read_the_rest(shop, runtime, clock):
    endpoint_id = add(shop, content="thin")
    job = order(shop, clock)
    [(media_type, event)] = heard(runtime, endpoint_id)
    assert media_type == "application/json"
    assert event["data"]["job"] == {name: job[name] for name in ("id", "order_id", "partner_order_id")}
    whole = shop.get(event["data"]["links"]["event"]).json
    assert {**event, "data": ...} == {**whole, "data": ...}
    assert whole["data"]["job"]["state"] == "received"
    assert shop.get(event["data"]["links"]["job"]).json["id"] == job["id"]


@pytest.mark.parametrize("content", ["full", "thin"])
def test_a_cloudevent_has_our_event_as_its_data(shop, runtime, clock, content):
    plain, wrapped = add(shop, content=content), add(shop, content=content, format="cloudevents")
    job = order(shop, clock)
    [(_, event)] = heard(runtime, plain)
    [(media_type, cloudevent)] = heard(runtime, wrapped)
    assert media_type == "application/cloudevents+json"
    assert cloudevent == {
        "specversion": "1.0",
        "id": event["id"],
        "source": "/v1/jobs",
        "type": "job.received",
        "subject": job["id"],
        "time": event["timestamp"],
        "datacontenttype": "application/json",
        "data": event,
    }


def test_the_test_message_of_such_an_endpoint_is_a_cloudevent(shop, runtime):
    endpoint_id = add(shop, format="cloudevents", content="thin")
    [(media_type, cloudevent)] = heard(runtime, endpoint_id, "webhook_endpoint.created")
    assert media_type == "application/cloudevents+json"
    assert (cloudevent["source"], cloudevent["subject"]) == ("/v1/webhook-endpoints", endpoint_id)
    assert cloudevent["data"]["data"]["webhook_endpoint"]["id"] == endpoint_id


@pytest.mark.parametrize("form", ["plain", "cloudevents"])
def test_what_is_too_large_is_sent_thin(shop, runtime, clock, monkeypatch, form):
    endpoint_id = add(shop, format=form)
    order(shop, clock, "W-1")
    monkeypatch.setattr(shapes, "CAP", 600)
    order(shop, clock, "W-2")
    whole, thin = (event.get("data") if form == "cloudevents" else event for _, event in heard(runtime, endpoint_id))
    assert "state" in whole["data"]["job"]
    assert "state" not in thin["data"]["job"]
    assert shop.get(thin["data"]["links"]["event"]).json["data"]["job"]["state"] == "received"


def test_only_events_of_the_services_asked_for_are_sent(shop, runtime, clock):
    endpoint_id = add(shop, services=["tv.wall_mount_s", "net.router_install"])
    every = add(shop)
    for number, service in enumerate(["tv.wall_mount_s", "tv.setup_basic", "net.router_install"]):
        order(shop, clock, f"W-{number}", service)
    named = [event["data"]["job"]["service"] for _, event in heard(runtime, endpoint_id)]
    assert named == ["tv.wall_mount_s", "net.router_install"]
    assert len(heard(runtime, every)) == 3
    shown = shop.call("PATCH", f"/v1/webhook-endpoints/{endpoint_id}", {"services": None}).json
    assert shown["services"] is None
    order(shop, clock, "W-9", "tv.setup_basic")
    assert len(heard(runtime, endpoint_id)) == 3


def test_a_service_that_is_none_is_refused(shop):
    """It would be an endpoint that hears nothing, and nobody would know why."""
    wish = {"url": "https://hooks.shop.example/", "services": ["net.router_install", "net.routers"]}
    refused = shop.post("/v1/webhook-endpoints", wish)
    assert (refused.status, refused.pointers) == (422, ["/services/1"])
    assert b"net.router_install" in refused.body
    assert shop.get("/v1/webhook-endpoints").json["items"] == []


def test_a_shape_can_be_changed(shop, runtime, clock):
    endpoint_id = add(shop)
    changes = {"content": "thin", "format": "cloudevents", "services": ["tv.wall_mount_s"]}
    shown = shop.call("PATCH", f"/v1/webhook-endpoints/{endpoint_id}", changes).json
    assert {name: shown[name] for name in changes} == changes


def test_a_dialect_has_no_thin_documents(api):
    brack = api.caller("brack")
    wish = {"url": URL, "format": "dialect", "content": "thin"}
    answer = brack.post("/v1/webhook-endpoints", wish)
    assert (answer.status, answer.pointers) == (422, ["/content"])
    endpoint_id = add(brack, format="dialect")
    answer = brack.call("PATCH", f"/v1/webhook-endpoints/{endpoint_id}", {"content": "thin"})
    assert (answer.status, answer.pointers) == (422, ["/content"])


def test_no_shape_is_written_that_nobody_wants(shop, runtime, clock):
    add(shop, content="thin")
    order(shop, clock)
    with runtime.sessions() as session:
        assert set(session.scalars(select(Payload.format))) == {"plain", "plain.thin"}  # the test message is plain
        assert session.scalars(select(Payload.format).where(Payload.event_id.in_(_told(session)))).all() == [
            "plain.thin",
            "plain.thin",
        ]


def _told(session):
    return session.scalars(select(Message.event_id).where(Message.event_type.like("job.%"))).all()
