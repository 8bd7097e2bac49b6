"""Chaos is begun, ended, and used up: each time by one statement, so that two at once never use it twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from gateway import driver
from gateway.ids import new_id
from gateway.oauth.bearer import Caller
from gateway.runtime import Runtime
from gateway.sandbox.chaos.kinds import KINDS
from gateway.sandbox.chaos.tables import Chaos

MOST = 20
"""How many a key may have at a time."""

SHOWN = timedelta(days=1)
"""How long one that has ended is listed."""

READING = frozenset({"GET", "HEAD"})


class TooMany(Exception):
    """The key has as many as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChaos:
    """What is asked for; its bounds have been checked. What it is not narrowed by is None."""

    kind: str
    times: int
    lasts: timedelta
    numbers: Mapping[str, int]
    endpoint_id: str | None = None
    event_types: Sequence[str] | None = None
    method: str | None = None
    path: str | None = None


class Taken(NamedTuple):
    """One time of a disturbance, which is ours now."""

    id: str
    kind: str
    numbers: Mapping[str, int]


def start(session: Session, caller: Caller, new: NewChaos, now: datetime) -> Chaos:
    """Raises `TooMany`."""
    # Who comes at the same time waits here, and counts ours.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('chaos'), hashtext(:id))"), {"id": caller.client_id})
    active = _of(caller).where(Chaos.remaining > 0, Chaos.stopped_at.is_(None), Chaos.until > now)
    if (session.scalar(select(func.count()).select_from(active.subquery())) or 0) >= MOST:
        raise TooMany
    chaos = Chaos(
        id=new_id("chs", now),
        partner_id=caller.partner_id,
        environment=caller.environment,
        client_id=caller.client_id,
        kind=new.kind,
        numbers=dict(new.numbers),
        endpoint_id=new.endpoint_id,
        event_types=None if new.event_types is None else list(new.event_types),
        method=new.method,
        path=new.path,
        times=new.times,
        remaining=new.times,
        until=now + new.lasts,
        created_at=now,
    )
    session.add(chaos)
    session.flush()
    return chaos


def page(session: Session, caller: Caller, *, before: str | None, limit: int, now: datetime) -> Sequence[Chaos]:
    """Up to `limit` of a key's own, newest first: those that are active, and those that ended of late."""
    query = _of(caller).where(_is_shown(now)).order_by(Chaos.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Chaos.id < before)).all()


def stop(session: Session, caller: Caller, chaos_id: str | None, now: datetime) -> bool:
    """End one, or all of a key's own, those as well that are used up: they may hold something back. False where there
    is no such one.
    """
    mine = _of(caller) if chaos_id is None else _of(caller).where(Chaos.id == chaos_id)
    found = session.scalars(mine.where(_is_shown(now)).order_by(Chaos.id).with_for_update()).all()
    for one in found:
        one.stopped_at = one.stopped_at or now
    return bool(found)


def leave(session: Session, client_id: str, now: datetime) -> None:
    """End all that a key began, which is no more: nobody else could."""
    theirs = update(Chaos).where(Chaos.client_id == client_id, Chaos.stopped_at.is_(None), Chaos.until > now)
    session.execute(theirs.values(stopped_at=now))


def take_request(
    sessions: sessionmaker[Session], caller: Caller, method: str, path: str, now: datetime
) -> Taken | None:
    """What is to happen to this request, if anything: one statement, whose commit is its own."""
    asked = {
        "partner_id": caller.partner_id,
        "client_id": caller.client_id,
        "method": method,
        "writes": method not in READING,
        "path": path,
        "now": now,
    }
    with driver.together(sessions) as session:
        row = driver.execute(session, _TAKE_REQUEST, asked).fetchone()
    return None if row is None else Taken._make(row)


def sweep(runtime: Runtime) -> None:
    """Delete what ended long ago."""
    now = runtime.clock()
    with runtime.sessions.begin() as session:
        session.execute(delete(Chaos).where(Chaos.until < now - SHOWN))


def _of(caller: Caller) -> Select[Chaos]:
    return select(Chaos).filter_by(
        partner_id=caller.partner_id, environment=caller.environment, client_id=caller.client_id
    )


def _is_shown(now: datetime) -> ColumnElement[bool]:
    """Whatever became of it: it may have been used until then."""
    return Chaos.until > now - SHOWN


# The oldest that fits is locked, looked at again as it is by then, and counted down. Who comes meanwhile waits for
# that, and finds the next one where this is used up.
_TAKE_REQUEST = """
    UPDATE sandbox_chaos SET remaining = remaining - 1, used_at = %(now)s
     WHERE id = (
           SELECT id FROM sandbox_chaos
            WHERE partner_id = %(partner_id)s AND environment = 'sandbox' AND client_id = %(client_id)s
              AND remaining > 0 AND stopped_at IS NULL AND until > %(now)s AND kind = ANY({kinds})
              AND (method = %(method)s OR method IS NULL AND (kind <> 'lost_answer' OR %(writes)s))
              AND (path IS NULL OR starts_with(%(path)s, path))
            ORDER BY id LIMIT 1 FOR UPDATE)
    RETURNING id, kind, numbers
""".format(kinds="ARRAY[{}]".format(", ".join(f"'{name}'" for name, kind in KINDS.items() if kind.place == "requests")))
