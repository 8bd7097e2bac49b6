"""What Shopify delivers, and what it means: orders in any order, refunds, a person's data."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    LineChange,
    OrderLine,
    Price,
    SupportOrder,
    Window,
)
from adapters.errors import MalformedMessage, Unsupported
from adapters.reading import strict_json
from adapters.shopify.codes import TOPICS
from tests.support.shopify import (
    HOME,
    INSTALL,
    NETWORK,
    NOTHING,
    ORDER,
    T1,
    T2,
    change,
    fields,
    goods,
    line,
    order,
    parse,
    problems,
)


def whole(document: Any, **options: Any) -> SupportOrder:
    found = change(document, **options).whole
    assert found is not None
    return found


def service(*lines: dict[str, Any], **other: Any) -> OrderLine:
    (found,) = whole(order(*lines, **other)).lines
    return found


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
        line(5, sku="NOT-SVC-1", vendor="Mila AG", fulfillment_service="mila-2"),
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


def test_more_than_a_hundred_services_are_too_many_and_can_be_cancelled() -> None:
    many = [line(number) for number in range(1, 102)]
    assert problems(order(*many)) == {"/line_items": "too_many"}
    assert len(change(order(*many[:100])).lines) == 100
    (cancelled,) = parse(order(*many, cancelled_at="2026-01-14T16:00:00+01:00"), "orders/cancelled")
    assert isinstance(cancelled, CancelOrder)


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


def test_of_two_fields_of_one_name_the_first_counts() -> None:
    twice = [*fields(preferred_date="2026-01-20"), *fields(preferred_date="2026-01-21")]
    assert service(line(properties=twice)).requested_windows[0].start == zurich(20, 0)


def test_what_the_customer_saw_becomes_a_note_and_what_is_hidden_does_not() -> None:
    told = fields(_mila_service="vc-room-setup", Etage="3. Stock links", preferred_date="2026-01-20", Lift=None, Raum=7)
    found = service(line(properties=[*told, {"name": "Hund", "value": "ja"}]))
    assert found.notes == "Etage: 3. Stock links\nHund: ja"
    assert whole(order(note="Bitte klingeln")).notes == "Bitte klingeln"
