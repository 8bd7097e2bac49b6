"""Recovery: everything of an endpoint that has failed since some time is sent again, as many a second as are wanted.

A recovery is a row that says how far it is. Whoever goes the rounds takes a step of each that is running, each in one
transaction: it makes some messages due again and moves on. So it may be killed anywhere and goes on from there, and
there is no number of messages that is too many.

What was never written for the endpoint (`missing`) only the application knows: see `Stage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, Index, Select, Text, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from webhooks.tables import Base
from webhooks.tenant import Tenant

RATE = 50
"""Messages a second, where nobody says otherwise."""

AT_ONCE = 500
SCAN = 2000
"""Messages looked at in one step."""

WAITING = 1000
"""While so many mailboxes of the endpoint are due, nothing more is made due: it has enough to do."""

Stage = Literal["waiting", "failed", "missing"]
"""What waits for its next attempt is tried now, then what has failed is sent again; then, where it is wanted, the
application writes what is missing.
"""


class Recovery(Base):
    """`status` is `running`, `completed` or `cancelled`.

    Messages that have failed were looked at up to the position `cursor`, and will be up to `upto`; `place` is how far
    the other stages are. `progress` is between 0 and 1. `expired` are those that have no body any more.
    """

    __tablename__ = "webhook_recovery"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    environment: Mapped[str]
    endpoint_id: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    missing: Mapped[bool]
    rate_per_second: Mapped[int]
    status: Mapped[str]
    stage: Mapped[str]
    first: Mapped[int] = mapped_column(BigInteger)
    cursor: Mapped[int] = mapped_column(BigInteger)
    upto: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str | None]
    rearmed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    written: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    progress: Mapped[float] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    stepped_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "endpoint_id", "id"),
        # One at a time: two would send the same twice.
        Index("uq_webhook_recovery_running", "endpoint_id", unique=True, postgresql_where=text("status = 'running'")),
    )

    @property
    def types(self) -> list[str] | None:
        """The types that are wanted; None is all."""
        return None if self.event_types is None or "*" in self.event_types else self.event_types

    def takes(self, created_at: datetime, event_type: str) -> bool:
        return self.since <= created_at < self.until and (self.types is None or event_type in self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecovery:
    """What is wanted: messages written from `since` to before `until`, of these types, None being all."""

    id: str
    endpoint_id: str
    since: datetime
    until: datetime
    event_types: tuple[str, ...] | None = None
    missing: bool = False
    rate_per_second: int = RATE


def start(session: Session, tenant: Tenant, new: NewRecovery, *, now: datetime) -> Recovery | None:
    """Begin; None where one is running already. Whoever calls this has locked the endpoint."""
    mine = _of(tenant).where(Recovery.endpoint_id == new.endpoint_id, Recovery.status == "running")
    if session.scalar(mine) is not None:
        return None
    first, upto = session.execute(_BOUNDS, {"endpoint_id": new.endpoint_id}).one()
    recovery = Recovery(
        id=new.id,
        owner=tenant.owner,
        environment=tenant.environment,
        endpoint_id=new.endpoint_id,
        since=new.since,
        until=new.until,
        event_types=None if new.event_types is None else list(new.event_types),
        missing=new.missing,
        rate_per_second=new.rate_per_second,
        status="running",
        stage="waiting",
        first=first,
        cursor=first,
        upto=upto,
        rearmed=0,
        written=0,
        expired=0,
        progress=0.0,
        created_at=now,
    )
    session.add(recovery)
    session.flush()
    return recovery


def get(session: Session, tenant: Tenant, endpoint_id: str, recovery_id: str, *, lock: bool = False) -> Recovery | None:
    query = _of(tenant).where(Recovery.endpoint_id == endpoint_id, Recovery.id == recovery_id)
    return session.scalar(query.with_for_update() if lock else query)


def page(session: Session, tenant: Tenant, endpoint_id: str, *, before: str | None, limit: int) -> Sequence[Recovery]:
    """Up to `limit` recoveries of an endpoint, newest first, from below the id `before`."""
    query = _of(tenant).where(Recovery.endpoint_id == endpoint_id).order_by(Recovery.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Recovery.id < before)).all()


def cancel(recovery: Recovery, *, now: datetime) -> bool:
    """End it, where it is running and locked; what is due already goes out."""
    if recovery.status != "running":
        return False
    recovery.status, recovery.finished_at = "cancelled", now
    return True


def running(session: Session) -> Sequence[str]:
    """Those that can go on, as their endpoints are enabled; who has waited longest first."""
    return session.scalars(_RUNNING).all()


def take(session: Session, recovery_id: str) -> Recovery | None:
    """Lock one for a step; None where it is over, or somebody else's just now."""
    query = select(Recovery).where(Recovery.id == recovery_id, Recovery.status == "running")
    return session.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def allowed(session: Session, recovery: Recovery, *, now: datetime) -> int:
    """How many messages it may make due now. Taken with the step: `stepped_at` moves."""
    before = recovery.stepped_at or recovery.created_at - timedelta(seconds=1)
    earned = int((now - before).total_seconds() * recovery.rate_per_second)
    # Counted before the time is taken, so that slow ones earn over several rounds.
    bounds = {"endpoint_id": recovery.endpoint_id, "now": now, "most": WAITING}
    waiting = session.scalar(_WAITING, bounds) or 0
    most = max(min(earned, AT_ONCE, WAITING - waiting), 0)
    if most:
        recovery.stepped_at = now
    return most


