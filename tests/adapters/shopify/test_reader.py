"""What Shopify delivers, and what it means: orders in any order, refunds, a person's data."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    Intent,
    LineChange,
    OrderLine,
    Price,
    PrivacyRequest,
    Query,
    SupportOrder,
    Window,
)
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError, Unsupported
from adapters.reading import strict_json
from adapters.shopify.adapter import ShopifyAdapter
from adapters.shopify.codes import CANCELLATIONS, TOPICS
from adapters.shopify.settings import Options
from tests.support.shopify import (
    CAMERA,
    HOME,
    INSTALL,
    NETWORK,
    ORDER,
    delivery,
    fields,
    goods,
    line,
    order,
    refund,
)

SHARED = Path(__file__).parents[4] / "shared" / "partners" / "logitech"
NOTHING = [Query(about="nothing")]
T1, T2 = "2026-01-14T14:32:12.100000000Z", "2026-01-14T15:00:00.000000Z"


def parse(document: Any, topic: str | None = None, at: str | None = None, **options: Any) -> list[Intent]:
    return ShopifyAdapter(options).parse(delivery(document, topic, at))


def change(document: Any, at: str | None = None, **options: Any) -> ChangeOrder:
    (found,) = parse(document, "orders/updated", at, **options)
    assert isinstance(found, ChangeOrder)
    return found


def whole(document: Any, **options: Any) -> SupportOrder:
    found = change(document, **options).whole
    assert found is not None
    return found


def service(*lines: dict[str, Any], **other: Any) -> OrderLine:
    (found,) = whole(order(*lines, **other)).lines
    return found


def problems(document: Any, topic: str | None = None, at: str | None = None, **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidOrder) as refused:
        parse(document, topic, at, **options)
    return {problem.pointer: problem.code for problem in refused.value.problems}


def zurich(day: int, hour: int, month: int = 1, offset: int = 1) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC) - timedelta(hours=offset)


# --- an order -----------------------------------------------------------------------------------------------------


def test_an_order_is_placed_with_its_services_alone() -> None:
    found = change(order(), T1)
    assert (found.partner_order_id, found.change_id, found.cancel_missing) == (str(ORDER), "1768401132100000", True)
    assert found.whole is not None
    assert [(item.line_id, item.sku, item.quantity) for item in found.whole.lines] == [
        (str(INSTALL), "SVC-TV-WALL-65", 1)
    ]
    assert found.whole.echo == {"customer": "207119551", "name": "#LOGI1042"}
    assert found.lines == (
        LineChange(pointer="/line_items/1", line_id=str(INSTALL), quantity=1, added=found.whole.lines[0]),
    )


@pytest.mark.parametrize("topic", [topic for topic, kind in TOPICS.items() if kind == "order"])
def test_every_topic_of_an_order_means_the_same_so_that_their_order_does_not_matter(topic: str) -> None:
    assert parse(order(), topic, T1) == parse(order(), "orders/create", T1)


def test_an_order_without_any_service_is_not_our_business() -> None:
    assert parse(order(goods()), "orders/create") == NOTHING


def test_the_wrapper_of_the_api_is_taken_off_and_its_places_name_it() -> None:
    (found,) = parse({"order": order()})
    assert isinstance(found, ChangeOrder)
    assert found.pointer == "/order"
    assert found.lines[0].pointer == "/order/line_items/1"


@pytest.mark.parametrize(
    ("options", "ours"),
    [
        ({}, ["1"]),
        ({"vendor": "Mila"}, ["2"]),
        ({"fulfillment_service": "mila"}, ["3"]),
        ({"vendor": "Mila", "fulfillment_service": "mila"}, ["2", "3"]),
        ({"sku_prefix": "INST", "vendor": "Nobody"}, ["2"]),
        ({"sku_prefix": "NOTHING"}, []),
    ],
)
def test_a_line_is_ours_by_its_sku_its_vendor_or_its_fulfillment_service(
    options: dict[str, str], ours: list[str]
) -> None:
    lines = [
        line(1, vendor="Logitech"),
        line(2, sku="INSTALL-1"),
        line(3, sku="X", vendor=None, fulfillment_service="mila"),
        line(4, sku=None, vendor=7),
    ]
    found = parse(order(*lines), "orders/create", **options)
    assert found == NOTHING if not ours else [item.line_id for item in found[0].lines] == ours  # type: ignore[union-attr]


def test_a_service_without_sku_is_a_problem() -> None:
    assert problems(order(line(sku=None)), vendor="Mila") == {"/line_items/0/sku": "missing"}


@pytest.mark.parametrize("included", [True, False])
def test_a_price_is_a_decimal_text_with_or_without_tax_as_the_order_says(included: bool) -> None:
    found = service(line(quantity=2, price="0.10"), taxes_included=included)
    assert found.price == Price(amount=Decimal("0.10"), currency="CHF", tax_included=included)


def test_a_service_may_be_free_but_not_less_than_that() -> None:
    free = service(line(price="0.00")).price
    assert free is not None
    assert free.amount == 0
    assert problems(order(line(price="-1.00"), line(2, price="1,50"))) == {
        "/line_items/0/price": "negative",
        "/line_items/1/price": "not_a_decimal",
    }


def test_everything_that_is_wrong_is_told_at_once_and_once() -> None:
    lines = [line(quantity=21), line(quantity=0), line(3, properties=fields(preferred_date="20.1.2026"))]
    bad = order(*lines, currency="Franken", phone="?", email="nobody", customer_locale="Swiss", created_at="yesterday")
    del bad["updated_at"]
    bad["shipping_address"] = {**HOME, "zip": None, "country_code": "Schweiz", "phone": None}
    assert problems(bad, "orders/create") == {
        "/updated_at": "missing",
        "/line_items/0/quantity": "out_of_range",
        "/line_items/1/quantity": "out_of_range",
        "/line_items/1/id": "duplicate_line_id",
        "/line_items/0/current_quantity": "out_of_range",
        "/line_items/2/properties/0/value": "not_a_day",
        "/currency": "not_a_currency",
        "/created_at": "not_a_time",
        "/shipping_address/zip": "missing",
        "/shipping_address/country_code": "unknown_country",
        "/phone": "not_a_phone",
        "/email": "not_an_email",
        "/customer_locale": "unknown_language",
    }


# --- traps --------------------------------------------------------------------------------------------------------


def test_trap_numbers_beyond_2_53_are_read_as_they_are() -> None:
    """Shopify's own test notification has such an order."""
    found = change(order(line(9007199254740993), id=820982911946154508))
    assert (found.partner_order_id, found.lines[0].line_id) == ("820982911946154508", "9007199254740993")


