"""Every operation of the whole API: credentials of one environment neither read nor write a row of the other (O77)."""

import base64
import json
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from gateway import specification
from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.partners.tables import Partner
from gateway.tenant import Tenant
from tests.support.orders import json_order
from tests.support.rows import of_environment
from tests.support.tmforum import order as tmf_order

DOCUMENT = specification.document()
METHODS = ("get", "post", "patch", "delete", "put")
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS and operation.get("security") != []
}
OTHER = {"sandbox": "live", "live": "sandbox"}
# Who calls what; everything else is the shop's.
CALLERS = {"/fulfilment/": "dispatch", "/tmf-api/": "swisscom", "/google/": "google"}
# What is there in both environments, and what would be in the answer if it were read.
SLUGS = ("demo", "swisscom", "google")


@dataclass
class Inhabited:
    """An environment with something of everything in it: by their path parameters, and all that nobody else may see."""

    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def add(self, slug, name, value):
        self.objects.setdefault(slug, {})[name] = value
        self.marks.add(value)


def inhabit(api, clock, callers, environment):
    made = Inhabited()
    for slug in SLUGS:
        caller = callers[slug, environment]
        answer = caller.post("/v1/webhook-endpoints", {"url": f"http://127.0.0.1:9/{environment}"})
        made.add(slug, "endpoint_id", answer.json["id"])
        mine = json_order("W-1", clock(), customer={"family_name": f"Only{environment}"})
        placed = caller.post("/v1/orders", mine).json
        made.add(slug, "order_id", placed["id"])
        made.add(slug, "job_id", placed["jobs"][0]["id"])
        events = caller.get(f"/v1/jobs/{placed['jobs'][0]['id']}/events").json["items"]
        made.add(slug, "event_id", events[0]["id"])
        made.add(slug, "consumer", f"reader-of-{environment}")
        cursor = {"cursor": caller.get("/v1/events").json["next"]}
        assert caller.post(f"/v1/events/consumers/reader-of-{environment}/ack", cursor).status == 200
        deliveries = caller.get(f"/v1/webhook-endpoints/{answer.json['id']}/deliveries").json["items"]
        made.add(slug, "delivery_id", deliveries[0]["id"])
        asked = caller.call("GET", "/v1/orders", headers={"X-Request-Id": f"asked-in-{environment}-by-{slug}"})
        made.add(slug, "request_id", asked.headers["x-request-id"])
        since = {"since": "2026-01-01T00:00:00Z"}
        recovery = caller.post(f"/v1/webhook-endpoints/{answer.json['id']}/recover", since).json
        made.add(slug, "recovery_id", recovery["id"])
        made.marks.add(f"Only{environment}")
    if environment == "sandbox":
        shop = callers["demo", environment]
        made.add("demo", "key_id", shop.post("/v1/sandbox/keys", {"label": "Ada"}).json["id"])
        run = shop.post("/v1/sandbox/scenarios/happy_path/run", {"pace": "realtime"}).json
        made.add("demo", "run_id", run["id"])
        chaos = shop.post("/v1/sandbox/chaos", {"kind": "unavailable", "path": "/nowhere"}).json
        made.add("demo", "chaos_id", chaos["id"])
        made.add("demo", "checkpoint_id", shop.post("/v1/sandbox/checkpoints").json["id"])
    return made


def basic(runtime, environment):
    with runtime.sessions.begin() as session:
        partner_id = session.scalars(select(Partner.id).where(Partner.slug == "google")).one()
        new = NewConnection(tenant=Tenant(partner_id, environment), door="google", name=environment, secret="s3cret")
        connections.add(session, runtime.vault, new, "google_booking", runtime.clock())
    return "Basic " + base64.b64encode(f"{environment}:s3cret".encode()).decode()


