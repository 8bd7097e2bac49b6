"""The JSON of `POST /v1/orders`: every fault at once, each at its pointer."""

from copy import deepcopy
from typing import Any

import pytest

from adapters.canonical import PlaceOrder
from adapters.errors import InvalidOrder
from adapters.plain.reader import read

ORDER: dict[str, Any] = {
    "partner_order_id": "W-1",
    "customer": {"family_name": "Keller", "phone": "079 123 45 67"},
    "service_address": {"street": "Langstrasse", "postcode": "8004", "city": "Zürich", "country": "CH"},
    "lines": [{"line_id": "10", "sku": "SVC-TV-WALL-65"}],
}
WINDOW = {"start": "2026-01-20T08:00:00+01:00", "end": "2026-01-20T12:00:00+01:00"}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The order with one value put at a JSON pointer."""
    document = deepcopy(ORDER)
    *way, last = path.strip("/").split("/")
    place: Any = document
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return document


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidOrder) as refused:
        read(document)
    return sorted((problem.pointer, problem.code) for problem in refused.value.problems)


def test_an_order_of_the_least_has_the_defaults_of_the_rest() -> None:
    (intent,) = read(ORDER)
    assert isinstance(intent, PlaceOrder)
    assert intent.order.bill_to == "partner"
    assert intent.order.lines[0].quantity == 1
    assert intent.order.customer.phone == "+41791234567"


def test_every_fault_of_a_document_comes_in_one_go() -> None:
    document = {
        "partner_order_id": 7,
        "colour": "red",
        "ordered_at": "yesterday",
        "bill_to": "nobody",
        "customer": {"phone": "12", "email": "x", "a/b~c": 1},
        "service_address": {"street": "Langstrasse", "postcode": "", "country": "XX"},
        "lines": [
            {"line_id": "1", "sku": "A", "gtin": "4006381333931", "quantity": 0},
            {"line_id": "1", "quantity": True, "price": {"amount": "1,50", "tax_included": "yes"}},
            {"sku": "C", "requested_windows": [WINDOW, {"start": WINDOW["end"], "end": WINDOW["start"]}, {"start": 1}]},
            "a line",
        ],
    }
    assert faults(document) == [
        ("/bill_to", "not_a_choice"),
        ("/colour", "unknown_field"),
        ("/customer/a~1b~0c", "unknown_field"),
        ("/customer/email", "not_an_email"),
        ("/customer/family_name", "missing"),
        ("/customer/phone", "not_a_phone"),
        ("/lines/0", "one_service_name"),
        ("/lines/0/quantity", "out_of_range"),
        ("/lines/1", "one_service_name"),
        ("/lines/1/line_id", "duplicate_line_id"),
        ("/lines/1/price/amount", "not_a_decimal"),
        ("/lines/1/price/currency", "missing"),
        ("/lines/1/price/tax_included", "not_a_boolean"),
        ("/lines/1/quantity", "not_whole"),
        ("/lines/2/line_id", "missing"),
        ("/lines/2/requested_windows/1/end", "window_empty"),
        ("/lines/2/requested_windows/2/end", "missing"),
        ("/lines/2/requested_windows/2/start", "not_text"),
        ("/lines/3", "not_an_object"),
        ("/ordered_at", "not_a_time"),
        ("/partner_order_id", "not_text"),
        ("/service_address/city", "missing"),
        ("/service_address/country", "unknown_country"),
        ("/service_address/postcode", "empty"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("/customer", None, "missing"),
        ("/customer", [], "not_an_object"),
        ("/lines", None, "missing"),
        ("/lines", {}, "not_a_list"),
        ("/lines", [], "out_of_range"),
        ("/lines/0/quantity", 1.0, "not_whole"),
        ("/lines/0/quantity", "1", "not_whole"),
        ("/lines/0/quantity", 21, "out_of_range"),
        ("/lines/0/after_delivery_days", -1, "out_of_range"),
        ("/lines/0/requested_windows", [WINDOW] * 6, "out_of_range"),
        ("/lines/0/requested_windows", "soon", "not_a_list"),
        ("/lines/0/product", {"gtin": "4006381333932"}, ""),
        ("/lines/0/price", {"amount": "-1", "currency": "CHF", "tax_included": True}, ""),
        ("/lines/0/price", {"amount": 149.0, "currency": "CHF", "tax_included": True}, ""),
        ("/notes", "\x1b[2J", "bad_character"),
        ("/partner_order_id", "W\u202e1", "bad_character"),
        ("/partner_order_id", "   ", "empty"),
        ("/customer/family_name", "x" * 201, "too_long"),
        ("/customer/phone", "", "empty"),
        ("/bill_to", [], "not_a_choice"),
    ],
)
def test_a_fault_is_named_where_it_is(path: str, value: Any, code: str) -> None:
    ((pointer, found),) = faults(changed(path, value))
    assert pointer.startswith(path)
    assert found == code or (not code and pointer != path)


@pytest.mark.parametrize("document", [None, [], "order", 7, {}])
def test_what_is_no_order_at_all_has_faults_and_no_traceback(document: Any) -> None:
    assert faults(document)


def test_a_hundred_thousand_lines_cost_one_fault_i16() -> None:
    assert faults(changed("/lines", [{}] * 100_000)) == [("/lines", "out_of_range")]


def test_line_ids_that_only_look_different_are_one() -> None:
    document = {**ORDER, "lines": [{"line_id": "\u00e9", "sku": "A"}, {"line_id": "e\u0301", "sku": "A"}]}
    assert faults(document) == [("/lines/1/line_id", "duplicate_line_id")]


def test_a_shouted_member_name_is_cut_short_in_its_pointer() -> None:
    ((pointer, code),) = faults({**ORDER, "x" * 10_000 + "\n": 1})
    assert code == "unknown_field"
    assert len(pointer) < 70


def test_the_document_is_not_touched() -> None:
    before = deepcopy(ORDER)
    read(ORDER)
    assert before == ORDER
