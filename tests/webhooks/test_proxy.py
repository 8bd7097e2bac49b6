"""Calls by way of an egress proxy: what it is asked, what it is not, and what its refusals are called (W2, W5)."""

import base64
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.support.egress_proxy import EgressProxy
from tests.support.receiver import Received, Receiver
from tests.support.tls import certificate_of, tls_server
from webhooks import policy
from webhooks.egress import Network
from webhooks.policy import Answer
from webhooks.proxy import Proxy
from webhooks.transport import Request, Transport

HOST = "hooks.example.com"
PRIVATE = (ip_network("10.0.0.0/8"),)


@pytest.fixture
def proxy() -> Iterator[EgressProxy]:
    made = EgressProxy()
    yield made
    made.close()


@pytest.fixture
def through(proxy: EgressProxy) -> Iterator[Callable[..., Answer]]:
    """Posts by way of the proxy."""
    made: list[Transport] = []

    def post(url: str, *, where: str = "", allow: tuple[Network, ...] = (), verify: str | bool = True) -> Answer:
        way = Proxy.of(where or proxy.url)
        transport = next((one for one in made if (one._proxy, one._allow, one._verify) == (way, allow, verify)), None)
        if transport is None:
            made.append(transport := Transport(allow=allow, deadline=1, verify=verify, proxy=way))
        return transport.send(Request("POST", url, {"content-type": "text/plain"}, b"hello"))

    yield post
    for one in made:
        one.close()


def test_https_goes_through_a_tunnel_and_its_certificate_is_checked_against_the_name_w2(
    proxy: EgressProxy, through: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **kw: looked_up.append(host) or resolve(host, *args, **kw)
    )
    certificate = certificate_of(tmp_path, HOST)
    with tls_server(certificate) as port:
        proxy.leads = {f"{HOST}:443": port, "other.example.com:443": port}
        known = str(certificate)

        assert [through(f"https://{HOST}/hook", verify=known).status_code for _ in range(3)] == [204] * 3
        assert through("https://other.example.com/", verify=known).error == "tls_error"

    assert [one.line for one in proxy.asked[:2]] == [
        f"CONNECT {HOST}:443 HTTP/1.1",
        "CONNECT other.example.com:443 HTTP/1.1",
    ]
    assert "proxy-authorization" not in proxy.asked[0].headers
    assert set(looked_up) <= {"127.0.0.1"}, "whose names the proxy resolves"


def test_http_to_where_it_is_allowed_goes_through_a_tunnel_too(
    proxy: EgressProxy, through: Callable[..., Answer], receiver: Receiver
) -> None:
    proxy.leads = {"10.1.2.3:8080": receiver.port}
    assert through("http://10.1.2.3:8080/hook", allow=PRIVATE).status_code == 204
    assert [(one.line, one.body) for one in receiver.got] == [("POST /hook HTTP/1.1", b"hello")]


def test_the_proxy_hears_who_we_are_and_the_receiver_does_not(
    proxy: EgressProxy, through: Callable[..., Answer], receiver: Receiver
) -> None:
    proxy.leads = {"10.1.2.3:80": receiver.port}
    where = proxy.url.replace("//", "//stecker:p%40ss@")
    assert through("http://10.1.2.3/", where=where, allow=PRIVATE).status_code == 204
    said = "Basic " + base64.b64encode(b"stecker:p@ss").decode()
    assert proxy.asked[0].headers["proxy-authorization"] == said
    assert not [name for name in receiver.got[0].headers if name.startswith("proxy")]
    assert "p@ss" not in repr(Proxy.of(where))
    assert said not in repr(Proxy.of(where))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://intranet/",
        "https://exa_mple.com/",
        f"https://{HOST}:25/",
        f"http://{HOST}/",
        f"https://user@{HOST}/",
    ],
)
def test_names_and_literals_are_refused_before_the_proxy_is_asked_w2(
    proxy: EgressProxy, through: Callable[..., Answer], url: str
) -> None:
    found = through(url)
    assert (found.error, found.duration_ms) == ("blocked_by_policy", 0)
    assert proxy.receiver.connects == 0


SMOKESCREEN = b"HTTP/1.1 407 Request rejected by proxy\r\nX-Smokescreen-Error: denied\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "blocked_by_policy"),
        (SMOKESCREEN, "blocked_by_policy"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "connection_failed"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "connection_failed"),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", "connection_failed"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy_unavailable"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "proxy_unavailable"),
        (b"HTTP/1.1 abc\r\n\r\n", "proxy_unavailable"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "proxy_unavailable"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 20_000, "proxy_unavailable"),
    ],
)
def test_each_refusal_has_its_name_and_shows_nothing_of_inside_w8(
    proxy: EgressProxy, through: Callable[..., Answer], refusal: bytes, error: str
) -> None:
    proxy.refusal = refusal
    found = through(f"https://{HOST}/")
    assert (found.error, found.status_code, found.excerpt) == (error, None, None)
    if error == "blocked_by_policy":
        assert found.duration_ms == 0


def test_a_proxy_that_is_away_is_nobodys_fault_there(through: Callable[..., Answer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    found = through(f"https://{HOST}/", where=f"http://127.0.0.1:{port}")
    assert found.error == "proxy_unavailable"
    assert policy.health(found, policy.Verdict(status="pending", error=found.error)) == "unknown"


def test_a_proxy_that_hangs_up_or_hangs_is_left_in_time_w6(proxy: EgressProxy, through: Callable[..., Answer]) -> None:
    def hang(sock: socket.socket, request: Received) -> None:
        sock.recv(1)

    def drip(sock: socket.socket, request: Received) -> None:
        for _ in range(100):
            sock.sendall(b"x")
            time.sleep(0.05)

    proxy.receiver.always(lambda sock, request: sock.shutdown(socket.SHUT_RDWR))
    assert through(f"https://{HOST}/").error == "proxy_unavailable"
    for behaviour in (hang, drip):
        proxy.receiver.always(behaviour)
        start = time.monotonic()
        assert through(f"https://{HOST}/").error == "timeout"
        assert time.monotonic() - start < 1.5


def test_no_variable_of_the_environment_names_a_proxy_w5(
    proxy: EgressProxy, transport: Transport, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "STECKER_EGRESS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert transport.send(Request("POST", receiver.url, {}, b"hello")).status_code == 204
    assert proxy.receiver.connects == 0


@pytest.mark.parametrize(
    "url", ["https://proxy:3128", "proxy:3128", "http://", "http://proxy:99999", "http://p/x", "http://p?x"]
)
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|Port|[Pp]ort"):
        Proxy.of(url)
    assert Proxy.of("http://proxy.internal") == Proxy(host="proxy.internal", port=3128)
