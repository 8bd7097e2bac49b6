"""An egress proxy: whoever connects for us, and knows to where one may connect from there.

Names and literal addresses are still ours to refuse (`egress.check_url`); which address a name has, the proxy sees.
Everything goes through a tunnel (CONNECT, RFC 9110 §9.3.6), so it reads no message that is encrypted.
"""

import base64
import logging
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from urllib3.exceptions import HTTPError

log = logging.getLogger(__name__)

LONGEST = 16 * 1024
"""Bytes that its answer may have."""

REFUSED = frozenset({403, 451})
UNREACHED = frozenset({500, 502, 503, 504})
SMOKESCREEN = b"x-smokescreen-error:"
"""Stripe's proxy says so where it refuses, with the status 407. https://github.com/stripe/smokescreen"""


class Refused(HTTPError):
    """The proxy does not connect to there."""


class Unreached(HTTPError):
    """The proxy could not connect to there."""


class Useless(HTTPError):
    """The proxy is away, or wants something else of us. Nobody there can do anything about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Where the proxy is, and the value of `Proxy-Authorization` where it wants one."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "Proxy":
        """The proxy at `http://user:password@host:port`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("not the URL of a proxy")
        authorization = None
        if parts.username is not None:
            said = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            authorization = "Basic " + base64.b64encode(said).decode()
        return cls(host=parts.hostname, port=parts.port or 3128, authorization=authorization)

    def tunnel(self, sock: socket.socket, host: str, port: int) -> None:
        """Have this connection lead to there. Raises `Refused`, `Unreached` and `Useless`, and OSError."""
        there = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {there} HTTP/1.1", f"host: {there}"]
        if self.authorization is not None:
            lines.append(f"proxy-authorization: {self.authorization}")
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        status, head = _answer(sock)
        if 200 <= status < 300:
            return
        if status in REFUSED or SMOKESCREEN in head.lower():
            raise Refused
        if status in UNREACHED:
            raise Unreached
        log.warning("the egress proxy answers %s", status)
        raise Useless


def _answer(sock: socket.socket) -> tuple[int, bytes]:
    """Status and head. Nobody speaks through the tunnel before us, so nothing comes behind a 2xx."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(4096)
        head += more
        if not more or len(head) > LONGEST:
            raise Useless
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Useless
    return int(words[1]), head
