"""A receiver of webhooks as it should be, to be broken in one place at a time."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = bytes(range(32))
STATES = {"scheduled", "confirmed", "en_route", "on_site", "completed"}


class Sound:
    """Each method is one thing that a receiver may get wrong. `answer` gives the status."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.latest: dict[str, int] = {}
        self.lock = threading.Lock()

    def answer(self, method: str, headers: Mapping[str, str], body: bytes) -> int:
        if method != "POST":
            return self.stray()
        if not (self.is_fresh(headers.get("webhook-timestamp", "")) and self.is_signed(headers, body)):
            return self.refusal()
        with self.lock:
            if headers["webhook-id"] in self.seen:
                return self.repeat()
            self.seen.add(headers["webhook-id"])
            return self.take(json.loads(body))

    def is_fresh(self, stamp: str) -> bool:
        return stamp.isdecimal() and abs(time.time() - int(stamp)) < 300

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        return self.expected(headers, body) in self.offered(headers)

    def expected(self, headers: Mapping[str, str], body: bytes, key: bytes = KEY) -> str:
        signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

    def offered(self, headers: Mapping[str, str]) -> list[str]:
        return headers.get("webhook-signature", "").split()

    def stray(self) -> int:
        return 405

    def refusal(self) -> int:
        return 401

    def repeat(self) -> int:
        return 204

    def take(self, event: Any) -> int:
        return 204


@contextmanager
def serving(receiver: Sound) -> Iterator[str]:
    """Its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status = receiver.answer(self.command, headers, body)
            except Exception:  # what every framework does with it
                status = 500
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET = do_HEAD = do

        def log_message(self, format: str, *values: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        server.shutdown()
        server.server_close()
