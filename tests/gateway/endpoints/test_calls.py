"""From what a partner tells us to the call that comes of it, through the vault and the worker's own tools."""

import socket
import threading
from dataclasses import replace

import pytest

from adapters.canonical import JobState
from gateway.config import LOOPBACK
from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.jobs import announce
from gateway.partners import service as partners
from gateway.tenant import Tenant
from gateway.worker.process import courier_of
from tests.support.documents import make_job, make_order, make_update
from tests.support.orders import json_order
from tests.support.otto import SALES_ORDER, TV, Otto, order
from tests.support.outbox import eventually
from tests.support.receiver import answer
from tests.support.token_server import TokenServer
from webhooks.transport import Transport


@pytest.fixture
def worker(runtime, tmp_path):
    """A courier as the worker has it."""
    transport = Transport(allow=LOOPBACK)
    courier = courier_of(replace(runtime, settings=replace(runtime.settings, folders=tmp_path)), transport)
    courier.start()
    yield courier
    courier.stop()
    courier.join()
    transport.close()


def delivered(caller, endpoint_id, count):
    def look():
        items = caller.get(f"/v1/webhook-endpoints/{endpoint_id}/deliveries").json["items"]
        return items if [one["status"] for one in items] == ["delivered"] * count else None

    return eventually(look)


def test_an_api_behind_oauth2_hears_of_an_order(api, clock, worker, receivers):
    shop, receiver = api.caller("demo"), receivers()
    server = TokenServer(receivers())
    receiver.always(server.guard())
    told = {"scheme": "oauth2", "token_url": server.url, "client_id": "client", "client_secret": server.secret}
    made = shop.post("/v1/webhook-endpoints", {"url": receiver.url, "authentication": told}).json
    shop.post("/v1/orders", json_order("W-1", clock()))
    worker.ring()
    items = delivered(shop, made["id"], 3)
    assert {one["attempts"][0]["detail"] for one in items} == {"It was taken."}
    assert len(server.asked) == 1
    assert {one.headers["authorization"] for one in receiver.got} == {"Bearer token-1"}


def test_a_partners_folder_holds_its_answers(api, runtime, clock, worker, tmp_path):
    brack = api.caller("brack")
    with runtime.sessions.begin() as session:
        tenant = Tenant(partners.get(session, "brack").id, "sandbox")
        new = NewConnection(tenant=tenant, door="folder", name="brack-test")
        connections.add(session, runtime.vault, new, "opentrans", clock())
    made = brack.post("/v1/webhook-endpoints", {"url": "folder:brack-test", "format": "dialect"}).json
    brack.post("/v1/orders", json_order("W-1", clock()))
    worker.ring()
    [item] = delivered(brack, made["id"], 1)
    [attempt] = item["attempts"]
    assert (attempt["step"], attempt["detail"]) == ("folder", "The file is in the folder.")
    [file] = (tmp_path / "brack-test" / "out").iterdir()
    assert item["event_id"] in file.name
    assert b"ORDERRESPONSE" in file.read_bytes()


def test_a_call_whose_answer_was_lost_is_found_done_and_not_made_again(api, runtime, clock, worker, receivers):
    """OTTO has no idempotency keys: we look before we speak, and believe what we see."""
    shop, receiver, server, otto = api.caller("otto"), receivers(), TokenServer(receivers()), Otto()
    otto.add(order())
    lost = threading.Event()

    def serve(sock, request):
        method, path, _ = request.line.split(" ")
        status, body = otto.answer(method, path, request.body)
        if method == "POST" and not lost.is_set():
            lost.set()
            return sock.shutdown(socket.SHUT_RDWR)
        return answer(f"{status} Said", body=body)(sock, request)

    receiver.always(serve)
    told = {"scheme": "oauth2", "token_url": server.url, "client_id": "client", "client_secret": server.secret}
    wish = {"url": receiver.url.removesuffix("/hook"), "format": "dialect", "authentication": told}
    made = shop.post("/v1/webhook-endpoints", wish).json
    done = make_update(
        JobState.COMPLETED,
        job=make_job(JobState.COMPLETED, line_id=TV),
        order=make_order(echo={"salesOrderId": SALES_ORDER}),
    )
    with runtime.sessions.begin() as session:
        tenant = Tenant(partners.get(session, "otto").id, "sandbox")
        announce.tell(session, tenant, announce.said([done]), clock())
    worker.ring()
    eventually(lambda: shop.get(f"/v1/webhook-endpoints/{made['id']}/deliveries").json["items"][0]["attempts"])
    clock.advance(60)
    worker.ring()
    [item] = delivered(shop, made["id"], 1)
    assert [(one["step"], one["verdict"], one["error"]) for one in item["attempts"]] == [
        ("call", "retry", "connection_reset"),
        ("probe", "delivered", None),
    ]
    assert otto.calls == ["SENT"]
