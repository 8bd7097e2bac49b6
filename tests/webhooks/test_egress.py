"""Which URLs may be registered (W1) and which addresses connected to (W3)."""

from ipaddress import ip_network

import pytest

from webhooks.egress import check_url, may_connect

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://hooks.example.com/stecker?token=1",
        "https://example.com:8443/a",
        "https://xn--bcher-kva.example/",
        "https://EXAMPLE.com/",
    ],
)
def test_accepts_ordinary_urls_w1(url: str) -> None:
    assert check_url(url, ()) == []


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("http://example.com/", ["not_https"]),
        ("https://user:pw@example.com/", ["userinfo"]),
        ("https://example.com/#part", ["fragment"]),
        ("https://example.com/#", ["fragment"]),
        ("https://example.com:22/", ["port_not_allowed"]),
        ("https://example.com:0/", ["port_not_allowed"]),
        ("https://example.com:99999/", ["malformed"]),
        ("https://93.184.215.14/", ["host_is_address"]),
        ("https://[2606:2800:21f:cb07::1]/", ["host_is_address"]),
        ("https://0x7f.1/", ["host_is_address"]),
        ("https://example.0x7f/", ["host_is_address"]),
        ("https://intranet/", ["host_not_qualified"]),
        ("https://example.com./", ["host_invalid"]),
        ("https://exa_mple.com/", ["host_invalid"]),
        ("https://-a.example.com/", ["host_invalid"]),
        ("https://xn--0.example.com/", ["host_invalid"]),
        ("https://a..example.com/", ["host_invalid"]),
        ("https://bücher.example/", ["malformed"]),
        ("https://exam\tple.com/", ["malformed"]),
        ("https://example.com/\r\nx: y", ["malformed"]),
        (" https://example.com/", ["malformed"]),
        ("ftp://example.com/", ["malformed"]),
        ("//example.com/", ["malformed"]),
        ("", ["malformed"]),
        ("https://[::1", ["malformed"]),
        ("https://example.com/" + "a" * 2048, ["too_long"]),
        ("http://user@10.0.0.1:25/#x", ["userinfo", "fragment", "not_https", "port_not_allowed", "host_is_address"]),
    ],
)
def test_says_everything_that_is_wrong_w1(url: str, codes: list[str]) -> None:
    assert check_url(url, ()) == codes


@pytest.mark.parametrize("port", [22, 25, 80, 6379])
def test_only_the_ports_of_https_are_called_w1(port: int) -> None:
    assert check_url(f"https://example.com:{port}/", ()) == ["port_not_allowed"]


def test_our_own_host_is_not_called_w2() -> None:
    """Who is called there calls us: an event that makes an order makes an event."""
    assert check_url("https://Partners.Example.com:8443/inbound", (), "partners.example.com") == ["host_is_ours"]
    assert check_url("https://hooks.example.com/", (), "partners.example.com") == []
    assert check_url("http://127.0.0.1:9000/", LOOPBACK, "127.0.0.1") == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/hook", "http://localhost:9000/", "http://[::1]:9000/", "https://127.8.8.8/"]
)
def test_a_host_that_is_allowed_may_be_http_a_literal_and_on_any_port_w1(url: str) -> None:
    assert check_url(url, LOOPBACK) == []
    assert check_url(url, ())


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
    ],
)
def test_refuses_what_is_not_public_w3(address: str) -> None:
    assert not may_connect(address, ())


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_lets_public_addresses_pass_w3(address: str) -> None:
    assert may_connect(address, ())


def test_lets_pass_what_is_allowed_and_nothing_beside_it() -> None:
    assert may_connect("127.0.0.5", LOOPBACK)
    assert may_connect("::ffff:127.0.0.1", LOOPBACK)
    assert not may_connect("10.0.0.1", LOOPBACK)
