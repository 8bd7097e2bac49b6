"""Clocks that stand: an owner's own time, for tests of what takes hours. Whoever has none goes by the real one.

While it stands, everything that waits to be sent for this owner waits for it: what it has not reached is not sent, and
what is made due by it is sent at once. What is written (`outbox.enqueue`, `endpoints.retry`) is in the owner's time, as
`now_of` gives it. Calls are signed and leased in real time, and limits of an endpoint hold in real time; its circuit
does not open meanwhile. A message that fails comes again by `courier.Tools.standing`, whatever its environment.

A clock only goes ahead. `leave` gives its owner back to real time, and what waits keeps what is left of its wait.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webhooks.tables import Clock
from webhooks.tenant import Tenant

LINGER = timedelta(minutes=1)
"""How long after `leave` a transaction that still knew the clock may commit; none may live that long."""


class Due(NamedTuple):
    """The message that waits for the earliest time."""

    at: datetime
    message_id: str


def now_of(session: Session, tenant: Tenant, now: datetime) -> datetime:
    """The owner's time; `now` is the real one."""
    return stands_at(session, tenant) or now


def stands_at(session: Session, tenant: Tenant, *, lock: bool = False) -> datetime | None:
    """Where the owner's clock stands, if it does; locked for whoever goes on to move it."""
    query = select(Clock.stands_at).where(Clock.owner == tenant.owner, Clock.environment == tenant.environment)
    return session.scalar(query.with_for_update() if lock else query)


def stand(session: Session, tenant: Tenant, at: datetime) -> None:
    """Let the owner's clock stand there. Circuits of its endpoints are closed: their pauses are in real time."""
    session.execute(_STAND, {"owner": tenant.owner, "environment": tenant.environment, "at": at})
    session.execute(_CLOSE, {"owner": tenant.owner, "environment": tenant.environment})


def leave(session: Session, tenant: Tenant, now: datetime) -> datetime | None:
    """Give the owner back to real time; returns where the clock stood. What waits keeps what is left of its wait."""
    stood = stands_at(session, tenant, lock=True)
    if stood is None:
        return None
    whose = {"owner": tenant.owner, "environment": tenant.environment}
    # Whoever records an outcome holds its mailbox, and looks at the clock only then.
    session.execute(_HOLD, whose)
    session.execute(_LEAVE, whose | {"now": now})
    session.execute(_SHIFT, whose | {"shift": now - stood})
    return stood


def settle(session: Session, now: datetime) -> None:
    """What was written by whoever did not know yet that a clock stands, or was left, is due now. Call it now and then.

    `now` is the real time.
    """
    session.execute(_SETTLE, {"now": now})
    session.execute(_FORGET, {"before": now - LINGER})


def busy(session: Session, tenant: Tenant) -> bool:
    """Whether something is being sent, or is due by the owner's clock, which stands."""
    return session.execute(_BUSY, {"owner": tenant.owner, "environment": tenant.environment}).scalar() is True


def overdue(session: Session, tenant: Tenant, most: int) -> list[str]:
    """The messages that are being sent, or are due, by the owner's clock; at most so many."""
    bounds = {"owner": tenant.owner, "environment": tenant.environment, "most": most}
    return list(session.scalars(_OVERDUE, bounds))


def next_due(session: Session, tenant: Tenant, now: datetime) -> Due | None:
    """What waits next; `now` is the real time. Nothing waits for an endpoint that is not enabled."""
    row = session.execute(_NEXT, {"owner": tenant.owner, "environment": tenant.environment, "now": now}).one_or_none()
    return None if row is None else Due(*row)


_STAND = text("""
    INSERT INTO webhook_clock (owner, environment, stands_at) VALUES (:owner, :environment, :at)
        ON CONFLICT (owner, environment) DO UPDATE SET stands_at = EXCLUDED.stands_at, left_at = NULL
""")

_CLOSE = text("""
    UPDATE webhook_gate g SET failures = 0, trips = 0, open_until = NULL, probing = false
      FROM (SELECT g.endpoint_id FROM webhook_gate g JOIN webhook_endpoint e ON e.id = g.endpoint_id
             WHERE e.owner = :owner AND e.environment = :environment
             ORDER BY g.endpoint_id FOR UPDATE OF g) theirs
     WHERE g.endpoint_id = theirs.endpoint_id AND (g.failures > 0 OR g.open_until IS NOT NULL)
""")

# In the order in which `enqueue` locks them.
_HOLD = text("""
    SELECT 1 FROM webhook_mailbox m
     WHERE m.endpoint_id IN (SELECT id FROM webhook_endpoint WHERE owner = :owner AND environment = :environment)
     ORDER BY m.subject, m.endpoint_id FOR UPDATE
""")

