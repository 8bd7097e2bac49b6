"""Later versions of an order: what a change or a cancellation does to its jobs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import (
    EMPTY,
    CancelOrder,
    ChangeOrder,
    JobState,
    LineChange,
    OrderLine,
    SlotWish,
    SupportOrder,
    Window,
)
from adapters.errors import Problem as Fault
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from gateway.errors import Problem
from gateway.intake.tables import InboundMessage
from gateway.jobs import tables
from gateway.jobs.lifecycle import IllegalTransition, WrongReason, lifecycle
from gateway.jobs.moving import InvalidMove, Move
from gateway.jobs.opening import ENDED, OVER
from gateway.jobs.service import Located, advance
from gateway.privacy.service import ERASED
from gateway.scheduling import service as scheduling
from gateway.scheduling.service import Slot
from gateway.tenant import Tenant

Change = ChangeOrder | CancelOrder


def document_key(intent: Change) -> str | None:
    """What knows the document again; None where they do not number their changes."""
    if not intent.change_id:
        return None
    kind = "change" if isinstance(intent, ChangeOrder) else "cancel"
    # A separator that no number can hold: order `1:2`, change `3` is not order `1`, change `2:3`.
    return "\x1f".join((kind, intent.order_id or intent.partner_order_id, intent.change_id))


def fingerprint(intent: Change) -> bytes:
    """What the document asks for, whatever it looked like."""
    return sha256(repr(replace(intent, echo=EMPTY)).encode()).digest()


def answered_before(session: Session, tenant: Tenant, intent: Change) -> tuple[Fault, ...] | None:
    """What this very change was answered with when it was taken; None for a new one, and for one without a number.

    Another one under its number is a problem.
    """
    if not intent.change_id:
        return None
    stored = session.execute(
        select(InboundMessage.fingerprint, InboundMessage.problems).where(
            InboundMessage.partner_id == tenant.partner_id,
            InboundMessage.environment == tenant.environment,
            InboundMessage.document == document_key(intent),
            InboundMessage.outcome == "accepted",
        )
    ).one_or_none()
    if stored is None:
        return None
    if stored.fingerprint != fingerprint(intent):
        fault = Fault(pointer=intent.pointer, code="change_differs", detail="Another change came under this number.")
        raise Problem(
            code="change-differs", detail="This change was received before, and was another.", faults=(fault,)
        )
    return tuple(Fault(**fault) for fault in stored.problems or ())


@dataclass(frozen=True, slots=True)
class _Step:
    """One move of one job, and the place in the document that asks for it."""

    job: tables.Job
    move: Move
    pointer: str


def apply(session: Session, order: tables.Order, intent: Change, now: datetime) -> tuple[Fault, ...]:
    """Move the jobs of a locked order; returns what could not be done, each with its place in the document.

    A line that the order does not have refuses the whole document, unless it is an added one (`added_lines`). A
    change does what it can line by line; a cancellation happens as a whole or not at all, since its answer is one yes
    or no.
    """
    jobs = session.scalars(select(tables.Job).where(tables.Job.order_id == order.id).order_by(tables.Job.unit)).all()
    stored = stored_order(order.content)
    grown = _grown(intent, jobs)
    steps = _steps(_news(intent, stored, grown), jobs)
    if isinstance(intent, CancelOrder):
        faults = tuple(_no_longer(step) for step in steps if not _cancellable(step.job))
        if faults:
            return faults
    else:
        _refuse_stale(order, intent)
        _refuse_late_lines(order, stored, intent)
        order.last_change = intent.change_id or order.last_change
        now_so = order_json(_taken_over(stored, intent))
        # What it was when it was placed, so that the same document is known again for what it is.
        order.placed = order.placed or (order.content if now_so != order.content else None)
        order.content = now_so
    before = [_window(step.job) for step in steps]
    told = [_take(session, order, step, now) for step in steps]
    if isinstance(intent, ChangeOrder) and intent.books_slots:
        moved = [(step, old) for step, old, faults in zip(steps, before, told, strict=True) if not faults]
        _rebook(session, order, stored, moved, now)
    return (*(_cannot_grow(line) for line in grown), *(fault for faults in told for fault in faults))


def _rebook(
    session: Session,
    order: tables.Order,
    stored: SupportOrder,
    moved: Sequence[tuple[_Step, Window | None]],
    now: datetime,
) -> None:
    """The slots of jobs that have moved. Raises `Problem` where one is not free, and then nothing has happened."""
    scheduling.release(session, order.id, [old for _, old in moved if old is not None])
    wanted = [
        Slot(wish=wish(stored), window=step.move.window, pointer=step.pointer) for step, _ in moved if step.move.window
    ]
    scheduling.book(session, Tenant(order.partner_id, order.environment), order.id, wanted, now)


def slots(order: SupportOrder) -> list[Slot]:
    """The windows that an order books."""
    return [
        Slot(wish=wish(order), window=window, pointer=f"/lines/{place}/requested_windows")
        for place, line in enumerate(order.lines)
        for window in line.requested_windows[:1]
        for _ in range(line.quantity)
    ]


def wish(order: SupportOrder) -> SlotWish:
    return SlotWish(country=order.service_address.country, postcode=order.service_address.postcode)


def _window(job: tables.Job) -> Window | None:
    return Window(start=job.window_start, end=job.window_end) if job.window_start and job.window_end else None


def _grown(intent: Change, jobs: Sequence[tables.Job]) -> tuple[LineChange, ...]:
    """The lines of a whole order that are more than they were. Who sends it as a whole says so again each time, and
    everything else in it counts all the same.
    """
    if isinstance(intent, CancelOrder) or intent.whole is None:
        return ()
    there = [(line, sum(_names(line, job) for job in jobs)) for line in intent.lines]
    return tuple(line for line, count in there if count and (line.quantity or 0) > count)


def _cannot_grow(line: LineChange) -> Fault:
    detail = "A line cannot grow; send the further visits as a new order."
    return Fault(pointer=line.pointer, code="quantity_grows", detail=detail)


def _news(intent: Change, stored: SupportOrder, grown: Collection[LineChange]) -> Change:
    """The change without what is known already: who sends the whole order repeats the date that was moved since."""
    if isinstance(intent, CancelOrder) or intent.whole is None:
        return intent
    known = {line.line_id: line.requested_windows for line in stored.lines}
    kept = (replace(line, quantity=None) if line in grown else line for line in intent.lines)
    lines = tuple(
        replace(line, requested_windows=()) if known.get(line.line_id or "") == line.requested_windows else line
        for line in kept
    )
    return replace(intent, lines=lines)


def added_lines(order: SupportOrder, intent: Change) -> tuple[OrderLine, ...]:
    """The lines that a change adds to the order as it was."""
    known = {line.line_id for line in order.lines}
    return tuple(line.added for line in intent.lines if line.added is not None and line.added.line_id not in known)


def _taken_over(stored: SupportOrder, intent: ChangeOrder) -> SupportOrder:
    """The order as it is after the change. Its lines stay, whatever became of their jobs."""
    # Who has been erased does not come back with a document that was under way.
    now = stored if intent.whole is None or stored.customer.family_name == ERASED else intent.whole
    renewed = {line.line_id: line for line in now.lines}
    kept = tuple(renewed.get(line.line_id, line) for line in stored.lines)
    return replace(now, lines=(*kept, *added_lines(stored, intent)))


def _refuse_stale(order: tables.Order, intent: ChangeOrder) -> None:
    last, this = order.last_change, intent.change_id
    if last is not None and last.isdecimal() and this.isdecimal() and int(this) < int(last):
        fault = Fault(pointer=intent.pointer, code="stale_change", detail="A later change was applied already.")
        raise Problem(code="conflict", detail="The order has moved on since this change.", faults=(fault,))


def _refuse_late_lines(order: tables.Order, stored: SupportOrder, intent: ChangeOrder) -> None:
    """Nobody opens an order again that is over: its new lines would come from a document that was long under way."""
    late = added_lines(stored, intent)
    if late and order.status in OVER:
        faults = tuple(
            Fault(pointer=line.pointer, code="order_ended", detail="The order has ended; send a new one.")
            for line in intent.lines
            if line.added in late
        )
        raise Problem(code="conflict", detail="The order has ended and takes no more lines.", faults=faults)


def _steps(intent: Change, jobs: Sequence[tables.Job]) -> list[_Step]:
    steps: list[_Step] = []
    faults: list[Fault] = []
    for line in _lines(intent, jobs):
        units = [job for job in jobs if _names(line, job)]
        if not units and (line.added is not None or _only_named(intent, line)):
            continue
        if not units:
            detail = "The order has no such line."
            faults.append(Fault(pointer=line.pointer, code="unknown_line", detail=detail))
        elif line.quantity is not None and line.quantity > len(units):
            faults.append(_cannot_grow(line))
        steps += _cancelled(intent, line, units) if _cancels(intent, line) else _changed(intent, line, units)
    if faults:
        raise Problem(code="invalid", detail="The change does not fit the order.", faults=tuple(faults))
    return steps


def _only_named(intent: Change, line: LineChange) -> bool:
    """It asks for nothing, and is there so that it is not missing; whether we ever had it does not matter."""
    asks = line.cancelled or line.quantity is not None or line.requested_windows
    return isinstance(intent, ChangeOrder) and intent.cancel_missing and not asks


def _lines(intent: Change, jobs: Sequence[tables.Job]) -> Iterable[LineChange]:
    """The lines that are named, and those that are meant without being named: all of them, or the missing ones."""
    whole = isinstance(intent, CancelOrder) and not intent.lines
    if not whole and not (isinstance(intent, ChangeOrder) and intent.cancel_missing):
        return intent.lines
    named = {job.id for line in intent.lines for job in jobs if _names(line, job)}
    missing = dict.fromkeys(job.line_id for job in jobs if job.id not in named)
    return (
        *intent.lines,
        *(LineChange(pointer=intent.pointer, line_id=line_id, cancelled=True) for line_id in missing),
    )


def _names(line: LineChange, job: tables.Job) -> bool:
    return job.line_id == line.line_id if line.line_id is not None else job.sku == line.sku


def _cancels(intent: Change, line: LineChange) -> bool:
    return line.cancelled or isinstance(intent, CancelOrder)


def _cancelled(intent: Change, line: LineChange, units: Sequence[tables.Job]) -> list[_Step]:
    """The last ones first, so many as the document says; all of them where it does not."""
    there = [unit for unit in reversed(units) if JobState(unit.state) not in (JobState.CANCELLED, JobState.REJECTED)]
    count = len(there) if line.cancelled or line.quantity is None else line.quantity
    return [_Step(unit, _cancellation(intent), line.pointer) for unit in there[:count]]


def _changed(intent: Change, line: LineChange, units: Sequence[tables.Job]) -> list[_Step]:
    """A smaller quantity cancels the last ones; another date moves the others."""
    live = [unit for unit in units if JobState(unit.state) not in ENDED]
    kept = live if line.quantity is None else live[: line.quantity]
    steps = [_Step(unit, _cancellation(intent), line.pointer) for unit in reversed(live[len(kept) :])]
    for window in line.requested_windows[:1]:
        # The date it has already: a document that repeats it moves nobody, and takes no technician away.
        there = (window.start, window.end)
        for unit in (one for one in kept or units if (one.window_start, one.window_end) != there):
            reason = _reason(intent, unit)
            move = Move(to=JobState.SCHEDULED, actor="partner", reason=reason, window=window)
            steps.append(_Step(unit, move, line.pointer))
    return steps


def _cancellation(intent: Change) -> Move:
    if isinstance(intent, CancelOrder):
        return Move(to=JobState.CANCELLED, actor="partner", reason=intent.reason, text=intent.text)
    return Move(to=JobState.CANCELLED, actor="partner", reason="order_cancelled_by_retailer")


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


def _take(session: Session, order: tables.Order, step: _Step, now: datetime) -> tuple[Fault, ...]:
    try:
        advance(session, Located(row=step.job, order=order), step.move, now)
    except InvalidMove as error:
        return (Fault(pointer=step.pointer, code=error.code, detail=error.detail),)
    except (IllegalTransition, WrongReason):
        return (_no_longer(step),)
    return ()
