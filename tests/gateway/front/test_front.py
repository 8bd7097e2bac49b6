"""What every request meets before its handler, and how every error looks."""

import asyncio
import logging
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from gateway import errors
from gateway.app import OPERATIONS, PUBLIC
from gateway.front import SpecificationError, check_handlers
from gateway.guard import BodyGuard
from gateway.oauth.security import METHODS
from gateway.quota import Quota
from gateway.specification import served_by_connexion
from tests.support.api import running_api
from tests.support.orders import json_order

PROBLEM = "application/problem+json"


@pytest.fixture
def shop(api):
    return api.caller("demo")


def is_problem(answer, status, code):
    assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM), answer.body
    document = answer.json
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"].endswith(f"/problems/{code}")
    assert document["title"] == errors.CATALOGUE[code][1]
    assert document["request_id"] == answer.headers["x-request-id"]
    return True


def test_no_token_is_a_401_with_a_challenge(api):
    """O70"""
    answer = api.call("GET", "/v1/orders")
    assert is_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="stecker"'


EXACT = [
    (method.upper(), path)
    for path, item in served_by_connexion()["paths"].items()
    for method, operation in item.items()
    if "{" not in path and method in METHODS and operation["operationId"] not in PUBLIC
]


@pytest.mark.parametrize(("method", "path"), EXACT)
def test_what_is_looked_up_and_not_matched_asks_for_a_token_as_well(api, method, path):
    assert is_problem(api.call(method, path), 401, "unauthenticated")


def test_a_missing_scope_is_a_403_that_names_it(api):
    """O78"""
    answer = api.caller("demo", "sandbox", "orders:read").post("/v1/orders", {})
    assert is_problem(answer, 403, "insufficient-scope")
    assert 'scope="orders:write"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("url", ["/", "/v1", "/v2/orders", "/v1/orders/x/y", "/openapi.json", "/ui/", "/.git/config"])
def test_an_unknown_path_is_a_404(shop, url):
    """C17"""
    assert is_problem(shop.get(url), 404, "not-found")


@pytest.mark.parametrize("url", ["/v1/orders/", "/v1/orders/%2F", "/inbound/brack/", "/healthz/live/"])
def test_nobody_is_redirected_to_the_host_of_a_header(shop, url):
    answer = shop.call("POST", url, None, {"Host": "evil.example"})
    assert is_problem(answer, 404, "not-found")


def test_a_websocket_is_refused_before_it_is_accepted(api):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    api.loop.run_until_complete(api.app({"type": "websocket", "path": "/v1/orders", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close"}]


def test_a_name_that_nobody_asked_for_is_cut_short_in_its_pointer(shop, clock):
    name = "x" * 5000
    answers = [
        shop.post("/v1/orders", json_order("W-1", clock(), **{name: 1})),
        shop.post("/v1/webhook-endpoints", {"url": "https://shop.example.com/", name: 1}),
        shop.get(f"/v1/orders?{name}=1"),
    ]
    assert [[len(pointer) for pointer in answer.pointers] for answer in answers] == [[65], [65], [65]]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "TRACE"])
def test_another_method_is_a_405_with_what_is_allowed(shop, method):
    """O84"""
    answer = shop.call(method, "/v1/orders")
    assert is_problem(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))


def test_head_is_protected_like_get(api, shop):
    """O84"""
    assert api.call("HEAD", "/v1/orders").status == 401
    assert shop.call("HEAD", "/v1/orders").status == 200


def test_a_large_body_is_a_413_before_it_is_parsed(shop, clock):
    """C3"""
    answer = shop.post("/v1/orders", json_order("W-1", clock(), notes="x" * 3_000_000))
    assert is_problem(answer, 413, "too-large")


def test_a_large_body_in_chunks_is_a_413(api, shop):
    """C2, C3"""
    _, _, _, headers = shop.request("POST", "/v1/orders")
    answer = api.call("POST", "/v1/orders", None, headers | {"Content-Type": "application/json"}, [b"x" * 65536] * 40)
    assert is_problem(answer, 413, "too-large")


