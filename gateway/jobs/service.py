"""What happens to jobs: an order opens them, somebody moves one on, and their order follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from adapters.canonical import Job, JobState, StatusUpdate, SupportOrder, Window
from adapters.plain.reader import stored_order
from gateway import driver
from gateway.ids import NewId, new_id
from gateway.jobs import tables
from gateway.jobs.announce import Said, announce, event_row, said, tell
from gateway.jobs.moving import Move, moved, says_nothing_new
from gateway.jobs.opening import order_status
from gateway.jobs.rows import changing, fixed, job_of
from gateway.tenant import Tenant

WORKED = frozenset({JobState.WORK_DONE, JobState.COMPLETED})


class NoSuchJob(Exception):
    """Not there, or not visible to whoever asks: the two are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A locked job with the order it belongs to."""

    row: tables.Job
    order: tables.Order

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.order.partner_id, self.order.environment)

    def content(self) -> SupportOrder:
        return stored_order(self.order.content)


def place(
    session: Session,
    tenant: Tenant,
    order: Mapping[str, Any],
    updates: Sequence[StatusUpdate],
    *,
    fresh: bool,
    new_id: NewId = new_id,
) -> bool:
    """Store a new order (its columns) with its jobs and the events of their opening, and announce those.

    False where the partner has an order of this number already, and then nothing is stored; a `fresh` one has none,
    and nobody looks.
    """
    now: datetime = order["created_at"]
    steps = said(updates)
    values = {"orders": driver.rows([order]), **_opened(tenant, steps, now)}
    if fresh:
        driver.write(session, _PLACE_FRESH, values)
    elif driver.execute(session, _PLACE, values).fetchone() is None:
        return False
    tell(session, tenant, steps, now, new_id)
    return True


def extend(session: Session, order: tables.Order, updates: Sequence[StatusUpdate], now: datetime) -> None:
    """Store further jobs of a locked order with the events of their opening, and announce those."""
    tenant, steps = Tenant(order.partner_id, order.environment), said(updates)
    driver.write(session, _PLACE_FRESH[1:], _opened(tenant, steps, now))
    tell(session, tenant, steps, now)
    _follow(session, order, now)


def _opened(tenant: Tenant, steps: Sequence[Said], now: datetime) -> dict[str, str]:
    """The rows of new jobs as their opening left them, and of its events."""
    last = {step.update.job.id: step.update.job for step in steps}
    return {
        "jobs": driver.rows(
            {**fixed(job), **changing(job), "partner_id": tenant.partner_id, "created_at": now, "updated_at": now}
            for job in last.values()
        ),
        "events": driver.rows(event_row(tenant, step) for step in steps),
    }


_ORDER, _JOB, _EVENT = map(driver.columns, (tables.Order, tables.Job, tables.JobEvent))

_PLACE_FRESH = (
    f"INSERT INTO support_order ({_ORDER}) "
    f"SELECT {_ORDER} FROM json_populate_recordset(NULL::support_order, %(orders)s)",
    f"INSERT INTO job ({_JOB}) SELECT {_JOB} FROM json_populate_recordset(NULL::job, %(jobs)s)",
    f"INSERT INTO job_event ({_EVENT}) SELECT {_EVENT} FROM json_populate_recordset(NULL::job_event, %(events)s)",
)

# Who comes with the same number at the same time waits here, and then finds the order.
_PLACE = """
    WITH placed AS ({} ON CONFLICT DO NOTHING RETURNING id),
         opened AS ({} WHERE EXISTS (SELECT FROM placed)),
         said AS ({} WHERE EXISTS (SELECT FROM placed))
    SELECT id FROM placed
""".format(*_PLACE_FRESH)


def locate(session: Session, job_id: str, *visible: ColumnElement[bool]) -> Located:
    """Lock the job's order, then read the job: steps of one order's jobs come one after the other.

    `visible` are the conditions under which the caller may know the job at all. Raises `NoSuchJob`.
    """
    order = session.scalar(
        select(tables.Order)
        .join(tables.Job, tables.Job.order_id == tables.Order.id)
        .where(tables.Job.id == job_id, *visible)
        .with_for_update(of=tables.Order)
    )
    if order is None:
        raise NoSuchJob
    row = session.scalars(select(tables.Job).where(tables.Job.id == job_id)).one()
    return Located(row=row, order=order)


def advance(session: Session, located: Located, move: Move, now: datetime, new_id: NewId = new_id) -> bool:
    """Take the job one step on; False where the move tells nothing new.

    Raises `IllegalTransition`, `WrongReason` or `InvalidMove`.
    """
    job = job_of(located.row, "partner")
    if says_nothing_new(job, move):
        return False
    step, after = moved(job, move, now)
    jobs = _write(session, located, after, now)
    update = StatusUpdate(
        event_id=new_id("evt", now),
        type=step.event,
        at=move.at or now,
        actor=move.actor,
        previous_state=job.state,
        job=after,
        order=located.content(),
        reason=after.reason,
        note=move.note,
        siblings=tuple(one for one in jobs if one.line_id == after.line_id),
        others=tuple(one for one in jobs if one.line_id != after.line_id),
        work=_work(session, located.tenant, step.event, after, move.at or now),
    )
    announce(session, located.tenant, update, now, move, new_id)
    return True


def _work(session: Session, tenant: Tenant, event: str, job: Job, at: datetime) -> Window | None:
    """From the last start of the work to its end, of a job whose work is done."""
    if job.state not in WORKED:
        return None
    kinds = ("job.started", "job.work_done")
    told = select(tables.JobEvent.type, func.max(tables.JobEvent.at)).where(
        tables.JobEvent.partner_id == tenant.partner_id,
        tables.JobEvent.job_id == job.id,
        tables.JobEvent.type.in_(kinds),
    )
    times = dict(session.execute(told.group_by(tables.JobEvent.type)).all())
    start, end = times.get("job.started"), at if event == "job.work_done" else times.get("job.work_done")
    return Window(start=start, end=end) if start and end and start < end else None


def _write(session: Session, located: Located, after: Job, now: datetime) -> tuple[Job, ...]:
    """Write the job and its order's status; returns the order's other jobs.

    The lock on the order lets nobody in between, and the unique sequence of the events is the last word.
    """
    row = located.row
    for column, value in changing(after).items():
        setattr(row, column, value)
    row.updated_at = now
    jobs = _follow(session, located.order, now)
    return tuple(job_of(job, "partner") for job in jobs if job.id != row.id)


def _follow(session: Session, order: tables.Order, now: datetime) -> Sequence[tables.Job]:
    """Bring the order's status up to its jobs, which are returned."""
    session.flush()
    jobs = session.scalars(select(tables.Job).where(tables.Job.order_id == order.id)).all()
    order.status = order_status(JobState(job.state) for job in jobs)
    order.updated_at = now
    session.flush()
    return jobs
