"""A sandbox's clock stands, is sent ahead, and is left again. Nothing of another sandbox, or live, is touched.

Whoever changes it has its place (`one_at_a_time`) first, then its row, and only then anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, delete, select, text
from sqlalchemy.orm import Session

from gateway.db import one_at_a_time
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.sandbox import runs
from gateway.sandbox.clock.tables import Advance
from gateway.scheduling.tables import SlotHold
from gateway.tenant import Tenant
from webhooks import clocks
from webhooks.tenant import Tenant as Owner

FURTHEST = timedelta(days=1000)
"""How far a clock may be ahead of real time: ids and what is kept for a while go by it, too."""


class Due(NamedTuple):
    """What waits for the earliest time."""

    at: datetime
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class View:
    """A clock as it is: where it stands, if it does, what waits next, and the latest advance."""

    stands_at: datetime | None
    now: datetime
    next: Due | None
    advance: Advance | None

    @property
    def status(self) -> str:
        if self.stands_at is None:
            return "running"
        return "advancing" if self.advance is not None and self.advance.status == "running" else "frozen"


def view(session: Session, tenant: Tenant, real: datetime) -> View:
    owner = _owner(tenant)
    stands_at = clocks.stands_at(session, owner)
    latest = session.scalar(_of(tenant))
    now = stands_at or real
    return View(stands_at, now, next_due(session, tenant, now), latest)


def freeze(session: Session, tenant: Tenant, real: datetime) -> datetime:
    """Let the clock stand, at `real` where it does not already; returns where. Raises `Problem` while it advances."""
    _alone(session, tenant)
    if running(session, tenant) is not None:
        detail = "The clock is advancing: GET /v1/sandbox/clock?wait=20 until it has, or reset it."
        raise Problem(code="conflict", detail=detail)
    stands_at = clocks.stands_at(session, _owner(tenant), lock=True)
    if stands_at is None:
        clocks.stand(session, _owner(tenant), real)
    return stands_at or real


def advance(session: Session, tenant: Tenant, target: datetime, real: datetime) -> Advance:
    """Write down that the clock, which stands, goes on to `target`; `advancing` takes it there.

    In the place of the advance before it, which is over.
    """
    begins_at = clocks.stands_at(session, _owner(tenant), lock=True)
    assert begins_at is not None
    forget(session, tenant)
    advance = Advance(
        id=new_id("adv", real),
        partner_id=tenant.partner_id,
        environment=tenant.environment,
        begins_at=begins_at,
        target=target,
        status="running",
        fired=[],
        fired_count=0,
        noted=session.scalar(LATEST),
        waited_since=real,
        created_at=real,
        finished_at=None,
    )
    session.add(advance)
    session.flush()
    return advance


def leave(session: Session, tenant: Tenant, real: datetime) -> bool:
    """Back to real time, even amid an advance; what waits keeps what is left of it. False where no clock stood."""
    _alone(session, tenant)
    owner = _owner(tenant)
    stood = clocks.stands_at(session, owner, lock=True)
    if stood is None:
        return False
    under_way = running(session, tenant, lock=True)
    if under_way is not None:
        under_way.status, under_way.finished_at = "stopped", real
    bounds = {"partner_id": tenant.partner_id, "shift": real - stood}
    for statement in (_RUNS, _HOLDS):
        session.execute(statement, bounds)
    clocks.leave(session, owner, real)
    return True


def forget(session: Session, tenant: Tenant) -> None:
    """Remove what is remembered of the latest advance."""
    session.execute(
        delete(Advance).where(Advance.partner_id == tenant.partner_id, Advance.environment == tenant.environment)
    )


def running(session: Session, tenant: Tenant, *, lock: bool = False) -> Advance | None:
    query = _of(tenant).where(Advance.status == "running")
    return session.scalar(query.with_for_update() if lock else query)


def next_due(session: Session, tenant: Tenant, now: datetime) -> Due | None:
    """What waits next after `now`, the time of the sandbox."""
    found: list[Due] = []
    message = clocks.next_due(session, _owner(tenant), now)
    if message is not None:
        found.append(Due(message.at, "webhook", message.message_id))
    run = runs.next_due(session, tenant, now)
    if run is not None:
        found.append(Due(run.due_at, "run_step", run.id))
    hold = session.scalar(_held(tenant).where(SlotHold.until > now).order_by(SlotHold.until, SlotHold.id).limit(1))
    if hold is not None:
        found.append(Due(hold.until, "hold_expired", hold.id))
    return min(found, default=None)


def over(session: Session, tenant: Tenant, after: datetime, upto: datetime) -> Sequence[SlotHold]:
    """Holds that ended then."""
    ended = _held(tenant).where(SlotHold.until > after, SlotHold.until <= upto)
    return session.scalars(ended.order_by(SlotHold.until, SlotHold.id)).all()


def _held(tenant: Tenant) -> Select[SlotHold]:
    return select(SlotHold).where(
        SlotHold.partner_id == tenant.partner_id,
        SlotHold.environment == tenant.environment,
        SlotHold.state == "held",
    )


def _of(tenant: Tenant) -> Select[Advance]:
    return select(Advance).where(Advance.partner_id == tenant.partner_id, Advance.environment == tenant.environment)


def _alone(session: Session, tenant: Tenant) -> None:
    if tenant.environment != "sandbox":
        raise ValueError("only a sandbox has a clock of its own")
    one_at_a_time(session, f"clock {tenant.partner_id}")


def _owner(tenant: Tenant) -> Owner:
    return Owner(tenant.partner_id, tenant.environment)


LATEST = text("SELECT coalesce(max(id), 0) FROM webhook_attempt")

_RUNS = text("""
    UPDATE sandbox_run SET due_at = due_at + CAST(:shift AS interval)
     WHERE partner_id = :partner_id AND environment = 'sandbox' AND status = 'running'
""")

_HOLDS = text("""
    UPDATE slot_hold SET until = until + CAST(:shift AS interval)
     WHERE partner_id = :partner_id AND environment = 'sandbox' AND state = 'held'
""")
