"""What was sent is kept for a while: bodies, then the messages with their attempts. In bounded batches, oldest first.

Ids begin with the time of their making (ULID), so that old rows are found by the primary key, and one mark says how
far we are. What is still to be sent is never old, but where its endpoint is disabled: nobody may wait for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from webhooks.tables import Base

AT_ONCE = 1000


class Mark(Base):
    """How far a sweep has come: every row with an id up to `upto` was looked at."""

    __tablename__ = "webhook_mark"

    name: Mapped[str] = mapped_column(primary_key=True)
    upto: Mapped[str]


@dataclass(frozen=True, slots=True)
class Keep:
    """How long bodies are kept, and messages with their attempts. Bodies go first."""

    bodies: timedelta = timedelta(days=30)
    messages: timedelta = timedelta(days=90)


def expire(session: Session, keep: Keep, *, now: datetime) -> int:
    """One batch; how many rows it took. Call it, each time in a transaction, until it is 0."""
    before = now - keep.messages
    taken = _blank(session, floor("whp", now - keep.bodies)) or _give_up(session, floor("whm", before), now)
    taken = taken or _count(session, _MESSAGES, floor("whm", before))
    # A payload is written with its messages, or a little before: a day later it has none but those still to be sent.
    return taken or _count(session, _PAYLOADS, floor("whp", before - timedelta(days=1)))


def floor(prefix: str, at: datetime) -> str:
    """The smallest id that could have been made at this time: 48 bits of milliseconds in Crockford's base 32."""
    milliseconds, letters = int(at.timestamp() * 1000), ""
    for _ in range(10):
        milliseconds, place = divmod(milliseconds, 32)
        letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[place] + letters
    return f"{prefix}_{letters}"


def _blank(session: Session, before: str) -> int:
    """Empty the bodies up to here, from where the last batch ended; a body that is still to be sent is left."""
    after = session.scalar(text("SELECT upto FROM webhook_mark WHERE name = 'bodies'")) or ""
    upto = session.scalar(_BATCH, {"after": after, "before": before, "most": AT_ONCE})
    if upto is None:
        return 0
    session.execute(_MARK, {"upto": upto})
    emptied: Any = session.execute(_BLANK, {"after": after, "upto": upto})
    return int(emptied.rowcount) or 1  # a batch of nothing but what waits is a batch


def _give_up(session: Session, before: str, now: datetime) -> int:
    """End what waits for endpoints that are disabled; it is removed with all that has ended."""
    rows = session.execute(_WAITING, {"before": before, "most": AT_ONCE, "now": now}).all()
    boxes = sorted({(row.endpoint_id, row.subject) for row in rows})
    if boxes:
        endpoint_ids, subjects = zip(*boxes, strict=True)
        session.execute(_LEFT, {"endpoint_ids": list(endpoint_ids), "subjects": list(subjects), "now": now})
    return len(rows)


def _count(session: Session, statement: Any, before: str) -> int:
    return int(session.scalar(statement, {"before": before, "most": AT_ONCE}) or 0)


_BATCH = text("""
    SELECT max(id) FROM (
        SELECT id FROM webhook_payload WHERE id > :after AND id < :before ORDER BY id LIMIT :most) batch
""")

_MARK = text("""
    INSERT INTO webhook_mark (name, upto) VALUES ('bodies', :upto) ON CONFLICT (name) DO UPDATE SET upto = :upto
""")

# What is still to be sent is few, and has an index of its own: it is read as a whole rather than looked up. Where it is
# many, for somebody who is disabled, `NOT IN` would read all of it for each payload.
_BLANK = text("""
    WITH waiting AS MATERIALIZED (
        SELECT payload_id FROM webhook_message WHERE status IN ('pending', 'parked') AND payload_id IS NOT NULL)
    UPDATE webhook_payload SET body = '', probe = NULL
     WHERE id > :after AND id <= :upto
       AND NOT EXISTS (SELECT FROM waiting WHERE waiting.payload_id = webhook_payload.id)
""")

# All that is so old and not ended is what waits. Mailboxes first, as everywhere, and those that nobody holds.
_WAITING = text("""
    WITH old AS MATERIALIZED (
        SELECT m.id, m.endpoint_id, m.subject
          FROM webhook_message m
          JOIN webhook_endpoint e ON e.id = m.endpoint_id AND e.status <> 'enabled'
         WHERE m.id < :before AND m.status IN ('pending', 'parked')
         ORDER BY m.id LIMIT :most),
    boxes AS MATERIALIZED (
        SELECT box.endpoint_id, box.subject
          FROM webhook_mailbox box
         WHERE (box.endpoint_id, box.subject) IN (SELECT endpoint_id, subject FROM old) AND NOT box.leased
           FOR UPDATE SKIP LOCKED)
    UPDATE webhook_message m
       SET status = 'failed', error = 'expired', next_attempt_at = NULL, finished_at = :now
      FROM old JOIN boxes USING (endpoint_id, subject)
     WHERE m.id = old.id AND m.status IN ('pending', 'parked')
    RETURNING m.endpoint_id, m.subject
""")

# Whoever claims it looks for its head.
_LEFT = text("""
    UPDATE webhook_mailbox box
       SET due_at = CASE WHEN EXISTS (
               SELECT FROM webhook_message m
                WHERE m.endpoint_id = box.endpoint_id AND m.subject = box.subject
                  AND m.status IN ('pending', 'parked')) THEN CAST(:now AS timestamptz) END
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:subjects AS text[])) AS theirs (endpoint_id, subject)
     WHERE box.endpoint_id = theirs.endpoint_id AND box.subject = theirs.subject
""")

_MESSAGES = text("""
    WITH old AS (
        SELECT id FROM webhook_message
         WHERE id < :before AND status IN ('delivered', 'failed')
         ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED),
    -- A mailbox of one message alone; all others are for what may still come.
    boxes AS (
        DELETE FROM webhook_mailbox box USING webhook_message m
         WHERE m.id IN (SELECT id FROM old) AND m.subject LIKE '%/%'
           AND box.endpoint_id = m.endpoint_id AND box.subject = m.subject),
    attempts AS (DELETE FROM webhook_attempt WHERE message_id IN (SELECT id FROM old)),
    gone AS (DELETE FROM webhook_message WHERE id IN (SELECT id FROM old) RETURNING 1)
    SELECT count(*) FROM gone
""")

_PAYLOADS = text("""
    WITH waiting AS MATERIALIZED (
        SELECT payload_id FROM webhook_message WHERE status IN ('pending', 'parked') AND payload_id IS NOT NULL),
    old AS (
        SELECT id FROM webhook_payload
         WHERE id < :before
           AND NOT EXISTS (SELECT FROM waiting WHERE waiting.payload_id = webhook_payload.id)
         ORDER BY id LIMIT :most),
    gone AS (DELETE FROM webhook_payload WHERE id IN (SELECT id FROM old) RETURNING 1)
    SELECT count(*) FROM gone
""")
