"""What the merchant wants back: asked for, and as cancellations."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import CancelOrder, Intent, LineChange, Query
from adapters.contract import Page, Pollable, RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError
from adapters.shopify.adapter import ShopifyAdapter
from tests.support.graphql import Schema, check
from tests.support.shopify import INSTALL, NETWORK, ORDER, delivery, gid

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
DIALECT = ShopifyAdapter({})
NONE: frozenset[str] = frozenset()
SCHEMA: Schema = {
    "query": {"assignedFulfillmentOrders": ("Page", frozenset({"first", "after", "assignmentStatus", "locationIds"}))},
    "Page": {"pageInfo": ("PageInfo", NONE), "nodes": ("FulfillmentOrder", NONE)},
    "PageInfo": {"hasNextPage": (None, NONE), "endCursor": (None, NONE)},
    "FulfillmentOrder": {
        "id": (None, NONE),
        "updatedAt": (None, NONE),
        "order": ("Id", NONE),
        "lineItems": ("Lines", frozenset({"first"})),
    },
    "Lines": {"nodes": ("Line", NONE)},
    "Line": {"remainingQuantity": (None, NONE), "lineItem": ("Id", NONE)},
    "Id": {"id": (None, NONE)},
}


def asked(lines: dict[int, int], **other: Any) -> dict[str, Any]:
    nodes = [{"remainingQuantity": left, "lineItem": {"id": gid("LineItem", one)}} for one, left in lines.items()]
    return {
        "id": gid("FulfillmentOrder", 1),
        "updatedAt": "2026-01-14T14:00:00Z",
        "order": {"id": gid("Order", ORDER)},
        "lineItems": {"nodes": nodes},
        **other,
    }


def page(*nodes: Any, further: str | None = None) -> Any:
    info = {"hasNextPage": further is not None, "endCursor": further or "last"}
    return {"data": {"assignedFulfillmentOrders": {"pageInfo": info, "nodes": list(nodes)}}}


def read(document: Any) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return DIALECT.read_page(RawMessage(body=body, media_type="application/json"), None, NOW)


def parse(node: Any) -> list[Intent]:
    (document,) = read(page(node)).documents
    return DIALECT.parse(document)


def test_it_polls() -> None:
    assert isinstance(DIALECT, Pollable)


@pytest.mark.parametrize("cursor", [None, "", "abc"])
def test_a_page_is_asked_for_as_their_schema_has_it(cursor: str | None) -> None:
    request = ShopifyAdapter({"api_version": "2026-10"}).page_request(cursor, NOW)
    assert (request.method, request.path) == ("POST", "/admin/api/2026-10/graphql.json")
    document = json.loads(request.body)
    assert check(document["query"], document["variables"], SCHEMA) == ["assignedFulfillmentOrders"]
    assert document["variables"] == {"after": cursor or None}


def test_a_round_goes_on_to_its_last_page_and_the_next_one_begins_anew() -> None:
    first, last = read(page(asked({INSTALL: 1}), further="abc")), read(page())
    assert (first.cursor, first.more, len(first.documents)) == ("abc", True, 1)
    assert (last.cursor, last.more, last.documents) == ("", False, ())


def test_what_is_left_of_each_line_is_cancelled() -> None:
    assert parse(asked({INSTALL: 2, NETWORK: 0, 7: 1})) == [
        CancelOrder(
            partner_order_id=str(ORDER),
            change_id="1768399200000000",
            lines=(
                LineChange(pointer="/fulfillmentOrder/lineItems/nodes/0", line_id=str(INSTALL), quantity=2),
                LineChange(pointer="/fulfillmentOrder/lineItems/nodes/2", line_id="7", quantity=1),
            ),
            pointer="/fulfillmentOrder",
        )
    ]


def test_where_nothing_is_left_nothing_is_cancelled_and_never_the_whole_order() -> None:
    assert parse(asked({INSTALL: 0})) == [Query(about="nothing")]
    assert parse(asked({})) == [Query(about="nothing")]


def test_every_fault_of_one_is_told_where_it_is() -> None:
    bad = asked({INSTALL: 99}, updatedAt=None, order={"id": gid("LineItem", 1)})
    bad["lineItems"]["nodes"].append({"remainingQuantity": 1, "lineItem": {"id": gid("LineItem", "1" * 20)}})
    bad["lineItems"]["nodes"].append({"remainingQuantity": 1, "lineItem": {"id": "gid://shopify/LineItem/x"}})
    with pytest.raises(InvalidOrder) as refused:
        parse(bad)
    assert {one.pointer.removeprefix("/fulfillmentOrder"): one.code for one in refused.value.problems} == {
        "/lineItems/nodes/0/remainingQuantity": "out_of_range",
        "/lineItems/nodes/1/lineItem/id": "not_an_id",
        "/lineItems/nodes/2/lineItem/id": "not_an_id",
        "/updatedAt": "missing",
        "/order/id": "not_an_id",
    }


@pytest.mark.parametrize(
    "body", [{}, [], {"data": None}, {"errors": [{"message": "Throttled"}]}, page() | {"data": {"shop": 1}}, b"<html>"]
)
def test_what_is_no_page_is_refused_and_asked_for_again(body: Any) -> None:
    with pytest.raises(MalformedMessage):
        read(body)


@given(node=st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_anything_in_the_place_of_one_is_a_problem(node: Any) -> None:
    for found in (node, asked({}, lineItems=node), asked({}, lineItems={"nodes": [node]}), asked({1: 1}, order=node)):
        with pytest.raises(TranslationError):
            DIALECT.parse(delivery({"fulfillmentOrder": found}))
