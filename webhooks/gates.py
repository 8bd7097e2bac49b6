"""What limits an endpoint over all workers: how many calls at once, how many a second, and a circuit.

A row for each endpoint that has a limit or has failed of late. Whoever claims locks the rows that matter, without
waiting; what another worker looks at just now is left to it for this time. So a limit holds for all workers together,
and a circuit that one of them has opened is open for all, also for those that are started later.

The clock is PostgreSQL's: machines whose clocks differ fill one bucket at one speed.

A circuit is closed (`open_until` is NULL), open until then, or behind that: then one call goes through, the probe,
and what becomes of it decides. A probe that nobody comes back from is over when its lease is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks.policy import CIRCUIT, Health

MANY = 1 << 20
"""As many as there is other room for."""


class Pass(NamedTuple):
    """How many may go to this endpoint now. `tokens` is NULL without a rate; `wait` is until there is more, in s."""

    endpoint_id: str
    room: int
    tokens: float | None
    probe: bool
    at: datetime
    wait: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """How an endpoint did in a batch of outcomes: whether it was well once, how ill it was in all.

    `hold` is the pause that it asked for.
    """

    endpoint_id: str
    well: bool
    ill: int
    hold: timedelta | None


def look(session: Session) -> list[Pass]:
    """Lock the gates that let through only so many, and say how many. The others let through what comes."""
    return [_pass(*row) for row in session.execute(_LOOK)]


def _pass(endpoint_id: str, at: datetime, rate: float | None, tokens: float | None, opens_in: float | None) -> Pass:
    room, wait = (MANY, None) if opens_in is None else (1, None) if opens_in <= 0 else (0, opens_in)
    if rate is not None and tokens is not None:
        room = min(room, int(tokens))
        wait = (1 - tokens) / rate if wait is None and tokens < 1 else wait
    return Pass(endpoint_id, room, tokens, opens_in is not None, at, wait)


def take(session: Session, passes: Iterable[Pass], taken: Mapping[str, int], lease: timedelta) -> None:
    """So many went through each of these gates, which we have locked."""
    gone = [one for one in passes if taken.get(one.endpoint_id) and (one.probe or one.tokens is not None)]
    if gone:
        values: dict[str, Any] = {
            "endpoint_ids": [one.endpoint_id for one in gone],
            "tokens": [None if one.tokens is None else one.tokens - taken[one.endpoint_id] for one in gone],
            "ats": [one.at for one in gone],
            "probes": [one.probe for one in gone],
            "lease": lease,
        }
        session.execute(_TAKE, values)


def report(session: Session, reports: Sequence[Report]) -> None:
    """Open and close circuits. Last in a transaction: the locks are waited for, in the order of the ids."""
    if not reports:
        return
    found = sorted(reports, key=lambda one: one.endpoint_id)
    values: dict[str, Any] = {
        "endpoint_ids": [one.endpoint_id for one in found],
        "wells": [one.well for one in found],
        "ills": [one.ill for one in found],
        "holds": [one.hold for one in found],
        "after": CIRCUIT.after,
        "pause": CIRCUIT.pause,
        "longest": CIRCUIT.longest,
    }
    session.execute(_HOLD, {"endpoint_ids": values["endpoint_ids"]})
    session.execute(_REPORT, values)


def reports(healths: Iterable[tuple[str, bool, Health, timedelta | None]]) -> list[Report]:
    """Of (endpoint, whether it had failed before, how it did, the pause it asks for): what there is to report."""
    well, ill, strained = set[str](), Counter[str](), set[str]()
    holds = dict[str, timedelta]()
    for endpoint_id, before, health, hold in healths:
        if before:
            strained.add(endpoint_id)
        if health == "well":
            well.add(endpoint_id)
        elif health != "unknown":
            ill[endpoint_id] += CIRCUIT.hung if health == "hung" else 1
        if hold is not None:
            holds[endpoint_id] = max(hold, holds.get(endpoint_id, hold))
    # That somebody who was well is well again is nothing to write down: most batches end here.
    said = ill.keys() | holds.keys() | (well & strained)
    return [Report(one, one in well, ill[one], holds.get(one)) for one in said]


def reset(session: Session, endpoint_id: str) -> None:
    """The row of an endpoint that gets a limit, another URL, or is switched on: its circuit is closed."""
    session.execute(_RESET, {"endpoint_id": endpoint_id})


_LOOK = text("""
    SELECT g.endpoint_id, statement_timestamp() AS at, e.rate_per_second,
           -- least and greatest pass over NULL: a bucket that was never filled is full.
           CASE WHEN e.rate_per_second IS NOT NULL THEN least(greatest(e.rate_per_second, 1),
               g.tokens + e.rate_per_second
                          * greatest(extract(epoch FROM statement_timestamp() - g.filled_at)::float8, 0)) END AS tokens,
           extract(epoch FROM g.open_until - statement_timestamp())::float8 AS opens_in
      FROM webhook_gate g
      JOIN webhook_endpoint e ON e.id = g.endpoint_id
     WHERE e.status = 'enabled'
       AND (e.rate_per_second IS NOT NULL OR e.concurrency IS NOT NULL OR g.open_until IS NOT NULL)
       FOR UPDATE OF g SKIP LOCKED
