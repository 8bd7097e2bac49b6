"""Where a partner's part is played: the running system, the partner's own server, and all that was said."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from gateway.demo.caller import Caller, login
from gateway.demo.system import STECKER, DoesNotHold, System

WITHIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, as they went over the wire. `path` has its query; header names are lower-case."""

    by: Literal["partner", "stecker"]
    method: str
    path: str
    body: bytes
    media_type: str
    status: int
    answer: bytes
    answer_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 204
    body: bytes = b""
    media_type: str = "application/json"


def as_json(document: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode())


Answers = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""How a partner's server answers: (method, path with query, headers, body)."""


@dataclass
class Theirs:
    """The partner's server on loopback. What it is asked is answered by `answers`, and noted."""

    url: str = ""
    answers: Answers = lambda method, path, headers, body: Reply()
    asked: list[Exchange] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with self.changed:
            reply = self.answers(method, path, headers, body)
            self.asked.append(
                Exchange(
                    by="stecker",
                    method=method,
                    path=path,
                    body=body,
                    media_type=headers.get("content-type", ""),
                    status=reply.status,
                    answer=reply.body,
                    answer_type=reply.media_type,
                    headers=headers,
                )
            )
            self.changed.notify_all()
        return reply

    def wait_for(self, what: str, wanted: Callable[[Exchange], bool]) -> Exchange:
        """The first request that is `wanted`. Raises `DoesNotHold`."""
        with self.changed:
            if not self.changed.wait_for(lambda: any(map(wanted, self.asked)), WITHIN):
                raise DoesNotHold(f"{what} did not come within {WITHIN:.0f} seconds.")
            return next(filter(wanted, self.asked))


@contextmanager
def serving() -> Iterator[Theirs]:
    """A partner's server on a free port of this machine."""
    theirs = Theirs()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = theirs.take(self.command, self.path, headers, body)
            self.send_response(reply.status)
            if reply.body:
                self.send_header("Content-Type", reply.media_type)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def log_message(self, format: str, *values: object) -> None:
            """The demo tells its own story."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    theirs.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield theirs
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class House:
    """`partner` is the partner with an access token; `said` is everything the partner has sent, and got back."""

    system: System
    theirs: Theirs
    partner: Caller
    dispatch: Caller
    clock: Callable[[], datetime]
    said: list[Exchange] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes, media_type: str, expect: int, **options: Any) -> Exchange:
        """A request of the partner's, with their access token where `options` bring no other proof."""
        headers = {**options.pop("headers", {}), **({"Content-Type": media_type} if media_type else {})}
        answer = self.partner.ask(method, self.system.url + path, expect, data=body, headers=headers, **options)
        exchange = Exchange(
            by="partner",
            method=method,
            path=path,
            body=body,
            media_type=media_type,
            status=answer.status_code,
            answer=answer.content,
            answer_type=answer.headers.get("Content-Type", ""),
            headers=dict(headers),
        )
        self.said.append(exchange)
        return exchange

    def endpoint(self, **wish: Any) -> Any:
        """Where the partner wants to be called."""
        wish = {"url": self.theirs.url, "format": "dialect", "event_types": ["*"], **wish}
        return self.partner.post("/v1/webhook-endpoints", wish, expect=201).json()

    def stecker(self, *words: str, given: str = "") -> Any:
        """A command of an operator's, on this system; what it printed as JSON."""
        command = (*STECKER, *words, "--json", "--data-dir", str(self.system.data_dir))
        ended = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=60, check=False, env=self.system.environ
        )
        if ended.returncode:
            raise DoesNotHold(f"stecker {' '.join(words[:2])} said: {ended.stderr.strip()}")
        return json.loads(ended.stdout)

    def order(self, number: str) -> Any:
        """The order as it stands, as soon as it is here. Raises `DoesNotHold`."""
        return self.until(f"Order {number}", lambda: self._find(number))

    def _find(self, number: str) -> Any:
        return next(iter(self.partner.get("/v1/orders", partner_order_id=number)["items"]), None)

    def settled(self) -> None:
        """Wait until everything that is to be said has been. Raises `DoesNotHold` where something was refused."""
        self.until("The last delivery", self._is_settled)

    def _is_settled(self) -> bool:
        for endpoint in self.partner.get("/v1/webhook-endpoints")["items"]:
            for one in self.partner.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", limit="200")["items"]:
                if one["status"] == "pending":
                    return False
                if one["status"] != "delivered":
                    raise DoesNotHold(f"{one['type']} was not delivered: {one['error'] or one['attempts'][-1]}")
        return True

    def until(self, what: str, found: Callable[[], Any]) -> Any:
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            if there := found():
                return there
            time.sleep(0.1)
        raise DoesNotHold(f"{what} did not come within {WITHIN:.0f} seconds.")


def house(system: System, slug: str, theirs: Theirs, clock: Callable[[], datetime]) -> House:
    return House(
        system=system, theirs=theirs, partner=login(slug, system), dispatch=login("dispatch", system), clock=clock
    )
