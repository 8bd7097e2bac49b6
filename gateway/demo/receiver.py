"""A partner's server on loopback: takes webhooks, and verifies them with the standard library alone."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateway.demo.system import DoesNotHold

WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One webhook as it came: the path it was posted to, headers by lower-case name, the bytes, and when."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> Any:
        """The event in our own JSON; a document in a dialect is none."""
        return json.loads(self.body) if self.headers["content-type"] == "application/json" else {}

    def is_about(self, job_id: str) -> bool:
        return bool(self.event.get("data", {}).get("job", {}).get("id") == job_id)


def signed_string(headers: Mapping[str, str], body: bytes) -> bytes:
    """What the signature is over: id, timestamp and body, with dots between."""
    return f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body


def is_good(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Signed with this secret, within the last five minutes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, signed_string(headers, body), hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    offered = headers["webhook-signature"].encode().split()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and any(hmac.compare_digest(expected, one) for one in offered)


@dataclass
class Receiver:
    """Everything that came, in the order in which it came."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, heard: Heard) -> None:
        with self.arrived:
            self.heard.append(heard)
            self.arrived.notify_all()

    def wait_for(self, what: str, wanted: Callable[[Heard], bool]) -> Heard:
        """The first webhook that is `wanted`, as soon as it is there. Raises `DoesNotHold`."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: any(map(wanted, self.heard)), WITHIN):
                raise DoesNotHold(f"{what} did not arrive within {WITHIN:.0f} seconds.")
            return next(filter(wanted, self.heard))


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a free port of this machine; every webhook is answered 204 at once."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.take(Heard(self.path, headers, body, time.monotonic()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None:
            """The demo tells its own story."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
