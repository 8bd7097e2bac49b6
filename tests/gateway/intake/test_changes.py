"""What a change does to the jobs of an order of several units."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.canonical import CancelOrder, ChangeOrder, LineChange, Window
from adapters.contract import RawMessage
from adapters.plain.reader import stored_order
from gateway.errors import Problem
from gateway.intake import service
from gateway.intake.arrival import Arrival
from gateway.jobs.tables import Order
from gateway.tenant import Tenant
from tests.support.orders import json_order


@pytest.fixture
def shop(api, clock):
    shop = api.caller("demo")
    lines = [{"line_id": "10", "sku": "SVC-TV-WALL-65", "quantity": 3}, {"line_id": "20", "sku": "SVC-NET-SETUP"}]
    assert shop.post("/v1/orders", json_order("W-1", clock(), lines=lines)).status == 201
    return shop


@pytest.fixture
def change(runtime, clock, shop):
    def apply(intent):
        with runtime.sessions.begin() as session:
            partner_id = session.scalars(select(Order.partner_id)).one()
            message = RawMessage(body=b"x", media_type="text/plain")
            arrival = Arrival(
                runtime=runtime, tenant=Tenant(partner_id, "sandbox"), door="test", message=message, now=clock()
            )
            return service.accept(session, arrival, [intent]).outcomes[0]

    return apply


def states(shop):
    [order] = shop.get("/v1/orders").json["items"]
    return [(job["line_id"], job["unit"], job["state"]) for job in order["jobs"]]


def changing(*lines, **more):
    return ChangeOrder(partner_order_id="W-1", change_id="1", lines=lines, pointer="//X", **more)


def test_a_smaller_quantity_cancels_the_last_units(shop, change):
    change(changing(LineChange(pointer="/l", line_id="10", quantity=1)))
    assert [state for _, _, state in states(shop)] == ["unscheduled", "cancelled", "cancelled", "unscheduled"]


def test_a_larger_quantity_is_refused(change, shop):
    with pytest.raises(Problem) as refused:
        change(changing(LineChange(pointer="/l", line_id="10", quantity=4)))
    assert [fault.code for fault in refused.value.faults] == ["quantity_grows"]


def test_of_a_whole_order_only_the_line_that_grew_is_refused(change, shop, runtime):
    with runtime.sessions() as session:
        whole = stored_order(session.scalars(select(Order.content)).one())
    lines = (
        LineChange(pointer="/0", line_id="10", quantity=4),
        LineChange(pointer="/1", line_id="20", cancelled=True),
    )
    outcome = change(changing(*lines, whole=replace(whole, notes="Beim Hauswart")))
    assert [(fault.code, fault.pointer) for fault in outcome.problems] == [("quantity_grows", "/0")]
    assert [state for _, _, state in states(shop)] == ["unscheduled"] * 3 + ["cancelled"]
    assert outcome.order.notes == "Beim Hauswart"


def test_a_first_date_needs_no_reason_and_another_one_has_it(shop, change, clock):
    window = Window(start=clock() + timedelta(days=3), end=clock() + timedelta(days=3, hours=4))
    other = Window(start=clock() + timedelta(days=4), end=clock() + timedelta(days=4, hours=4))
    change(changing(LineChange(pointer="/l", line_id="20", requested_windows=(window,))))
    first = shop.get("/v1/jobs?state=scheduled").json["items"][0]
    assert (first["sequence"], first["reason"]) == (3, None)
    moved = ChangeOrder(
        partner_order_id="W-1",
        change_id="2",
        lines=(LineChange(pointer="/l", line_id="20", requested_windows=(other,)),),
    )
    change(moved)
    again = shop.get("/v1/jobs?state=scheduled").json["items"][0]
    assert (again["sequence"], again["reason"]["code"]) == (4, "partner_asked")


def test_lines_that_are_missing_go_where_the_dialect_says_so(shop, change):
    change(changing(LineChange(pointer="/l", line_id="20"), cancel_missing=True))
    assert [state for _, _, state in states(shop)] == ["cancelled"] * 3 + ["unscheduled"]


def test_an_unknown_line_refuses_the_whole_change(shop, change):
    with pytest.raises(Problem):
        change(changing(LineChange(pointer="/a", line_id="10", quantity=1), LineChange(pointer="/b", line_id="99")))
    assert {state for _, _, state in states(shop)} == {"unscheduled"}


def test_a_line_that_is_only_named_so_that_it_is_not_missing_need_not_be_here(shop, change):
    named = (LineChange(pointer="/a", line_id="10"), LineChange(pointer="/b", line_id="99"))
    change(changing(*named, cancel_missing=True))
    assert [state for _, _, state in states(shop)] == ["unscheduled"] * 3 + ["cancelled"]


def test_part_of_a_line_is_cancelled_by_sku_and_count(shop, change):
    lines = (LineChange(pointer="/l", sku="SVC-TV-WALL-65", quantity=2),)
    change(CancelOrder(partner_order_id="W-1", change_id="c", lines=lines))
    assert [state for _, _, state in states(shop)] == ["unscheduled", "cancelled", "cancelled", "unscheduled"]


def test_a_window_in_the_past_is_a_problem_of_its_line_and_changes_nothing(shop, change, clock):
    window = Window(start=clock() - timedelta(days=3), end=clock() - timedelta(days=2))
    outcome = change(changing(LineChange(pointer="/l", line_id="20", requested_windows=(window,))))
    assert [(fault.pointer, fault.code) for fault in outcome.problems] == [("/l", "in_the_past")]
    assert {state for _, _, state in states(shop)} == {"unscheduled"}


def test_a_change_that_says_nothing_changes_nothing(shop, change):
    change(changing())
    assert {state for _, _, state in states(shop)} == {"unscheduled"}


def test_a_date_that_is_repeated_takes_no_technician_away(api, shop, change, clock):
    window = Window(start=clock() + timedelta(days=3), end=clock() + timedelta(days=3, hours=4))
    line = LineChange(pointer="/l", line_id="20", requested_windows=(window,))
    change(changing(line))
    [job] = shop.get("/v1/jobs?state=scheduled").json["items"]
    dispatch = api.caller("dispatch")
    for to, actor in (("offered", "dispatch"), ("assigned", "technician")):
        wish = {"to": to, "actor": actor, "technician": {"id": "t-1"} if to == "assigned" else None}
        assert dispatch.post(f"/fulfilment/v1/jobs/{job['id']}/transitions", wish).status == 200
    again = ChangeOrder(partner_order_id="W-1", change_id="2", lines=(line,))
    assert change(again).problems == ()
    assert shop.get(f"/v1/jobs/{job['id']}").json["technician"] == {"id": "t-1", "name": None}


def test_each_change_of_one_document_is_known_again(runtime, shop, clock):
    first = changing(LineChange(pointer="/l", line_id="10", quantity=2))
    second = ChangeOrder(
        partner_order_id="W-1", change_id="2", lines=(LineChange(pointer="/l", line_id="20", cancelled=True),)
    )
    results = []
    for _ in range(2):
        with runtime.sessions.begin() as session:
            partner_id = session.scalars(select(Order.partner_id)).one()
            message = RawMessage(body=b"x", media_type="text/plain")
            arrival = Arrival(
                runtime=runtime, tenant=Tenant(partner_id, "sandbox"), door="test", message=message, now=clock()
            )
            receipt = service.accept(session, arrival, [first, second])
            results.append([outcome.result for outcome in receipt.outcomes])
    assert results == [["accepted", "accepted"], ["duplicate", "duplicate"]]
