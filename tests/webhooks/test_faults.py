"""What else receivers, names, certificates and clocks do to a delivery, with real sockets.

The rest of the matrix is in `test_transport.py`; README.md names the test of each fault.
"""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.calling import LOOPBACK
from tests.support.outbox import add_endpoint, event, eventually, rows, say, statuses
from tests.support.receiver import NO_CONTENT, Behaviour, Received, Receiver, answer
from tests.support.tls import certificate_of, tls_server
from webhooks import deadline
from webhooks.courier import Courier
from webhooks.policy import Answer
from webhooks.transport import Request, Transport

Sessions = sessionmaker[Session]
METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"


def post(transport: Transport, url: str) -> Answer:
    return transport.send(Request("POST", url, {"content-type": "text/plain"}, b"hello"))


@pytest.mark.parametrize(
    ("days", "name"),
    [
        pytest.param((-30, -1), "localhost", id="expired"),
        pytest.param((1, 30), "localhost", id="not yet valid"),
        pytest.param((-1, 30), "other.example.com", id="wrong host"),
    ],
)
def test_a_bad_certificate_is_told_nothing_even_by_an_issuer_we_know(
    tmp_path: Path, days: tuple[int, int], name: str
) -> None:
    certificate = certificate_of(tmp_path, name, days)
    knowing = Transport(allow=LOOPBACK, deadline=10, verify=str(certificate))
    came: list[bytes] = []
    with tls_server(certificate, came=came) as port:
        found = post(knowing, f"https://localhost:{port}/")
    knowing.close()

    assert (found.error, found.status_code) == ("tls_error", None)
    assert came == []


def test_a_certificate_that_signed_itself_is_told_nothing(tmp_path: Path) -> None:
    certificate = certificate_of(tmp_path, "localhost")
    strict = Transport(allow=LOOPBACK, deadline=10)
    knowing = Transport(allow=LOOPBACK, deadline=10, verify=str(certificate))
    came: list[bytes] = []
    with tls_server(certificate, came=came) as port:
        found = post(strict, f"https://localhost:{port}/")
        assert came == []
        assert post(knowing, f"https://localhost:{port}/").status_code == 204, "nothing else is wrong with it"
    strict.close()
    knowing.close()

    assert (found.error, found.status_code) == ("tls_error", None)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("target", [METADATA, "http://[fd00:ec2::254]/", "http://metadata.google.internal/", "//0/"])
def test_a_redirect_to_a_metadata_address_leads_nowhere_w4(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, status: str, target: str
) -> None:
    asked: list[str] = []
    may_connect = deadline.may_connect
    monkeypatch.setattr(
        deadline, "may_connect", lambda address, allow: asked.append(address) or may_connect(address, allow)
    )
    everywhere = Transport(allow=LOOPBACK, deadline=10)
    receiver.always(answer(status, f"location: {target}", body=b"go there"))

    found = post(everywhere, receiver.url)
    everywhere.close()

    assert (found.status_code, found.error, found.excerpt) == (int(status[:3]), None, None)
    assert set(asked) == {"127.0.0.1"}, "nobody else was even thought of"
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 OK\r\n",
        b"HTTP/1.1 20\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 -200 OK\r\n",
        b"200 OK\r\n",
        b"\0\0\0\r\n",
    ],
)
def test_an_invalid_status_line_is_a_bad_response(transport: Transport, receiver: Receiver, line: bytes) -> None:
    receiver.always(_and_close(line + b"content-length: 0\r\n\r\n"))

    found = post(transport, receiver.url)

    assert (found.error, found.status_code) == ("bad_response", None)


