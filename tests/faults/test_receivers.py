"""R11: every kind of bad receiver at once, and one good one that must not notice."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.shop import Inbox, Shop, listening
from tests.support.receiver import NO_CONTENT, Behaviour, Received, answer
from tests.support.system import System, eventually, free_port

ORDERS = 20
PROMPT = 8.0
"""Seconds for the good one, with every other thread of the workers in the hands of a bad one for 15."""


def hang(sock: socket.socket, request: Received) -> None:
    sock.recv(1)


def drip(sock: socket.socket, request: Received) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(400):
        time.sleep(0.1)  # this is what it does
        sock.sendall(b"x")


def first(behaviour: Behaviour) -> Behaviour:
    """Once like this, then as it should be."""
    behaviours = iter([behaviour])
    return lambda sock, request: next(behaviours, NO_CONTENT)(sock, request)


LATER = answer("429 Too Many Requests", "retry-after: 4")


@pytest.fixture
def open_inbox(shop: Shop, name: str) -> Iterator[Callable[[str, Behaviour], Inbox]]:
    with ExitStack() as stack:

        def make(kind: str, behaviour: Behaviour) -> Inbox:
            inbox = stack.enter_context(listening(shop, f"{name}-{kind}"))
            inbox.react = behaviour
            return inbox

        yield make


def test_bad_receivers_harm_only_themselves_r11(
    system: System, shop: Shop, inbox: Inbox, open_inbox: Callable[[str, Behaviour], Inbox], name: str
) -> None:
    elsewhere = open_inbox("elsewhere", NO_CONTENT)
    hanging, dripping = open_inbox("hangs", hang), open_inbox("drips", drip)
    redirecting = open_inbox("redirects", answer("307 Temporary Redirect", f"location: {elsewhere.receiver.url}"))
    gone, stumbling = open_inbox("is-gone", answer("410 Gone")), open_inbox("stumbles", first(answer("500 Oops")))
    busy = open_inbox("is-busy", first(LATER))
    refusing = f"http://127.0.0.1:{free_port()}/"
    refused = shop.post("/v1/webhook-endpoints", {"url": refusing}, f"{name}-refuses").json()["id"]

    began = time.monotonic()
    told = [shop.insist(f"{name}-{number}") for number in range(ORDERS)]
    inbox.wait_for(*told, within=PROMPT)
    took = time.monotonic() - began

    for one in (inbox, stumbling, busy, elsewhere):
        one.wait_for(*told)
        assert one.out_of_order() == {}
    # Nothing came here by a detour.
    assert len(elsewhere.arrivals) == 1 + 2 * ORDERS
    assert len(inbox.arrivals) == 1 + 2 * ORDERS
    assert len(stumbling.arrivals) == 2 + 2 * ORDERS
    [late] = [job for job in {one.job for one in busy.arrivals} if busy.of(job) == [1, 1, 2]]
    asked, again, _ = (one.at for one in busy.arrivals if one.job == late)
    assert again - asked >= 4

    shown = shop.get(f"/v1/webhook-endpoints/{gone.endpoint_id}")
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
    for endpoint, error in (
        (hanging.endpoint_id, "timeout"),
        (dripping.endpoint_id, "timeout"),
        (redirecting.endpoint_id, "redirect"),
        (refused, "connection_refused"),
    ):
        eventually(lambda endpoint=endpoint: errors(shop, endpoint), f"{error} is written down")
        assert errors(shop, endpoint) == {error}
    assert all(set(one.of(job)) <= {1} for one in (hanging, dripping, redirecting, gone) for job in jobs(one)), took
    shop.delete(f"/v1/webhook-endpoints/{refused}")


def errors(shop: Shop, endpoint: str) -> set[str]:
    found = shop.pages(f"/v1/webhook-endpoints/{endpoint}/deliveries")
    return {attempt["error"] for one in found for attempt in one["attempts"] if attempt["error"]}


def jobs(inbox: Inbox) -> set[str]:
    return {one.job for one in inbox.arrivals if one.job}
