"""Runs: a job's steps taken by themselves, at a pace. Steps and the run's place in its plan are one transaction.

Whatever ends us in between, the next step is due all the same, and was taken once or not at all.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.orm import Session

from gateway import clocks
from gateway.errors import Problem, as_json
from gateway.ids import NewId, new_id
from gateway.jobs import service as jobs
from gateway.jobs.api import not_found, take
from gateway.jobs.queries import owned
from gateway.jobs.rows import job_of
from gateway.jobs.tables import Job
from gateway.runtime import Runtime
from gateway.sandbox import planning
from gateway.sandbox.planning import Planned
from gateway.sandbox.seeded import Noted, seeded
from gateway.sandbox.tables import SandboxRun
from gateway.tenant import Tenant
from webhooks.retention import floor
from webhooks.tables import Clock

FACTORS: Mapping[str, float] = {"instant": 0.0, "x60": 1 / 60, "realtime": 1.0}
"""Pace → seconds of ours for a second of the scenario's."""

LEASE = timedelta(seconds=10)
"""How long a step waits whose taker was killed; an instant run is left so long to the request that began it."""

TURN_SECONDS, TURN_STEPS = 1.0, 100
"""How long one round takes steps before others have their turn."""

MESSAGES = 500
"""So many messages of a run at most are remembered, the first ones."""

ACTIVE = ("running", "paused")
MOST_ACTIVE = 100
KEPT, AT_ONCE = timedelta(days=30), 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """`at` is the time a seeded run begins at; `messages` are those that the order it begins with has caused."""

    order_id: str
    scenario: str | None
    until: str | None
    pace: str
    seed: str | None
    at: datetime | None
    plan: Sequence[Planned]
    messages: Sequence[str] = ()


def begin(session: Session, tenant: Tenant, new: NewRun, now: datetime) -> SandboxRun:
    """Write the run down. Raises `Problem` where another one has the order."""
    other = session.scalar(
        mine(tenant).where(SandboxRun.order_id == new.order_id, SandboxRun.status.in_(ACTIVE)).with_for_update()
    )
    if other is not None:
        detail = "Another run has this order's jobs; stop it first, or wait for its end."
        raise Problem(code="conflict", detail=detail, extra={"run_id": other.id})
    active = select(func.count()).select_from(mine(tenant).where(SandboxRun.status.in_(ACTIVE)).subquery())
    if (session.scalar(active) or 0) >= MOST_ACTIVE:
        raise Problem(
            code="conflict", detail=f"There are {MOST_ACTIVE} runs already that are not over; stop one first."
        )
    plan = [step.record() for step in new.plan]
    run = SandboxRun(
        id=new_id("run", now),
        partner_id=tenant.partner_id,
        environment=tenant.environment,
        order_id=new.order_id,
        scenario=new.scenario,
        until=new.until,
        pace=new.pace,
        seed=new.seed,
        plan=plan,
        position=0,
        taken=[],
        messages=list(new.messages)[:MESSAGES],
        status="running" if plan else "done",
        at=new.at,
        due_at=now + (LEASE if new.pace == "instant" else _wait(new.pace, plan, 0)),
        created_at=now,
        finished_at=None if plan else now,
    )
    session.add(run)
    session.flush()
    return run


def mine(tenant: Tenant) -> Select[SandboxRun]:
    return select(SandboxRun).where(
        SandboxRun.partner_id == tenant.partner_id, SandboxRun.environment == tenant.environment
    )


def go(runtime: Runtime) -> None:
    """One round: take what is due, oldest first, for a bounded time."""
    end = time.monotonic() + TURN_SECONDS
    for _ in range(TURN_STEPS):
        if time.monotonic() > end or not _step(runtime):
            break


def forget(runtime: Runtime) -> None:
    """One batch of those that were begun long ago and are over; their ids begin with the time of their making."""
    with runtime.sessions.begin() as session:
        old = select(SandboxRun.id).where(
            SandboxRun.id < floor("run", runtime.clock() - KEPT), SandboxRun.status.not_in(ACTIVE)
        )
        session.execute(delete(SandboxRun).where(SandboxRun.id.in_(old.order_by(SandboxRun.id).limit(AT_ONCE))))


def finish(runtime: Runtime, run_id: str) -> None:
    """Take all steps of an instant run, in one transaction: whoever waits for it waits for one commit."""
    with runtime.sessions.begin() as session:
        found = select(SandboxRun).where(SandboxRun.id == run_id, SandboxRun.status == "running")
        run = session.scalar(found.with_for_update(skip_locked=True))
        while run is not None and run.status == "running":
            _go_on(session, run, clocks.now_of(session, _tenant(run), runtime.clock()))


def take_due(session: Session, tenant: Tenant, now: datetime) -> SandboxRun | None:
    """Take the tenant's step that is due the longest by `now`, its clock, which is locked; the run that it is of."""
    due = mine(tenant).where(SandboxRun.status == "running", SandboxRun.due_at <= now)
    run = session.scalar(due.order_by(SandboxRun.due_at, SandboxRun.id).limit(1).with_for_update())
    if run is not None:
        _go_on(session, run, now)
    return run


