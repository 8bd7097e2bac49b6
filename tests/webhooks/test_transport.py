"""One POST to a stranger: what is refused, what is cut off, and what it is called."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from tests.support.receiver import NO_CONTENT, Behaviour, Received, Receiver, answer
from tests.support.tls import certificate_of, tls_server
from webhooks import egress
from webhooks import transport as transports
from webhooks.policy import Answer
from webhooks.transport import Request, Transport

DEADLINE = 0.5


def post(transport: Transport, url: str) -> Answer:
    return transport.send(Request(method="POST", url=url, headers={"content-type": "text/plain"}, body=b"hello"))


def drip(before: bytes) -> Behaviour:
    """Send this, then one byte every 50 ms for as long as anybody listens."""

    def behave(sock: socket.socket, request: Received) -> None:
        sock.sendall(before)
        for _ in range(200):
            time.sleep(0.05)
            sock.sendall(b"x")

    return behave


def hang(sock: socket.socket, request: Received) -> None:
    sock.recv(1)


def reset(sock: socket.socket, request: Received) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    time.sleep(0.05)
    sock.shutdown(socket.SHUT_RD)
    sock.close()


def endless(sock: socket.socket, request: Received) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        sock.sendall(b"a" * 65536)


def slowly(url: str, seconds: float) -> Request:
    return Request(method="POST", url=url, headers={"content-type": "text/plain"}, body=bytes(range(100)), drip=seconds)


def test_a_body_that_drips_comes_in_parts(transport: Transport) -> None:
    parts: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as sock:
            while not b"".join(parts).endswith(bytes(range(100))):
                parts.append(sock.recv(65536))
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        answered = transport.send(slowly(f"http://127.0.0.1:{listening.getsockname()[1]}/", 0.1))
        thread.join()
    assert answered.status_code == 204
    assert parts[0].endswith(b"\r\n\r\n")
    assert len(parts) > 2


def test_a_body_that_drips_is_cut_off_as_any_other(transport: Transport, receiver: Receiver) -> None:
    assert transport.send(slowly(receiver.url, 3)).error == "timeout"


def test_a_204_is_an_answer_and_the_connection_is_used_again(transport: Transport, receiver: Receiver) -> None:
    answers = [post(transport, receiver.url) for _ in range(3)]

    assert [one.status_code for one in answers] == [204, 204, 204]
    assert [one.error for one in answers] == [None, None, None]
    assert receiver.connects == 1
    assert receiver.got[0].body == b"hello"
    assert receiver.got[0].headers["accept-encoding"] == "identity"
    assert "cookie" not in receiver.got[0].headers


def test_a_connection_that_was_kept_too_long_is_nobodys_failure(transport: Transport, receiver: Receiver) -> None:
    """Many servers close those that are idle for five seconds, and may do so while we send. A new one is a failure."""
    receiver.behave = lambda n: NO_CONTENT if n in (0, 2) else lambda sock, request: sock.shutdown(socket.SHUT_RDWR)
    twice = Request("POST", receiver.url, {}, b"hello", again=True)

    assert [transport.send(twice).status_code for _ in range(2)] == [204, 204]
    assert (len(receiver.got), receiver.connects) == (3, 2)

    assert transport.send(twice).error == "connection_reset"
    assert (len(receiver.got), receiver.connects) == (5, 3)


def test_what_its_receiver_cannot_tell_from_another_is_sent_once(transport: Transport, receiver: Receiver) -> None:
    receiver.behave = lambda n: NO_CONTENT if n == 0 else lambda sock, request: sock.shutdown(socket.SHUT_RDWR)

    assert [post(transport, receiver.url).error for _ in range(2)] == [None, "connection_reset"]
    assert len(receiver.got) == 2


def test_cookies_of_an_answer_do_not_come_back_w7(transport: Transport, receiver: Receiver) -> None:
    receiver.always(answer("200 OK", "set-cookie: a=b; path=/"))

    post(transport, receiver.url)
    post(transport, receiver.url)

    assert "cookie" not in receiver.got[1].headers


def test_proxies_of_the_environment_are_not_used_w5(
    transport: Transport, receivers: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, target = receivers(), receivers()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)

    assert post(transport, target.url).status_code == 204
    assert proxy.connects == 0


def test_a_refused_connection_is_named(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    assert post(transport, f"http://127.0.0.1:{port}/").error == "connection_refused"


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nx-drip: "),
        drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1"),
    ],
    ids=["hangs", "drips the status line", "drips headers", "drips the body", "drips a chunk"],
)
def test_the_deadline_holds_over_everything_w6(transport: Transport, receiver: Receiver, behaviour: Behaviour) -> None:
    receiver.always(behaviour)
    start = time.monotonic()

    found = post(transport, receiver.url)

    assert found.error == "timeout"
    assert DEADLINE <= time.monotonic() - start < DEADLINE + 0.5


def test_a_tls_handshake_that_hangs_is_cut_off_w6(transport: Transport, receiver: Receiver) -> None:
    start = time.monotonic()

    found = post(transport, receiver.url.replace("http:", "https:"))

    # It reads the client's hello as a request line and waits for more.
    assert found.error == "timeout"
    assert time.monotonic() - start < DEADLINE + 0.5


def test_a_name_server_that_hangs_is_left_behind_w6(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: free.wait(10) and [])
    start = time.monotonic()

    found = post(transport, "http://slow.example.com/")
    free.set()

    assert found.error in {"dns_failure", "timeout"}
    assert time.monotonic() - start < DEADLINE + 0.5


def test_a_name_without_an_address_is_a_dns_failure(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert post(transport, "http://nowhere.example.com/").error == "dns_failure"


def test_an_endless_body_is_read_to_64_kb_and_counts_as_answered_w6(transport: Transport, receiver: Receiver) -> None:
    receiver.always(endless)

    found = post(transport, receiver.url)

    assert (found.status_code, found.error) == (200, None)
    assert found.excerpt == "a" * 1024


def test_a_gzip_bomb_is_not_blown_up_w6(transport: Transport, receiver: Receiver) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    receiver.always(answer("200 OK", "content-encoding: gzip", body=bomb))
    seen: list[int] = []
    read = transports._excerpt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transports, "_excerpt", lambda body: seen.append(len(body)) or read(body))
        found = post(transport, receiver.url)

    assert found.status_code == 200
    assert seen == [64 * 1024]


def test_a_redirect_is_not_followed_and_its_body_not_read_w4(
    transport: Transport, receivers: Callable[[], Receiver]
) -> None:
    first, second = receivers(), receivers()

    def redirect(sock: socket.socket, request: Received) -> None:
        sock.sendall(f"HTTP/1.1 302 Found\r\nlocation: {second.url}\r\n\r\n".encode())
        while True:
            sock.sendall(b"a" * 65536)

    first.always(redirect)

    found = post(transport, first.url)

    assert (found.status_code, found.error, found.excerpt) == (302, None, None)
    assert second.connects == 0
    assert len(first.got) == 1


def test_a_connection_reset_after_the_headers_is_no_success(transport: Transport, receiver: Receiver) -> None:
    receiver.always(reset)

    found = post(transport, receiver.url)

    assert found.status_code == 200
    assert found.error in {"connection_reset", "bad_response"}


def test_what_is_not_http_is_a_bad_response(transport: Transport, receiver: Receiver) -> None:
    receiver.always(lambda sock, request: sock.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n"))

    assert post(transport, receiver.url).error == "bad_response"


def test_http_1_0_is_understood(transport: Transport, receiver: Receiver) -> None:
    def old(sock: socket.socket, request: Received) -> None:
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nthanks")
        sock.shutdown(socket.SHUT_RDWR)

    receiver.always(old)

    found = post(transport, receiver.url)

    assert (found.status_code, found.error, found.excerpt) == (200, None, "thanks")


def test_a_204_with_a_body_does_not_disturb_the_next_message(transport: Transport, receiver: Receiver) -> None:
    receiver.always(lambda sock, request: sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\nsurprise"))

    assert [post(transport, receiver.url).status_code for _ in range(2)] == [204, 204]


def test_an_excerpt_can_be_stored_whatever_the_bytes(transport: Transport, receiver: Receiver) -> None:
    receiver.always(answer("500 Oops", body=b"\x00\xff" * 2000))

    excerpt = post(transport, receiver.url).excerpt

    assert excerpt is not None
    assert "\0" not in excerpt
    assert len(excerpt.encode()) <= 1024


FORMS = [
    "http://127.0.0.1:{port}",
    "http://2130706433:{port}",
    "http://0x7f000001:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.1:{port}",
    "http://0:{port}",
    "http://0.0.0.0:{port}",
    "http://[::1]:{port}",
    "http://[::]:{port}",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://[::ffff:7f00:1]:{port}",
    "http://[::127.0.0.1]:{port}",
    "http://[64:ff9b::7f00:1]:{port}",
    "http://[2002:7f00:1::]:{port}",
    "http://[fe80::1%25lo]:{port}",
    "http://[fec0::1]:{port}",
    "http://169.254.169.254",
    "http://2852039166",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
    "http://192.0.0.192",
    "http://224.0.0.1",
    "http://①②⑦.⓪.⓪.①:{port}",
    "http://127。0。0。1:{port}",
    "http://localhost:{port}",
    "http://LOCALHOST.:{port}",
    "http://user@127.0.0.1:{port}",
    "http://127.0.0.1:{port}#@example.com",
    "http://example.com@127.0.0.1:{port}",
    "http://127.0.0.1:{port}\\@example.com",
    "http:///127.0.0.1:{port}",
    "http:127.0.0.1:{port}",
    "http://127.0.0.1%00.example.com:{port}",
    "http://%31%32%37.0.0.1:{port}",
    "gopher://127.0.0.1:{port}",
    "file:///etc/passwd",
    "http://10.0.0.1",
    "http://172.31.0.1",
    "http://192.168.0.1",
    "http://198.18.0.1",
    "http://255.255.255.255",
    "http://168.63.129.16",
    "https://127.0.0.1:{port}",
    "https://localhost:{port}",
]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_an_inner_address_is_connected_to_w2(receiver: Receiver, form: str) -> None:
    strict = Transport(allow=(), deadline=2)
    url = form.format(port=receiver.port)
    try:
        found = post(strict, url)
    finally:
        strict.close()

    assert found.error in {"blocked_by_policy", "dns_failure", "bad_response"}
    assert found.status_code is None
    assert receiver.connects == 0
    assert egress.check_url(url, ()), "it could even be registered"


def _answers(*addresses: str) -> Callable[..., list[object]]:
    def getaddrinfo(host: str, port: int, **kwargs: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_one_inner_address_among_the_answers_refuses_them_all_w2(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = Transport(allow=(), deadline=1)
    monkeypatch.setattr(socket, "getaddrinfo", _answers("93.184.215.14", "127.0.0.1"))

    found = post(strict, f"http://two.example.com:{receiver.port}/")
    strict.close()

    assert (found.error, found.duration_ms) == ("blocked_by_policy", 0)
    assert receiver.connects == 0


def test_an_answer_that_changes_between_check_and_connect_is_never_asked_for_w2(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    public, inner = _answers("192.0.2.1"), _answers("127.0.0.1")

    def flips(host: str, port: int, **kwargs: object) -> list[object]:
        asked.append(host)
        return (public if len(asked) == 1 else inner)(host, port)

    # 192.0.2.0/24 stands for a public address; loopback is not allowed.
    flipping = Transport(allow=(ip_network("192.0.2.0/24"),), deadline=0.3)
    monkeypatch.setattr(socket, "getaddrinfo", flips)

    first = post(flipping, f"http://flip.example.com:{receiver.port}/")
    second = post(flipping, f"http://flip.example.com:{receiver.port}/")
    flipping.close()

    assert asked == ["flip.example.com"] * 2, "one lookup for each connect"
    assert first.error != "blocked_by_policy"
    assert second.error == "blocked_by_policy"
    assert receiver.connects == 0


def test_tls_is_checked_against_the_name_w2(tmp_path: Path) -> None:
    certificate = certificate_of(tmp_path, "localhost")
    knowing = Transport(allow=egress_loopback(), deadline=3, verify=str(certificate))
    strict = Transport(allow=egress_loopback(), deadline=3)

    with tls_server(certificate) as port:
        assert post(knowing, f"https://localhost:{port}/").status_code == 204
        assert post(knowing, f"https://127.0.0.1:{port}/").error == "tls_error", "another name"
        assert post(strict, f"https://localhost:{port}/").error == "tls_error", "an unknown issuer"
    knowing.close()
    strict.close()


def egress_loopback() -> tuple[egress.Network, ...]:
    return (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_many_threads_share_a_transport(transport: Transport, receiver: Receiver) -> None:
    receiver.always(NO_CONTENT)
    found: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: found.extend(post(transport, receiver.url).status_code for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert found == [204] * 160


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com",
        "HTTPS://Shop.Example.com:8443/hook/?a=1&b=%20",
        "http://127.0.0.1:99//twice//hook?",
        "https://[2001:db8::1]:8443/hook;x=1?q=/a?b",
    ],
)
def test_a_url_is_split_as_requests_does(url: str) -> None:
    request, theirs, ours = PreparedRequest(), HTTPAdapter(), transports._Adapter()
    request.method, request.url = "POST", url
    request.headers = CaseInsensitiveDict()

    assert ours.request_url(request, {}) == theirs.request_url(request, {})
    mine, other = (one.get_connection_with_tls_context(request, True, {}) for one in (ours, theirs))
    assert (mine.scheme, mine.host, mine.port) == (other.scheme, other.host, other.port)
    assert getattr(mine, "cert_reqs", None) == getattr(other, "cert_reqs", None)
    assert ours.get_connection_with_tls_context(request, True) is mine
