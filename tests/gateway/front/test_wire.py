"""Answers as they leave, from a real server on a real socket."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from gateway.wire import Protocol, Whole

GET = b"GET /whole HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope, receive, send):
    body = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    if scope["path"] == "/slowly":
        for part in (b"o", b"n", b"e"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"!" if scope["path"] == "/slowly" else body["body"] or b"four"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off", timeout_keep_alive=60)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        yield client


def read(client: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        chunk = client.recv(65536)
        assert chunk, found
        found += chunk
    return found


def test_head_and_body_arrive_together(client: socket.socket) -> None:
    for _ in range(20):
        client.sendall(GET)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nfour")


def test_a_body_that_comes_in_parts_arrives(client: socket.socket) -> None:
    client.sendall(GET.replace(b"whole", b"slowly"))
    assert read(client, b"one!").count(b"HTTP/1.1") == 1


def test_answers_of_requests_sent_at_once_come_in_order(client: socket.socket) -> None:
    client.sendall(GET + GET.replace(b"whole", b"slowly") + GET)
    found = b""
    while found.count(b"HTTP/1.1") < 3:
        found += read(client, b"four")
    assert [part[-4:] for part in found.split(b"HTTP/1.1")[1:]] == [b"four", b"one!", b"four"]


def test_who_waits_for_leave_to_send_gets_it(client: socket.socket) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert read(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"body")
    assert read(client, b"body").startswith(b"HTTP/1.1 200 OK")


def test_what_is_no_request_is_told_so_before_the_connection_ends(client: socket.socket) -> None:
    client.sendall(b"\x00\x01\r\n\r\n")
    found = b""
    while chunk := client.recv(65536):
        found += chunk
    assert found.startswith(b"HTTP/1.1 400")
    assert found.endswith(b"Invalid HTTP request received.")


class Sent:
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        self.noted: list[object] = []

    def write(self, data: bytes) -> None:
        self.noted.append(data)

    def close(self) -> None:
        self.noted.append("closed")


def test_what_is_not_complete_leaves_with_the_turn_of_the_loop() -> None:
    async def write_two() -> list[object]:
        sent = Sent()
        whole = Whole(sent, asyncio.get_running_loop())  # type: ignore[arg-type]
        whole.write(b"a")
        whole.write(b"b")
        assert sent.noted == []
        await asyncio.sleep(0)
        whole.write(b"c")
        whole.close()
        await asyncio.sleep(0)
        return sent.noted

    assert asyncio.run(write_two()) == [b"ab", b"c", "closed"]
