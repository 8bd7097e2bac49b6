"""`POST /inbound/logitech` with Shopify's deliveries, through the whole application: more than once, in any order."""

import pytest
from sqlalchemy import select

from gateway.intake.tables import InboundMessage
from tests.support.shopify import INSTALL, NETWORK, ORDER, delivery, fields, goods, line, order, refund

GONE = {"cancelled_at": "2026-01-14T17:00:00+01:00", "cancel_reason": "customer"}


@pytest.fixture
def logitech(api):
    return api.caller("logitech")


def send(caller, document, at, topic="orders/updated", webhook_id=None):
    """A delivery that was triggered at this minute past three; every one is answered with 200."""
    raw = delivery(document, topic, f"2026-01-14T15:{at:02}:00.000000Z", webhook_id=webhook_id or f"{topic} {at}")
    method, url, body, headers = caller.request(
        "POST", "/inbound/logitech", raw.body, {"Content-Type": raw.media_type, **raw.headers}
    )
    headers.pop("Idempotency-Key")
    answer = caller.api.call(method, url, body, headers)
    assert (answer.status, answer.body) == (200, b""), answer.body


def states(caller):
    jobs = caller.get("/v1/jobs").json["items"]
    return sorted((job["line_id"], job["unit"], job["state"]) for job in jobs)


def kept(runtime):
    """What became of each document, and why."""
    with runtime.sessions() as session:
        rows = session.scalars(select(InboundMessage).order_by(InboundMessage.id))
        return [(row.outcome, [fault["code"] for fault in row.problems or ()]) for row in rows]


def test_an_order_its_change_a_refund_and_its_end(logitech, runtime):
    lines = [goods(), line(quantity=2), line(NETWORK, sku="SVC-NET-SETUP")]
    send(logitech, order(*lines), 0, "orders/create")
    assert states(logitech) == [
        (str(INSTALL), 1, "unscheduled"),
        (str(INSTALL), 2, "unscheduled"),
        (str(NETWORK), 1, "unscheduled"),
    ]
    dated = fields(preferred_date="2031-01-20", preferred_window="08:00-12:00")
    send(logitech, order(*lines, note_attributes=dated), 1)
    assert {state for _, _, state in states(logitech)} == {"scheduled"}
    lines[1] = line(quantity=2, left=1)
    send(logitech, refund((lines[1], 1), at="2026-01-14T16:02:00+01:00"), 2, "refunds/create")
    send(logitech, order(*lines, note_attributes=dated), 3)
    assert states(logitech) == [
        (str(INSTALL), 1, "scheduled"),
        (str(INSTALL), 2, "cancelled"),
        (str(NETWORK), 1, "scheduled"),
    ]
    send(logitech, order(*lines, **GONE), 4, "orders/cancelled")
    assert {state for _, _, state in states(logitech)} == {"cancelled"}
    # The cancellation is two: the order as it is, and its end.
    assert kept(runtime) == [("accepted", [])] * 6


def test_trap_updated_before_created(logitech, runtime):
    send(logitech, order(line(), line(NETWORK, sku="SVC-NET-SETUP")), 1)
    send(logitech, order(line()), 0, "orders/create")
    assert states(logitech) == [(str(INSTALL), 1, "unscheduled"), (str(NETWORK), 1, "unscheduled")]
    assert kept(runtime) == [("accepted", []), ("refused", ["stale_change"])]


def test_trap_cancelled_before_created(logitech):
    send(logitech, order(line(left=0), **GONE), 1, "orders/cancelled")
    send(logitech, order(), 0, "orders/create")
    assert states(logitech) == [(str(INSTALL), 1, "cancelled")]


@pytest.mark.parametrize("first", ["refunds/create", "orders/updated"])
def test_trap_a_refund_is_told_twice_and_counts_once(logitech, first):
    send(logitech, order(line(quantity=3)), 0, "orders/create")
    left = line(quantity=3, left=2)
    told = {
        "refunds/create": refund((left, 1), at="2026-01-14T16:05:00+01:00"),
        "orders/updated": order(left),
    }
    second = next(topic for topic in told if topic != first)
    send(logitech, told[first], 5, first)
    send(logitech, told[second], 5, second)
    assert [state for _, _, state in states(logitech)] == ["unscheduled", "unscheduled", "cancelled"]


