"""The row of a poll: leased for one page, and then moved on with what the page brought, or put off."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.polling.tables import PollCursor


class Lost(Exception):
    """Somebody else has the lease by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A poll that is ours until its lease ends. `failures` counts the ones before."""

    connection_id: str
    cursor: str | None
    generation: int
    failures: int


def waiting(session: Session, connection_ids: Collection[str], now: datetime) -> set[str]:
    """Those of these connections that are not due, or that somebody is reading."""
    query = select(PollCursor.connection_id).where(
        PollCursor.connection_id.in_(connection_ids), or_(PollCursor.due_at > now, PollCursor.leased_until > now)
    )
    return set(session.scalars(query))


def claim(session: Session, connection_id: str, lease: timedelta, now: datetime) -> Claim | None:
    """The poll, if it is due and nobody reads it; one that was never read begins here."""
    session.execute(
        insert(PollCursor).values(connection_id=connection_id, due_at=now, failures=0).on_conflict_do_nothing()
    )
    free = (
        select(PollCursor.connection_id)
        .where(
            PollCursor.connection_id == connection_id,
            PollCursor.due_at <= now,
            or_(PollCursor.leased_until.is_(None), PollCursor.leased_until <= now),
        )
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(PollCursor)
        .where(PollCursor.connection_id == free.scalar_subquery())
        .values(leased_until=now + lease, generation=PollCursor.generation + 1)
        .returning(PollCursor.cursor, PollCursor.generation, PollCursor.failures)
    ).one_or_none()
    return None if taken is None else Claim(connection_id=connection_id, **taken._asdict())


def move(session: Session, held: Claim, cursor: str, due_at: datetime, now: datetime) -> None:
    """The page was read. In the transaction that keeps what it brought; raises `Lost`."""
    _give_back(session, held, cursor=cursor, due_at=due_at, last_ok_at=now, failures=0, error=None)


def put_off(session: Session, held: Claim, error: str, due_at: datetime) -> None:
    """The page could not be read. Raises `Lost`."""
    _give_back(session, held, due_at=due_at, failures=held.failures + 1, error=error)


def _give_back(session: Session, held: Claim, **values: Any) -> None:
    ours = update(PollCursor).where(
        PollCursor.connection_id == held.connection_id, PollCursor.generation == held.generation
    )
    # The row stays locked until the commit: nobody claims it meanwhile, though the lease may end.
    if session.scalar(ours.values(leased_until=None, **values).returning(PollCursor.generation)) is None:
        raise Lost
