"""The trace of a request goes with the webhooks that it causes; with tracing on each order has its span."""

import json

import pytest
from opentelemetry import trace as otel
from sqlalchemy import select

from tests.support.orders import json_order, opentrans
from tests.support.spans import tracing_on
from webhooks.tables import Payload

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")


@pytest.fixture
def shop(api):
    shop = api.caller("demo")
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    return shop


@pytest.fixture
def kept(runtime):
    """The headers of the payloads, oldest first."""

    def kept():
        with runtime.sessions() as session:
            return list(session.scalars(select(Payload.headers).order_by(Payload.id)))

    return kept


@pytest.fixture
def spans():
    with tracing_on() as found:
        yield found


def placed(shop, clock, number="W-1", **headers):
    answer = shop.post("/v1/orders", json_order(number, clock()), **headers)
    assert answer.status == 201, answer.body
    return answer.json


def test_the_trace_of_an_order_is_kept_with_its_webhooks(shop, clock, kept):
    before = len(kept())
    placed(shop, clock, traceparent=SAMPLED, tracestate="shop=4711")
    said = kept()[before:]
    assert said
    assert [one for one in said if one != {"traceparent": SAMPLED, "tracestate": "shop=4711"}] == []


def test_so_is_that_of_an_endpoint_with_its_greeting(shop, kept):
    made = {"url": "http://127.0.0.1:9/other"}
    assert shop.post("/v1/webhook-endpoints", made, traceparent=SAMPLED).status == 201
    assert kept() == [{}, {"traceparent": SAMPLED}]


def test_an_order_without_a_trace_or_with_a_bad_one_has_none(shop, clock, kept):
    placed(shop, clock)
    placed(shop, clock, "W-2", traceparent=SAMPLED.upper(), tracestate="shop=4711")
    assert [one for one in kept() if one] == []


def test_what_another_writes_into_its_state_is_not_told(api, shop, clock, kept):
    job = placed(shop, clock)["jobs"][0]["id"]
    before = len(kept())
    wish = {"to": "offered", "actor": "dispatch"}
    answer = api.caller("dispatch").post(
        f"/fulfilment/v1/jobs/{job}/transitions", wish, traceparent=SAMPLED, tracestate="dispatch=canary"
    )
    assert answer.status == 200, answer.body
    assert kept()[before:] == [{"traceparent": SAMPLED}]


def test_an_order_is_a_span_and_its_webhooks_are_for_it(shop, clock, kept, spans):
    before = len(kept())
    order = json_order("W-1", clock(), notes="canary-note")
    assert shop.post("/v1/orders", order, traceparent=SAMPLED).status == 201
    [span] = spans()
    assert (span.name, span.kind) == ("POST /v1/orders", otel.SpanKind.SERVER)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/orders",
        "url.path": "/v1/orders",
        "url.scheme": "http",
        "http.response.status_code": 201,
    }
    assert otel.format_span_id(span.parent.span_id) == PARENT
    named = f"00-{TRACE}-{otel.format_span_id(span.context.span_id)}-01"
    assert {one["traceparent"] for one in kept()[before:]} == {named}
    secrets = ("canary", shop.token, json.dumps(order["customer"]))
    assert [one for one in secrets if one in span.to_json()] == []


def test_a_refused_order_is_no_fault_of_ours_and_reading_is_no_span(shop, spans):
    assert shop.post("/v1/orders", {}).status == 422
    assert shop.get("/v1/orders").status == 200
    [span] = spans()
    assert (span.attributes["http.response.status_code"], span.status.status_code) == (422, otel.StatusCode.UNSET)


def test_a_document_at_a_door_is_a_span_within_that_of_its_request(api, spans):
    api.caller("brack").post("/inbound/brack", opentrans("4711", WINDOW), content_type="application/xml")
    document, request = spans()[-2:]
    assert (document.name, request.name) == ("take document", "POST /inbound/{partner}")
    assert document.parent.span_id == request.context.span_id
