"""Claim, send, record: the three steps of one delivery. No transaction is open while anything is sent."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks import gates
from webhooks.gates import Pass
from webhooks.outbox import Payload
from webhooks.policy import Answer, Health, Verdict, health

Box = tuple[str, str]
"""A mailbox: endpoint id and subject."""


class Claimed(NamedTuple):
    """The head of a mailbox, ours `until` the lease ends; `attempts` counts the ones before this.

    `secret` and `credentials` are sealed. `strained`: its endpoint has failed of late. `stands_at` is the time of an
    owner whose clock stands (`webhooks.clocks`). A tuple, in the order of `_HEADS`: one is made for every delivery.
    """

    endpoint_id: str
    subject: str
    generation: int
    message_id: str
    position: int
    event_id: str
    owner: str
    environment: str
    attempts: int
    url: str
    scheme: str
    secret: bytes
    credentials: bytes | None
    format: str
    body: bytes
    media_type: str
    method: str
    path: str
    headers: Mapping[str, str]
    kind: str | None
    probe: Mapping[str, Any] | None
    strained: bool
    stands_at: datetime | None
    until: datetime

    @property
    def call(self) -> Payload:
        """What is to be sent."""
        return Payload(
            body=self.body,
            media_type=self.media_type,
            method=self.method,
            path=self.path,
            headers=self.headers,
            kind=self.kind,
            probe=None if self.probe is None else Payload.of(self.probe),
        )

    @property
    def box(self) -> Box:
        return self.endpoint_id, self.subject


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that was made, really `at` that time, and what it means."""

    at: datetime
    answer: Answer
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claimed message on its way back; untried (None) where there was no time left to send it."""

    claimed: Claimed
    tried: Tried | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much to claim: up to `limit` mailboxes, up to `cap` of one endpoint, or as `rooms` says.

    `after` is the endpoint whose turn was last. What was never tried goes first; with `again`, a fourth of each room
    is for what was, so that it has its turn, too, where there is always something new.
    """

    limit: int
    cap: int
    rooms: Mapping[str, int]
    after: str = ""
    again: bool = False


def is_due(session: Session, now: datetime) -> bool:
    """Whether any enabled endpoint has something to send."""
    return session.execute(_IS_DUE, {"now": now}).scalar() is True


def claim(
    session: Session, share: Share, *, lease: timedelta, now: datetime, passes: Sequence[Pass] | None = None
) -> list[Claimed]:
    """Lease the heads of due mailboxes, in turn over the endpoints. Commit before sending.

    `passes` are what `gates.look` said in this transaction, where somebody has looked already.
    """
    passes = gates.look(session) if passes is None else passes
    leased = [
        tuple(row) for row in session.execute(_LEASE, _bounds(share, passes) | {"now": now, "lease": lease}).all()
    ]
    if not leased:
        return []
    # A statement of its own: only now is the mailbox ours, and its head the one that everybody else sees, too.
    rows = session.execute(_HEADS, _columns(leased) | {"now": now}).all()
    heads = [Claimed._make((*row, now + lease)) for row in rows]
    gates.take(session, passes, Counter(head.endpoint_id for head in heads), lease)
    claimed = {head.box for head in heads}
    _settle(session, [row[:2] for row in leased if row[:2] not in claimed])
    return heads


def _bounds(share: Share, passes: Sequence[Pass]) -> dict[str, Any]:
    return {
        "limit": share.limit,
        "cap": share.cap,
        "after": share.after,
        "again": share.again,
        "busy": list(share.rooms),
        "rooms": list(share.rooms.values()),
        "passing": [one.endpoint_id for one in passes],
        "passes": [one.room for one in passes],
    }


def disable(session: Session, endpoint_ids: Iterable[str], reason: str) -> None:
    """Stop sending to these endpoints; what waits for them goes on waiting."""
    session.execute(_DISABLE, {"endpoint_ids": sorted(set(endpoint_ids)), "reason": reason})


