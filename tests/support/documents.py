"""Builders of what adapters read and write: an order, a job of it, a step of that job."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.canonical import (
    Action,
    Address,
    Customer,
    Job,
    JobState,
    OrderLine,
    Price,
    Product,
    Reason,
    StatusUpdate,
    SupportOrder,
    Technician,
    Window,
)

NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
MORNING = Window(start=datetime(2026, 1, 20, 7, 0, tzinfo=UTC), end=datetime(2026, 1, 20, 11, 0, tzinfo=UTC))


def make_order(**other: Any) -> SupportOrder:
    line = OrderLine(
        line_id="10",
        sku="SVC-TV-WALL-65",
        product=Product(brand="Samsung", model="QE65", gtin="8806095867120"),
        price=Price(amount=Decimal("149.00"), currency="CHF", tax_included=True),
        requested_windows=(MORNING,),
    )
    order = SupportOrder(
        partner_order_id="W-7788123",
        ordered_at=NOON,
        customer=Customer(family_name="Keller", given_name="Sandra", phone="+41791234567", language="de"),
        service_address=Address(street="Langstrasse", house_number="120", postcode="8004", city="Zürich", country="CH"),
        lines=(line, OrderLine(line_id="20", sku="SVC-NET-SETUP", quantity=2)),
    )
    return replace(order, **other)


def make_job(state: JobState = JobState.SCHEDULED, **other: Any) -> Job:
    job = Job(
        id="job_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        order_id="ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        partner_order_id="W-7788123",
        environment="sandbox",
        line_id="10",
        unit=1,
        service="tv.wall_mount_l",
        sku="SVC-TV-WALL-65",
        state=state,
        status="scheduled",
        sequence=2,
        state_since=NOON,
        timezone="Europe/Zurich",
        window=MORNING,
        actions=(Action(event="job.cancelled", reasons=("changed_mind",)),),
    )
    return replace(job, **other)


def make_update(state: JobState = JobState.SCHEDULED, **other: Any) -> StatusUpdate:
    reason = Reason(code="customer_absent", group="failure", fault="customer") if state == JobState.FAILED else None
    technician = Technician(id="tech_1", name="Jo") if state == JobState.EN_ROUTE else None
    update = StatusUpdate(
        event_id="evt_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        type=f"job.{state.value}",
        at=NOON,
        actor="system",
        previous_state=JobState.RECEIVED,
        job=make_job(state, reason=reason, technician=technician),
        order=make_order(),
        reason=reason,
    )
    return replace(update, **other)