def example(schema):
    """A small value that a schema takes: what is required, and nothing else."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example(DOCUMENT["components"]["schemas"][name])
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: example(schema["properties"][name]) for name in schema.get("required", ())}
    if schema.get("type") == "array":
        return [example(schema["items"])]
    return {"integer": 1, "boolean": True}.get(schema.get("type"), "2026-01-20T08:00:00+01:00")


BODIES = {
    "create_order": lambda clock, its: json_order("W-9", clock()),
    "receive": lambda clock, its: json_order("W-8", clock()),
    "create_webhook_endpoint": lambda clock, its: {"url": "http://127.0.0.1:9/mine"},
    "run_sandbox_job": lambda clock, its: {"until": "completed"},
    "run_sandbox_scenario": lambda clock, its: {},
    "tmf_create_service_order": lambda clock, its: tmf_order(),
    "tmf_cancel_service_order": lambda clock, its: {"serviceOrder": {"id": its["order_id"]}},
    "google_update_booking": lambda clock, its: {"booking": {"booking_id": its["order_id"], "status": "CANCELED"}},
    "google_get_booking_status": lambda clock, its: {"booking_id": its["order_id"]},
}


def body(operation_id, operation, clock, its):
    content = operation.get("requestBody", {}).get("content")
    if not content:
        return None
    if operation_id in BODIES:
        return BODIES[operation_id](clock, its)
    return example(content["application/json"]["schema"]) if "application/json" in content else {}


OF_SANDBOXES = ("run_id", "key_id", "chaos_id", "checkpoint_id")


def address(path, slug, its):
    """The path to the other environment's things, and whether it leads to any."""
    named = {**its, "partner": slug, "scenario": "happy_path", "code": "invalid"}
    named["id"] = its["endpoint_id"] if "/hub/" in path else its["order_id"]
    parameters = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    missing = [name for name in parameters if name not in named and name not in OF_SANDBOXES]
    assert missing == [], f"{path}: there is no object here for {missing}; make one in `inhabit`"
    values = {name: named.get(name, f"{name}_of_nobody") for name in parameters}
    return path.format(**values), bool(set(parameters) - {"partner", "scenario", "code"})


@pytest.mark.parametrize("mine", ["sandbox", "live"])
def test_no_operation_reads_or_writes_a_row_of_the_other_environment(api, runtime, clock, mine):
    theirs = OTHER[mine]
    callers = {(slug, one): api.caller(slug, one) for slug in (*SLUGS, "dispatch") for one in OTHER}
    made = {one: inhabit(api, clock, callers, one) for one in OTHER}
    authorization = {"google": basic(runtime, mine)}
    with runtime.sessions() as session:
        before = of_environment(session, theirs)
    succeeded = set()
    for operation_id, (method, path, operation) in OPERATIONS.items():
        slug = next((slug for prefix, slug in CALLERS.items() if path.startswith(prefix)), "demo")
        its = made[theirs].objects.get(slug, made[theirs].objects["demo"])
        url, leads_there = address(path, slug, its)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": authorization[slug]} if slug in authorization else {}
        document = body(operation_id, operation, clock, its)
        encoded = None if document is None else json.dumps(document).encode()
        answer = callers[slug, mine].call(method, url, encoded, headers if encoded or slug in authorization else {})
        assert answer.status < 500, (operation_id, answer.body)
        if answer.status < 300:
            succeeded.add(operation_id)
        assert not (leads_there and answer.status < 300), (operation_id, answer.body)
        told = answer.body.decode()
        # What a caller asked for itself stands in the log of its own requests, whosever it is.
        if operation_id != "list_sandbox_requests":
            assert [mark for mark in made[theirs].marks if mark in told] == [], operation_id
        with runtime.sessions() as session:
            assert of_environment(session, theirs) == before, operation_id
        if path.startswith("/v1/sandbox/") and mine == "live":
            assert (answer.status, answer.json["code"]) == (403, "sandbox-only"), operation_id
    read = {"list_orders", "list_jobs", "list_events", "list_webhook_endpoints", "list_fulfilment_jobs"}
    written = {"create_order", "create_webhook_endpoint", "receive"}
    sandbox = {"list_sandbox_runs", "create_sandbox_key", "run_sandbox_scenario", "reset_sandbox", "list_sandbox_keys"}
    sandbox |= {"change_sandbox_clock", "start_sandbox_chaos", "stop_all_sandbox_chaos", "read_sandbox_inbox"}
    sandbox |= {"create_sandbox_checkpoint", "list_sandbox_checkpoints"}
    expected = read | written | (sandbox if mine == "sandbox" else set())
    assert expected <= succeeded, expected - succeeded


def test_everything_of_the_sandbox_asks_for_its_scope_and_for_nothing_else():
    found = {path: operation for _, path, operation in OPERATIONS.values() if path.startswith("/v1/sandbox/")}
    assert len(found) > 8
    assert {path for path, operation in found.items() if operation["security"] != [{"oauth": ["sandbox"]}]} == set()
    others = [name for name, (_, path, one) in OPERATIONS.items() if {"oauth": ["sandbox"]} in one["security"]]
    assert [name for name in others if not OPERATIONS[name][1].startswith("/v1/sandbox/")] == []


def test_live_credentials_are_refused_with_the_reason_whatever_their_scopes(api):
    for scopes in ((), ("orders:read",), ("sandbox",)):
        refused = api.caller("demo", "live", *scopes).get("/v1/sandbox/scenarios")
        assert (refused.status, refused.json["code"]) == (403, "sandbox-only")
        assert "stk_test_" in refused.json["detail"]


def test_without_the_scope_the_sandbox_is_closed(api):
    refused = api.caller("demo", "sandbox", "orders:read").get("/v1/sandbox/scenarios")
    assert (refused.status, refused.json["code"]) == (403, "insufficient-scope")