def step(session: Session, recovery: Recovery, most: int, *, now: datetime) -> None:
    """Make up to `most` messages due; ends the stage when all are looked at."""
    (_hurry if recovery.stage == "waiting" else _again)(session, recovery, most, now)


def _hurry(session: Session, recovery: Recovery, most: int, now: datetime) -> None:
    """The heads of mailboxes that wait for a later time, in the order of the subjects, each once."""
    where = {"endpoint_id": recovery.endpoint_id, "now": now}
    boxes = session.scalars(_LATER, where | {"place": recovery.place or "", "most": most}).all()
    narrow = {"since": recovery.since, "until": recovery.until, "types": recovery.types}
    heads = session.scalars(_HURRY, where | narrow | {"subjects": list(boxes)}).all() if boxes else []
    if heads:
        session.execute(_DUE, where | {"subjects": list(heads)})
    recovery.rearmed += len(heads)
    recovery.place = boxes[-1] if boxes else None
    if len(boxes) < most:
        recovery.stage, recovery.place = "failed", None


def _again(session: Session, recovery: Recovery, most: int, now: datetime) -> None:
    bounds = {"endpoint_id": recovery.endpoint_id, "after": recovery.cursor, "upto": recovery.upto, "most": SCAN}
    dead = session.execute(_DEAD, bounds).all()
    found: list[Any] = []
    for row in dead:
        if len(found) == most:
            break
        recovery.cursor = row.position
        if row.status == "failed" and recovery.takes(row.created_at, row.event_type):
            found.append(row)
    over = len(dead) < SCAN and (not dead or recovery.cursor == dead[-1].position)
    fresh = [row for row in found if not row.expired]
    recovery.expired += len(found) - len(fresh)
    recovery.rearmed += _arm(session, recovery.endpoint_id, fresh, now) if fresh else 0
    span = max(recovery.upto - recovery.first, 1)
    _progress(recovery, 1.0 if over else (recovery.cursor - recovery.first) / span, over, now)


def wrote(recovery: Recovery, count: int, place: str, share: float, *, over: bool, now: datetime) -> None:
    """The application has written so many missing messages, and is at this place, with this share behind it."""
    recovery.written += count
    recovery.place = place
    _progress(recovery, share, over, now)


def _progress(recovery: Recovery, share: float, over: bool, now: datetime) -> None:
    part = 0.5 if recovery.missing else 1.0
    begun = part if recovery.stage == "missing" else 0.0
    recovery.progress = begun + part * min(max(share, 0.0), 1.0)
    if not over:
        return
    if recovery.missing and recovery.stage == "failed":
        recovery.stage = "missing"
    else:
        recovery.status, recovery.finished_at, recovery.progress = "completed", now, 1.0


