"""Google's requests: what each becomes, what is refused and where, and the traps of JSON of proto3."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import (
    Address,
    CancelOrder,
    ChangeOrder,
    Customer,
    LineChange,
    PlaceOrder,
    Price,
    Query,
    SlotWish,
    Window,
)
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError, Unsupported
from adapters.google_booking.adapter import GoogleBookingAdapter
from tests.support.google import HOURS, SHARED, START, booking, request

EIGHT = datetime(2026, 1, 20, 7, tzinfo=UTC)
SLOT = Window(start=EIGHT, end=EIGHT + timedelta(hours=2))
DIALECT = GoogleBookingAdapter({})
METHODS = [
    "BatchAvailabilityLookup",
    "CheckAvailability",
    "CreateBooking",
    "UpdateBooking",
    "GetBookingStatus",
    "ListBookings",
]


def read(method: str, document: Any, **options: Any) -> Any:
    [intent] = GoogleBookingAdapter(options).parse(request(method, document))
    return intent


def made(**other: Any) -> PlaceOrder:
    intent = read("CreateBooking", booking(**other))
    assert isinstance(intent, PlaceOrder)
    return intent


def refused(method: str, document: Any, error: type[TranslationError] = InvalidOrder, **options: Any) -> dict[str, str]:
    with pytest.raises(error) as found:
        read(method, document, **options)
    assert type(found.value) is error
    return {problem.pointer: problem.code for problem in found.value.problems}


# --- CreateBooking -----------------------------------------------------------------------------------------------


def test_a_booking_is_an_order_of_one_visit_that_books_its_slot() -> None:
    intent = made()
    [line] = intent.order.lines
    assert intent.books_slots
    assert intent.order.partner_order_id == "8124117013960637000"
    assert intent.order.bill_to == "customer"
    assert (line.line_id, line.sku, line.quantity) == ("1", "nest-thermostat", 1)
    assert line.requested_windows == (SLOT,)
    assert intent.order.customer == Customer(
        family_name="Muster", given_name="Vera", email="vera@example.ch", phone="+41446681800", language="de-CH"
    )
    assert intent.order.service_address == Address(
        street="Musterweg",
        house_number="12",
        address_line2="3. Stock links",
        postcode="8004",
        city="Zürich",
        country="CH",
    )


def test_the_users_key_is_the_customers_and_no_data_of_the_person_is_in_the_echo() -> None:
    assert made().order.echo == {
        "customer": "1111111111111111111",
        "slot": {
            "merchant_id": "nest-ch",
            "service_id": "nest-thermostat",
            "confirmation_mode": "CONFIRMATION_MODE_SYNCHRONOUS",
            "resources": {"staff_id": "s-7"},
        },
        "prepayment_status": "PREPAYMENT_NOT_PROVIDED",
    }


@pytest.mark.parametrize("start", [str(START), START])
@pytest.mark.parametrize("duration", [str(HOURS), HOURS])
def test_int64_comes_as_a_text_and_may_come_as_a_number(start: Any, duration: Any) -> None:
    assert made(slot={"start_sec": start, "duration_sec": duration}).order.lines[0].requested_windows == (SLOT,)


@pytest.mark.parametrize("start", [True, "1.5", 1768892400.5, "-1", "1e9", "١", " 1", [], {}, "9" * 20, "4102444801"])
def test_what_is_no_second_of_our_time_is_a_problem(start: Any) -> None:
    assert set(refused("CreateBooking", booking(slot={"start_sec": start}))) == {"/slot/start_sec"}


def test_seconds_are_utc_when_the_clocks_go_back() -> None:
    """25 October 2026 has half past two twice in Zurich: two slots, an hour apart."""
    first = made(slot={"start_sec": "1792888200", "duration_sec": "3600"}).order.lines[0].requested_windows[0]
    second = made(slot={"start_sec": "1792891800", "duration_sec": "3600"}).order.lines[0].requested_windows[0]
    assert first.end == second.start == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("nothing", [None, "", "0", 0])
def test_absent_is_the_default_of_proto_and_that_is_no_time(nothing: Any) -> None:
    assert refused("CreateBooking", booking(slot={"duration_sec": nothing})) == {"/slot/duration_sec": "missing"}


def test_unknown_members_are_left_alone() -> None:
    assert made(new_in_2027={"a": [1]}, slot={"colour": 7}, user_information={"age": 30}) == made()


def test_the_address_has_two_sets_of_names() -> None:
    old = {
        "address_country": "CH",
        "address_locality": "Zürich",
        "address_region": "ZH",
        "post_office_box_number": "77",
        "postal_code": "8004",
        "street_address": "Musterweg 12\n3. Stock links",
    }
    assert made(user_information={"address": old}).order == made().order


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("Musterweg 12", ("Musterweg", "12", None)),
        ("Musterweg 12a, Hinterhaus, 2. OG", ("Musterweg", "12a", "Hinterhaus, 2. OG")),
        ("Haus Sonne, Musterweg 12", ("Haus Sonne, Musterweg 12", None, None)),
        ("Am Bach", ("Am Bach", None, None)),
    ],
)
def test_a_street_is_split_only_where_its_number_is_clear(street: str, parts: Any) -> None:
    there = {**booking()["user_information"]["address"], "street_address": street}
    found = made(user_information={"address": there}).order.service_address
    assert (found.street, found.house_number, found.address_line2) == parts


@pytest.mark.parametrize("address", [None, {}, {"country": ""}, {"country": None, "locality": " "}])
def test_no_service_address_is_no_fault_of_the_request(address: Any) -> None:
    document = booking(user_information={"address": address})
    assert refused("CreateBooking", document, Unsupported) == {"/user_information/address": "no_service_address"}


def test_half_an_address_is_one() -> None:
    document = booking(user_information={"address": {"country": "CH", "locality": "Zürich"}})
    assert refused("CreateBooking", document) == {
        "/user_information/address/street_address": "missing",
        "/user_information/address/postal_code": "missing",
    }


def test_a_national_number_belongs_to_the_merchants_country_where_there_is_no_address() -> None:
    document = booking(user_information={"address": None, "telephone": "089 12345678"})
    options: dict[str, Any] = {"merchants": {"nest-ch": "DE"}}
    assert set(refused("CreateBooking", document, Unsupported, **options)) == {"/user_information/address"}


def test_a_card_that_is_to_be_charged_is_nothing_we_can_do() -> None:
    document = booking(payment_processing_parameters={"unparsed_payment_method_token": "x"})
    assert refused("CreateBooking", document, Unsupported) == {"/payment_processing_parameters": "payment_unsupported"}


def test_all_faults_come_at_once_also_those_we_could_not_help() -> None:
    document = booking(
        idempotency_token=None,
        slot={"merchant_id": None, "start_sec": "soon"},
        user_information={"user_id": "", "family_name": None, "email": "@", "telephone": "x", "address": None},
        payment_information={"prepayment_status": "PAID"},
    )
    assert refused("CreateBooking", document) == {
        "/idempotency_token": "missing",
        "/slot/merchant_id": "missing",
        "/slot/start_sec": "not_whole",
        "/user_information/user_id": "missing",
        "/user_information/family_name": "missing",
        "/user_information/email": "not_an_email",
        "/user_information/telephone": "not_a_phone",
        "/user_information/address": "no_service_address",
        "/payment_information/prepayment_status": "unknown_code",
    }


@pytest.mark.parametrize(
    ("tax", "included"), [({}, True), ({"tax_amount": {}}, True), ({"tax_amount": {"price_micros": 1}}, False)]
)
def test_prices_are_millionths(tax: Any, included: bool) -> None:
    price = {"price": {"price_micros": "149050000", "currency_code": "CHF"}, **tax}
    [line] = made(payment_information=price).order.lines
    assert line.price == Price(amount=Decimal("149.05"), currency="CHF", tax_included=included)


def test_the_additional_request_is_a_note() -> None:
    assert made(additional_request="Please ring\ntwice").order.notes == "Please ring\ntwice"


def test_services_and_merchants_are_those_of_our_feeds() -> None:
    options: dict[str, Any] = {"services": {"nest-thermostat": "SVC-1"}, "merchants": {"nest-ch": "CH"}}
    assert read("CreateBooking", booking(), **options).order.lines[0].sku == "SVC-1"
    other = booking(slot={"merchant_id": "nest-at"})
    assert refused("CreateBooking", other, **options) == {"/slot/merchant_id": "unknown_merchant"}


# --- UpdateBooking -----------------------------------------------------------------------------------------------


def test_a_cancelled_booking_is_a_cancelled_order_by_our_number() -> None:
    """CANCELED has one L. There are no partial cancellations: a booking is one visit."""
    intent = read("UpdateBooking", {"booking": {"booking_id": "ord_1", "status": "CANCELED"}})
    assert intent == CancelOrder(
        partner_order_id="", change_id="", order_id="ord_1", pointer="/booking/status", reason="changed_mind"
    )


@pytest.mark.parametrize("named", [{}, {"service_id": "nest-thermostat"}])
def test_another_slot_moves_the_visit_and_the_service_says_which(named: dict[str, str]) -> None:
    slot = {"start_sec": str(START), "duration_sec": str(HOURS), **named}
    found: dict[str, Any] = {"sku": "nest-thermostat"} if named else {"line_id": "1"}
    assert read("UpdateBooking", {"booking": {"booking_id": "ord_1", "slot": slot}}) == ChangeOrder(
        partner_order_id="",
        change_id="",
        order_id="ord_1",
        lines=(LineChange(pointer="/booking/slot", requested_windows=(SLOT,), **found),),
        reason="customer_asked",
        books_slots=True,
    )


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, {"/booking/booking_id": "missing", "/booking": "nothing_to_change"}),
        ({"booking_id": "ord_1", "status": "CONFIRMED"}, {"/booking": "nothing_to_change"}),
        ({"booking_id": "ord_1", "status": "CANCELLED"}, {"/booking/status": "unknown_code"}),
        ({"booking_id": "ord_1", "slot": {"start_sec": "1"}}, {"/booking/slot/duration_sec": "missing"}),
        ({"booking_id": "ord_1", "slot": "soon"}, {"/booking/slot": "not_an_object"}),
    ],
)
def test_only_the_slot_can_be_changed(change: Any, problems: dict[str, str]) -> None:
    found = refused("UpdateBooking", {"booking": change})
    assert problems.items() <= found.items()


# --- questions ---------------------------------------------------------------------------------------------------


def test_health_is_asked_with_get_and_an_empty_body() -> None:
    message = RawMessage(body=b"", media_type="", path="/google/v3/HealthCheck/", method="GET")
    assert DIALECT.parse(message) == [Query(about="nothing", echo={"method": "HealthCheck"})]


def test_slots_of_several_services_are_one_question() -> None:
    asked = [
        {"service_id": "b", "start_sec": START, "resource_ids": {"party_size": 2}, "colour": 1},
        {"service_id": "a", "start_sec": str(START), "duration_sec": "7200", "availability_tag": "t"},
        {"service_id": "b", "start_sec": str(START + 1)},
    ]
    document = {"merchant_id": "nest-de", "slot_time": asked}
    intent = read("BatchAvailabilityLookup", document, merchants={"nest-de": "DE"}, services={"a": "SVC-A"})
    assert intent.wishes == (SlotWish(country="DE", sku="b"), SlotWish(country="DE", sku="SVC-A"))
    assert [window.start for window in intent.windows] == [EIGHT, EIGHT + timedelta(seconds=1)]
    assert intent.echo["slots"] == [
        {"service_id": "b", "start_sec": str(START), "resource_ids": {"party_size": 2}},
        {"service_id": "a", "start_sec": str(START), "duration_sec": "7200", "availability_tag": "t"},
        {"service_id": "b", "start_sec": str(START + 1)},
    ]


def test_no_slots_at_all_are_a_question_too() -> None:
    assert read("BatchAvailabilityLookup", {"merchant_id": "m"}).wishes == ()


def test_more_slots_than_we_look_at_are_refused_without_a_look() -> None:
    document = {"merchant_id": "m", "slot_time": [{}] * 301}
    assert refused("BatchAvailabilityLookup", document) == {"/slot_time": "too_many"}


def test_one_slot_is_asked_for_in_the_older_way() -> None:
    intent = read("CheckAvailability", {"slot": booking()["slot"]})
    assert intent.wishes == (SlotWish(country="CH", sku="nest-thermostat"),)
    assert intent.echo == {"method": "CheckAvailability", "slots": [booking()["slot"]]}


def test_bookings_are_asked_for_by_our_number_or_by_their_user() -> None:
    assert read("GetBookingStatus", {"booking_id": "ord_1"}).order_id == "ord_1"
    listed = read("ListBookings", {"user_id": "1111111111111111111"})
    assert (listed.about, listed.customer, listed.limit) == ("orders", "1111111111111111111", 100)
    assert refused("GetBookingStatus", {}) == {"/booking_id": "missing"}
    assert refused("ListBookings", {"user_id": None}) == {"/user_id": "missing"}


# --- whatever comes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/inbound/google", "/google/v3/"])
def test_without_a_method_in_the_path_the_members_say_it(path: str) -> None:
    documents = {
        "CreateBooking": booking(),
        "UpdateBooking": {"booking": {"booking_id": "o", "status": "CANCELED"}},
        "CheckAvailability": {"slot": booking()["slot"]},
        "BatchAvailabilityLookup": {"merchant_id": "m", "slot_time": []},
        "GetBookingStatus": {"booking_id": "o"},
        "ListBookings": {"user_id": "u"},
    }
    assert set(documents) == set(METHODS)
    for method, document in documents.items():
        body = json.dumps(document).encode()
        assert DIALECT.parse(RawMessage(body=body, media_type="", path=path)) == DIALECT.parse(request(method, body))


def test_another_request_is_none_of_ours() -> None:
    with pytest.raises(MalformedMessage):
        DIALECT.parse(request("CreateLease", {"lease": {}}))


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@pytest.mark.parametrize("method", METHODS)
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_brings_anything_but_problems_or_an_intent(method: str, body: bytes) -> None:
    try:
        assert DIALECT.parse(request(method, body))
    except TranslationError as error:
        assert error.problems  # noqa: PT017


@given(data=st.data(), value=JSON)
def test_any_member_may_be_anything(data: Any, value: Any) -> None:
    document = booking(payment_information={"price": {"price_micros": "1", "currency_code": "CHF"}})
    place, name = data.draw(st.sampled_from(list(_members(document))))
    place[name] = value
    try:
        assert DIALECT.parse(request("CreateBooking", document))
    except TranslationError as error:
        assert error.problems  # noqa: PT017


def _members(value: dict[str, Any]) -> Any:
    for name, item in value.items():
        yield value, name
        if isinstance(item, dict):
            yield from _members(item)


REQUESTS: dict[str, Callable[[Any], bool]] = {
    "01_CreateBooking_home_service.json": lambda found: isinstance(found, PlaceOrder),
    "03_UpdateBooking_cancel.request.json": lambda found: isinstance(found, CancelOrder),
    "BatchAvailabilityLookup.request.json": lambda found: isinstance(found, Query) and len(found.windows) == 3,
}


@pytest.mark.skipif(not SHARED.exists(), reason="Google's own samples are not here")
def test_googles_own_documents_are_intents_or_problems() -> None:
    found = {file.name: file.read_bytes() for file in sorted(SHARED.glob("*/*.json"))}
    assert set(REQUESTS) <= set(found)
    for name, body in found.items():
        message = RawMessage(body=body, media_type="application/json")
        if name in REQUESTS:
            [intent] = DIALECT.parse(message)
            assert REQUESTS[name](intent), name
        else:
            with pytest.raises(TranslationError):
                DIALECT.parse(message)
