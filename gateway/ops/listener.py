"""The operations port: metrics and health for whoever runs it, where no partner comes, without a token.

Threads with connections of their own, so that they answer when all others are busy: one for metrics, which may take a
while to count, one for health.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

from gateway import runtime as runtimes
from gateway.config import ConfigurationError, Settings
from gateway.front import DATABASE_AWAY
from gateway.ops import api, metrics
from gateway.runtime import Runtime
from webhooks.metrics import MEDIA_TYPE

log = logging.getLogger(__name__)

Page = tuple[int, str, str]
"""Status, media type, text."""


def _json(document: Mapping[str, Any], status: int) -> Page:
    return status, "application/json", json.dumps(document)


PAGES: Mapping[str, Callable[[Runtime], Page]] = {
    "/metrics": lambda runtime: (200, MEDIA_TYPE, metrics.told(runtime)),
    "/healthz/live": lambda runtime: _json(api.ALIVE, 200),
    "/healthz/ready": lambda runtime: _json(*api.readiness(runtime)),
}


@contextmanager
def listening(settings: Settings) -> Iterator[int | None]:
    """Serve as long as this lasts, where there is to be such a port; which one it is.

    Raises `ConfigurationError` where it cannot be had.
    """
    if settings.ops_port is None:
        yield None
        return
    runtime = runtimes.build(settings, pool_size=2)
    try:
        with _server(runtime) as server:
            Thread(target=server.serve_forever, name="operations", daemon=True).start()
            try:
                yield server.server_address[1]
            finally:
                server.shutdown()
    finally:
        runtime.close()


def _server(runtime: Runtime) -> TCPServer:
    host, port = runtime.settings.ops_host, runtime.settings.ops_port or 0

    class Handler(_Handler):
        pages = staticmethod(lambda path: PAGES[path](runtime) if path in PAGES else None)

    try:
        return _Server((host, port), Handler)
    except OSError as error:
        raise ConfigurationError(f"STECKER_OPS_PORT: {host}:{port} cannot be used ({error.strerror})") from error


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking name servers for our own name."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("operations_request_failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    pages: Callable[[str], Page | None]

    def do_GET(self) -> None:
        try:
            page = self.pages(self.path.partition("?")[0])
        except DATABASE_AWAY as error:
            log.warning("database_unavailable: %s", type(error).__name__)
            page = 503, "text/plain", "The database did not answer.\n"
        status, media_type, text = page or (404, "text/plain", f"Here are {', '.join(PAGES)}.\n")
        body = text.encode()
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "stecker"

    def log_message(self, format: str, *args: object) -> None:
        """Who scrapes, scrapes every few seconds."""