def next_due(session: Session, tenant: Tenant, now: datetime) -> SandboxRun | None:
    """The run of which a step is due next, after `now`."""
    later = mine(tenant).where(SandboxRun.status == "running", SandboxRun.due_at > now)
    return session.scalar(later.order_by(SandboxRun.due_at, SandboxRun.id).limit(1))


def _step(runtime: Runtime) -> bool:
    """The next step of the run that is due the longest; False where none is."""
    claimed = _claim(runtime)
    if claimed is None:
        return False
    with runtime.sessions.begin() as session:
        run = session.scalar(
            select(SandboxRun)
            .where(SandboxRun.id == claimed.id, SandboxRun.position == claimed.position, SandboxRun.status == "running")
            .with_for_update()
        )
        if run is not None:
            _go_on(session, run, clocks.now_of(session, _tenant(run), runtime.clock()))
    return True


def _claim(runtime: Runtime) -> SandboxRun | None:
    """One that runs, put off for the lease: whatever is wrong with it, others have their turn meanwhile.

    None of a sandbox whose clock stands: that is moved on with its clock (`gateway.sandbox.clock`).
    """
    stands = exists().where(
        Clock.owner == SandboxRun.partner_id,
        Clock.environment == SandboxRun.environment,
        Clock.stands_at.is_not(None),
    )
    with runtime.sessions.begin() as session:
        now = runtime.clock()
        due = select(SandboxRun).where(SandboxRun.status == "running", SandboxRun.due_at <= now, ~stands)
        run = session.scalar(due.order_by(SandboxRun.due_at).limit(1).with_for_update(skip_locked=True))
        if run is not None:
            run.due_at = now + LEASE
    return run


def _go_on(session: Session, run: SandboxRun, now: datetime) -> None:
    try:
        with session.begin_nested():
            _take(session, run, now)
    except Problem as problem:
        run.status, run.finished_at = "failed", now
        run.problem = {"code": problem.code, "detail": problem.detail, "errors": as_json(problem.faults)}
        run.problem |= problem.extra
        return
    run.position += 1
    if run.position == len(run.plan):
        run.status, run.finished_at = "done", now
    else:
        run.due_at = now + _wait(run.pace, run.plan, run.position)


def _take(session: Session, run: SandboxRun, now: datetime) -> None:
    planned, tenant = Planned(**run.plan[run.position]), _tenant(run)
    located = located_job(session, tenant, planned.job_id)
    job = job_of(located.row, "partner")
    made = Noted(ids(tenant, run.seed, job.id, str(job.sequence), today=now))
    if run.at is not None:
        # A time of its own, but none that is still to come: what is to be sent then would wait for it.
        now = run.at = min(run.at + timedelta(seconds=planned.after), now)
    take(session, located, planning.move(planned, job, now), now, made)
    run.messages = [*run.messages, *made.of("whm")][:MESSAGES]
    # A list of its own each time: SQLAlchemy sees a new value, not a change within one.
    run.taken = [*run.taken, {"event_id": next(iter(made.of("evt")), None), "at": now.isoformat()}]


def _tenant(run: SandboxRun) -> Tenant:
    return Tenant(run.partner_id, run.environment)


def located_job(session: Session, tenant: Tenant, job_id: str) -> jobs.Located:
    """One of this tenant's jobs, locked. Raises `Problem`."""
    try:
        return jobs.locate(session, job_id, owned(Job, tenant))
    except jobs.NoSuchJob:
        raise not_found("job") from None


def ids(tenant: Tenant, seed: str | None, *scope: str, today: datetime) -> NewId:
    """How ids are made: always the same ones with a seed, for the same partner."""
    return new_id if seed is None else seeded(tenant.partner_id, seed, *scope, today=today)


def _wait(pace: str, plan: Sequence[Mapping[str, Any]], position: int) -> timedelta:
    return timedelta(seconds=plan[position]["after"] * FACTORS[pace])


def pause(run: SandboxRun, now: datetime) -> None:
    """Keep what is left of the wait. Raises `Problem` where the run is over."""
    _check_active(run)
    if run.status == "running":
        run.status, run.remaining = "paused", max((run.due_at - now).total_seconds(), 0.0)


def resume(run: SandboxRun, now: datetime) -> None:
    """Go on where it was paused. Raises `Problem` where the run is over."""
    _check_active(run)
    if run.status == "paused":
        run.status, run.due_at, run.remaining = "running", now + timedelta(seconds=run.remaining or 0.0), None


def stop(run: SandboxRun, now: datetime) -> None:
    """End it where it is; the jobs stay as they are. One that is stopped stays stopped."""
    if run.status != "stopped":
        _check_active(run)
        run.status, run.finished_at, run.remaining = "stopped", now, None


def _check_active(run: SandboxRun) -> None:
    if run.status not in ACTIVE:
        raise Problem(code="conflict", detail="The run is over.", extra={"ended": run.status})