def test_a_compressed_body_is_a_415(shop):
    """I8"""
    answer = shop.call(
        "POST", "/v1/orders", b"\x1f\x8b", {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )
    assert is_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("url", ["/v1/orders?partner_order_id=%00", "/v1/jobs/%ff", "/v1/jobs/a%0ab"])
def test_an_address_that_is_not_text_is_a_400(shop, url):
    """C19"""
    answer = shop.get(url)
    assert is_problem(answer, 400, "bad-request")


def test_headers_over_the_limit_are_refused(shop):
    answer = shop.call("GET", "/v1/orders", None, {"X-Long": "x" * 40_000})
    assert is_problem(answer, 413, "too-large")


def test_a_body_that_does_not_arrive_is_a_408(monkeypatch):
    """A1"""
    monkeypatch.setattr("gateway.guard.BODY_SECONDS", 0.05)
    sent = []

    async def never():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def unreachable(scope, receive, send):
        raise AssertionError

    guard = BodyGuard(unreachable, base_url="http://x", new_request_id=lambda: "req_1", close=never)
    scope = {"type": "http", "headers": [], "path": "/", "query_string": b""}
    asyncio.run(guard(scope, never, send))
    assert sent[0]["status"] == 408


def test_a_request_id_of_the_client_is_taken_over_and_nonsense_is_not(shop):
    """I12"""
    assert shop.call("GET", "/v1/orders", None, {"X-Request-Id": "shop-42"}).headers["x-request-id"] == "shop-42"
    for bad in ("a b", "x" * 65, "<script>"):
        assert shop.call("GET", "/v1/orders", None, {"X-Request-Id": bad}).headers["x-request-id"].startswith("req_")


def test_answers_are_not_cached_and_say_what_is_left(shop):
    answer = shop.get("/v1/orders")
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert answer.headers["ratelimit-policy"] == '"minute";q=6000;w=60, "burst";q=500;w=1'
    assert answer.headers["ratelimit"].startswith('"')


def test_a_client_over_its_limit_waits_and_another_does_not(runtime):
    """T12"""
    slow = replace(runtime, settings=replace(runtime.settings, requests_per_minute=5, requests_burst=5))
    with running_api(slow) as api:
        one, other = api.caller("demo"), api.caller("demo")
        answers = [one.get("/v1/orders") for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert is_problem(answers[-1], 429, "too-many-requests")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert other.get("/v1/orders").status == 200


def test_the_limit_holds_for_requests_at_once(runtime):
    slow = replace(runtime, settings=replace(runtime.settings, requests_per_minute=20, requests_burst=500))
    with running_api(slow) as api:
        caller = api.caller("demo")
        answers = api.together(*[caller.request("GET", "/v1/orders")] * 30)
        assert sorted(answer.status for answer in answers) == [200] * 20 + [429] * 10


def test_without_redis_a_local_brake_holds(settings):
    """T13"""
    away = replace(settings, redis_url="redis://127.0.0.1:1/0", requests_per_minute=40, requests_burst=400)

    async def ask() -> int:
        quota = Quota(away)
        granted = 0
        try:
            for _ in range(40):
                await quota.take("client")
                granted += 1
        except errors.Problem:
            pass
        await quota.close()
        return granted

    assert asyncio.run(ask()) == 10


def test_health_needs_no_token(api, settings):
    """R22"""
    assert api.call("GET", "/healthz/live").json == {"status": "alive"}
    ready = api.call("GET", "/healthz/ready")
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert ready.json["checks"] == {"database": True, "migrated": True, "keys": True, "redis": True}


def test_without_redis_it_is_ready_and_degraded(runtime):
    """R22, R6"""
    away = replace(runtime, settings=replace(runtime.settings, redis_url="redis://127.0.0.1:1/0"))
    with running_api(away) as api:
        ready = api.call("GET", "/healthz/ready")
        assert (ready.status, ready.json["status"]) == (200, "degraded")
        shop = api.caller("demo")
        assert shop.post("/v1/orders", json_order("W-1", runtime.clock())).status == 201


def test_with_the_database_away_it_is_a_503_that_says_so(api, shop, clock, running_servers, database_url):
    """R7, O80"""
    name = database_url.rpartition("/")[2].partition("?")[0]
    with blocked(running_servers, name):
        answer = shop.post("/v1/orders", json_order("W-1", clock()))
        assert is_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert api.call("GET", "/healthz/ready").status == 503
        assert api.call("GET", "/healthz/live").status == 200
    assert shop.post("/v1/orders", json_order("W-1", clock())).status == 201


class blocked:
    """Nobody gets into this database for a while."""

    def __init__(self, servers, name):
        self.engine, self.name = create_engine(servers.postgres, isolation_level="AUTOCOMMIT"), name

    def __enter__(self):
        with self.engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                {"name": self.name},
            )

    def __exit__(self, *_):
        with self.engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true"))
        self.engine.dispose()


def test_nothing_personal_reaches_an_error_or_a_log(shop, clock, caplog):
    """C14, I19: one marked order in every wrong way."""
    caplog.set_level(logging.DEBUG)
    marks = ["Canaryname", "Canarystreet", "canary@example.ch", "canary-note"]
    order = json_order("W-1", clock(), notes="canary-note")
    order["customer"] |= {"family_name": "Canaryname", "email": "canary@example.ch"}
    order["service_address"]["street"] = "Canarystreet"
    bodies = [shop.post("/v1/orders", order).status and b""]
    other = {**order, "customer": {**order["customer"], "family_name": "Canaryname2"}}
    wrong = [
        other,
        {**order, "partner_order_id": 7},
        {**order, "service_address": {**order["service_address"], "street": "Canarystreet" * 50}},
        {**order, "customer": {**order["customer"], "email": "canary@example.ch canary-note"}},
        {**order, "lines": "canary-note"},
    ]
    for body in wrong:
        answer = shop.post("/v1/orders", body)
        assert 400 <= answer.status < 500
        bodies.append(answer.body)
    said = b"".join(bodies).decode() + caplog.text
    assert not [mark for mark in marks if mark in said]


def test_every_operation_has_its_handler_and_numbers_in_a_path_stop_the_start():
    """O82, O83"""
    ours = {"get": {"operationId": "get_live", "security": []}}
    check_handlers({"paths": {"/healthz/live": ours}}, OPERATIONS)
    with pytest.raises(SpecificationError, match="nobody: has no handler"):
        check_handlers({"paths": {"/x": {"get": {"operationId": "nobody"}}}}, OPERATIONS)
    numbered = {"parameters": [{"in": "path", "name": "n", "schema": {"type": "integer"}}], **ours}
    with pytest.raises(SpecificationError, match="not a string"):
        check_handlers({"paths": {"/x/{n}": numbered}}, OPERATIONS)


def test_the_tokens_of_oauth_are_served_beside(api):
    metadata = api.call("GET", "/.well-known/oauth-authorization-server").json
    assert metadata["issuer"] == api.runtime.settings.public_url
    assert api.call("GET", "/.well-known/jwks.json").json["keys"][0]["alg"] == "ES256"
    answer = api.call("GET", "/oauth/token")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    query = api.call("POST", "/oauth/token?grant_type=client_credentials")
    assert (query.status, query.json["error"]) == (400, "invalid_request")
