"""Names that lead inside, whatever they are called and however they answer (W2, W8); and what TLS must be."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.support.receiver import Receiver
from tests.support.tls import certificate_of, tls_server
from webhooks.policy import Answer
from webhooks.transport import Request, Transport

PUBLIC = "93.184.215.14"


def post(transport: Transport, url: str) -> Answer:
    return transport.send(Request("POST", url, {"content-type": "text/plain"}, b"hello"))


@pytest.fixture
def strict() -> Iterator[Transport]:
    made = Transport(allow=(), deadline=0.5)
    yield made
    made.close()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """To where anybody tried to connect; nobody gets there."""
    tried: list[str] = []

    class Watched(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            tried.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "socket", Watched)
    return tried


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What every name has for addresses, as the resolver gives them: aliases (CNAME) are followed by then."""

    def getaddrinfo(host: str, port: int, **kwargs: object) -> list[object]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        ends = [(one, port, 0, 0) if ":" in one else (one, port) for one in addresses]
        return [(family, socket.SOCK_STREAM, 6, "", end) for family, end in zip(families, ends, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


INNER = {
    "loopback": "127.0.0.1",
    "this host": "0.0.0.0",
    "a private network": "10.0.0.5",
    "another one": "172.31.0.1",
    "a home": "192.168.1.1",
    "metadata": "169.254.169.254",
    "Azure's host": "168.63.129.16",
    "Alibaba's metadata": "100.100.100.200",
    "Oracle's metadata": "192.0.0.192",
    "AWS's metadata": "fd00:ec2::254",
    "loopback, mapped": "::ffff:127.0.0.1",
    "loopback, by NAT64": "64:ff9b::7f00:1",
    "loopback, by 6to4": "2002:7f00:1::",
    "loopback, by Teredo": "2001:0:7f00:1::",
    "a link": "fe80::1%1",
}


@pytest.mark.parametrize("where", INNER)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_inside_is_refused_without_a_connection_w2(
    strict: Transport, connected: list[str], monkeypatch: pytest.MonkeyPatch, scheme: str, where: str
) -> None:
    resolves(monkeypatch, INNER[where])
    found = post(strict, f"{scheme}://inside.example.com/")
    assert (found.error, found.duration_ms, found.excerpt, connected) == ("blocked_by_policy", 0, None, [])


@pytest.mark.parametrize("place", [0, 50, 99])
def test_a_hundred_addresses_are_all_looked_at_w2(
    strict: Transport, connected: list[str], monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    addresses = [f"93.184.215.{number}" for number in range(100)]
    resolves(monkeypatch, *addresses[:place], "10.0.0.5", *addresses[place:])
    assert post(strict, "https://many.example.com/").error == "blocked_by_policy"
    assert connected == []

    resolves(monkeypatch, *addresses)
    assert post(strict, "https://many.example.com/").error == "connection_refused"
    assert connected == addresses


def test_a_hundred_addresses_that_do_not_answer_take_no_longer_than_one_w6(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            time.sleep(self.gettimeout() or 0)
            raise TimeoutError

    patient = Transport(allow=(), deadline=0.5)
    monkeypatch.setattr(socket, "socket", Silent)
    resolves(monkeypatch, *[f"93.184.215.{number}" for number in range(100)])
    start = time.monotonic()
    assert post(patient, "https://many.example.com/").error == "timeout"
    assert time.monotonic() - start < 1
    patient.close()


def test_a_host_with_ipv6_alone_is_called(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no address of IPv6")
    resolves(monkeypatch, "::1")
    allowing = Transport(allow=(ip_network("::1/128"),), deadline=0.5)
    with listening:
        found = post(allowing, f"http://six.example.com:{listening.getsockname()[1]}/")
        peer, _ = listening.accept()
        peer.close()
    allowing.close()
    assert found.error == "timeout", "it was connected to, and nobody answered"


def test_an_address_that_is_another_one_once_connected_is_left_w2(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last wall: should the system connect to elsewhere than it was told, nothing is sent there."""

    class Misled(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            super().connect(("127.0.0.1", receiver.port))

    strict = Transport(allow=(), deadline=0.5)
    resolves(monkeypatch, PUBLIC)
    monkeypatch.setattr(socket, "socket", Misled)
    assert post(strict, "http://elsewhere.example.com/").error == "blocked_by_policy"
    strict.close()
    assert receiver.got == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("most", "error"),
    [(ssl.TLSVersion.TLSv1, "tls_error"), (ssl.TLSVersion.TLSv1_1, "tls_error"), (ssl.TLSVersion.TLSv1_2, None)],
)
def test_tls_is_1_2_or_newer_k14(tmp_path: Path, most: ssl.TLSVersion, error: str | None) -> None:
    certificate = certificate_of(tmp_path, "localhost")
    knowing = Transport(allow=(ip_network("127.0.0.0/8"), ip_network("::1/128")), deadline=3, verify=str(certificate))
    with tls_server(certificate, most) as port:
        assert post(knowing, f"https://localhost:{port}/").error == error
    knowing.close()


def test_open_closed_and_missing_look_alike_inside_w8(strict: Transport, receivers: Callable[[], Receiver]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed = closing.getsockname()[1]
    ports = (receivers().port, closed, 1)
    refused = Answer(error="blocked_by_policy")
    assert [post(strict, f"http://127.0.0.1:{port}/") for port in ports] == [refused] * 3
