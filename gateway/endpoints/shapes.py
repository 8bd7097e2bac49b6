"""The shapes of our own events: whole or thin, bare or as a CloudEvent (CloudEvents 1.0, JSON format)."""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.objects import minified
from webhooks.outbox import Payload

JSON = "application/json"
CLOUDEVENTS = "cloudevents"
SHAPES = frozenset({"plain", "plain.thin", CLOUDEVENTS, f"{CLOUDEVENTS}.thin"})

CAP = 20 * 1024
"""Bytes. What is larger is sent thin: many a receiver refuses it, and all of it is behind the link."""


def shaped(body: bytes, shape: str) -> Payload:
    """An event in one of the `SHAPES`. `body` is all of it, in plain JSON, as `GET /v1/events` has it."""
    if shape == "plain" and len(body) <= CAP:
        return Payload(body=body, media_type=JSON)
    event = orjson.loads(body)
    form, _, content = shape.partition(".")
    whole = None if content else _payload(form, body, event)
    if whole is None or len(whole.body) > CAP:
        return _payload(form, minified(_thin(event)), event)
    return whole


def service(body: bytes) -> str | None:
    """The service of the job that an event is about."""
    found: str | None = orjson.loads(body)["data"]["job"]["service"]
    return found


def _thin(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What happened to which job, and where to read the rest. What is said of an endpoint is short as it is."""
    data = event["data"]
    if "job" not in data:
        return event
    job = {name: data["job"][name] for name in ("id", "order_id", "partner_order_id")}
    links = {"event": f"/v1/events/{event['id']}", "job": f"/v1/jobs/{job['id']}"}
    return {**event, "data": {"sequence": data["sequence"], "job": job, "links": links}}


def _payload(form: str, body: bytes, event: Mapping[str, Any]) -> Payload:
    """Bare, or in the structured mode, where the event stands byte for byte."""
    if form != CLOUDEVENTS:
        return Payload(body=body, media_type=JSON)
    job, endpoint = event["data"].get("job"), event["data"].get("webhook_endpoint")
    head = {
        "specversion": "1.0",
        "id": event["id"],
        "source": "/v1/jobs" if job else "/v1/webhook-endpoints",
        "type": event["type"],
        "subject": (job or endpoint)["id"],
        "time": event["timestamp"],
        "datacontenttype": JSON,
    }
    return Payload(body=minified(head)[:-1] + b',"data":' + body + b"}", media_type="application/cloudevents+json")
