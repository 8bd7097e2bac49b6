"""Names that hang, and hosts of several addresses."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.support.calling import LOOPBACK
from tests.support.receiver import Received, Receiver
from webhooks.policy import Answer
from webhooks.transport import Request, Transport


def post(transport: Transport, url: str) -> Answer:
    return transport.send(Request("POST", url, {"content-type": "text/plain"}, b"hello"))


def _answers(*addresses: str) -> Callable[..., list[object]]:
    def getaddrinfo(host: str, port: int, **kwargs: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_names_that_hang_hold_up_none_that_has_answered_before_w6(
    transport: Transport, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, known = threading.Event(), _answers("127.0.0.1")

    def hangs(host: str, port: int, **kwargs: object) -> list[object]:
        if "slow" in host:
            free.wait(20)
        return known(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    receiver.always(_once)
    good = f"http://good.example.com:{receiver.port}/"
    assert post(transport, good).status_code == 200
    slow = [
        threading.Thread(target=post, args=(transport, f"http://slow-{number}.example.com/")) for number in range(40)
    ]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join()

    found = post(transport, good)
    free.set()

    assert (found.status_code, found.error) == (200, None)


def _once(sock: socket.socket, request: Received) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    sock.shutdown(socket.SHUT_RDWR)


def test_an_address_that_does_not_answer_is_not_the_last(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a host with several, where one machine is down: the next one is tried while there is time."""
    patient = Transport(allow=LOOPBACK, deadline=20)
    monkeypatch.setattr("webhooks.deadline.CONNECT_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.2", receiver.port), backlog=0) as deaf, ExitStack() as waiting:
        # Its backlog is full: whoever comes next is not even refused.
        for _ in range(3):
            sock = waiting.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(deaf.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", _answers("127.0.0.2", "127.0.0.1"))

        found = post(patient, f"http://two.example.com:{receiver.port}/")
    patient.close()

    assert (found.status_code, found.error) == (204, None)
