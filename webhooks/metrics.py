"""How delivery does, for Prometheus: asked of the database when somebody scrapes, so it is the same from every process.

What only grows is counted from the attempts (`webhooks.tally`): a worker that is killed takes no figure with it, and
whoever delivers writes nothing for it. No label names an endpoint or its owner, so that there are as many series
tomorrow as today.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from webhooks.tables import Base
from webhooks.tally import advance

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

AT_ONCE = 20_000

BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 15_000, 60_000, 300_000, 3_600_000, 86_400_000)
"""Upper ends of the buckets, in milliseconds. 15 s is the deadline of an attempt, 5 s and more are retries."""

VERDICTS = ("delivered", "retry", "failed")

# Column of the answer: help, and the values of its label where it has one.
GAUGES: Mapping[str, tuple[str, str | None, Sequence[str]]] = {
    "due": ("Mailboxes with a message that is due and may be sent", None, ()),
    "oldest_due_seconds": ("How long the oldest of them has been due", None, ()),
    "held": ("Mailboxes with a message that is due, of endpoints that are disabled or whose circuit is open", None, ()),
    "in_flight": ("Messages that are being sent", None, ()),
    "parked": ("Messages that could not be written", None, ()),
    "circuits": ("Circuits that are not closed", "state", ("open", "half_open")),
}

# What is measured: help.
HISTOGRAMS: Mapping[str, str] = {
    "attempt": "How long an attempt took",
    "wait": "How long a message waited from its event to the beginning of its first attempt",
    "delivery": "How long it took from the event to the end of the attempt that delivered it",
}


class Measured(Base):
    """How many attempts took so long, since ever: a row for each class of endpoints, verdict and bucket.

    `measure` is one of `HISTOGRAMS`. The classes are `environment` and `way`: `http`, `inbox` or `folder`. `bucket`
    counts from 0, the last one has no end; `total` is in microseconds.
    """

    __tablename__ = "webhook_measured"

    measure: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)


def tally(session: Session) -> bool:
    """Count one batch of attempts; whether there are more. Call it, each time in a transaction, until there are not."""
    batch = advance(session, "metrics", most=AT_ONCE)
    if batch is None:
        return False
    # The first bucket is 0 to its bound, bound included; `width_bucket` begins the next one with it.
    ends = [bound * 1000 + 1 for bound in BOUNDS_MS]
    session.execute(_COUNT, {"after": batch.after, "upto": batch.upto, "ends": ends})
    return batch.more


def exposition(session: Session, *, now: datetime, prefix: str = "webhook") -> str:
    """The text format of Prometheus, 0.0.4. Each metric's name begins with the prefix."""
    gauges = session.execute(_GAUGES, {"now": now}).mappings().one()
    measured = [tuple(row) for row in session.execute(_MEASURED)]
    return "".join((*_gauges(prefix, gauges), *_attempts(prefix, measured), *_histograms(prefix, measured)))


def _gauges(prefix: str, found: Mapping[Any, Any]) -> Iterator[str]:
    for name, (words, label, values) in GAUGES.items():
        yield _head(f"{prefix}_{name}", words, "gauge")
        if label is None:
            yield f"{prefix}_{name} {found[name]}\n"
        # What is 0 is said, too: a series that is not there cannot be alarmed about.
        yield from (f'{prefix}_{name}{{{label}="{one}"}} {found[name][one]}\n' for one in values)


