"""What all this is done for: the request and its trace, for the webhooks that it causes and for the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from flask import Response

from gateway.guard import Scope
from webhooks import tracing
from webhooks.policy import NOTHING
from webhooks.tracing import Trace

NAMES = tuple(name.encode() for name in tracing.NAMES)


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that is being served, and whose it is; its `trace` is empty where it has none."""

    request_id: str | None = None
    partner_id: str | None = None
    trace: Trace = field(default_factory=lambda: NOTHING)


UNKNOWN = Cause()
_CAUSE: ContextVar[Cause] = ContextVar("cause", default=UNKNOWN)


def cause() -> Cause:
    return _CAUSE.get()


def trace_for(partner_id: str) -> Trace:
    """The trace, for what this partner is told. What others write into a `tracestate` is not for its eyes."""
    found = _CAUSE.get()
    if found.partner_id == partner_id or not found.trace:
        return found.trace
    return {"traceparent": found.trace["traceparent"]}


def serve(scope: Scope, route: str | None, handler: Callable[[Scope], Response]) -> Response:
    """Serve a request. With a `route` it is a span, after the semantic conventions for HTTP; its query is not told."""
    headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"] if name in NAMES]
    caller = scope.get("stecker.caller")
    trace = tracing.accepted(headers) if headers else NOTHING
    now = Cause(scope["stecker.request_id"], caller.partner_id if caller else None, trace)
    with _because(now):
        return handler(scope) if route is None or not tracing.is_on() else _told(scope, route, handler, now)


def _told(scope: Scope, route: str, handler: Callable[[Scope], Response], now: Cause) -> Response:
    method = scope["method"]
    known = {
        "http.request.method": method,
        "http.route": route,
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
    }
    with (
        tracing.within(now.trace, f"{method} {route}", "SERVER", known) as span,
        _because(replace(now, trace=span.trace)),
    ):
        response = handler(scope)
        status = response.status_code
        span.end({"http.response.status_code": status}, str(status) if status >= 500 else None)
        return response


@contextmanager
def taking(partner_id: str, door: str) -> Iterator[None]:
    """A document that a partner gave us, wherever it came in."""
    before = _CAUSE.get()
    with (
        tracing.within(before.trace, "take document", "INTERNAL", {"stecker.door": door}) as span,
        _because(replace(before, partner_id=partner_id, trace=span.trace)),
    ):
        yield


@contextmanager
def _because(now: Cause) -> Iterator[None]:
    token = _CAUSE.set(now)
    try:
        yield
    finally:
        _CAUSE.reset(token)