def test_numbers_beyond_int64_are_malformed() -> None:
    body = json.dumps(order()).replace(str(ORDER), str(2**63 + 1)).encode()
    with pytest.raises(MalformedMessage) as refused:
        parse(body)
    assert [problem.code for problem in refused.value.problems] == ["number_too_large"]
    assert strict_json(str(2**63).encode(), 2**63) == 2**63


@pytest.mark.parametrize("bad", [0, -1, 1.5, 2**63, True, "17", 1e300])
def test_an_id_is_a_whole_number(bad: Any) -> None:
    assert set(problems(order(id=bad))) == {"/id"}


def test_trap_an_order_of_nothing_but_services_has_no_shipping_address() -> None:
    billing = {**HOME, "address1": "Musterweg 3", "city": "Bern", "zip": "3011"}
    found = whole(order(shipping_address=None, billing_address=billing)).service_address
    assert (found.street, found.house_number, found.postcode, found.city) == ("Musterweg", "3", "3011", "Bern")


def test_an_order_without_any_address_is_one_problem() -> None:
    assert problems(order(shipping_address=None, billing_address=None)) == {"/shipping_address": "missing"}


def test_trap_the_floor_is_in_address2_and_province_is_null() -> None:
    assert whole(order()).service_address.address_line2 == "3. Stock links"


@pytest.mark.parametrize("written", ["079 123 45 67", "+41 79 123 45 67", "0041791234567", "079/123.45.67"])
def test_trap_phones_are_written_in_any_way(written: str) -> None:
    assert whole(order(shipping_address={**HOME, "phone": written})).customer.phone == "+41791234567"


def test_the_customer_is_who_is_at_the_address_and_not_the_account() -> None:
    found = whole(order()).customer
    assert (found.given_name, found.family_name, found.email) == ("Sandra", "Keller", "sandra.keller@example.ch")
    assert found.language == "de-CH"


def test_a_single_name_is_all_we_know() -> None:
    assert whole(order(shipping_address={**HOME, "last_name": ""})).customer.family_name == "Sandra"
    nameless = {**HOME, "first_name": None, "last_name": None, "name": "Frau Keller", "company": "Keller AG"}
    found = whole(order(shipping_address=nameless)).customer
    assert (found.given_name, found.family_name, found.company) == (None, "Frau Keller", "Keller AG")


def test_what_the_address_lacks_the_order_may_have() -> None:
    found = whole(
        order(phone="044 668 18 00", email=None, contact_email="k@example.ch", shipping_address={**HOME, "phone": ""})
    )
    assert (found.customer.phone, found.customer.email) == ("+41446681800", "k@example.ch")


