"""The JSON that we write: what is kept comes back exactly, and what partners see is as promised."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import Address, Customer, JobState, OrderLine, Price, Product, Reason, SupportOrder, Window
from adapters.plain.reader import stored_order
from adapters.plain.writer import event_bytes, event_json, job_json, order_json
from tests.support.documents import NOON, make_job, make_order, make_update

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe = st.none() | text
times = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
echoes = st.dictionaries(
    text, st.recursive(maybe | st.integers() | st.booleans(), lambda v: st.lists(v, max_size=3)), max_size=3
)
prices = st.builds(Price, amount=st.decimals(0, 10**9, places=2), currency=text, tax_included=st.booleans())
lines = st.builds(
    OrderLine,
    line_id=text,
    quantity=st.integers(1, 20),
    service=maybe,
    sku=maybe,
    gtin=maybe,
    title=maybe,
    product=st.none() | st.builds(Product, brand=maybe, model=maybe, gtin=maybe),
    price=st.none() | prices,
    requested_windows=st.lists(st.builds(Window, start=times, end=times), max_size=3).map(tuple),
    hold_id=maybe,
    after_delivery_days=st.none() | st.integers(0, 9),
    notes=maybe,
    echo=echoes,
)
customers = st.builds(
    Customer, family_name=text, given_name=maybe, company=maybe, email=maybe, phone=maybe, language=maybe
)
addresses = st.builds(
    Address, street=text, postcode=text, city=text, country=text, house_number=maybe, address_line2=maybe
)
orders = st.builds(
    SupportOrder,
    partner_order_id=text,
    customer=customers,
    service_address=addresses,
    lines=st.lists(lines, max_size=3).map(tuple),
    ordered_at=st.none() | times,
    bill_to=st.sampled_from(["partner", "customer"]),
    notes=maybe,
    echo=echoes,
)


@given(order=orders)
def test_an_order_comes_back_from_its_json_exactly(order: SupportOrder) -> None:
    kept = json.loads(json.dumps(order_json(order)))
    assert stored_order(kept) == order
    assert order_json(stored_order(kept)) == kept


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names(inner)}
    return {name for inner in value for name in names(inner)} if isinstance(value, list) else set()


def test_partners_do_not_see_the_echo() -> None:
    line = OrderLine(line_id="1", sku="A", echo={"unit": "C62"})
    order = make_order(lines=(line,), echo={"parties": []})
    assert "echo" in names(order_json(order))
    assert "echo" not in names(order_json(order, echo=False))


def test_an_amount_is_written_without_an_exponent() -> None:
    price = Price(amount=Decimal("1E+3"), currency="CHF", tax_included=False)
    line = OrderLine(line_id="1", sku="A", price=price)
    assert order_json(make_order(lines=(line,)))["lines"][0]["price"]["amount"] == "1000"


def test_a_job_is_told_in_the_local_time_of_its_place() -> None:
    assert job_json(make_job()) == {
        "id": "job_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        "order_id": "ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        "partner_order_id": "W-7788123",
        "environment": "sandbox",
        "line_id": "10",
        "unit": 1,
        "service": "tv.wall_mount_l",
        "sku": "SVC-TV-WALL-65",
        "state": "scheduled",
        "status": "scheduled",
        "sequence": 2,
        "window": {
            "start": "2026-01-20T08:00:00+01:00",
            "end": "2026-01-20T12:00:00+01:00",
            "timezone": "Europe/Zurich",
        },
        "eta": None,
        "technician": None,
        "reason": None,
        "state_since": "2026-01-14T12:00:00+00:00",
        "actions": [{"event": "job.cancelled", "reasons": ["changed_mind"]}],
    }


def test_an_event_carries_the_job_and_why() -> None:
    reason = Reason(code="customer_absent", group="failure", fault="customer", text="Niemand da")
    update = make_update(JobState.FAILED, reason=reason, note="rang twice", actor="technician")
    told = event_json(update)
    assert {name: told[name] for name in told if name != "data"} == {
        "id": "evt_01K9ZK4N2D3W5Y7A8B9C0D1E2F",
        "type": "job.failed",
        "timestamp": "2026-01-14T12:00:00+00:00",
        "environment": "sandbox",
        "api_version": "2026-11-01",
    }
    assert told["data"] == {
        "sequence": 2,
        "previous_state": "received",
        "actor": "technician",
        "reason": {"code": "customer_absent", "group": "failure", "fault": "customer", "text": "Niemand da"},
        "note": "rang twice",
        "job": job_json(update.job),
    }
    assert json.loads(event_bytes(update)) == told


def test_the_bytes_are_minified_utf_8() -> None:
    body = event_bytes(make_update(note="Zürich"))
    assert "Zürich".encode() in body
    assert b": " not in body.replace(b'"Z', b"")


def test_an_eta_and_a_first_event_are_told_as_they_are() -> None:
    job = make_job(JobState.EN_ROUTE, eta=NOON.astimezone(UTC), window=None)
    assert job_json(job)["eta"] == "2026-01-14T12:00:00+00:00"
    assert job_json(job)["window"] is None
    assert event_json(make_update(previous_state=None))["data"]["previous_state"] is None
