"""Chaos on our own API: answers that get lost on a real wire, and bursts of refusals."""

import asyncio
import http.client
import json
import logging
import socket
import threading
from contextlib import closing, suppress

import pytest
import uvicorn

from gateway import asgi
from gateway.sandbox.chaos import service
from gateway.sandbox.chaos.requests import LOST
from gateway.wire import Protocol
from tests.support.orders import json_order
from tests.support.statements import noted
from tests.support.system import eventually

CHAOS = "/v1/sandbox/chaos"


@pytest.fixture
def port(runtime, shop):
    """An application of its own behind the server that it has in earnest."""
    with asgi.opened(runtime) as app, socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=Protocol, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


class Client:
    """A client with a socket of its own."""

    def __init__(self, port, caller):
        self.port, self.caller = port, caller

    def ask(self, method, path, document=None, key="key"):
        """Status, headers and document; raises what the socket says."""
        headers = {"authorization": f"Bearer {self.caller.token}", "content-type": "application/json"}
        headers |= {"idempotency-key": key} if method == "POST" else {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, None if document is None else json.dumps(document), headers)
            answer = connection.getresponse()
            body = answer.read()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                body and json.loads(body),
            )


@pytest.fixture
def client(port, shop):
    return Client(port, shop)


CUT = (http.client.RemoteDisconnected, ConnectionResetError)


def test_who_asks_again_with_the_key_after_a_lost_answer_ends_with_one_order(client, clock, caplog):
    caplog.set_level(logging.WARNING)
    assert client.ask("POST", CHAOS, {"kind": "lost_answer", "path": "/v1/orders"}, "c")[0] == 201
    order = json_order("W-1", clock())
    with pytest.raises(CUT):
        client.ask("POST", "/v1/orders", order, "try")
    status, headers, told = client.ask("POST", "/v1/orders", order, "try")
    assert (status, headers["idempotency-replayed"], "stecker-chaos" in headers) == (201, "true", False)
    [one] = client.ask("GET", "/v1/orders")[2]["items"]
    assert one["id"] == told["id"]

    def tries():
        found = client.ask("GET", "/v1/sandbox/requests?idempotency_key=try")[2]["items"]
        return found if len(found) == 2 else None

    eventually(tries, "both calls are in the log", within=10)
    again, lost = tries()
    assert [(one["status"], one["chaos"], one["replayed"]) for one in (lost, again)] == [
        (201, "lost_answer", False),
        (201, None, True),
    ]
    entry = client.ask("GET", f"/v1/sandbox/requests/{lost['id']}")[2]
    assert entry["caused"]["orders"] == [one["id"]]
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_not_a_byte_of_the_answer_is_sent(client, port, shop, clock):
    client.ask("POST", CHAOS, {"kind": "lost_answer", "method": "GET"}, "c")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(f"GET /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {shop.token}\r\n\r\n".encode())
        with suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    assert client.ask("GET", "/v1/orders")[0] == 200


def test_only_answers_to_writes_are_lost_where_no_method_is_named(client, clock):
    client.ask("POST", CHAOS, {"kind": "lost_answer"}, "c")
    assert client.ask("GET", "/v1/orders")[0] == 200
    with pytest.raises(CUT):
        client.ask("POST", "/v1/orders", json_order("W-1", clock()), "try")


@pytest.mark.parametrize(("kind", "status"), [("too_many_requests", 429), ("unavailable", 503)])
def test_a_burst_refuses_before_anything_is_done(shop, clock, kind, status):
    started = shop.post(CHAOS, {"kind": kind, "times": 2, "retry_after": 7}).json
    order = json_order("W-1", clock())
    for asked in (order, {"no": "order"}):
        refused = shop.post("/v1/orders", asked, Idempotency_Key="try")
        assert (refused.status, refused.headers["content-type"]) == (status, "application/problem+json")
        assert (refused.headers["retry-after"], refused.headers["stecker-chaos"]) == ("7", kind)
        assert refused.json["code"] == kind.replace("_", "-")
        assert started["id"] in refused.json["detail"]
    done = shop.post("/v1/orders", order, Idempotency_Key="try")
    assert (done.status, "idempotency-replayed" in done.headers) == (201, False)
    [only] = shop.get("/v1/orders").json["items"]
    assert only["id"] == done.json["id"]

    def log():
        return [one["chaos"] for one in shop.get("/v1/sandbox/requests?idempotency_key=try").json["items"]]

    eventually(lambda: len(log()) == 3, "all three are in the log", within=10)
    assert log() == [None, kind, kind]


