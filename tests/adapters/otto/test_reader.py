"""Orders of OTTO's as they are told: the traps, by name."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import ChangeOrder, SupportOrder
from adapters.contract import RawMessage
from adapters.errors import TranslationError
from adapters.otto.adapter import OttoAdapter
from tests.support.otto import HOME, SALES_ORDER, TV, WIFI, item, order, page

SHARED = Path(__file__).parents[4] / "shared" / "partners" / "otto"


def parse(document: Any) -> list[ChangeOrder]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    intents = OttoAdapter({}).parse(RawMessage(body=body, media_type="application/json"))
    assert all(isinstance(intent, ChangeOrder) for intent in intents)
    return intents  # type: ignore[return-value]


def change(*items: Any, **other: Any) -> ChangeOrder:
    (intent,) = parse(order(*items, **other))
    return intent


def whole(*items: Any, **other: Any) -> SupportOrder:
    found = change(*items, **other).whole
    assert found is not None
    return found


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(TranslationError) as refused:
        parse(document)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_an_order_is_told_whole_with_its_address_and_prices() -> None:
    told = whole(ordered := item())
    (line,) = told.lines
    assert (told.partner_order_id, told.echo) == ("b56c7k2m9x", {"salesOrderId": SALES_ORDER})
    assert (told.service_address.street, told.service_address.house_number) == ("Hauptstraße", "12a")
    assert (told.service_address.address_line2, told.service_address.postcode) == ("Hinterhaus", "10827")
    assert (told.customer.given_name, told.customer.family_name, told.customer.company) == ("Anna", "Beispiel", None)
    assert (told.customer.phone, told.customer.email) == ("+49305550199", "anna@example.de")
    assert (line.line_id, line.sku, line.quantity) == (TV, "SVC-TV-WALL-65", 1)
    assert line.price is not None
    assert (line.price.amount, line.price.currency, line.price.tax_included) == (Decimal("149.00"), "EUR", True)
    assert change(ordered).lines[0].added == line


def test_a_country_has_three_letters() -> None:
    assert whole().service_address.country == "DE"
    wrong = order(deliveryAddress={**HOME, "countryCode": "DE", "phoneNumber": None})
    assert faults(wrong) == [("/deliveryAddress/countryCode", "unknown_country")]


@pytest.mark.parametrize("offset", ["+0000", "+00:00", "Z"])
def test_an_offset_may_lack_its_colon(offset: str) -> None:
    assert whole(orderDate=f"2026-01-14T14:32:10.000{offset}").ordered_at == datetime(
        2026, 1, 14, 14, 32, 10, tzinfo=UTC
    )


def test_an_offset_without_colon_counts() -> None:
    assert whole(orderDate="2026-01-14T15:32:10+0100").ordered_at == datetime(2026, 1, 14, 14, 32, 10, tzinfo=UTC)


def test_several_items_of_one_article_are_lines_of_their_own_as_there_is_no_quantity() -> None:
    told = whole(item(TV), item(WIFI))
    assert [(line.line_id, line.sku, line.quantity) for line in told.lines] == [
        (TV, "SVC-TV-WALL-65", 1),
        (WIFI, "SVC-TV-WALL-65", 1),
    ]


def test_an_item_twice_is_a_problem() -> None:
    assert faults(order(item(), item())) == [("/positionItems/1/positionItemId", "duplicate_line_id")]


def test_an_announced_item_is_not_begun_but_not_missing_either() -> None:
    told = change(item(), item(WIFI, "ANNOUNCED"))
    assert told.whole is not None
    assert [line.line_id for line in told.whole.lines] == [TV]
    assert [(line.line_id, line.added is not None) for line in told.lines] == [(TV, True), (WIFI, False)]


def test_an_announced_order_has_no_address_yet() -> None:
    document = order(item(status="ANNOUNCED"))
    del document["deliveryAddress"]
    (told,) = parse(document)
    assert told.whole is None
    assert [(line.line_id, line.added) for line in told.lines] == [(TV, None)]


def test_a_processable_order_without_an_address_is_refused() -> None:
    document = order()
    del document["deliveryAddress"]
    assert faults(document) == [("/deliveryAddress", "missing")]


@pytest.mark.parametrize("status", ["CANCELLED_BY_PARTNER", "CANCELLED_BY_MARKETPLACE"])
def test_a_cancelled_item_is_missing(status: str) -> None:
    told = change(item(), item(WIFI, status))
    assert [line.line_id for line in told.lines] == [TV]
    assert told.cancel_missing


@pytest.mark.parametrize("status", ["SENT", "RETURNED"])
def test_what_is_over_stays_as_it_is(status: str) -> None:
    told = change(item(status=status))
    assert (told.whole, told.cancel_missing) == (None, True)
    assert [(line.line_id, line.added, line.cancelled) for line in told.lines] == [(TV, None, False)]


def test_a_wholly_cancelled_order_has_no_line_left() -> None:
    told = change(item(status="CANCELLED_BY_MARKETPLACE"), item(WIFI, "CANCELLED_BY_PARTNER"))
    assert (told.whole, told.lines, told.cancel_missing) == (None, (), True)


def test_a_status_that_nobody_knows_is_a_problem_and_no_default() -> None:
    assert faults(order(item(status="LOST"))) == [("/positionItems/0/fulfillmentStatus", "unknown_code")]


def test_versions_are_numbered_by_the_latest_time_that_they_name() -> None:
    first = change()
    later = change(changed="2026-01-14T14:35:02.000+0000")
    cancelled = item(WIFI, "CANCELLED_BY_MARKETPLACE", cancellationDate="2026-01-14T15:01:00.000+0000")
    last = change(item(), cancelled, changed="2026-01-14T14:35:02.000+0000")
    assert int(first.change_id) < int(later.change_id) < int(last.change_id) == 1768402860000


def test_a_version_needs_no_last_modified_date() -> None:
    document = order()
    del document["lastModifiedDate"]
    assert parse(document)[0].change_id == change().change_id


def test_a_version_needs_the_change_of_its_life() -> None:
    document = order()
    del document["orderLifecycleInformation"]
    assert faults(document) == [("/orderLifecycleInformation", "missing")]


@pytest.mark.parametrize(
    ("amount", "meant"), [(149, "149.00"), (149.0, "149.00"), (0.1 + 0.2, "0.30"), (0, "0.00"), (19.99, "19.99")]
)
def test_prices_are_floats_and_become_cents(amount: float, meant: str) -> None:
    (line,) = whole(item(itemValueGrossPrice={"amount": amount, "currency": "EUR"})).lines
    assert line.price is not None
    assert f"{line.price.amount:f}" == meant


@pytest.mark.parametrize("amount", [149.005, -1, 1e30, 1e308])
def test_what_is_no_price_is_refused(amount: float) -> None:
    wrong = order(item(itemValueGrossPrice={"amount": amount, "currency": "EUR"}))
    assert faults(wrong) == [("/positionItems/0/itemValueGrossPrice/amount", "not_a_price")]


def test_the_invoices_relay_is_not_the_customers_email() -> None:
    relay = {**HOME, "email": "x7f2@pseudonym.example"}
    told = whole(deliveryAddress={**HOME, "email": None}, invoiceAddress=relay)
    assert told.customer.email is None


def test_a_company_is_one() -> None:
    told = whole(deliveryAddress={**HOME, "salutation": "COMPANY", "firstName": "Muster", "lastName": "GmbH"})
    assert (told.customer.company, told.customer.family_name) == ("Muster GmbH", "GmbH")


@pytest.mark.parametrize(("flag", "said"), [(True, True), (False, False), (None, False)])
def test_an_old_appliance_that_goes_is_a_note(flag: bool | None, said: bool) -> None:
    (line,) = whole(item(weeePickup=flag)).lines
    assert (line.notes is not None) is said


def test_everything_is_told_at_once() -> None:
    wrong = order(
        item(product={"sku": " "}), deliveryAddress={**HOME, "zipCode": None, "phoneNumber": "7"}, orderNumber=7
    )
    assert faults(wrong) == [
        ("/orderNumber", "not_text"),
        ("/positionItems/0/product/sku", "missing"),
        ("/deliveryAddress/zipCode", "missing"),
        ("/deliveryAddress/phoneNumber", "not_a_phone"),
    ]


def test_a_page_is_read_order_by_order_and_an_empty_one_is_none() -> None:
    assert [intent.pointer for intent in parse(page(order(), order()))] == ["/resources/0", "/resources/1"]
    assert faults(page()) == [("/resources", "empty")]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)


@given(name=st.sampled_from(sorted(order())), value=ANYTHING)
def test_anything_in_an_orders_place_is_an_intent_or_problems(name: str, value: Any) -> None:
    try:
        assert parse({**order(), name: value})
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017


@given(name=st.sampled_from(sorted(item())), value=ANYTHING)
def test_anything_in_an_items_place_is_an_intent_or_problems(name: str, value: Any) -> None:
    try:
        assert parse(order({**item(), name: value}))
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017


TEXT = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(names=st.lists(TEXT, min_size=5, max_size=5), cents=st.integers(0, 99_999_99))
def test_what_is_said_is_read_again(names: list[str], cents: int) -> None:
    family, given_name, street, city, sku = names
    address = {**HOME, "lastName": family, "firstName": given_name, "street": street, "city": city}
    priced = item(sku=sku, itemValueGrossPrice={"amount": cents / 100, "currency": "EUR"})
    told = whole(priced, deliveryAddress=address)
    customer, (line,) = told.customer, told.lines
    read = (customer.family_name, customer.given_name, told.service_address.street, told.service_address.city, line.sku)
    assert read == tuple(normalize("NFC", name) for name in names)
    assert line.price is not None
    assert line.price.amount * 100 == cents


@pytest.mark.skipif(not SHARED.exists(), reason="the partners' own documents are not here")
def test_the_constructed_page_is_one_order_of_which_one_item_is_cancelled() -> None:
    (told,) = parse((SHARED / "constructed" / "01_GET_v4_orders.json").read_bytes())
    assert told.whole is not None
    assert [line.sku for line in told.whole.lines] == ["SVC-TV-WALL-65"]
    assert replace(told.lines[0], added=None).line_id == TV
    assert faults((SHARED / "constructed" / "02_POST_v1_shipments.json").read_bytes())
