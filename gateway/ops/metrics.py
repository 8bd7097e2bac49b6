"""`GET /metrics`: how delivery does, asked of the database when somebody scrapes; the same from every process.

Text format of Prometheus 0.0.4. No label names a partner, so that there are as many series tomorrow as today.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response
from sqlalchemy import text

from gateway.call import Call

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LOOKED_AT = 100_000
"""Attempts, the newest first: what more there was in the hour is not counted, so a scrape never takes long."""

# Column of the answer: help. Each is a gauge; one with a label holds its values by that label's.
GAUGES: Mapping[str, tuple[str, str | None]] = {
    "due": ("Mailboxes with a message that is due", None),
    "oldest_due_seconds": ("How long the oldest of them has been due", None),
    "in_flight": ("Messages that are being sent", None),
    "parked": ("Messages that could not be written", None),
    "attempts_last_hour": (f"Attempts within the last hour, up to {LOOKED_AT}", "verdict"),
    "circuits": ("Circuits that are not closed", "state"),
}
# What is 0 is said, too: a series that is not there cannot be alarmed about.
VALUES: Mapping[str, Sequence[str]] = {
    "attempts_last_hour": ("delivered", "retry", "failed"),
    "circuits": ("open", "half_open"),
}


def get_metrics(call: Call) -> Response:
    with call.runtime.sessions() as session:
        row = session.execute(_METRICS, {"now": call.now, "looked_at": LOOKED_AT}).one()
    return Response("".join(_lines(row._mapping)), content_type=MEDIA_TYPE)


def _lines(found: Mapping[Any, Any]) -> Iterator[str]:
    for name, (words, label) in GAUGES.items():
        metric = f"stecker_webhook_{name}"
        yield f"# HELP {metric} {words}.\n# TYPE {metric} gauge\n"
        if label is None:
            yield f"{metric} {found[name]}\n"
        else:
            yield from (f'{metric}{{{label}="{one}"}} {found[name].get(one, 0)}\n' for one in VALUES[name])


_METRICS = text("""
    SELECT (SELECT count(*) FROM webhook_mailbox WHERE due_at <= :now AND NOT leased) AS due,
           (SELECT coalesce(round(extract(epoch FROM CAST(:now AS timestamptz) - min(due_at)), 3), 0)
              FROM webhook_mailbox WHERE due_at <= :now AND NOT leased) AS oldest_due_seconds,
           (SELECT count(*) FROM webhook_mailbox WHERE due_at IS NOT NULL AND leased) AS in_flight,
           (SELECT count(*) FROM webhook_message WHERE status = 'parked') AS parked,
           (SELECT coalesce(json_object_agg(verdict, attempts), '{}')
              FROM (SELECT verdict, count(*) AS attempts
                      FROM (SELECT verdict, at FROM webhook_attempt ORDER BY id DESC LIMIT :looked_at) latest
                     WHERE at >= CAST(:now AS timestamptz) - interval '1 hour'
                     GROUP BY verdict) hour) AS attempts_last_hour,
           (SELECT json_build_object('open', count(*) FILTER (WHERE open_until > :now),
                                     'half_open', count(*) FILTER (WHERE open_until <= :now))
              FROM webhook_gate WHERE open_until IS NOT NULL) AS circuits
""")
