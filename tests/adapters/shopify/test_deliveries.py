"""Changes, cancellations and refunds in any order, a person's data, and anything at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    PrivacyRequest,
)
from adapters.contract import RawMessage
from adapters.errors import MalformedMessage, TranslationError, Unsupported
from adapters.shopify.adapter import ShopifyAdapter
from adapters.shopify.codes import CANCELLATIONS, TOPICS
from adapters.shopify.settings import Options
from tests.support.shopify import (
    CAMERA,
    INSTALL,
    NETWORK,
    NOTHING,
    ORDER,
    T1,
    T2,
    change,
    delivery,
    fields,
    goods,
    line,
    order,
    parse,
    problems,
    refund,
)

SHARED = Path(__file__).parents[4] / "shared" / "partners" / "logitech"

# --- changes, cancellations, refunds ------------------------------------------------------------------------------


def test_trap_a_removed_line_keeps_its_item_and_is_missing() -> None:
    found = change(order(line(left=0), line(NETWORK, quantity=3, left=2)))
    assert [(item.line_id, item.quantity) for item in found.lines] == [(str(NETWORK), 2)]
    assert found.cancel_missing


def test_of_an_order_without_any_service_left_nothing_is_placed() -> None:
    found = change(order(line(left=0)))
    assert (found.lines, found.whole, found.cancel_missing) == ((), None, True)


def test_an_older_api_version_has_no_current_quantity() -> None:
    item = line(quantity=2)
    del item["current_quantity"]
    assert change(order(item)).lines[0].quantity == 2


def test_a_fulfilled_line_is_as_many_as_it_was() -> None:
    """Our own fulfillment comes back as orders/updated, and changes nothing."""
    assert change(order(line(fulfillable_quantity=0, fulfillment_status="fulfilled")), T1) == change(order(line()), T1)


@pytest.mark.parametrize("reason", [None, *CANCELLATIONS])
def test_trap_a_cancellation_that_overtakes_its_order_places_and_cancels_it(reason: str | None) -> None:
    gone = order(line(quantity=2, left=0), cancelled_at="2026-01-14T16:00:00+01:00", cancel_reason=reason)
    placed, cancelled = parse(gone, "orders/cancelled", T2)
    assert isinstance(placed, ChangeOrder)
    assert isinstance(cancelled, CancelOrder)
    assert placed.whole is not None
    assert (placed.lines, placed.cancel_missing, placed.whole.lines[0].quantity) == ((), False, 2)
    assert (cancelled.partner_order_id, cancelled.lines, cancelled.change_id) == (str(ORDER), (), placed.change_id)
    assert cancelled.reason == CANCELLATIONS[reason or "other"]


def test_an_order_that_cannot_be_placed_is_cancelled_all_the_same() -> None:
    gone = order(shipping_address=None, billing_address=None, cancelled_at="2026-01-14T16:00:00+01:00")
    (cancelled,) = parse(gone, "orders/cancelled", T2)
    assert isinstance(cancelled, CancelOrder)


def test_a_cancellation_of_goods_is_not_our_business() -> None:
    assert parse(order(goods(), cancelled_at="2026-01-14T16:00:00+01:00"), "orders/cancelled") == NOTHING


def test_a_cancellation_for_a_reason_that_nobody_knows_is_a_problem() -> None:
    gone = order(cancelled_at="2026-01-14T16:00:00+01:00", cancel_reason="boredom", id=None)
    assert problems(gone) == {"/cancel_reason": "unknown_code", "/id": "missing"}


def test_trap_a_refund_says_how_many_are_left_and_never_how_many_fewer() -> None:
    """orders/updated tells of the same refund, before or after: as a difference it would count twice."""
    (found,) = parse(refund((line(quantity=3, left=1), 1), (goods(), 1)), "refunds/create", T2)
    assert isinstance(found, ChangeOrder)
    assert [(item.line_id, item.quantity) for item in found.lines] == [(str(INSTALL), 1)]
    assert (found.whole, found.cancel_missing, found.partner_order_id) == (None, False, str(ORDER))


@pytest.mark.parametrize(("quantity", "count", "left"), [(1, 1, 0), (3, 1, 2), (1, 2, 0)])
def test_where_a_refunded_line_does_not_say_what_is_left_it_is_counted(quantity: int, count: int, left: int) -> None:
    item = line(quantity=quantity)
    del item["current_quantity"]
    (found,) = parse(refund((item, count)))
    assert isinstance(found, ChangeOrder)
    assert found.lines[0].quantity == left


def test_an_order_that_tells_of_a_refund_is_never_older_than_it() -> None:
    (told,) = parse(refund((line(left=0), 1), at="2026-01-14T16:00:00.900+01:00"), "refunds/create")
    assert isinstance(told, ChangeOrder)
    assert int(told.change_id) <= int(change(order(), "2026-01-14T15:00:00.000001Z").change_id)


@pytest.mark.parametrize("parts", [[], [(goods(), 1)]], ids=["money alone", "goods alone"])
def test_a_refund_of_money_or_goods_cancels_nothing(parts: Any) -> None:
    assert parse(refund(*parts), "refunds/create") == NOTHING


def test_a_refund_names_its_faults() -> None:
    bad = refund((line(left=-1), 0), at="today", order_id=None)
    bad["refund_line_items"].append({"line_item_id": CAMERA, "quantity": 1})
    assert problems(bad) == {
        "/order_id": "missing",
        "/refund_line_items/0/line_item/current_quantity": "out_of_range",
        "/refund_line_items/1/line_item": "missing",
        "/created_at": "not_a_time",
    }


@pytest.mark.parametrize(
    ("document", "topic"),
    [
        ({"order_edit": {"order_id": ORDER, "line_items": {"additions": [{"id": 1, "delta": 1}]}}}, None),
        ({"order_edit": {"order_id": ORDER, "line_items": {"removals": [{"id": 1, "delta": 1}]}}}, "orders/edited"),
        ({"kind": "FULFILLMENT_REQUEST"}, None),
        ({"kind": "CANCELLATION_REQUEST"}, None),
        (
            {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1"}},
            "fulfillment_orders/order_routing_complete",
        ),
        ({"id": 548380009, "domain": "logitech-ch.myshopify.com"}, "app/uninstalled"),
    ],
)
def test_what_names_no_order_or_only_differences_is_heard_and_changes_nothing(document: Any, topic: str | None) -> None:
    assert parse(document, topic) == NOTHING


def test_a_callback_of_another_kind_is_a_problem() -> None:
    assert problems({"kind": "INVENTORY"}) == {"/kind": "unknown_code"}


def test_a_topic_that_nobody_reads_is_said_so() -> None:
    with pytest.raises(Unsupported) as refused:
        parse({"id": 1}, "products/create")
    assert [one.code for one in refused.value.problems] == ["unknown_topic"]


# --- a person's data ----------------------------------------------------------------------------------------------

PERSON = {"id": 207119551, "email": "sandra.keller@example.ch", "phone": "079 123 45 67"}
SHOP = {"shop_id": 954889, "shop_domain": "logitech-ch.myshopify.com"}


def test_a_person_may_ask_what_we_have() -> None:
    asked = {**SHOP, "orders_requested": [ORDER, 2], "customer": PERSON, "data_request": {"id": 9999}}
    assert parse(asked, "customers/data_request") == [
        PrivacyRequest(kind="disclose", request_id="9999", customer="207119551", partner_order_ids=(str(ORDER), "2"))
    ]


def test_a_person_is_erased_by_key_and_orders_and_the_request_is_known_by_its_delivery() -> None:
    asked = {**SHOP, "customer": PERSON, "orders_to_redact": [ORDER]}
    (found,) = ShopifyAdapter({}).parse(delivery(asked, "customers/redact", webhook_id="b54557e4"))
    assert found == PrivacyRequest(
        kind="erase", request_id="b54557e4", customer="207119551", partner_order_ids=(str(ORDER),)
    )


def test_without_a_number_a_request_is_known_by_its_bytes() -> None:
    first, other = ({**SHOP, "customer": PERSON, "orders_to_redact": [number]} for number in (1, 2))
    ids = [parse(one, "customers/redact")[0].request_id for one in (first, first, other)]  # type: ignore[union-attr]
    assert ids[0] == ids[1] != ids[2]


def test_a_person_without_a_key_is_known_by_orders_and_one_without_either_is_a_problem() -> None:
    (found,) = parse({**SHOP, "customer": {"email": "x@example.ch"}, "orders_to_redact": [1]}, "customers/redact")
    assert isinstance(found, PrivacyRequest)
    assert (found.customer, found.partner_order_ids) == (None, ("1",))
    assert problems({**SHOP, "customer": {"email": "x@example.ch"}}, "customers/redact") == {"": "nobody"}
    assert problems({**SHOP, "customer": PERSON, "orders_to_redact": [1, "x"]}, "customers/redact") == {
        "/orders_to_redact/1": "not_a_number"
    }
    assert problems({**SHOP, "customer": PERSON, "orders_to_redact": "all"}, "customers/redact") == {
        "/orders_to_redact": "not_a_list"
    }


def test_a_shop_is_erased_by_its_topic_and_never_by_what_it_looks_like() -> None:
    (found,) = parse(SHOP, "shop/redact")
    assert isinstance(found, PrivacyRequest)
    assert found.kind == "erase_all"
    for document in (SHOP, {**SHOP, "customer": PERSON, "orders_to_redact": [ORDER]}):
        with pytest.raises(MalformedMessage):
            parse(document)
    assert problems({}, "shop/redact") == {"/shop_domain": "missing"}


# --- everything ---------------------------------------------------------------------------------------------------


def test_a_delivery_is_known_by_its_number() -> None:
    dialect = ShopifyAdapter({})
    assert dialect.number(delivery(order(), webhook_id="b54557e4")) == "b54557e4"
    assert dialect.number(delivery(order())) is None


READ = [None, *(topic for topic, kind in TOPICS.items() if kind != "heard")]


@given(body=st.binary(max_size=200), topic=st.sampled_from(READ))
def test_no_bytes_bring_anything_but_problems(body: bytes, topic: str | None) -> None:
    with pytest.raises(TranslationError):
        ShopifyAdapter({}).parse(delivery(body, topic))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data(), topic=st.sampled_from([None, *TOPICS]))
def test_a_document_with_anything_anywhere_in_it_is_intents_or_problems(data: Any, topic: str | None) -> None:
    document: Any = data.draw(
        st.sampled_from(
            [
                order(line(properties=fields(preferred_date="2026-01-20")), cancelled_at=None),
                order(cancelled_at="2026-01-14T16:00:00+01:00"),
                refund((line(), 1)),
                {**SHOP, "customer": PERSON, "orders_to_redact": [1], "data_request": {"id": 1}},
            ]
        )
    )
    document = json.loads(json.dumps(document))
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    raw = delivery(json.dumps(document).encode("utf-8", "surrogatepass"), topic)
    try:
        assert ShopifyAdapter({}).parse(raw)
    except TranslationError as refused:
        assert all(problem.code.isidentifier() and problem.detail for problem in refused.problems)  # noqa: PT017


def test_options_are_checked() -> None:
    with pytest.raises(ValidationError) as refused:
        Options().load({"api_version": "2026-02", "timezone": "Zurich", "vendor": "", "test_orders": "perhaps"})
    assert sorted(refused.value.messages_dict) == ["api_version", "test_orders", "timezone", "vendor"]


@pytest.mark.skipif(not SHARED.exists(), reason="the partners' own samples are not here")
def test_partners_own_documents_are_intents_or_problems() -> None:
    found: dict[str, Any] = {}
    for file in sorted(SHARED.glob("*/*.json")):
        try:
            raw = RawMessage(body=file.read_bytes(), media_type="application/json")
            found[file.name] = [type(intent).__name__ for intent in ShopifyAdapter({}).parse(raw)]
        except TranslationError as refused:
            found[file.name] = [problem.code for problem in refused.problems]
    assert found == {
        "01_orders_create.body.json": ["ChangeOrder"],
        "02_fulfillment_order_notification.json": ["Query"],
        "03_fulfillment_order_notification_cancel.json": ["Query"],
        "fulfillment.json": ["unknown_document"],
        "fulfillment_service.json": ["unknown_document"],
        "order.json": ["Query"],
        "refund.json": ["Query"],
    }
