"""W3C Trace Context (level 1), and OpenTelemetry's spans where somebody has set it up.

The trace of the request that caused a message is kept in the headers of its payload, and each attempt passes it on
under a name of its own. Nothing of OpenTelemetry is imported before the application has done so: without a provider
there are no spans.
"""

import logging
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal
from urllib.parse import urlsplit

from webhooks.delivery import Claimed
from webhooks.outbox import about
from webhooks.policy import NOTHING, Answer, Ruling, trouble

_log = logging.getLogger(__name__)

Trace = Mapping[str, str]
"""The headers of a trace: `traceparent`, perhaps with `tracestate`. Empty where there is none."""

NAMES = ("traceparent", "tracestate")
PARENT = re.compile(r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
MEMBER = re.compile(
    r"([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
MOST_MEMBERS, LONGEST_MEMBER, LONGEST_STATE = 32, 128, 512
PORTS = {"http": 80, "https": 443}


def accepted(headers: Iterable[tuple[str, str]]) -> Trace:
    """The trace that a request's headers name, in whatever case; what is not valid is none (§3.2, §3.3)."""
    found = [(name.lower(), value.strip(" \t")) for name, value in headers if name.lower() in NAMES]
    parents = [value for name, value in found if name == "traceparent"]
    known = PARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    # What follows is for later versions; of theirs we understand as much as of ours.
    if known is None or known[1] == "ff" or (known[1] == "00" and known[5]):
        return NOTHING
    parent = f"00-{known[2]}-{known[3]}-{int(known[4], 16) & 1:02x}"
    state = _state(",".join(value for name, value in found if name == "tracestate"))
    return {"traceparent": parent, "tracestate": state} if state else {"traceparent": parent}


def kept(headers: Mapping[str, str]) -> Trace:
    """The trace among the headers of a payload."""
    return {name: headers[name] for name in NAMES if name in headers} if "traceparent" in headers else NOTHING


def onward(trace: Trace) -> Trace:
    """The same trace, under a name for what we do next."""
    if not trace:
        return trace
    parent = trace["traceparent"]
    return {**trace, "traceparent": f"{parent[:36]}{secrets.randbelow((1 << 64) - 1) + 1:016x}{parent[52:]}"}


def trace_id(trace: Trace) -> str | None:
    return trace["traceparent"][3:35] if trace else None


def _state(text: str) -> str:
    """What is passed on of it: all or nothing, but the longest and then the last go where it is too long."""
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    keys = [known[1] for member in members if (known := MEMBER.fullmatch(member))]
    if len(members) > MOST_MEMBERS or len(set(keys)) != len(members):
        return ""
    if len(",".join(members)) > LONGEST_STATE:
        members = [member for member in members if len(member) <= LONGEST_MEMBER]
    while len(",".join(members)) > LONGEST_STATE:
        members.pop()
    return ",".join(members)


@dataclass(frozen=True, slots=True)
class Span:
    """Something that is being done; `trace` is for what it causes. Without OpenTelemetry nobody is told of it."""

    trace: Trace
    told: Any = None

    def end(self, attributes: Mapping[str, str | int], error: str | None = None) -> None:
        """What came of it; `error` is the kind of its fault."""
        if self.told is not None:
            self.told.set_attributes(attributes)
            if error is not None:
                self.told.set_attribute("error.type", error)
                self.told.set_status(_otel().StatusCode.ERROR)


Kind = Literal["SERVER", "CLIENT", "INTERNAL"]


@contextmanager
def within(trace: Trace, name: str, kind: Kind, attributes: Mapping[str, str | int]) -> Iterator[Span]:
    """A span in this trace, or the first one of a trace. No text of an exception is written into it."""
    provider = _provider()
    if provider is None:
        yield Span(trace)
        return
    otel, w3c = _otel(), import_module("opentelemetry.trace.propagation.tracecontext").TraceContextTextMapPropagator()
    span = provider.get_tracer("webhooks").start_span(
        name, w3c.extract(trace) if trace else None, otel.SpanKind[kind], attributes
    )
    headers: dict[str, str] = {}
    w3c.inject(headers, otel.set_span_in_context(span))
    try:
        with otel.use_span(span, record_exception=False, set_status_on_exception=False):
            yield Span(headers or trace, span)
    except BaseException as error:
        Span(trace, span).end({}, type(error).__qualname__)
        raise
    finally:
        span.end()


@contextmanager
def attempt(claimed: Claimed) -> Iterator[Span]:
    """The span of one attempt, after the semantic conventions for HTTP; its `trace` goes with the call.

    Of the URL it tells host and port: path and query often hold what only the receiver should know.
    """
    given = kept(claimed.headers)
    if not is_on():
        yield Span(onward(given))
        return
    known: dict[str, str | int] = {
        "webhook.message.id": claimed.message_id,
        "webhook.event.id": claimed.event_id,
        "webhook.endpoint.id": claimed.endpoint_id,
    }
    parts = urlsplit(claimed.url)
    if parts.scheme not in PORTS:
        with within(given, parts.scheme, "INTERNAL", known) as span:
            yield span
        return
    known |= {
        "http.request.method": claimed.method,
        "server.address": parts.hostname or "",
        "server.port": parts.port or PORTS[parts.scheme],
        "url.scheme": parts.scheme,
    }
    if claimed.attempts:
        known["http.request.resend_count"] = claimed.attempts
    with within(given, claimed.method, "CLIENT", known) as span:
        # Whoever makes no span of it has not named it either.
        yield span if span.trace != given else Span(onward(given), span.told)


def outcome(answer: Answer, ruling: Ruling | None) -> tuple[Mapping[str, str | int], str | None]:
    """What is told of an attempt: attributes, and the kind of its fault, which is the status where that says it."""
    code, reason = answer.status_code, trouble(answer, ruling)
    said = reason is not None and answer.error is None and code is not None and code >= 300
    return {} if code is None else {"http.response.status_code": code}, str(code) if said else reason


def log(claimed: Claimed, answer: Answer, ruling: Ruling | None, trace: Trace) -> None:
    """A line of ids and figures: always for an attempt that failed, for the others where somebody debugs."""
    reason = trouble(answer, ruling)
    level = logging.DEBUG if reason is None else logging.INFO
    if _log.isEnabledFor(level):
        told = {
            "message_id": claimed.message_id,
            "event_id": claimed.event_id,
            "endpoint_id": claimed.endpoint_id,
            "subject": about(claimed.subject),
            "environment": claimed.environment,
            "attempt": claimed.attempts + 1,
            "status": answer.status_code,
            "reason": reason,
            "duration_ms": answer.duration_ms,
            "trace_id": trace_id(trace),
        }
        _log.log(level, "webhook_attempt", extra=told)


def is_on() -> bool:
    """Whether spans are told to anybody."""
    return _provider() is not None


def _otel() -> Any:
    return sys.modules.get("opentelemetry.trace")


def _provider() -> Any:
    """Who makes spans; None where nobody has been told to."""
    otel = _otel()
    # Somebody may be importing it just now.
    ask = getattr(otel, "get_tracer_provider", None)
    if ask is None:
        return None
    provider = ask()
    return None if isinstance(provider, otel.ProxyTracerProvider) else provider
