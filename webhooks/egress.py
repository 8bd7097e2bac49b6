"""Where we may connect to: rules for a URL when it is registered, and for an address at every connect.

`is_global` alone is wrong: it calls 64:ff9b::7f00:1, ::127.0.0.1, fec0::1 and multicast global, and differs between
Python 3.11 and 3.13. Networks: IANA special-purpose registries, and Azure's 168.63.129.16.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MAX_URL = 2048
PORTS = frozenset({None, 443, 8443})

DENIED: tuple[Network, ...] = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)

_UNSAFE = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)$")


def may_connect(address: str, allow: Sequence[Network]) -> bool:
    """Whether this address (as a socket names it) is public, or inside `allow`."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        # A zone (`fe80::1%lo`) would make it a member of no network.
        found = found.ipv4_mapped or IPv6Address(found.packed)
    if _inside(found, allow):
        return True
    return found.is_global and not found.is_multicast and not _inside(found, DENIED)


def check_url(url: str, allow: Sequence[Network], ours: str | None = None) -> list[str]:
    """Everything that speaks against a webhook URL, as codes; nothing where it may be registered.

    Codes: `too_long`, `malformed`, `not_https`, `userinfo`, `fragment`, `host_is_address`, `host_invalid`,
    `host_not_qualified`, `host_is_ours` (an event that calls us may make the next one), `port_not_allowed`. A host
    inside `allow` may be http, an address, and on any port.
    """
    if len(url) > MAX_URL:
        return ["too_long"]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ["malformed"]
    if _UNSAFE.search(url) or not host or parts.scheme not in {"http", "https"}:
        return ["malformed"]
    problems = [code for code, holds in (("userinfo", "@" in parts.netloc), ("fragment", "#" in url)) if holds]
    if _allowed_host(host, allow):
        return problems if port != 0 else [*problems, "port_not_allowed"]
    return problems + _public_problems(parts, host, port) + (["host_is_ours"] if host == ours else [])


def _public_problems(parts: SplitResult, host: str, port: int | None) -> list[str]:
    problems = [] if parts.scheme == "https" else ["not_https"]
    if port not in PORTS:
        problems.append("port_not_allowed")
    return problems + _host_problems(host)


def _host_problems(host: str) -> list[str]:
    # What ends in a number is an address to inet_aton and to every browser: 127.1, 0x7f000001, 0177.0.0.1.
    if ":" in host or _NUMBER.match(host.rpartition(".")[2]):
        return ["host_is_address"]
    if "." not in host:
        return ["host_not_qualified"]
    try:
        idna.encode(host, strict=True, std3_rules=True)
    except idna.IDNAError:
        return ["host_invalid"]
    return ["host_invalid"] if host.endswith(".") else []


def _allowed_host(host: str, allow: Sequence[Network]) -> bool:
    try:
        found = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return False
    return _inside(found, allow)


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
