"""OpenTelemetry, as an application sets it up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from webhooks import tracing

Spans = Callable[[], tuple[ReadableSpan, ...]]


@contextmanager
def tracing_on() -> Iterator[Spans]:
    """Gives the spans that have ended."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patched:
        # The provider of a process can be set only once.
        patched.setattr(tracing, "_provider", lambda: provider)
        yield exporter.get_finished_spans
    provider.shutdown()