_LEAVE = text("""
    UPDATE webhook_clock SET stands_at = NULL, left_at = :now WHERE owner = :owner AND environment = :environment
""")

_SHIFT = text("""
    WITH theirs AS MATERIALIZED (
        SELECT id FROM webhook_endpoint WHERE owner = :owner AND environment = :environment),
    boxes AS (
        UPDATE webhook_mailbox m SET due_at = m.due_at + CAST(:shift AS interval)
          FROM theirs WHERE m.endpoint_id = theirs.id AND m.due_at IS NOT NULL AND NOT m.leased)
    UPDATE webhook_message x SET next_attempt_at = x.next_attempt_at + CAST(:shift AS interval)
      FROM theirs
     WHERE x.endpoint_id = theirs.id AND x.status IN ('pending', 'parked') AND x.next_attempt_at IS NOT NULL
""")

# What was never tried waits for nothing but its turn. Mailboxes that somebody holds have their turn the next time.
_SETTLE = text("""
    WITH waiting AS MATERIALIZED (
        SELECT m.endpoint_id, m.subject, coalesce(c.stands_at, :now) AS now
          FROM webhook_clock c
          JOIN webhook_endpoint e USING (owner, environment)
          JOIN webhook_mailbox m ON m.endpoint_id = e.id AND m.due_at IS NOT NULL
         WHERE EXISTS (
               SELECT FROM webhook_message x
                WHERE x.endpoint_id = m.endpoint_id AND x.subject = m.subject AND x.status IN ('pending', 'parked')
                  AND x.attempts = 0 AND x.next_attempt_at > coalesce(c.stands_at, :now))
           FOR UPDATE OF m SKIP LOCKED),
    boxes AS (
        UPDATE webhook_mailbox m SET due_at = least(m.due_at, waiting.now)
          FROM waiting
         WHERE m.endpoint_id = waiting.endpoint_id AND m.subject = waiting.subject AND NOT m.retrying AND NOT m.leased)
    UPDATE webhook_message x SET next_attempt_at = waiting.now
      FROM waiting
     WHERE x.endpoint_id = waiting.endpoint_id AND x.subject = waiting.subject AND x.status IN ('pending', 'parked')
       AND x.attempts = 0 AND x.next_attempt_at > waiting.now
""")

_FORGET = text("DELETE FROM webhook_clock WHERE stands_at IS NULL AND left_at < :before")

# A lease that has ended is somebody's who was killed: what it was for is sent again.
_BUSY = text("""
    SELECT EXISTS (
        SELECT FROM webhook_clock c
          JOIN webhook_endpoint e USING (owner, environment)
          JOIN webhook_mailbox m ON m.endpoint_id = e.id AND m.retrying = ANY('{false,true}') AND m.due_at IS NOT NULL
         WHERE c.owner = :owner AND c.environment = :environment AND e.status = 'enabled'
           AND (m.leased OR m.due_at <= c.stands_at))
""")

_OVERDUE = text("""
    SELECT head.id
      FROM webhook_clock c
      JOIN webhook_endpoint e USING (owner, environment)
      JOIN webhook_mailbox m ON m.endpoint_id = e.id AND m.retrying = ANY('{false,true}') AND m.due_at IS NOT NULL
     CROSS JOIN LATERAL (
           SELECT id FROM webhook_message
            WHERE endpoint_id = m.endpoint_id AND subject = m.subject AND status IN ('pending', 'parked')
            ORDER BY position LIMIT 1) head
     WHERE e.owner = :owner AND e.environment = :environment AND e.status = 'enabled'
       AND (m.leased OR m.due_at <= c.stands_at)
     ORDER BY m.due_at LIMIT :most
""")

_NEXT = text("""
    SELECT m.due_at, head.id
      FROM webhook_endpoint e
      LEFT JOIN webhook_clock c USING (owner, environment)
      JOIN webhook_mailbox m ON m.endpoint_id = e.id AND m.retrying = ANY('{false,true}')
     CROSS JOIN LATERAL (
           SELECT id FROM webhook_message
            WHERE endpoint_id = m.endpoint_id AND subject = m.subject AND status IN ('pending', 'parked')
            ORDER BY position LIMIT 1) head
     WHERE e.owner = :owner AND e.environment = :environment AND e.status = 'enabled'
       AND NOT m.leased AND m.due_at > coalesce(c.stands_at, :now)
     ORDER BY m.due_at, m.endpoint_id, m.subject LIMIT 1
""")