def test_trap_test_orders_are_only_taken_where_that_was_agreed() -> None:
    with pytest.raises(Unsupported) as refused:
        parse(order(test=True), "orders/create")
    assert [(one.pointer, one.code) for one in refused.value.problems] == [("/test", "test_order")]
    assert change(order(test=True), test_orders=True).whole
    assert parse(order(goods(), test=True), "orders/create") == NOTHING


def test_a_test_order_that_is_wrong_is_invalid_and_not_unsupported() -> None:
    assert problems(order(line(sku="SVC-1", price="x"), test=True)) == {
        "/test": "test_order",
        "/line_items/0/price": "not_a_decimal",
    }


def test_trap_an_older_version_has_the_smaller_number() -> None:
    first, second = change(order(), T1), change(order(), T2)
    assert int(first.change_id) < int(second.change_id)


def test_without_a_header_the_order_says_when_it_changed() -> None:
    (found,) = parse(order(updated_at="2026-01-14T15:32:12+01:00"))
    assert isinstance(found, ChangeOrder)
    assert found.change_id == "1768401132000000"


def test_a_version_that_is_no_time_is_a_problem() -> None:
    assert problems(order(), "orders/updated", "soon") == {"X-Shopify-Triggered-At": "not_a_time"}


# --- what was wished ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "start", "end"),
    [
        ("08:00-12:00", zurich(20, 8), zurich(20, 12)),
        ("8:00 \u2013 12:00", zurich(20, 8), zurich(20, 12)),
        ("20:00-24:00", zurich(20, 20), zurich(21, 0)),
        ("22:00-02:00", zurich(20, 22), zurich(21, 2)),
        (None, zurich(20, 0), zurich(21, 0)),
        ("", zurich(20, 0), zurich(21, 0)),
    ],
)
def test_a_wish_is_a_day_with_or_without_hours_in_the_zone_of_the_shop(
    hours: str | None, start: datetime, end: datetime
) -> None:
    attributes = fields(preferred_date="2026-01-20", preferred_window=hours)
    assert service(line(), note_attributes=attributes).requested_windows == (Window(start=start, end=end),)


@pytest.mark.parametrize(
    ("day", "hours", "code"),
    [
        ("2026-01-20", "morning", "not_hours"),
        ("2026-01-20", "25:00-26:00", "not_hours"),
        ("2026-01-20", "08:00-08:00", "window_empty"),
        ("2026-03-29", "02:30-04:00", "no_such_local_time"),
    ],
)
def test_hours_that_cannot_be_read_are_a_problem(day: str, hours: str, code: str) -> None:
    attributes = fields(preferred_date=day, preferred_window=hours)
    assert problems(order(line(), line(NETWORK), note_attributes=attributes)) == {"/note_attributes/1/value": code}


def test_the_day_on_which_the_clocks_change_has_23_or_25_hours() -> None:
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        (window,) = service(line(), note_attributes=fields(preferred_date=day)).requested_windows
        assert (window.end - window.start).total_seconds() == hours * 3600


def test_hours_without_a_day_are_a_problem_and_not_forgotten() -> None:
    bad = order(line(), note_attributes=fields(preferred_window="08:00-12:00"))
    assert problems(bad) == {"/note_attributes/0/value": "hours_without_day"}


def test_the_wish_of_a_line_goes_before_that_of_the_order() -> None:
    own = fields(preferred_date="2026-02-03", preferred_window="13:00-17:00")
    found = whole(order(line(properties=own), line(NETWORK), note_attributes=fields(preferred_date="2026-01-20")))
    first, second = (item.requested_windows[0].start for item in found.lines)
    assert (first, second) == (zurich(3, 13, month=2), zurich(20, 0))


def test_a_shop_may_name_its_fields_otherwise_and_lie_elsewhere() -> None:
    attributes = fields(Termin="2026-01-20", Zeit="08:00-12:00", preferred_date="ignored")
    found = whole(
        order(note_attributes=attributes), date_field="Termin", hours_field="Zeit", timezone="Europe/London"
    ).lines[0]
    assert found.requested_windows[0].start == zurich(20, 8, offset=0)


def test_what_the_customer_saw_becomes_a_note_and_what_is_hidden_does_not() -> None:
    told = fields(_mila_service="vc-room-setup", Etage="3. Stock links", preferred_date="2026-01-20", Lift=None, Raum=7)
    found = service(line(properties=[*told, {"name": "Hund", "value": "ja"}]))
    assert found.notes == "Etage: 3. Stock links\nHund: ja"
    assert whole(order(note="Bitte klingeln")).notes == "Bitte klingeln"


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
