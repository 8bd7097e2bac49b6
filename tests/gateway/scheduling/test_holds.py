"""Free windows, and holds on them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from adapters.canonical import CancelOrder, ChangeOrder, HoldSlot, LineChange, PlaceOrder, SlotWish, Window
from adapters.contract import RawMessage
from gateway.errors import Problem
from gateway.intake import service as intake
from gateway.intake.arrival import Arrival
from gateway.jobs.tables import Job, Order
from gateway.partners.tables import Partner
from gateway.scheduling import grid, service
from gateway.seed import seed
from gateway.tenant import Tenant
from tests.support.documents import make_order

ZURICH = SlotWish(country="CH", postcode="8004", sku="SVC-TV-WALL-65")


@pytest.fixture
def tenant(runtime):
    seed(runtime)
    with runtime.sessions() as session:
        return Tenant(session.scalars(select(Partner.id).where(Partner.slug == "demo")).one(), "sandbox")


def days(clock, count=7):
    return Window(start=clock(), end=clock() + timedelta(days=count))


def free(runtime, clock, wish=ZURICH):
    with runtime.sessions() as session:
        return service.free(session, "sandbox", wish, [days(clock)], clock())


def hold(runtime, tenant, clock, **wanted):
    with runtime.sessions.begin() as session:
        return service.hold(session, tenant, HoldSlot(wish=ZURICH, pointer="/slot", **wanted), clock())


def test_a_window_is_two_hours_of_a_working_day_and_a_day_ahead(runtime, clock, tenant):
    found = free(runtime, clock)
    assert found
    assert all(window.start >= clock() + grid.LEAD for window in found)
    assert all(window.end - window.start == timedelta(hours=2) for window in found)
    assert not any(window.start.weekday() == grid.SUNDAY for window in found)
    assert list(found) == sorted(set(found), key=lambda window: window.start)


def test_a_country_that_is_not_served_has_none(runtime, clock, tenant):
    assert free(runtime, clock, replace(ZURICH, country="IT")) == ()


@pytest.mark.parametrize("day", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)])
def test_windows_keep_their_time_on_the_wall_when_the_clocks_change(day):
    after = Window(start=day + timedelta(days=2), end=day + timedelta(days=3))
    [first, *_] = grid.windows("CH", after, day)
    assert first.start.hour == (6 if day.month == 3 else 7)  # eight o'clock in Zürich


def test_two_holders_never_get_one_place(runtime, clock, tenant):
    window = free(runtime, clock)[0]

    def ask(_):
        try:
            return hold(runtime, tenant, clock, window=window).state
        except Problem as problem:
            return problem.faults[0].code

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(ask, range(8)))
    assert said == ["held"] * service.PLACES + ["slot_taken"] * (8 - service.PLACES)
    assert window not in free(runtime, clock)


def test_a_hold_ends_by_itself(runtime, clock, tenant):
    window = free(runtime, clock)[0]
    for _ in range(service.PLACES):
        kept = hold(runtime, tenant, clock, window=window)
    clock.advance(service.KEPT_FOR.total_seconds())
    with runtime.sessions() as session:
        assert service.get(session, tenant, kept.id, clock()).state == "expired"
        assert service.get(session, Tenant("ptn_other", "sandbox"), kept.id, clock()) is None
    assert window in free(runtime, clock)


def test_a_hold_is_moved_and_given_back(runtime, clock, tenant):
    first, second, *_ = free(runtime, clock)
    kept = hold(runtime, tenant, clock, window=first)
    moved = hold(runtime, tenant, clock, hold_id=kept.id, window=second)
    assert (moved.id, moved.window) == (kept.id, second)
    assert hold(runtime, tenant, clock, hold_id=kept.id).state == "released"
    with pytest.raises(Problem) as refused:
        hold(runtime, tenant, clock, hold_id=kept.id, window=first)
    assert refused.value.faults[0].code == "hold_over"


def test_a_window_that_is_none_of_ours_is_not_free(runtime, clock, tenant):
    odd = Window(start=clock() + timedelta(days=3, minutes=7), end=clock() + timedelta(days=3, hours=2))
    with pytest.raises(Problem) as refused:
        hold(runtime, tenant, clock, window=odd)
    assert refused.value.code == "conflict"


def accept(runtime, clock, tenant, intent):
    message = RawMessage(body=b"x", media_type="text/plain")
    arrival = Arrival(runtime=runtime, tenant=tenant, door="test", message=message, now=clock())
    with runtime.sessions.begin() as session:
        return intake.accept(session, arrival, [intent]).outcomes[0]


def place(runtime, clock, tenant, order):
    return accept(runtime, clock, tenant, PlaceOrder(order=order))


def booking(runtime, clock, tenant, number, window):
    order = make_order()
    line = replace(order.lines[0], quantity=1, requested_windows=(window,))
    order = replace(order, partner_order_id=number, lines=(line,))
    return accept(runtime, clock, tenant, PlaceOrder(order=order, books_slots=True))


def moving(number, window, line_id):
    line = LineChange(pointer="/slot", line_id=line_id, requested_windows=(window,))
    return ChangeOrder(partner_order_id=number, change_id="", lines=(line,), books_slots=True)


def test_an_order_takes_the_window_that_was_kept_for_it(runtime, clock, tenant):
    kept = hold(runtime, tenant, clock, window=free(runtime, clock)[3])
    order = make_order()
    line = replace(order.lines[0], hold_id=kept.id, requested_windows=())
    outcome = place(runtime, clock, tenant, replace(order, lines=(line,)))
    assert [job.window for job in outcome.jobs] == [kept.window]
    with runtime.sessions() as session:
        assert session.scalars(select(Job.window_start)).one() == kept.window.start
        assert service.get(session, tenant, kept.id, clock()).state == "used"
    with pytest.raises(Problem) as refused:
        place(runtime, clock, tenant, replace(order, partner_order_id="W-2", lines=(line,)))
    assert refused.value.faults[0].pointer == "/lines/0/hold_id"


def test_an_order_that_books_its_slot_takes_the_place(runtime, clock, tenant):
    window = free(runtime, clock)[2]
    for number in range(service.PLACES):
        assert booking(runtime, clock, tenant, f"W-{number}", window).result == "accepted"
    assert window not in free(runtime, clock)
    with pytest.raises(Problem) as refused:
        booking(runtime, clock, tenant, "W-late", window)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [
        ("slot_taken", "/lines/0/requested_windows")
    ]
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == service.PLACES


def test_who_moves_or_cancels_gives_the_slot_back(runtime, clock, tenant):
    full, other, *_ = free(runtime, clock)
    orders = [booking(runtime, clock, tenant, f"W-{number}", full) for number in range(service.PLACES)]
    line_id = orders[0].jobs[0].line_id
    moved = accept(runtime, clock, tenant, moving("W-0", other, line_id))
    assert [job.window for job in moved.jobs] == [other]
    assert full in free(runtime, clock)
    assert booking(runtime, clock, tenant, "W-next", full).result == "accepted"
    with pytest.raises(Problem) as refused:
        accept(runtime, clock, tenant, moving("W-0", full, line_id))
    assert refused.value.faults[0].code == "slot_taken"
    cancel = CancelOrder(partner_order_id="W-1", change_id="")
    assert accept(runtime, clock, tenant, cancel).jobs[0].state == "cancelled"
    assert full in free(runtime, clock)


def test_changes_without_a_number_are_each_taken_for_themselves(runtime, clock, tenant):
    one, two, *_ = free(runtime, clock)
    line_id = booking(runtime, clock, tenant, "W-1", one).jobs[0].line_id
    for window in (two, one, two):
        moved = accept(runtime, clock, tenant, moving("W-1", window, line_id))
        assert (moved.result, moved.jobs[0].window) == ("accepted", window)