""")

_TAKE = text("""
    UPDATE webhook_gate g
       SET tokens = coalesce(new.tokens, g.tokens),
           filled_at = CASE WHEN new.tokens IS NULL THEN g.filled_at ELSE new.at END,
           open_until = CASE WHEN new.probe THEN statement_timestamp() + :lease ELSE g.open_until END,
           probing = new.probe
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:tokens AS float8[]), CAST(:ats AS timestamptz[]),
                  CAST(:probes AS bool[])) AS new (endpoint_id, tokens, at, probe)
     WHERE g.endpoint_id = new.endpoint_id
""")

# Rows that are there are only locked, in this order: two workers that report of the same endpoints meet no deadlock.
_HOLD = text("""
    INSERT INTO webhook_gate AS g (endpoint_id) SELECT unnest(CAST(:endpoint_ids AS text[]))
        ON CONFLICT (endpoint_id) DO UPDATE SET failures = g.failures
""")

# While it is open, nothing but a longer pause is news: what comes back was sent before.
_REPORT = text("""
    UPDATE webhook_gate g
       SET failures = CASE WHEN NOT state.heard THEN g.failures WHEN new.well THEN 0 ELSE g.failures + new.ill END,
           trips = CASE WHEN NOT state.heard THEN g.trips WHEN new.well THEN 0 WHEN state.trip THEN g.trips + 1
                        ELSE g.trips END,
           open_until = greatest(
               statement_timestamp() + new.hold,
               CASE WHEN NOT state.heard THEN g.open_until
                    WHEN new.well THEN NULL
                    WHEN state.trip THEN statement_timestamp() + least(:pause * 2 ^ least(g.trips, 20), :longest)
                    ELSE g.open_until END),
           probing = g.probing AND NOT (new.well OR state.trip OR new.hold IS NOT NULL)
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:wells AS bool[]), CAST(:ills AS int[]),
                  CAST(:holds AS interval[])) AS new (endpoint_id, well, ill, hold)
      JOIN webhook_gate now USING (endpoint_id)
     CROSS JOIN LATERAL (
           SELECT now.probing OR now.open_until IS NULL AS heard,
                  NOT new.well AND new.ill > 0 AND (now.probing OR (
                      now.open_until IS NULL AND now.failures + new.ill >= :after)) AS trip) state
     WHERE g.endpoint_id = new.endpoint_id
""")

_RESET = text("""
    INSERT INTO webhook_gate (endpoint_id) VALUES (:endpoint_id)
        ON CONFLICT (endpoint_id) DO UPDATE SET failures = 0, trips = 0, open_until = NULL, probing = false
""")
