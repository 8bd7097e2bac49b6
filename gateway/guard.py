"""What stands before everything: the whole body under a size and a deadline, and a name for every request."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from gateway import errors
from gateway.errors import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 1024 * 1024
MAX_TOKEN_BODY = 16 * 1024
# Google's client puts a slash behind each of its paths (Actions Center, booking server).
SLASHED = "/google/v3/"
MAX_HEADERS = 32 * 1024
MAX_ADDRESS = 8 * 1024
DISCARD = 8 * 1024 * 1024
BODY_SECONDS = 30.0
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ufffd]")


See = Callable[[Scope, Mapping[str, Any], float], None]
"""Takes the scope, the answer (the ASGI message `start` and the `body`), and when it began by `perf_counter`."""


def nobody(scope: Scope, answer: Mapping[str, Any], began: float) -> None:
    """Where nobody looks."""


class BodyGuard:
    """Reads the whole body under a size and a deadline, and hands it on as one message with its true length.

    Chunked bodies get lost in Connexion, and large ones are buffered and parsed before any limit of Flask's. A body
    over the limit is read and thrown away before it is refused, since an answer amid sending is lost to most clients.

    `release` is for the server that is told to end: who waits for something is answered at once. `see` is told of what
    a sandbox's caller was answered.
    """

    def __init__(
        self,
        app: App,
        *,
        base_url: str,
        new_request_id: Callable[[], str],
        close: Callable[[], Awaitable[None]],
        release: Callable[[], None] = lambda: None,
        see: See = nobody,
    ) -> None:
        self.app, self.base_url, self.new_request_id, self.close = app, base_url, new_request_id, close
        self.release, self.see = release, see

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(receive, send, self.close)
        if scope["type"] != "http":
            return await send({"type": "websocket.close"})
        given = _header(scope, b"x-request-id") or b""
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else self.new_request_id()
        scope["stecker.request_id"] = request_id
        # Filled on the way in, by whoever gets only a copy of this scope.
        scope["stecker.headers"] = {}
        # What is seen of a sandbox's request, and whether its answer is to get `lost`; empty for all others.
        inner: dict[str, Any] = {}
        scope["stecker.inner"] = inner
        # Starlette answers a wrong method in plain text unless it finds an application that handles its exceptions.
        scope["app"] = self
        send = _stamped(send, scope, request_id)
        try:
            _check_head(scope)
            body = await _read(receive, scope)
        except _Gone:
            return None
        except Problem as problem:
            return await answer(send, problem, self.base_url, request_id)
        scope["stecker.body"] = body
        scope["headers"] = _with_length(scope["headers"], len(body))
        began = perf_counter()
        try:
            await self.app(scope, _replay(body, receive), send)
        finally:
            if inner:
                self.see(inner["scope"], inner, began)
        if "lost" in inner:
            scope["stecker.cut"]()
            await until_gone(receive)


async def _live(receive: Receive, send: Send, close: Callable[[], Awaitable[None]]) -> None:
    """The server's own start and end (ASGI lifespan): everything is built by then, something is to be closed."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await close()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def until_gone(receive: Receive) -> None:
    """Until the client has left, for whoever has its body."""
    while (await receive())["type"] != "http.disconnect":
        continue


class _Gone(Exception):
    """The client has left."""


def _stamped(send: Send, scope: Scope, request_id: str) -> Send:
    """Every answer says which request it is for; those to a client also what is left of its limits."""
    extra = [
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    inner: dict[str, Any] = scope["stecker.inner"]

    async def stamped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            limits = [
                (name.lower().encode(), value.encode()) for name, value in scope.get("stecker.headers", {}).items()
            ]
            names = {name.lower() for name, _ in headers}
            message = {**message, "headers": headers + [pair for pair in [*extra, *limits] if pair[0] not in names]}
        if inner:
            part = "start" if message["type"] == "http.response.start" else "body"
            inner[part] = message if part == "start" else inner.get(part, b"") + message.get("body", b"")
        if "lost" not in inner:
            await send(message)

    return stamped


async def answer(send: Send, problem: Problem, base_url: str, request_id: str) -> None:
    """Send a problem as the whole response."""
    body = errors.document(problem, base_url, request_id)
    headers = [(b"content-type", errors.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _check_head(scope: Scope) -> None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        raise Problem(code="too-large", detail=f"The headers are larger than {MAX_HEADERS} bytes.")
    if len(scope["path"]) + len(scope["query_string"]) > MAX_ADDRESS:
        raise Problem(code="uri-too-long", detail=f"Path and query are longer than {MAX_ADDRESS} bytes.")
    encoding = _header(scope, b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        detail = "Compressed requests are not taken; send the body as it is."
        raise Problem(code="unsupported-media-type", detail=detail, headers={"Accept-Encoding": "identity"})
    # A NUL or a broken character in the address would only fail later, in the database.
    if UNPRINTABLE.search(scope["path"]) or UNPRINTABLE.search(unquote(scope["query_string"].decode("latin-1"))):
        raise Problem(code="bad-request", detail="The address contains a character that is not text.")

    if scope["path"].startswith(SLASHED):
        scope["path"] = scope["path"].removesuffix("/")
    # Starlette would redirect to whatever host the request names, and before anything is checked.
    if scope["path"] != "/" and scope["path"].endswith("/"):
        raise Problem(code="not-found", detail="There is nothing here.")


async def _read(receive: Receive, scope: Scope) -> bytes:
    limit = MAX_TOKEN_BODY if scope["path"] == "/oauth/token" else MAX_BODY
    body, seen = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while seen <= DISCARD:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                chunk = message.get("body", b"")
                seen += len(chunk)
                if seen <= limit:
                    body += chunk
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Problem(
            code="request-timeout",
            detail=f"The body did not arrive within {BODY_SECONDS:.0f} seconds.",
            headers={"Connection": "close"},
        ) from None
    if seen > limit:
        detail = f"The message is larger than {limit} bytes."
        raise Problem(code="too-large", detail=detail, headers={"Connection": "close"})
    return bytes(body)


def _with_length(headers: Iterable[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name not in (b"content-length", b"transfer-encoding")]
    return [*kept, (b"content-length", str(length).encode())] if length else kept


def _replay(body: bytes, receive: Receive) -> Receive:
    said = False

    async def replay() -> Message:
        nonlocal said
        if said:
            return await receive()
        said = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
