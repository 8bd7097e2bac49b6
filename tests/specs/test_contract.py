"""Every operation of the specification, called once well and once without a token; answers as they are promised."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway import specification
from gateway.checks import _draft4
from tests.support.orders import json_order, opentrans
from tests.support.system import eventually

DOCUMENT = specification.document()
METHODS = ("get", "post", "patch", "delete", "put")
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}


def resolved(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            node: Any = DOCUMENT
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            return resolved(node)
        return {key: resolved(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [resolved(part) for part in schema]
    return schema


def holds(operation_id: str, answer) -> None:
    """The answer has a promised status, and its body the promised shape."""
    promised = OPERATIONS[operation_id][2]["responses"]
    assert str(answer.status) in promised, f"{operation_id}: {answer.status} is not promised: {answer.body!r}"
    content = resolved(promised[str(answer.status)]).get("content", {})
    media_type = answer.headers.get("content-type", "").split(";")[0]
    if not content:
        assert answer.body == b""
        return
    schema = content.get(media_type, content.get("*/*"))
    assert schema is not None, f"{operation_id}: {media_type} is not promised"
    if media_type.endswith("json"):
        validator = jsonschema_rs.Draft4Validator(_draft4(schema["schema"]), validate_formats=True)
        assert [error.message for error in validator.iter_errors(answer.json)] == [], operation_id


def test_every_operation_keeps_its_promise(api, clock):
    shop, brack, dispatch = api.caller("demo"), api.caller("brack"), api.caller("dispatch")
    kept: set[str] = set()

    def ask(caller, operation_id, url, body=None, **headers):
        method = OPERATIONS[operation_id][0].upper()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = caller.call(method, url, body, names) if caller else api.call(method, url, body, names)
        assert answer.status < 300, (operation_id, answer.body)
        holds(operation_id, answer)
        kept.add(operation_id)
        return answer.json if answer.body and answer.headers.get("content-type") == "application/json" else None

    order = ask(shop, "create_order", "/v1/orders", json_order("W-1", clock()))
    job = order["jobs"][0]["id"]
    ask(shop, "create_order", "/v1/orders", json_order("W-1", clock()))
    ask(shop, "list_orders", "/v1/orders")
    ask(shop, "get_order", f"/v1/orders/{order['id']}")
    ask(shop, "list_jobs", "/v1/jobs")
    ask(shop, "get_job", f"/v1/jobs/{job}")
    ask(shop, "list_job_events", f"/v1/jobs/{job}/events")
    event = ask(shop, "list_events", "/v1/events")["items"][0]
    ask(shop, "get_event", f"/v1/events/{event['id']}")
    cursor = shop.get("/v1/events?consumer=billing").json["next"]
    ask(shop, "acknowledge_events", "/v1/events/consumers/billing/ack", {"cursor": cursor})
    ask(shop, "list_event_consumers", "/v1/events/consumers")
    ask(shop, "forget_event_consumer", "/v1/events/consumers/billing")
    ask(shop, "get_lifecycle", "/v1/lifecycle")
    ask(dispatch, "list_fulfilment_jobs", "/fulfilment/v1/jobs")
    ask(dispatch, "get_fulfilment_job", f"/fulfilment/v1/jobs/{job}")
    wish = {"to": "offered", "actor": "dispatch", "note": "first round"}
    ask(dispatch, "transition_job", f"/fulfilment/v1/jobs/{job}/transitions", wish)
    ask(shop, "cancel_job", f"/v1/jobs/{job}/cancellation", {"reason": "changed_mind"})
    endpoint = ask(shop, "create_webhook_endpoint", "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    url = f"/v1/webhook-endpoints/{endpoint['id']}"
    ask(shop, "list_webhook_endpoints", "/v1/webhook-endpoints")
    ask(shop, "get_webhook_endpoint", url)
    ask(shop, "change_webhook_endpoint", url, {"description": "shop"})
    delivery = ask(shop, "list_deliveries", f"{url}/deliveries")["items"][0]
    ask(shop, "retry_delivery", f"{url}/deliveries/{delivery['id']}/retry")
    ask(shop, "rotate_webhook_secret", f"{url}/rotate-secret", {"signature": "v1a"})
    assert len(ask(None, "get_webhook_keys", "/.well-known/webhook-keys.json")["keys"]) == 1
    ask(shop, "list_dead_letters", f"{url}/dead-letters")
    begun = ask(shop, "recover_webhook_endpoint", f"{url}/recover", {"since": "2026-01-01T00:00:00Z"})
    ask(shop, "list_recoveries", f"{url}/recoveries")
    ask(shop, "get_recovery", f"{url}/recoveries/{begun['id']}")
    ask(shop, "cancel_recovery", f"{url}/recoveries/{begun['id']}/cancel")
    ask(shop, "delete_webhook_endpoint", url)
    ask(shop, "read_sandbox_inbox", "/v1/sandbox/inbox")
    receiver = {"url": "http://127.0.0.1:9/hook", "secret": endpoint["secret"]}
    ask(shop, "check_receiver", "/v1/sandbox/conformance", receiver)
    key = ask(shop, "create_sandbox_key", "/v1/sandbox/keys", {"label": "Ada"})
    ask(shop, "list_sandbox_keys", "/v1/sandbox/keys")
    ask(shop, "revoke_sandbox_key", f"/v1/sandbox/keys/{key['id']}")
    ask(shop, "list_sandbox_scenarios", "/v1/sandbox/scenarios")
    run = ask(shop, "run_sandbox_scenario", "/v1/sandbox/scenarios/happy_path/run?wait=0", {"pace": "realtime"})
    for verb in ("pause", "resume", "stop"):
        ask(shop, f"{verb}_sandbox_run", f"/v1/sandbox/runs/{run['id']}/{verb}")
    ask(shop, "get_sandbox_run", f"/v1/sandbox/runs/{run['id']}")
    ask(shop, "list_sandbox_runs", "/v1/sandbox/runs")
    job = run["jobs"][0]["id"]
    ask(shop, "list_sandbox_steps", f"/v1/sandbox/jobs/{job}/steps")
    ask(shop, "take_sandbox_step", f"/v1/sandbox/jobs/{job}/steps?wait=0", {"event": "job.offered"})
    ask(shop, "run_sandbox_job", f"/v1/sandbox/jobs/{job}/run?wait=0", {"until": "completed"})
    chaos = ask(shop, "start_sandbox_chaos", "/v1/sandbox/chaos", {"kind": "unavailable"})
    ask(shop, "list_sandbox_chaos", "/v1/sandbox/chaos")
    ask(shop, "stop_sandbox_chaos", f"/v1/sandbox/chaos/{chaos['id']}")
    ask(shop, "stop_all_sandbox_chaos", "/v1/sandbox/chaos")
    ask(shop, "change_sandbox_clock", "/v1/sandbox/clock?wait=0", {"action": "advance", "by": "PT1M"})
    ask(shop, "get_sandbox_clock", "/v1/sandbox/clock")
    asked = shop.get("/v1/orders").headers["x-request-id"]
    eventually(lambda: shop.get(f"/v1/sandbox/requests/{asked}").status == 200, "the request is in the log")
    ask(shop, "list_sandbox_requests", "/v1/sandbox/requests")
    ask(shop, "get_sandbox_request", f"/v1/sandbox/requests/{asked}")
    checkpoint = ask(shop, "create_sandbox_checkpoint", "/v1/sandbox/checkpoints", {"label": "before"})
    ask(shop, "list_sandbox_checkpoints", "/v1/sandbox/checkpoints")
    ask(shop, "reset_sandbox", "/v1/sandbox/reset", {"checkpoint": checkpoint["id"]})
    ask(shop, "delete_sandbox_checkpoint", f"/v1/sandbox/checkpoints/{checkpoint['id']}")
    window = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")
    ask(brack, "receive", "/inbound/brack", opentrans("4711", window), Content_Type="application/xml")
    ask(None, "list_problems", "/problems")
    ask(None, "get_problem", "/problems/invalid")
    told = "/inbound/logitech/fulfillment_order_notification"
    ask(api.caller("logitech"), "receive_notification", told, {"kind": "FULFILLMENT_REQUEST"})
    ask(None, "get_live", "/healthz/live")
    ask(None, "get_ready", "/healthz/ready")
    ask(api.caller("dispatch", "live", "ops"), "get_metrics", "/metrics")
    ask(None, "get_oauth_metadata", "/.well-known/oauth-authorization-server")
    ask(None, "get_jwks", "/.well-known/jwks.json")
    ours = {name for name, (_, _, operation) in OPERATIONS.items() if "x-dialect" not in operation}
    assert kept | {"issue_token"} == ours  # every caller above began with a token


def test_the_paths_of_a_standard_are_called_by_the_tests_of_their_doors():
    """Their answers are the standard's own, and held against its model where they are called."""
    doors = "".join(file.read_text() for file in Path(__file__).parents[1].glob("gateway/intake/test_*_door.py"))
    paths = {path for _, path, operation in OPERATIONS.values() if "x-dialect" in operation}
    assert [path for path in sorted(paths) if path.partition("{")[0].rstrip("/").rpartition("/")[2] not in doors] == []


def test_no_operation_but_the_public_ones_answers_without_a_token(api):
    """O70, O82"""
    for operation_id, (method, path, operation) in OPERATIONS.items():
        url = path.replace("{", "").replace("}", "")
        answer = api.call(method.upper(), url, {} if method in ("post", "patch") else None)
        if operation.get("security") == []:
            assert answer.status != 401 or operation_id == "issue_token"
            continue
        assert answer.status == 401, operation_id
        basic = {"google": []} in operation["security"]
        assert answer.headers["www-authenticate"].startswith("Basic" if basic else "Bearer")
        holds(operation_id, answer)


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_every_operation_promises_the_errors_that_everybody_can_get(operation_id):
    _, path, operation = OPERATIONS[operation_id]
    if operation.get("security") == [] or DOCUMENT["paths"][path].get("x-beside"):
        return
    promised = set(operation["responses"])
    assert {"401", "429", "503"} <= promised
    if "{" in path:
        assert "404" in promised
