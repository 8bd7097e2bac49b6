"""How endpoints do: the share of attempts that failed within a window, and since when nothing else came back.

Counted from the attempts (`webhooks.tally`), by whoever goes the rounds: those who deliver write nothing for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks import delivery
from webhooks.tally import advance

AT_ONCE = 20_000
LEVELS = (50, 70, 90)
"""Percent of failures at which a warning is given, once each."""

FAILING = "failing"
"""Why we have disabled an endpoint, beside `gone`."""

OURS = ("internal_error", "no_folder", "proxy_unavailable")
"""Failures that are not the endpoint's: they do not count."""

HEARD = ("refused", "aborted")
"""Whoever says no to a message for good is there, and well."""

DISABLED, AGAIN = 100, 1
"""As `warned`: that it was disabled was told; it was told something, and was switched on again since."""

Kind = Literal["failing", "disabled", "recovered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When is enough. Shares are over `window`, of at least `least` attempts.

    An endpoint is disabled when `disable_after` lies between the first and the latest of failures without a success.
    It has recovered when nothing failed for `quiet` after a success, or less than `well` percent did.
    """

    window: timedelta = timedelta(hours=24)
    least: int = 5
    disable_after: timedelta = timedelta(days=5)
    quiet: timedelta = timedelta(minutes=15)
    well: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an endpoint stands. `warned` is the highest level that was told since all was well, or `DISABLED`."""

    endpoint_id: str
    owner: str
    environment: str
    status: str
    disabled_reason: str | None
    warned: int
    since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    attempts: int
    failures: int

    def reached(self, percent: int) -> bool:
        return self.failures * 100 >= percent * self.attempts


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell about an endpoint; `level` is what its `warned` is from now on."""

    kind: Kind
    level: int
    standing: Standing


def ruling(standing: Standing, rules: Rules, now: datetime) -> Notice | None:
    """What there is to tell, if anything. Pure."""
    if standing.status != "enabled":
        news = standing.disabled_reason in (FAILING, "gone") and standing.warned != DISABLED
        return Notice("disabled", DISABLED, standing) if news else None
    if _is_dead(standing, rules):
        return Notice("disabled", DISABLED, standing)
    enough = standing.attempts >= rules.least
    level = max((one for one in LEVELS if enough and standing.reached(one)), default=0)
    if standing.warned and _is_well(standing, rules, now):
        return Notice("recovered", 0, standing)
    return Notice("failing", level, standing) if level > standing.warned else None


def _is_dead(standing: Standing, rules: Rules) -> bool:
    since, last = standing.since, standing.last_failure_at
    return since is not None and last is not None and last - since >= rules.disable_after


def _is_well(standing: Standing, rules: Rules, now: datetime) -> bool:
    if standing.since is not None or standing.last_success_at is None:
        return False
    quiet = standing.last_failure_at is None or now - standing.last_failure_at >= rules.quiet
    return quiet or (standing.attempts >= rules.least and not standing.reached(rules.well))


def tally(session: Session) -> tuple[bool, Mapping[str, int]]:
    """Count one batch of attempts: whether there are more, and how many messages of each endpoint died in them.

    Call it, each time in a transaction, until there are no more.
    """
    batch = advance(session, "health", most=AT_ONCE)
    if batch is None:
        return False, {}
    bounds = {"after": batch.after, "upto": batch.upto, "ours": list(OURS), "heard": list(HEARD)}
    return batch.more, {row.endpoint_id: row.died for row in session.execute(_COUNT, bounds)}


def judge(session: Session, rules: Rules, *, now: datetime) -> Sequence[Notice]:
    """Disable what was dead for days, and write down what is told of from now on. Tell it in this transaction."""
    begin = {"begin": now - rules.window}
    session.execute(_FORGET, begin)
    standings = [Standing(**row) for row in session.execute(_STANDINGS, begin).mappings()]
    notices = [found for one in standings if (found := ruling(one, rules, now)) is not None]
    if not notices:
        return []
    dead = [one.standing.endpoint_id for one in notices if one.kind == "disabled"]
    delivery.disable(session, dead, FAILING)
    told = {one.standing.endpoint_id: one.level for one in notices}
    session.execute(_WARNED, {"endpoint_ids": list(told), "levels": list(told.values())})
    # A new beginning: the failures before it are told already.
    well = [one.standing.endpoint_id for one in notices if one.kind == "recovered"]
    session.execute(_CLEAR, {"endpoint_ids": well})
    return notices


def reset(session: Session, endpoint_id: str) -> None:
    """What was counted is over: the endpoint has another URL, or was switched on again."""
    session.execute(_RESET, {"endpoint_id": endpoint_id, "again": AGAIN})
    session.execute(_CLEAR, {"endpoint_ids": [endpoint_id]})


def to_mail(session: Session, notices: Sequence[Notice]) -> None:
    """Remember that somebody is to be written to about these; a later one takes the place of an earlier one."""
    kinds = {one.standing.endpoint_id: one.kind for one in notices}
    session.execute(_TO_MAIL, {"endpoint_ids": list(kinds), "kinds": list(kinds.values())})


def unmailed(session: Session, *, most: int) -> Sequence[tuple[str, str]]:
    """Endpoints that somebody is to be written to about, each with the kind of the notice."""
    return [(row.endpoint_id, row.mail) for row in session.execute(_UNMAILED, {"most": most})]


def mailed(session: Session, endpoint_id: str, kind: str) -> None:
    """This one is written, unless there is another one to write by now."""
    session.execute(_MAILED, {"endpoint_id": endpoint_id, "kind": kind})


# The failures in a row begin behind the last success, in the order of the attempts' beginnings. Whoever was reset
# meanwhile (`forget` has changed) keeps what the reset wrote.
_COUNT = text("""
    WITH tried AS MATERIALIZED (
        SELECT m.endpoint_id, coalesce(a.sent_at, a.at) AS at, a.verdict = 'failed' AS died,
               coalesce(a.error, '') <> ALL(:ours) AND a.chaos IS NULL AS counts,
               a.verdict = 'delivered' OR coalesce(a.error, '') = ANY(:heard) AS well
          FROM webhook_attempt a
          JOIN webhook_message m ON m.id = a.message_id
          LEFT JOIN webhook_health h ON h.endpoint_id = m.endpoint_id
         WHERE a.id > :after AND a.id <= :upto AND a.id > coalesce(h.forget, 0)),
    hours AS (
        INSERT INTO webhook_health_hour AS h (endpoint_id, hour, attempts, failures)
        SELECT endpoint_id, date_trunc('hour', at, 'UTC'), count(*), count(*) FILTER (WHERE NOT well)
          FROM tried WHERE counts GROUP BY 1, 2
            ON CONFLICT (endpoint_id, hour) DO UPDATE
           SET attempts = h.attempts + EXCLUDED.attempts, failures = h.failures + EXCLUDED.failures),
    latest AS (
        SELECT t.endpoint_id, max(t.at) FILTER (WHERE t.well) AS success, max(t.at) FILTER (WHERE NOT t.well) AS failure
          FROM tried t WHERE t.counts GROUP BY 1),
    standing AS (
        INSERT INTO webhook_health AS h (endpoint_id, since, last_success_at, last_failure_at, forget)
        SELECT l.endpoint_id,
               least(CASE WHEN l.success IS NULL OR l.success < before.since THEN before.since END,
                     (SELECT min(t.at) FROM tried t
                       WHERE t.endpoint_id = l.endpoint_id AND t.counts AND NOT t.well
                         AND t.at > coalesce(greatest(before.last_success_at, l.success), '-infinity'))),
               greatest(before.last_success_at, l.success), greatest(before.last_failure_at, l.failure),
               coalesce(before.forget, 0)
          FROM latest l LEFT JOIN webhook_health before ON before.endpoint_id = l.endpoint_id
         ORDER BY l.endpoint_id
            ON CONFLICT (endpoint_id) DO UPDATE
           SET since = EXCLUDED.since, last_success_at = EXCLUDED.last_success_at,
               last_failure_at = EXCLUDED.last_failure_at
         WHERE h.forget = EXCLUDED.forget)
    SELECT endpoint_id, count(*) AS died FROM tried WHERE died GROUP BY 1
""")

_FORGET = text("DELETE FROM webhook_health_hour WHERE hour <= :begin")

# Who has not failed and was never warned has nothing to tell. Whoever changes an endpoint holds it and waits for its
# health: it is locked with that or not at all, and is judged the next time.
_STANDINGS = text("""
    SELECT e.id AS endpoint_id, e.owner, e.environment, e.status, e.disabled_reason, h.warned, h.since,
           h.last_success_at, h.last_failure_at, coalesce(lately.attempts, 0) AS attempts,
           coalesce(lately.failures, 0) AS failures
      FROM webhook_health h
      JOIN webhook_endpoint e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
      LEFT JOIN (SELECT endpoint_id, sum(attempts) AS attempts, sum(failures) AS failures
                   FROM webhook_health_hour WHERE hour > :begin GROUP BY 1) lately ON lately.endpoint_id = e.id
     WHERE h.warned > 0 OR h.since IS NOT NULL OR lately.failures > 0
     ORDER BY e.id FOR UPDATE OF e, h SKIP LOCKED
""")

_WARNED = text("""
    UPDATE webhook_health h SET warned = new.level
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:levels AS int[])) AS new (endpoint_id, level)
     WHERE h.endpoint_id = new.endpoint_id
""")

_CLEAR = text("DELETE FROM webhook_health_hour WHERE endpoint_id = ANY(:endpoint_ids)")

_RESET = text("""
    UPDATE webhook_health
       SET since = NULL, last_failure_at = NULL, warned = least(warned, :again),
           forget = (SELECT coalesce(max(id), 0) FROM webhook_attempt)
     WHERE endpoint_id = :endpoint_id
""")

_TO_MAIL = text("""
    UPDATE webhook_health h SET mail = new.kind
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:kinds AS text[])) AS new (endpoint_id, kind)
     WHERE h.endpoint_id = new.endpoint_id
""")

_UNMAILED = text("SELECT endpoint_id, mail FROM webhook_health WHERE mail IS NOT NULL ORDER BY endpoint_id LIMIT :most")

_MAILED = text("UPDATE webhook_health SET mail = NULL WHERE endpoint_id = :endpoint_id AND mail = :kind")