def test_trap_a_delivery_that_is_made_again_is_known_and_another_under_its_number_changes_nothing(logitech, runtime):
    send(logitech, order(), 0, "orders/create", webhook_id="b54557e4")
    send(logitech, order(), 0, "orders/create", webhook_id="b54557e4")
    assert kept(runtime) == [("accepted", [])]
    send(logitech, order(line(quantity=2)), 0, "orders/create", webhook_id="b54557e4")
    assert len(states(logitech)) == 1
    assert kept(runtime) == [("accepted", []), ("refused", ["change_differs"])]


def test_trap_what_our_own_calls_bring_back_changes_nothing(logitech):
    send(logitech, order(), 0, "orders/create")
    [job] = logitech.get("/v1/jobs").json["items"]
    send(logitech, order(line(fulfillable_quantity=0, fulfillment_status="fulfilled")), 1)
    [after] = logitech.get("/v1/jobs").json["items"]
    assert after == job


def test_a_line_can_be_added_and_taken_away(logitech):
    send(logitech, order(line()), 0, "orders/create")
    send(logitech, order(line(), line(NETWORK, sku="SVC-NET-SETUP")), 1)
    assert states(logitech) == [(str(INSTALL), 1, "unscheduled"), (str(NETWORK), 1, "unscheduled")]
    send(logitech, order(line(left=0), line(NETWORK, sku="SVC-NET-SETUP")), 2)
    assert states(logitech) == [(str(INSTALL), 1, "cancelled"), (str(NETWORK), 1, "unscheduled")]


def test_another_address_is_taken_over(logitech):
    send(logitech, order(), 0, "orders/create")
    elsewhere = {**order()["shipping_address"], "address1": "Musterweg 3"}
    send(logitech, order(shipping_address=elsewhere), 1)
    [shown] = logitech.get("/v1/orders").json["items"]
    assert shown["service_address"]["street"] == "Musterweg"


def test_what_is_not_for_us_is_not_kept_and_what_cannot_be_read_is(logitech, runtime):
    send(logitech, order(goods()), 0, "orders/create")
    send(logitech, {"kind": "FULFILLMENT_REQUEST"}, 1, "orders/edited")
    assert kept(runtime) == []
    send(logitech, order(shipping_address=None, billing_address=None), 2)
    assert kept(runtime) == [("refused", ["missing"])]
    assert states(logitech) == []


@pytest.mark.parametrize(("left", "expected"), [(1, ["unscheduled", "cancelled"]), (2, ["cancelled", "cancelled"])])
def test_what_the_merchant_wants_back_is_cancelled(logitech, left, expected):
    send(logitech, order(line(quantity=2)), 0, "orders/create")
    part = {"remainingQuantity": left, "lineItem": {"id": f"gid://shopify/LineItem/{INSTALL}"}}
    asked = {
        "updatedAt": "2026-01-14T15:01:00Z",
        "order": {"id": f"gid://shopify/Order/{ORDER}"},
        "lineItems": {"nodes": [part]},
    }
    for _ in range(2):
        send(logitech, {"fulfillmentOrder": asked}, 1, None)
    assert [state for _, _, state in states(logitech)] == expected


def test_a_person_is_forgotten(logitech, runtime):
    send(logitech, order(), 0, "orders/create")
    send(logitech, order(**GONE), 1, "orders/cancelled")
    asked = {"shop_domain": "logitech-ch.myshopify.com", "customer": {"id": 207119551}, "orders_to_redact": [ORDER]}
    send(logitech, asked, 2, "customers/redact")
    [shown] = logitech.get("/v1/orders").json["items"]
    assert shown["customer"]["family_name"] == "erased"
