"""What the log says of deliveries: which, how, how long; never what was sent, nor by what secret."""

import json

import pytest

from gateway.worker.process import courier_of
from tests.support.api import Api
from tests.support.logs import logged
from tests.support.orders import json_order
from tests.support.outbox import eventually
from tests.support.receiver import NO_CONTENT, Receiver, answer
from webhooks.transport import Transport

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_good_and_failing_deliveries_tell_ids_and_figures_and_no_secret(api: Api, receiver: Receiver, clock) -> None:
    receiver.behave = lambda n: answer("500 Oops", body=b"canary-answer") if n % 2 else NO_CONTENT
    order = json_order("canary-number", clock(), notes="canary-note")
    order["customer"] |= {"family_name": "Canaryname", "email": "canary@example.ch"}
    transport = Transport(allow=api.runtime.settings.egress_allow)
    with logged("DEBUG") as stream:
        shop = api.caller("demo")
        made = shop.post(
            "/v1/webhook-endpoints",
            {
                "url": f"{receiver.url}?key=canary-key",
                "authentication": {"scheme": "bearer", "token": "canary-token"},
                "description": "canary-description",
            },
        )
        assert made.status == 201, made.body
        placed = shop.post("/v1/orders", order, traceparent=f"00-{TRACE}-b7ad6b7169203331-01").json
        shop.post("/v1/orders", {**order, "lines": "canary-lines"})
        courier = courier_of(api.runtime, transport)
        courier.start()
        courier.ring()
        try:
            lines = eventually(lambda: both(attempts(stream.getvalue())))
        finally:
            courier.stop()
            courier.join()
            transport.close()
    written = stream.getvalue()
    assert [
        line for line in written.splitlines() if not {"time", "level", "logger", "message"} <= set(json.loads(line))
    ] == []
    job = placed["jobs"][0]["id"]
    good, bad = ([one for one in lines if ("reason" in one) is failed] for failed in (False, True))
    assert {(one["level"], one["status"]) for one in good} == {("debug", 204)}
    assert {(one["level"], one["status"], one["reason"]) for one in bad} == {("info", 500, "unexpected_status")}
    assert {one["endpoint_id"] for one in lines} == {made.json["id"]}
    assert {(one["subject"], one.get("trace_id")) for one in lines} == {(made.json["id"], None), (job, TRACE)}
    assert all(one["message_id"].startswith("whm_") and one["event_id"].startswith("evt_") for one in lines)
    assert all(one["attempt"] == 1 and one["duration_ms"] >= 0 for one in lines)
    secrets = ("canary", made.json.get("secret") or "whsec_", shop.token, "Bearer ", order["customer"]["phone"])
    assert [secret for secret in secrets if secret.lower() in written.lower()] == []


def test_a_line_of_a_request_says_which(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ops.api.ALIVE", object())
    asked = {"X-Request-Id": "ours-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    with logged("INFO") as stream:
        assert api.call("GET", "/healthz/live", headers=asked).status == 500
    [line] = [json.loads(one) for one in stream.getvalue().splitlines()]
    assert (line["request_id"], line["trace_id"]) == ("ours-1", TRACE)


def attempts(written: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in written.splitlines()]
    return [line for line in lines if line["message"] == "webhook_attempt"]


def both(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    """Once there are attempts that went well and others that did not."""
    return lines if {"reason" in one for one in lines} == {True, False} else []
