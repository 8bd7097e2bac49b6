"""Trace Context: what is accepted, kept and passed on; and OpenTelemetry's spans, which hold no secret."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import add_endpoint, event, eventually, rows, say, statuses
from tests.support.receiver import NO_CONTENT, Receiver, answer
from tests.support.spans import Spans, tracing_on
from webhooks import tracing
from webhooks.courier import Courier

Sessions = sessionmaker[Session]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with tracing_on() as found:
        yield found


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (SAMPLED, SAMPLED),
        (f" {SAMPLED}\t", SAMPLED),
        (SAMPLED[:-2] + "00", SAMPLED[:-2] + "00"),
        (SAMPLED[:-2] + "ff", SAMPLED),
        ("cc" + SAMPLED[2:], SAMPLED),
        ("cc" + SAMPLED[2:] + "-what-the-future-brings", SAMPLED),
        ("cc" + SAMPLED[2:] + ".what", None),
        (SAMPLED + "-more", None),
        ("ff" + SAMPLED[2:], None),
        (SAMPLED.upper(), None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (SAMPLED[:-1], None),
        (SAMPLED.replace("-", "_"), None),
        ("", None),
    ],
)
def test_a_parent_is_taken_as_the_standard_says(given: str, taken: str | None) -> None:
    assert tracing.accepted([("TraceParent", given)]).get("traceparent") == taken


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["a=1,b=2"], "a=1,b=2"),
        (["a=1 ,, b=2\t", "t@v=3"], "a=1,b=2,t@v=3"),
        (["a=1", "a=2"], None),
        (["A=1"], None),
        (["a="], None),
        (["a=1,b"], None),
        (["a=x=y"], None),
        ([",".join(f"k{number}=1" for number in range(32))], ",".join(f"k{number}=1" for number in range(32))),
        ([",".join(f"k{number}=1" for number in range(33))], None),
        ([f"a=1,b={'x' * 200},c={'y' * 200},d={'z' * 120}"], f"a=1,d={'z' * 120}"),
        ([",".join(f"k{number}={'x' * 100}" for number in range(6))], ",".join(f"k{n}={'x' * 100}" for n in range(4))),
    ],
)
def test_a_state_is_taken_as_a_whole_and_shortened(given: list[str], taken: str | None) -> None:
    found = tracing.accepted([("traceparent", SAMPLED), *(("tracestate", one) for one in given)])
    assert found.get("tracestate") == taken


def test_two_parents_are_none_and_a_state_alone_is_nothing() -> None:
    assert tracing.accepted([("traceparent", SAMPLED)] * 2) == {}
    assert tracing.accepted([("tracestate", "a=1")]) == {}


def test_each_attempt_passes_the_trace_on_under_another_name(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("500 Oops") if n == 0 else NO_CONTENT
    trace = tracing.accepted([("traceparent", SAMPLED), ("tracestate", "shop=4711")])
    say(sessions, replace(event("job_1"), trace=trace))

    couriers()

    told = [request.headers for request in receiver.wait_for(2)]
    parents = [one["traceparent"].split("-") for one in told]
    assert [(version, trace, flags) for version, trace, _, flags in parents] == [("00", TRACE, "01")] * 2
    assert len({PARENT, *(parent for _, _, parent, _ in parents)}) == 3
    assert [one["tracestate"] for one in told] == ["shop=4711"] * 2


def test_a_message_without_a_trace_is_sent_without_one(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))
    couriers()
    assert not {"traceparent", "tracestate"} & set(receiver.wait_for(1)[0].headers)


def test_an_attempt_is_a_span_that_tells_no_secret(
    sessions: Sessions,
    receiver: Receiver,
    couriers: Callable[..., Courier],
    spans: Spans,
) -> None:
    bearer = {"scheme": "bearer", "token": "canary-token"}
    endpoint_id, secret = add_endpoint(sessions, f"{receiver.url}?key=canary-key", authentication=bearer)
    receiver.behave = lambda n: answer("500 Oops", body=b"canary-answer") if n == 0 else NO_CONTENT
    say(sessions, replace(event("job_1"), trace={"traceparent": SAMPLED}))

    couriers()

    eventually(lambda: statuses(sessions) == ["delivered"])
    failed, delivered = spans()
    assert (failed.name, failed.kind, failed.status.status_code) == (
        "POST",
        otel.SpanKind.CLIENT,
        otel.StatusCode.ERROR,
    )
    assert (delivered.kind, delivered.status.status_code) == (otel.SpanKind.CLIENT, otel.StatusCode.UNSET)
    [(message_id, event_id)] = rows(sessions, "SELECT id, event_id FROM webhook_message")
    host, port = receiver.url.split("/")[2].split(":")
    assert dict(failed.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": host,
        "server.port": int(port),
        "url.scheme": "http",
        "http.response.status_code": 500,
        "error.type": "500",
        "webhook.message.id": message_id,
        "webhook.event.id": event_id,
        "webhook.endpoint.id": endpoint_id,
    }
    assert (delivered.attributes or {})["http.request.resend_count"] == 1
    # The receiver is told of the very span.
    sent = [request.headers["traceparent"] for request in receiver.got]
    named = [f"00-{TRACE}-{otel.format_span_id(span.context.span_id)}-01" for span in (failed, delivered)]
    assert sent == named
    assert [otel.format_span_id(span.parent.span_id) for span in (failed, delivered) if span.parent] == [PARENT] * 2
    written = "".join(span.to_json() for span in spans())
    assert [one for one in ("canary", secret, "job_1", "/hook") if one in written] == []


def test_with_tracing_on_a_message_without_a_trace_begins_one(
    sessions: Sessions,
    receiver: Receiver,
    couriers: Callable[..., Courier],
    spans: Spans,
) -> None:
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))
    couriers()
    sent = receiver.wait_for(1)[0].headers["traceparent"]
    [span] = eventually(spans)
    assert span.parent is None
    assert sent.split("-")[1:3] == [
        otel.format_trace_id(span.context.trace_id),
        otel.format_span_id(span.context.span_id),
    ]


def test_no_text_of_an_exception_is_in_a_span(spans: Spans) -> None:
    with pytest.raises(ValueError, match="canary"), tracing.within({}, "work", "INTERNAL", {}):
        raise ValueError("canary")
    [span] = spans()
    assert (span.attributes, span.events) == ({"error.type": "ValueError"}, ())
    assert "canary" not in span.to_json()


def test_tracing_is_on_when_the_application_has_set_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracing._provider() is None
    provider = TracerProvider()
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", provider)
    assert tracing._provider() is provider
    provider.shutdown()
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert tracing._provider() is None
