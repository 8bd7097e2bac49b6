"""Later versions of an order: what a change or a cancellation does to its jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import EMPTY, CancelOrder, ChangeOrder, JobState, LineChange
from adapters.errors import Problem as Fault
from gateway.errors import Problem
from gateway.intake.tables import InboundMessage
from gateway.jobs import tables
from gateway.jobs.lifecycle import IllegalTransition, WrongReason, lifecycle
from gateway.jobs.moving import InvalidMove, Move
from gateway.jobs.opening import ENDED
from gateway.jobs.service import Located, advance
from gateway.tenant import Tenant

Change = ChangeOrder | CancelOrder


def document_key(intent: Change) -> str:
    kind = "change" if isinstance(intent, ChangeOrder) else "cancel"
    return f"{kind}:{intent.partner_order_id}:{intent.change_id}"


def fingerprint(intent: Change) -> bytes:
    """What the document asks for, whatever it looked like."""
    return sha256(repr(replace(intent, echo=EMPTY)).encode()).digest()


def seen_before(session: Session, tenant: Tenant, intent: Change) -> bool:
    """Whether this very change was accepted already. Another one under its number is a problem."""
    stored = session.scalar(
        select(InboundMessage.fingerprint).where(
            InboundMessage.partner_id == tenant.partner_id,
            InboundMessage.environment == tenant.environment,
            InboundMessage.document == document_key(intent),
            InboundMessage.outcome == "accepted",
        )
    )
    if stored is not None and stored != fingerprint(intent):
        fault = Fault(pointer=intent.pointer, code="change_differs", detail="Another change came under this number.")
        raise Problem(
            code="change-differs", detail="This change was received before, and was another.", faults=(fault,)
        )
    return stored is not None


@dataclass(frozen=True, slots=True)
class _Step:
    """One move of one job, and the place in the document that asks for it."""

    job: tables.Job
    move: Move
    pointer: str


def apply(session: Session, order: tables.Order, intent: Change, now: datetime) -> tuple[Fault, ...]:
    """Move the jobs of a locked order; returns what could not be done, each with its place in the document.

    A line that the order does not have refuses the whole document. A change does what it can line by line; a
    cancellation happens as a whole or not at all, since its answer is one yes or no.
    """
    jobs = session.scalars(select(tables.Job).where(tables.Job.order_id == order.id).order_by(tables.Job.unit)).all()
    steps = _steps(intent, jobs)
    if isinstance(intent, CancelOrder):
        faults = tuple(_no_longer(step) for step in steps if not _cancellable(step.job))
        if faults:
            return faults
    else:
        _refuse_stale(order, intent)
        order.last_change = intent.change_id
    return tuple(fault for step in steps for fault in _take(session, order, step, now))


def _refuse_stale(order: tables.Order, intent: ChangeOrder) -> None:
    last, this = order.last_change, intent.change_id
    if last is not None and last.isdecimal() and this.isdecimal() and int(this) < int(last):
        fault = Fault(pointer=intent.pointer, code="stale_change", detail="A later change was applied already.")
        raise Problem(code="conflict", detail="The order has moved on since this change.", faults=(fault,))


def _steps(intent: Change, jobs: Sequence[tables.Job]) -> list[_Step]:
    lines: Iterable[LineChange] = intent.lines
    if isinstance(intent, CancelOrder) and not intent.lines:
        named = dict.fromkeys(job.line_id for job in jobs)
        lines = tuple(LineChange(pointer=intent.pointer, line_id=line_id, cancelled=True) for line_id in named)
    steps: list[_Step] = []
    unknown: list[Fault] = []
    for line in lines:
        units = [job for job in jobs if _names(line, job)]
        if not units:
            detail = "The order has no such line."
            unknown.append(Fault(pointer=line.pointer, code="unknown_line", detail=detail))
        steps += _steps_of_line(intent, line, units)
    if unknown:
        raise Problem(code="invalid", detail="The change does not fit the order.", faults=tuple(unknown))
    return steps


def _names(line: LineChange, job: tables.Job) -> bool:
    return job.line_id == line.line_id if line.line_id is not None else job.sku == line.sku


def _steps_of_line(intent: Change, line: LineChange, units: list[tables.Job]) -> list[_Step]:
    if isinstance(intent, CancelOrder) or line.cancelled:
        reason = intent.reason if isinstance(intent, CancelOrder) else "order_cancelled_by_retailer"
        text = intent.text if isinstance(intent, CancelOrder) else None
        gone = [unit for unit in units if JobState(unit.state) not in (JobState.CANCELLED, JobState.REJECTED)]
        count = len(gone) if line.quantity is None or line.cancelled else line.quantity
        cancel = Move(to=JobState.CANCELLED, actor="partner", reason=reason, text=text)
        return [_Step(unit, cancel, line.pointer) for unit in reversed(gone[-count:] if count else [])]
    live = [unit for unit in units if JobState(unit.state) not in ENDED]
    kept = live if line.quantity is None else live[: line.quantity]
    surplus = live[len(kept) :]
    cancel = Move(to=JobState.CANCELLED, actor="partner", reason="order_cancelled_by_retailer")
    steps = [_Step(unit, cancel, line.pointer) for unit in reversed(surplus)]
    if line.quantity is not None and line.quantity > len(units):
        detail = "A line cannot grow; send the further visits as a new order."
        fault = Fault(pointer=line.pointer, code="quantity_grows", detail=detail)
        raise Problem(code="unsupported", detail="The change asks for more visits than were ordered.", faults=(fault,))
    for window in line.requested_windows[:1]:
        steps += [
            _Step(
                unit,
                Move(to=JobState.SCHEDULED, actor="partner", reason=_reason(intent, unit), window=window),
                line.pointer,
            )
            for unit in kept or units
        ]
    return steps


def _reason(intent: Change, job: tables.Job) -> str | None:
    """A first date needs no reason; another one does."""
    try:
        step = lifecycle().step(JobState(job.state), JobState.SCHEDULED, "partner")
    except IllegalTransition:
        return None
    return intent.reason if step.reasons else None


def _cancellable(job: tables.Job) -> bool:
    return any(step.target is JobState.CANCELLED for step in lifecycle().legal(JobState(job.state), "partner"))


def _no_longer(step: _Step) -> Fault:
    detail = f"The job is {step.job.state} and cannot be taken there any more."
    return Fault(pointer=step.pointer, code="illegal_transition", detail=detail)


def _take(session: Session, order: tables.Order, step: _Step, now: datetime) -> Iterable[Fault]:
    try:
        advance(session, Located(row=step.job, order=order), step.move, now)
    except InvalidMove as error:
        return (Fault(pointer=step.pointer, code=error.code, detail=error.detail),)
    except (IllegalTransition, WrongReason):
        return (_no_longer(step),)
    return ()