@pytest.mark.parametrize(
    "head",
    [
        b"x: " + b"a" * 70_000 + b"\r\n",
        b"".join(b"x-%d: 1\r\n" % number for number in range(200)),
    ],
    ids=["a long header", "many headers"],
)
def test_headers_without_measure_are_a_bad_response(transport: Transport, receiver: Receiver, head: bytes) -> None:
    receiver.always(_and_close(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"))

    assert post(transport, receiver.url).error == "bad_response"


def test_a_100_continue_without_end_is_cut_off_w6(transport: Transport, receiver: Receiver) -> None:
    def go_on(sock: socket.socket, request: Received) -> None:
        while True:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    receiver.always(go_on)

    found = post(transport, receiver.url)

    assert (found.error, found.status_code) == ("timeout", None)


@pytest.mark.parametrize("line", [b"102 Processing", b"103 Early Hints\r\nlink: </a>; rel=preload", b"199 Whatever"])
def test_what_is_said_before_the_answer_is_no_answer(transport: Transport, receiver: Receiver, line: bytes) -> None:
    """Nor is the answer that follows one to the next message (RFC 9110 §15.2)."""
    receiver.always(
        lambda sock, request: sock.sendall(b"HTTP/1.1 " + line + b"\r\n\r\n" + b"HTTP/1.1 204 Done\r\n\r\n")
    )

    assert [post(transport, receiver.url).status_code for _ in range(2)] == [204, 204]


def _and_close(said: bytes) -> Behaviour:
    def behave(sock: socket.socket, request: Received) -> None:
        sock.sendall(said)
        sock.shutdown(socket.SHUT_RDWR)

    return behave


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_receiver_whose_clock_is_wrong_hears_it_when_it_is_right_again(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier], minutes: int
) -> None:
    """It refuses what is not of now; the next attempt is signed with a time of its own, under the same id."""
    _, secret = add_endpoint(sessions, receiver.url)
    hook, wrong = Webhook(secret), [True]

    def check(sock: socket.socket, request: Received) -> None:
        headers = dict(request.headers)
        said = int(headers["webhook-timestamp"])
        off = minutes * 60 if wrong.pop() else 0
        wrong.append(False)
        signed = hook.sign(headers["webhook-id"], datetime.fromtimestamp(said, UTC), request.body.decode())
        assert signed == headers["webhook-signature"]
        # Its own clock is off by so much: for it, ours is.
        try:
            moved = datetime.fromtimestamp(said - off, UTC)
            headers["webhook-timestamp"] = str(said - off)
            headers["webhook-signature"] = hook.sign(headers["webhook-id"], moved, request.body.decode())
            hook.verify(request.body, headers)
        except WebhookVerificationError:
            answer("401 Too old")(sock, request)
        else:
            NO_CONTENT(sock, request)

    receiver.always(check)
    say(sessions, event("job_1"))

    couriers()

    eventually(lambda: statuses(sessions) == ["delivered"], 30)
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert rows(sessions, "SELECT status_code FROM webhook_attempt ORDER BY id") == [(401,), (204,)]


def test_workers_whose_clocks_are_20_minutes_apart_lose_nothing_and_keep_the_order_r9(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    """One claims what the other one has leased: twice is possible then, never and out of order are not."""
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("500 Oops") if n % 7 == 3 else NO_CONTENT
    for minutes in (-10, 10):
        couriers(clock=lambda minutes=minutes: datetime.now(UTC) + timedelta(minutes=minutes))
    jobs = [f"job_{number}" for number in range(10)]
    for sequence in range(1, 5):
        say(sessions, *(event(job, sequence) for job in jobs))

    eventually(lambda: set(statuses(sessions)) == {"delivered"}, 60)
    told = [request.body for request in receiver.got]
    for job in jobs:
        mine = [body for body in told if f'"{job}"'.encode() in body]
        assert mine == sorted(mine)
        assert len(set(mine)) == 4


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_jumps_loses_nothing_and_floods_nobody_r9(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier], minutes: int
) -> None:
    """Ahead: what is retried comes early, once. Back: it comes when the clock is there again; what is new comes now."""
    off = [timedelta(0)]
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("500 Oops") if n == 0 else NO_CONTENT
    couriers(clock=lambda: datetime.now(UTC) + off[0])
    say(sessions, event("job_1", 1), event("job_1", 2))
    receiver.wait_for(1)

    off[0] = timedelta(minutes=minutes)
    say(sessions, event("job_2"), now=datetime.now(UTC) + off[0])
    eventually(lambda: any(b"job_2" in request.body for request in receiver.got), 30)
    if minutes < 0:
        off[0] = timedelta(0)

    eventually(lambda: set(statuses(sessions)) == {"delivered"}, 30)
    assert [request.body[-2:-1] for request in receiver.got if b"job_1" in request.body] == [b"1", b"1", b"2"]