def _attempts(prefix: str, measured: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    yield _head(f"{prefix}_attempts_total", "Attempts by what became of them", "counter")
    counts: Counter[tuple[str, str, str]] = Counter()
    for measure, environment, way, verdict, _, count, _ in measured:
        counts[environment, way, verdict] += count if measure == "attempt" else 0
    for environment, way in sorted({place[:2] for place in counts}):
        for verdict in VERDICTS:
            labels = f'environment="{environment}",way="{way}",verdict="{verdict}"'
            yield f"{prefix}_attempts_total{{{labels}}} {counts[environment, way, verdict]}\n"


def _histograms(prefix: str, measured: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    for measure, words in HISTOGRAMS.items():
        metric = f"{prefix}_{measure}_seconds"
        yield _head(metric, words, "histogram")
        buckets: dict[tuple[str, str], Counter[int]] = {}
        totals: Counter[tuple[str, str]] = Counter()
        for name, environment, way, _, bucket, count, total in measured:
            if name == measure:
                buckets.setdefault((environment, way), Counter())[bucket] += count
                totals[environment, way] += total
        for (environment, way), counts in buckets.items():
            labels = f'environment="{environment}",way="{way}"'
            yield from _histogram(metric, labels, counts, totals[environment, way])


def _histogram(metric: str, labels: str, counts: Counter[int], total: int) -> Iterator[str]:
    so_far = 0
    for bucket, bound in enumerate((*BOUNDS_MS, None)):
        so_far += counts[bucket]
        end = "+Inf" if bound is None else f"{bound / 1000:g}"
        yield f'{metric}_bucket{{{labels},le="{end}"}} {so_far}\n'
    yield f"{metric}_sum{{{labels}}} {total / 1e6}\n{metric}_count{{{labels}}} {so_far}\n"


def _head(metric: str, words: str, kind: str) -> str:
    return f"# HELP {metric} {words}.\n# TYPE {metric} {kind}\n"


# The first attempt of a message is the only one, mostly: the others are looked up only where there are any. What is
# sent again on demand was delivered before. A clock that was set back makes no negative wait.
_COUNT = text("""
    WITH tried AS MATERIALIZED (
        SELECT a.environment, CASE WHEN a.step IN ('inbox', 'folder') THEN a.step ELSE 'http' END AS way, a.verdict,
               a.duration_ms * bigint '1000' AS took,
               greatest(0, CAST(extract(epoch FROM a.at - m.created_at) * 1000000 AS bigint)) AS began,
               before.first, before.undelivered
          FROM webhook_attempt a JOIN webhook_message m ON m.id = a.message_id
         CROSS JOIN LATERAL (
               SELECT count(*) = 0 AS first, count(*) FILTER (WHERE t.verdict = 'delivered') = 0 AS undelivered
                 FROM webhook_attempt t WHERE m.attempts > 1 AND t.message_id = m.id AND t.id < a.id) before
         WHERE a.id > :after AND a.id <= :upto),
    measured AS (
        SELECT 'attempt' AS measure, environment, way, verdict, took AS value FROM tried
         UNION ALL
        SELECT 'wait', environment, way, verdict, began FROM tried WHERE first
         UNION ALL
        SELECT 'delivery', environment, way, verdict, began + took FROM tried
         WHERE verdict = 'delivered' AND undelivered)
    INSERT INTO webhook_measured AS known (measure, environment, way, verdict, bucket, count, total)
    SELECT measure, environment, way, verdict, width_bucket(value, CAST(:ends AS bigint[])), count(*), sum(value)
      FROM measured GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (measure, environment, way, verdict, bucket) DO UPDATE
       SET count = known.count + EXCLUDED.count, total = known.total + EXCLUDED.total
""")

_MEASURED = text("""
    SELECT measure, environment, way, verdict, bucket, count, total FROM webhook_measured
     ORDER BY environment, way, verdict, bucket
""")

# A leased mailbox is due again when its lease has ended: whoever had it was killed.
_GAUGES = text("""
    WITH due AS MATERIALIZED (
        SELECT m.due_at,
               e.status = 'enabled' AND coalesce(g.open_until <= statement_timestamp(), true)
               AND (m.leased OR c.stands_at IS NULL) AS may
          FROM webhook_mailbox m
          JOIN webhook_endpoint e ON e.id = m.endpoint_id
          LEFT JOIN webhook_gate g ON g.endpoint_id = m.endpoint_id
          LEFT JOIN webhook_clock c ON c.owner = m.owner AND c.environment = m.environment
         WHERE m.due_at <= :now)
    SELECT (SELECT count(*) FROM due WHERE may) AS due,
           (SELECT coalesce(round(extract(epoch FROM CAST(:now AS timestamptz) - min(due_at)), 3), 0)
              FROM due WHERE may) AS oldest_due_seconds,
           (SELECT count(*) FROM due WHERE NOT may) AS held,
           (SELECT count(*) FROM webhook_mailbox WHERE due_at > :now AND leased) AS in_flight,
           (SELECT count(*) FROM webhook_message WHERE status = 'parked') AS parked,
           (SELECT json_build_object('open', count(*) FILTER (WHERE open_until > statement_timestamp()),
                                     'half_open', count(*) FILTER (WHERE open_until <= statement_timestamp()))
              FROM webhook_gate WHERE open_until IS NOT NULL) AS circuits
""")
