"""`GET /metrics`: how delivery does, for Prometheus; and the round that counts what only grows."""

from flask import Response

from gateway.call import Call
from gateway.runtime import Runtime
from webhooks import metrics

PREFIX = "stecker_webhook"
BATCHES = 50
"""Of attempts in one round."""


def get_metrics(call: Call) -> Response:
    return Response(told(call.runtime), content_type=metrics.MEDIA_TYPE)


def told(runtime: Runtime) -> str:
    """The text of a scrape."""
    with runtime.sessions() as session:
        return metrics.exposition(session, now=runtime.clock(), prefix=PREFIX)


def count(runtime: Runtime) -> None:
    """What was tried since the last time."""
    for _ in range(BATCHES):
        with runtime.sessions.begin() as session:
            if not metrics.tally(session):
                return
