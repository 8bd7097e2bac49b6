"""What a partner reads where we do not call, and what is signed where we do; through the worker's own tools."""

import socket
from dataclasses import replace

import pytest

from gateway.config import LOOPBACK
from gateway.endpoints import service
from gateway.endpoints.documents import DELIVERED, ERRORS, STEPS, THEN
from gateway.worker.process import courier_of
from tests.support.outbox import eventually
from webhooks import transport as transports
from webhooks.tenant import Tenant as Owner
from webhooks.transport import Transport
from webhooks.verify import verify


@pytest.fixture
def courier(runtime):
    started = []

    def start(allow, **settings):
        transport = Transport(allow=allow, **settings)
        made = courier_of(runtime, transport)
        started.append((made, transport))
        made.start()
        made.ring()

    yield start
    for one, transport in started:
        one.stop()
        one.join()
        transport.close()


def attempt(shop, endpoint):
    def look():
        (greeting,) = shop.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries").json["items"]
        return greeting["attempts"][0] if greeting["attempts"] else None

    return eventually(look)


@pytest.mark.parametrize("address", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "fd00:ec2::254"])
def test_a_refusal_is_told_in_words_and_without_what_is_inside_w8(api, courier, monkeypatch, address):
    shop = api.caller("demo")
    endpoint = shop.post("/v1/webhook-endpoints", {"url": "https://inside.example.com/hook"}).json
    real = socket.getaddrinfo
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def resolve(host, *args, **kwargs):
        inside = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
        return inside if host == "inside.example.com" else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    courier(())
    found = attempt(shop, endpoint)
    assert found == {
        "at": found["at"],
        "status_code": None,
        "duration_ms": 0,
        "error": "blocked_by_policy",
        "response_excerpt": None,
        "step": "call",
        "verdict": "retry",
        "detail": "The call: its host leads to an address that we do not call, such as one of a private network or of "
        "a machine itself; only public addresses are called. It is tried again.",
        "chaos": None,
    }


def test_our_own_host_is_registered_by_nobody_w2(runtime):
    here = replace(runtime.settings, public_url="https://partners.example.com")
    grant = {"scheme": "oauth2", "token_url": "https://partners.example.com/oauth/token", "client_id": "c"}
    wish = {"url": "https://Partners.example.com/v1/orders", "authentication": {**grant, "client_secret": "s"}}
    with runtime.sessions() as session:
        found = service.faults(session, Owner("ptn_x", "live"), wish, here)
    assert [(fault.pointer, fault.code) for fault in found] == [
        ("/url", "host_is_ours"),
        ("/authentication/token_url", "host_is_ours"),
    ]


def test_everything_that_can_go_wrong_has_words():
    known = {name for _, name in transports._NAMES}
    assert known <= ERRORS.keys()
    assert all(text.endswith(".") for text in (*DELIVERED.values(), *THEN.values()))
    assert not [text for text in (*ERRORS.values(), *STEPS.values()) if text.endswith(".")]


def test_a_message_is_signed_by_both_secrets_and_both_keys_of_a_rotation_k3(api, courier, receiver, clock):
    shop = api.caller("demo")
    made = shop.post("/v1/webhook-endpoints", {"url": receiver.url, "signature": "v1a"}).json
    rotated = shop.post(f"/v1/webhook-endpoints/{made['id']}/rotate-secret", {}).json
    courier(LOOPBACK)
    (got,) = receiver.wait_for(1)
    keys = api.call("GET", f"/.well-known/webhook-keys.json?endpoint_id={made['id']}").json["keys"]
    secrets = [made["secret"], rotated["secret"], *(key["public_key"] for key in keys)]
    assert len(set(secrets)) == len(got.headers["webhook-signature"].split(" ")) == 4
    assert {verify(one, got.headers, got.body, now=clock().timestamp()) for one in secrets} == {
        got.headers["webhook-id"]
    }
    assert attempt(shop, made)["verdict"] == "delivered"
    newest, before = shop.get(f"/v1/webhook-endpoints/{made['id']}").json["secrets"]
    assert newest["last_used_at"] == before["last_used_at"] == clock().isoformat()