def _arm(session: Session, endpoint_id: str, rows: Sequence[Any], now: datetime) -> int:
    """In their old places, before all later ones of their mailboxes. The mailboxes are locked first, as everywhere.

    They have their schedule before them again but for its beginning, so that first attempts of others go ahead.
    """
    subjects = sorted({row.subject for row in rows})
    where = {"endpoint_id": endpoint_id, "subjects": subjects, "now": now}
    session.execute(_LOCK, where)
    armed = session.execute(_ARM, {"ids": [row.id for row in rows], "now": now}).all()
    session.execute(_DUE, where)
    return len(armed)


def _of(tenant: Tenant) -> Select[Recovery]:
    return select(Recovery).where(Recovery.owner == tenant.owner, Recovery.environment == tenant.environment)


_BOUNDS = text("""
    SELECT coalesce((SELECT min(position) - 1 FROM webhook_message
                      WHERE endpoint_id = :endpoint_id AND status IN ('failed', 'parked')), 0),
           coalesce((SELECT max(position) FROM webhook_message WHERE endpoint_id = :endpoint_id), 0)
""")

_RUNNING = text("""
    SELECT r.id FROM webhook_recovery r
      JOIN webhook_endpoint e ON e.id = r.endpoint_id AND e.status = 'enabled'
     WHERE r.status = 'running' ORDER BY r.stepped_at NULLS FIRST, r.id
""")

_WAITING = text("""
    SELECT count(*) FROM (
        SELECT FROM webhook_mailbox
         WHERE endpoint_id = :endpoint_id AND retrying = ANY('{false,true}') AND due_at <= :now LIMIT :most) waiting
""")

_LATER = text("""
    SELECT subject FROM webhook_mailbox
     WHERE endpoint_id = :endpoint_id AND retrying = ANY('{false,true}') AND due_at > :now
       AND NOT leased AND subject > :place
     ORDER BY subject LIMIT :most FOR UPDATE
""")

_HURRY = text("""
    UPDATE webhook_message m SET next_attempt_at = :now
      FROM unnest(CAST(:subjects AS text[])) AS box (subject)
     CROSS JOIN LATERAL (
           SELECT id, status, created_at, event_type FROM webhook_message
            WHERE endpoint_id = :endpoint_id AND subject = box.subject AND status IN ('pending', 'parked')
            ORDER BY position LIMIT 1) head
     WHERE m.id = head.id AND head.status = 'pending' AND head.created_at >= :since AND head.created_at < :until
       AND (CAST(:types AS text[]) IS NULL OR head.event_type = ANY(:types))
    RETURNING m.subject
""")

# Bodies are emptied in the order of their ids (`webhooks.retention`); what is empty before the mark may have been so
# from the beginning, but nobody knows.
_DEAD = text("""
    SELECT m.id, m.position, m.subject, m.status, m.event_type, m.created_at,
           p.method = '' OR p.body = '' AND p.id <= coalesce((SELECT upto FROM webhook_mark WHERE name = 'bodies'), '')
           AS expired
      FROM webhook_message m
      LEFT JOIN webhook_payload p ON p.id = m.payload_id
     WHERE m.endpoint_id = :endpoint_id AND m.status IN ('failed', 'parked')
       AND m.position > :after AND m.position <= :upto
     ORDER BY m.position LIMIT :most
""")

_LOCK = text("""
    SELECT 1 FROM webhook_mailbox WHERE endpoint_id = :endpoint_id AND subject = ANY(:subjects)
     ORDER BY subject FOR UPDATE
""")

_ARM = text("""
    UPDATE webhook_message
       SET status = 'pending', attempts = least(attempts, 1), next_attempt_at = :now, finished_at = NULL, error = NULL
     WHERE id = ANY(:ids) AND status = 'failed'
    RETURNING 1
""")

# One that is leased looks again by itself when it comes back.
_DUE = text("""
    UPDATE webhook_mailbox SET due_at = :now, retrying = true
     WHERE endpoint_id = :endpoint_id AND subject = ANY(:subjects) AND NOT leased
""")
