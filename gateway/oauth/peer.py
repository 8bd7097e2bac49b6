"""Who is at the other end, behind proxies or not. Proxy headers count only from proxies that the settings name."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.config import Network


@dataclass(frozen=True, slots=True)
class Peer:
    address: str
    secure: bool


def seen(environ: Mapping[str, str], trusted: tuple[Network, ...]) -> Peer:
    """The peer of a WSGI request: the last address that no trusted proxy vouches away, and whether it came by TLS."""
    address = environ.get("REMOTE_ADDR", "")
    if not _is_in(address, trusted):
        return Peer(address, environ.get("wsgi.url_scheme") == "https")
    for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not hop.strip():
            break
        address = hop.strip()
        if not _is_in(address, trusted):
            break
    # The last word is the one our own proxy appended.
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
    return Peer(address, scheme == "https")


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)