def record(session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Write the outcomes down and give their mailboxes back. Returns those to be recorded later.

    Never waits: a mailbox that somebody holds just now (an enqueue that commits in a moment) is left for the next
    time, so no lock of ours stands behind another's. An outcome of an older generation changes nothing: its lease
    has ended and the message is somebody else's.
    """
    # The youngest claim of a mailbox wins: we may have lost it and taken it again since.
    by_box = {outcome.claimed.box: outcome for outcome in sorted(outcomes, key=lambda one: one.claimed.generation)}
    boxes = _columns([(*box, outcome.claimed.generation) for box, outcome in by_box.items()])
    locked = [tuple(row) for row in session.execute(_LOCK, boxes).all()]
    ours = [by_box.pop((endpoint_id, subject)) for endpoint_id, subject in locked]
    tried = [(outcome.claimed, outcome.tried) for outcome in ours if outcome.tried is not None]
    if tried:
        session.execute(_TRIED, {"tried": json.dumps([_row(*one) for one in tried])})
    _settle(session, locked)
    gates.report(session, gates.reports(_healths(tried)))
    return _held(session, by_box) if by_box else []


def _held(session: Session, by_box: Mapping[Box, Outcome]) -> list[Outcome]:
    """Those whose mailbox is still ours, but locked by somebody."""
    boxes = _columns([(*box, outcome.claimed.generation) for box, outcome in by_box.items()])
    return [by_box[row[0], row[1]] for row in session.execute(_STILL_OURS, boxes)]


def _settle(session: Session, boxes: Sequence[Any]) -> None:
    """Look again: each mailbox is due when its head is, and never where nothing waits or the head is parked."""
    if boxes:
        session.execute(_SETTLE, _columns([(*box, 0) for box in boxes]))


def _columns(boxes: Sequence[Any]) -> dict[str, list[Any]]:
    endpoint_ids, subjects, generations = zip(*boxes, strict=True)
    return {"endpoint_ids": list(endpoint_ids), "subjects": list(subjects), "generations": list(generations)}


def _healths(tried: Iterable[tuple[Claimed, Tried]]) -> Iterator[tuple[str, bool, Health, timedelta | None]]:
    for claimed, one in tried:
        if claimed.stands_at is None:
            yield claimed.endpoint_id, claimed.strained, health(one.answer, one.verdict), one.verdict.hold
        else:
            # Pauses are in real time, and while a clock stands nobody waits for that: a circuit is closed at once.
            yield claimed.endpoint_id, claimed.strained, "well", None


def _row(claimed: Claimed, tried: Tried) -> dict[str, Any]:
    """What is written of an attempt, and of its message; what is not named is NULL."""
    answer, verdict = tried.answer, tried.verdict
    row: dict[str, Any] = {
        "id": claimed.message_id,
        "owner": claimed.owner,
        "environment": claimed.environment,
        "at": (claimed.stands_at or tried.at).isoformat(),
        "code": answer.status_code,
        "duration": answer.duration_ms,
        "step": answer.step,
        "status": verdict.status,
        "verdict": verdict.ruling,
    }
    if verdict.error is not None:
        row["error"] = verdict.error
    if answer.excerpt is not None:
        row["excerpt"] = answer.excerpt
    if answer.chaos is not None:
        row["chaos"] = answer.chaos
    if verdict.next_attempt_at is not None:
        row["next"] = verdict.next_attempt_at.isoformat()
    if claimed.stands_at is not None:
        row |= {"stood": claimed.stands_at.isoformat(), "sent": tried.at.isoformat()}
    return row


_BOXES = """unnest(CAST(:endpoint_ids AS text[]), CAST(:subjects AS text[]), CAST(:generations AS bigint[]))
            AS box (endpoint_id, subject, generation)"""

# What waits goes by the time of its owner, whose clock may stand; a lease by the real one, whatever that clock says.
_IS_DUE = text("""
    SELECT EXISTS (
        SELECT FROM webhook_endpoint e
          LEFT JOIN webhook_clock c ON c.owner = e.owner AND c.environment = e.environment
         CROSS JOIN LATERAL (
            SELECT FROM webhook_mailbox m
             WHERE m.endpoint_id = e.id AND m.retrying = ANY('{false,true}')
               AND m.due_at <= greatest(c.stands_at, :now)
               AND m.due_at <= CASE WHEN m.leased THEN :now ELSE coalesce(c.stands_at, :now) END LIMIT 1) due
         WHERE e.status = 'enabled'
           AND NOT EXISTS (
               SELECT FROM webhook_gate g WHERE g.endpoint_id = e.id AND g.open_until > statement_timestamp()))
""")

# The endpoints in turn, beginning behind the last one served; of each, its oldest due mailboxes: those of one kind
# ahead, then the others, as far as there is room. Whoever has limits is there when it is we who hold its gate.
_LEASE = text("""
    WITH turn AS MATERIALIZED (
        SELECT e.id, greatest(c.stands_at, :now) AS latest, coalesce(c.stands_at, :now) AS own, least(
                   coalesce(busy.room, :cap), pass.room,
                   e.concurrency - CASE WHEN e.concurrency IS NOT NULL THEN (
                       SELECT count(*) FROM webhook_mailbox m
                        WHERE m.endpoint_id = e.id AND m.retrying = ANY('{false,true}')
                          AND m.due_at > :now AND m.due_at <= :now + 2 * :lease AND m.leased) END) AS room
          FROM webhook_endpoint e
          LEFT JOIN webhook_clock c ON c.owner = e.owner AND c.environment = e.environment
          LEFT JOIN webhook_gate g ON g.endpoint_id = e.id
          LEFT JOIN unnest(CAST(:passing AS text[]), CAST(:passes AS int[])) AS pass (id, room) ON pass.id = e.id
          LEFT JOIN unnest(CAST(:busy AS text[]), CAST(:rooms AS int[])) AS busy (id, room) ON busy.id = e.id
         WHERE e.status = 'enabled'
           AND (pass.id IS NOT NULL
                OR coalesce(g.open_until::text, e.concurrency::text, e.rate_per_second::text) IS NULL)
         ORDER BY e.id <= :after, e.id),
    ahead AS MATERIALIZED (
        SELECT box.endpoint_id, box.subject
          FROM turn CROSS JOIN LATERAL (
              SELECT m.endpoint_id, m.subject FROM webhook_mailbox m
               WHERE m.endpoint_id = turn.id AND m.retrying = :again AND m.due_at <= turn.latest
                 AND m.due_at <= CASE WHEN m.leased THEN :now ELSE turn.own END
               ORDER BY m.due_at
               LIMIT CASE WHEN :again THEN least(turn.room, greatest(turn.room / 4, 1)) ELSE turn.room END
                 FOR UPDATE SKIP LOCKED) box
         WHERE turn.room > 0
         LIMIT :limit),
    behind AS MATERIALIZED (
        SELECT box.endpoint_id, box.subject
          FROM turn CROSS JOIN LATERAL (
              SELECT m.endpoint_id, m.subject FROM webhook_mailbox m
               WHERE m.endpoint_id = turn.id AND m.retrying = NOT :again AND m.due_at <= turn.latest
                 AND m.due_at <= CASE WHEN m.leased THEN :now ELSE turn.own END
               ORDER BY m.due_at
               LIMIT turn.room - (SELECT count(*) FROM ahead WHERE ahead.endpoint_id = turn.id)
                 FOR UPDATE SKIP LOCKED) box
         WHERE turn.room > 0
         LIMIT :limit - (SELECT count(*) FROM ahead))
    UPDATE webhook_mailbox m
       SET due_at = :now + :lease, leased = true, generation = m.generation + 1
      FROM (TABLE ahead UNION ALL TABLE behind) due
     WHERE m.endpoint_id = due.endpoint_id AND m.subject = due.subject
    RETURNING m.endpoint_id, m.subject, m.generation
""")

_HEADS = text(f"""
    SELECT box.endpoint_id, box.subject, box.generation, head.id AS message_id, head.position, head.event_id,
           head.owner, head.environment, head.attempts, e.url, e.scheme, e.secret, e.credentials, p.format, p.body,
           p.media_type, p.method, p.path, p.headers, p.kind, p.probe,
           coalesce(g.failures > 0 OR g.open_until IS NOT NULL, false) AS strained, c.stands_at
      FROM {_BOXES}
     CROSS JOIN LATERAL (
           SELECT * FROM webhook_message
            WHERE endpoint_id = box.endpoint_id AND subject = box.subject AND status IN ('pending', 'parked')
            ORDER BY position LIMIT 1) head
      JOIN webhook_payload p ON p.id = head.payload_id
      JOIN webhook_endpoint e ON e.id = box.endpoint_id
      LEFT JOIN webhook_gate g ON g.endpoint_id = box.endpoint_id
      LEFT JOIN webhook_clock c ON c.owner = head.owner AND c.environment = head.environment
     WHERE head.status = 'pending' AND head.next_attempt_at <= coalesce(c.stands_at, :now)
""")

_LOCK = text(f"""
    SELECT m.endpoint_id, m.subject
      FROM {_BOXES}
      JOIN webhook_mailbox m
        ON m.endpoint_id = box.endpoint_id AND m.subject = box.subject AND m.generation = box.generation
       FOR UPDATE OF m SKIP LOCKED
""")

_STILL_OURS = text(f"""
    SELECT m.endpoint_id, m.subject
      FROM {_BOXES}
      JOIN webhook_mailbox m
        ON m.endpoint_id = box.endpoint_id AND m.subject = box.subject AND m.generation = box.generation
""")

# Both as one, and as JSON: a list of values for each column costs the driver more than all the rest. Where the owner's
# clock has gone on or was left since the claim (`stood` is where it stood then), the wait begins where it is now.
_TRIED = text("""
    WITH tried AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:tried AS json)) AS one (
            id text, owner text, environment text, at timestamptz, code int, duration int, step text, status text,
            verdict text, error text, excerpt text, next timestamptz, chaos jsonb, stood timestamptz,
            sent timestamptz)),
    messages AS (
        UPDATE webhook_message m
           SET status = tried.status, error = tried.error, attempts = m.attempts + 1,
               next_attempt_at = CASE
                   WHEN c.stands_at IS NOT DISTINCT FROM tried.stood THEN tried.next
                   ELSE coalesce(c.stands_at, statement_timestamp())
                        + (tried.next - coalesce(tried.stood, statement_timestamp())) END,
               finished_at = CASE WHEN tried.status <> 'pending' THEN tried.at END
          FROM tried LEFT JOIN webhook_clock c ON c.owner = tried.owner AND c.environment = tried.environment
         WHERE m.id = tried.id)
    INSERT INTO webhook_attempt
           (message_id, owner, environment, at, status_code, duration_ms, error, response_excerpt, step, verdict, chaos,
            sent_at)
    SELECT id, owner, environment, at, code, duration, error, excerpt, step, verdict, chaos, sent FROM tried
""")

# Where nothing is left, whoever makes an old message due again means a retry; what is new says so (outbox).
_SETTLE = text(f"""
    UPDATE webhook_mailbox m
       SET leased = false, retrying = coalesce(head.attempts > 0, true),
           due_at = CASE head.status WHEN 'pending' THEN head.next_attempt_at END
      FROM {_BOXES}
      LEFT JOIN LATERAL (
           SELECT status, next_attempt_at, attempts FROM webhook_message
            WHERE endpoint_id = box.endpoint_id AND subject = box.subject AND status IN ('pending', 'parked')
            ORDER BY position LIMIT 1) head ON true
     WHERE m.endpoint_id = box.endpoint_id AND m.subject = box.subject
""")

_DISABLE = text("""
    UPDATE webhook_endpoint SET status = 'disabled', disabled_reason = :reason
     WHERE id = ANY(:endpoint_ids) AND status = 'enabled'
""")
