"""The bridge to the handlers, and to Flask: with the body here already, one hop to a thread and one answer back."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import Any, Protocol

from connexion.middleware.abstract import ROUTING_CONTEXT
from flask import Response

from gateway.guard import Receive, Scope, Send

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Serve = Callable[[Scope], Response]


class Wait(Protocol):
    """Holds a request back on the event loop, before a thread serves it."""

    async def __call__(self, scope: Scope, receive: Receive) -> None: ...

    def release(self) -> None:
        """Let everybody go, soon: the server ends. May be called by a signal's handler."""
        ...


NOTHING: Mapping[str, Wait] = MappingProxyType({})


@dataclass(slots=True)
class _Answer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return lambda chunk: None


class Bridge:
    """Runs the handlers of operations, by their operationId, and a WSGI application for every other request.

    `threads` is at most the database pool: who waits for a connection helps nobody. `waits` are the operations that
    may first wait for something else, which holds up no thread.
    """

    def __init__(
        self, handlers: Mapping[str, Serve], wsgi: Wsgi, *, threads: int, waits: Mapping[str, Wait] = NOTHING
    ) -> None:
        self.handlers = handlers
        self.waits = waits
        self.wsgi = wsgi
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    def release(self) -> None:
        """Let go of who waits."""
        for wait in self.waits.values():
            wait.release()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation_id = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
        if (wait := self.waits.get(operation_id)) is not None:
            await wait(scope, receive)
        serve = self.handlers.get(operation_id)
        wsgi = self.wsgi if serve is None else partial(_served, serve, scope)
        environ = _environ(scope) if serve is None else {"REQUEST_METHOD": scope["method"]}
        loop = asyncio.get_running_loop()
        answer, body = await loop.run_in_executor(self.pool, _call, wsgi, environ)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers or []})
        await send({"type": "http.response.body", "body": body})


def _served(serve: Serve, scope: Scope, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
    """A handler as a WSGI application: its response needs no more of the environment than the method."""
    return serve(scope)(environ, start)


def _call(wsgi: Wsgi, environ: Environ) -> tuple[_Answer, bytes]:
    answer = _Answer()
    chunks = wsgi(environ, answer.start)
    try:
        return answer, b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def _environ(scope: Scope) -> Environ:
    """The WSGI environment (PEP 3333) of an ASGI scope; the scope itself travels along."""
    body: bytes = scope["stecker.body"]
    host, port = scope.get("server") or ("localhost", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "stecker.scope": scope,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ
