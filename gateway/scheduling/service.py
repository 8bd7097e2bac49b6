"""Free windows, and holds on them: two holders never get one place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from adapters.canonical import Hold, HoldSlot, SlotWish, SupportOrder, Window
from adapters.errors import Problem as Fault
from gateway.db import one_at_a_time
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.jobs.opening import OVER
from gateway.jobs.tables import Order
from gateway.scheduling.grid import area, windows
from gateway.scheduling.tables import SlotHold
from gateway.tenant import Tenant
from webhooks.tables import Clock

KEPT_FOR = timedelta(minutes=15)
# Visits that can be made at one time in one area.
PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A window for a visit, and where the document asks for it."""

    wish: SlotWish
    window: Window
    pointer: str


def free(
    session: Session, environment: str, wish: SlotWish, asked: Sequence[Window], now: datetime
) -> tuple[Window, ...]:
    """The windows in which there is a place for this visit, in order, each once."""
    there = {w.start: w for within in asked for w in windows(wish.country, within, now)}
    taken = _taken(session, environment, area(wish), sorted(there), now)
    return tuple(there[start] for start in sorted(there) if taken[start] < PLACES)


def hold(session: Session, tenant: Tenant, wanted: HoldSlot, now: datetime) -> Hold:
    """Keep a window, move a hold to another one, or give it back. Raises `Problem`."""
    if wanted.hold_id is None:
        return _hold_of(_kept(session, tenant, wanted, now), now)
    row = _own(session, tenant, wanted.hold_id)
    if row is None:
        raise Problem(code="not-found", detail="There is no such hold.")
    if _state(row, now) != "held":
        fault = Fault(pointer=wanted.pointer, code="hold_over", detail="The hold is used or over.")
        raise Problem(code="conflict", detail="The hold cannot be changed any more.", faults=(fault,))
    if wanted.window is None:
        row.state = "released"
    else:
        _occupy(session, tenant.environment, row.area, wanted, now)
        row.window_start, row.window_end = wanted.window.start, wanted.window.end
    session.flush()
    return _hold_of(row, now)


def get(session: Session, tenant: Tenant, hold_id: str, now: datetime) -> Hold | None:
    row = _own(session, tenant, hold_id)
    return _hold_of(row, now) if row else None


def held(session: Session, tenant: Tenant, order: SupportOrder, now: datetime) -> SupportOrder:
    """The order with the windows of its holds as those it wishes for. Raises `Problem` where one does not hold."""
    faults, lines = [], []
    for place, line in enumerate(order.lines):
        row = _own(session, tenant, line.hold_id) if line.hold_id else None
        if line.hold_id and (row is None or _state(row, now) != "held"):
            detail = "There is no such hold, or it is used or over."
            faults.append(Fault(pointer=f"/lines/{place}/hold_id", code="no_hold", detail=detail))
        kept = (Window(start=row.window_start, end=row.window_end),) if row else line.requested_windows
        lines.append(replace(line, requested_windows=kept))
    if faults:
        raise Problem(code="invalid", detail="The order names a slot that is not kept.", faults=tuple(faults))
    return replace(order, lines=tuple(lines))


def use(session: Session, tenant: Tenant, order: SupportOrder, order_id: str) -> None:
    """The order has taken its holds."""
    for line in order.lines:
        row = _own(session, tenant, line.hold_id) if line.hold_id else None
        if row is not None:
            row.state, row.order_id = "used", order_id


def book(session: Session, tenant: Tenant, order_id: str, slots: Iterable[Slot], now: datetime) -> None:
    """Take these slots for an order that is stored. Raises `Problem` with all that are not free."""
    faults: list[Fault] = []
    # In one order for everybody, so that two who want two slots never wait for each other.
    for slot in sorted(slots, key=lambda slot: slot.window.start):
        try:
            _take(session, tenant, order_id, slot, now)
        except Problem as problem:
            faults += problem.faults
    if faults:
        raise Problem(code="conflict", detail="The slot is not free.", faults=tuple(faults))


def release(session: Session, order_id: str, windows_left: Iterable[Window]) -> None:
    """Give back one slot of this order for each of these windows, where it has one."""
    for window in windows_left:
        row = session.scalar(
            select(SlotHold)
            .where(SlotHold.order_id == order_id, SlotHold.window_start == window.start, SlotHold.state == "used")
            .limit(1)
            .with_for_update()
        )
        if row is not None:
            row.state = "released"
    session.flush()


def _take(session: Session, tenant: Tenant, order_id: str, slot: Slot, now: datetime) -> None:
    wanted = HoldSlot(wish=slot.wish, window=slot.window, pointer=slot.pointer)
    row = _kept(session, tenant, wanted, now)
    row.state, row.order_id = "used", order_id
    session.flush()


def _kept(session: Session, tenant: Tenant, wanted: HoldSlot, now: datetime) -> SlotHold:
    wish, window = wanted.wish, wanted.window
    if wish is None or window is None:
        fault = Fault(pointer=wanted.pointer, code="required", detail="A hold needs a window and a place.")
        raise Problem(code="invalid", detail="The hold has faults.", faults=(fault,))
    if window not in windows(wish.country, Window(start=window.start, end=window.end), now):
        raise _gone(wanted)
    _occupy(session, tenant.environment, area(wish), wanted, now)
    row = SlotHold(
        id=new_id("hold", now),
        partner_id=tenant.partner_id,
        environment=tenant.environment,
        area=area(wish),
        window_start=window.start,
        window_end=window.end,
        state="held",
        until=now + KEPT_FOR,
        order_id=None,
        echo=dict(wanted.echo),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _occupy(session: Session, environment: str, there: str, wanted: HoldSlot, now: datetime) -> None:
    """One after the other, whoever wants a place in this window. Raises `Problem` where none is left."""
    assert wanted.window is not None
    start = wanted.window.start
    one_at_a_time(session, f"slot {environment} {there} {start.timestamp()}")
    if _taken(session, environment, there, [start], now)[start] >= PLACES:
        raise _gone(wanted)


def _taken(
    session: Session, environment: str, there: str, starts: Sequence[datetime], now: datetime
) -> Counter[datetime]:
    rows = session.execute(
        select(SlotHold.window_start, func.count())
        .where(
            SlotHold.environment == environment,
            SlotHold.area == there,
            SlotHold.window_start.in_(starts),
            _counts(environment, now),
        )
        .group_by(SlotHold.window_start)
    )
    return Counter(dict(rows.all()))


def _counts(environment: str, now: datetime) -> ColumnElement[bool]:
    """A slot is free again when its order is over; a hold lasts by the time of whoever has it."""
    live = exists().where(Order.id == SlotHold.order_id, Order.status.not_in(OVER))
    ends: datetime | ColumnElement[datetime] = now
    if environment != "live":
        # `now` is that of whoever asks: where a clock stands, another one's hold is not over before it really is.
        theirs = select(Clock.stands_at).where(
            Clock.owner == SlotHold.partner_id, Clock.environment == SlotHold.environment
        )
        ends = func.coalesce(theirs.scalar_subquery(), func.least(now, func.statement_timestamp()))
    return or_(and_(SlotHold.state == "used", live), and_(SlotHold.state == "held", SlotHold.until > ends))


def _gone(wanted: HoldSlot) -> Problem:
    fault = Fault(pointer=wanted.pointer, code="slot_taken", detail="There is no free place at this time.")
    return Problem(code="conflict", detail="The slot is not free.", faults=(fault,))


def _own(session: Session, tenant: Tenant, hold_id: str) -> SlotHold | None:
    return session.scalar(
        select(SlotHold)
        .where(
            SlotHold.id == hold_id,
            SlotHold.partner_id == tenant.partner_id,
            SlotHold.environment == tenant.environment,
        )
        .with_for_update()
    )


def _state(row: SlotHold, now: datetime) -> str:
    return "expired" if row.state == "held" and row.until <= now else row.state


def _hold_of(row: SlotHold, now: datetime) -> Hold:
    state: str = _state(row, now)
    return Hold(
        id=row.id,
        window=Window(start=row.window_start, end=row.window_end),
        state=state,  # type: ignore[arg-type]
        until=row.until,
        created_at=row.created_at,
        echo=row.echo,
    )