def test_only_requests_with_this_method_and_path_are_disturbed(shop):
    shop.post(CHAOS, {"kind": "unavailable", "method": "GET", "path": "/v1/jobs", "times": 2})
    assert shop.get("/v1/orders").status == 200
    assert shop.get("/v1/jobs/job_1").status == 503
    assert shop.post("/v1/jobs/job_1/cancellation", {"reason": "changed_mind"}).status == 404
    assert shop.get("/v1/jobs").status == 503
    assert shop.get("/v1/jobs").status == 200


def test_of_many_at_once_exactly_so_many_are_disturbed(api, shop):
    shop.post(CHAOS, {"kind": "too_many_requests", "times": 5})
    shop.post(CHAOS, {"kind": "unavailable", "times": 7})
    answers = api.together(*[shop.request("GET", "/v1/orders") for _ in range(20)])
    counted = sorted(answer.status for answer in answers)
    assert counted == [200] * 8 + [429] * 5 + [503] * 7


def test_two_that_look_at_the_same_moment_never_take_the_same(runtime, shop, clock):
    shop.post(CHAOS, {"kind": "unavailable", "times": 50})
    with runtime.sessions() as session:
        row = session.query(service.Chaos).one()
    caller = type("Caller", (), {"partner_id": row.partner_id, "client_id": row.client_id})
    barrier, found = threading.Barrier(4), []

    def look():
        barrier.wait()
        found.extend(service.take_request(runtime.sessions, caller, "GET", "/v1/x", clock()) for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in found if one is not None]) == 50
    with runtime.sessions() as session:
        assert session.query(service.Chaos).one().remaining == 0


def test_live_requests_are_not_looked_at_and_those_of_the_sandbox_once(api, runtime, shop):
    live = api.caller("demo", "live")
    for caller, looks in ((live, 0), (shop, 1)):
        with noted(runtime.engine) as statements:
            assert caller.get("/v1/orders").status == 200
        assert len([one for one in statements if "sandbox_chaos" in one]) == looks


def test_live_and_other_partners_requests_are_left_alone(api, shop):
    shop.post(CHAOS, {"kind": "unavailable", "times": 100})
    others = [api.caller("demo", "live"), api.caller("brack"), api.caller("demo")]
    assert [other.get("/v1/orders").status for other in others] == [200] * 3


def test_a_wait_is_not_begun_for_who_is_refused(shop):
    """Nor is a receiver checked."""
    shop.post(CHAOS, {"kind": "unavailable", "times": 2})
    assert shop.get("/v1/sandbox/inbox?wait=25").status == 503
    assert shop.post("/v1/sandbox/conformance", {"url": "http://127.0.0.1:9/", "secret": "whsec_x"}).status == 503


def test_a_client_that_has_left_is_no_fault_of_anybody(api, shop, clock):
    """Its connection is cut all the same, and the order stands."""
    shop.post(CHAOS, {"kind": LOST})
    method, url, document, headers = shop.request("POST", "/v1/orders", json_order("W-1", clock()))
    cut, sent = [], []
    scope = api._scope(method, url, {**{name.lower(): value for name, value in headers.items()}})
    body = json.dumps(document).encode()
    scope["headers"] += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope["stecker.cut"] = lambda: cut.append(True)
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    api.loop.run_until_complete(asyncio.wait_for(api.app(scope, receive, send), 10))
    assert (cut, sent) == ([True], [])
    assert len(shop.get("/v1/orders").json["items"]) == 1
