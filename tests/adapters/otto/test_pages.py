"""Pages of orders: where a round begins, how it goes on, what is left out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Page, RawMessage
from adapters.errors import TranslationError
from adapters.otto.adapter import OttoAdapter
from tests.support.otto import item, order, page

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
DIALECT = OttoAdapter({})


def asked(cursor: str | None, now: datetime = NOW, **options: Any) -> dict[str, str]:
    request = OttoAdapter(options).page_request(cursor, now)
    assert (request.method, request.path) == ("GET", "/v4/orders")
    return dict(request.query)


def read(document: Any, cursor: str | None = None, now: datetime = NOW) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return DIALECT.read_page(RawMessage(body=body, media_type="application/json"), cursor, now)


def test_the_very_first_round_begins_some_days_ago() -> None:
    assert asked(None, start_days=2, overlap_minutes=60) == {
        "fromDate": "2026-01-12T14:00:00.000Z",
        "orderColumnType": "ORDER_LIFECYCLE_DATE",
        "orderDirection": "ASC",
        "limit": "128",
    }


def test_each_order_is_a_document_of_its_own_as_it_was_sent() -> None:
    found = read(page(order(), first := order(orderNumber="second")))
    assert [json.loads(one.body) for one in found.documents] == [order(), first]
    assert DIALECT.parse(found.documents[1])
    assert not found.more


def test_the_next_round_begins_at_the_last_change_and_a_little_before() -> None:
    changed = order(changed="2026-01-14T14:32:00.000+0000")
    found = read(page(changed, order(changed="2026-01-14T10:00:00.000+0000")))
    assert asked(found.cursor)["fromDate"] == "2026-01-14T14:17:00.000Z"
    assert asked(read(page(), found.cursor).cursor)["fromDate"] == "2026-01-14T14:17:00.000Z"


def test_a_change_of_tomorrow_moves_nothing() -> None:
    found = read(page(order(changed="2026-01-15T14:32:00.000+0000")))
    assert asked(found.cursor) == asked(None)


def test_of_a_further_page_only_the_cursor_is_said() -> None:
    found = read(page(order(), further="eyJv%2B"))
    assert found.more
    assert asked(found.cursor) == {"nextcursor": "eyJv+"}
    last = read(page(), found.cursor)
    assert not last.more
    assert asked(last.cursor)["fromDate"] == "2026-01-14T14:17:00.000Z"


def test_a_cursor_that_nobody_keeps_any_more_begins_the_round_anew() -> None:
    found = read(page(order(), further="x"))
    assert asked(found.cursor, NOW + timedelta(minutes=14)) == {"nextcursor": "x"}
    assert asked(found.cursor, NOW + timedelta(hours=1))["fromDate"] == asked(None)["fromDate"]


def test_the_same_cursor_again_ends_the_round() -> None:
    found = read(page(order(), further="x"))
    assert not read(page(order(), further="x"), found.cursor).more


def test_what_is_only_announced_is_left_out_until_it_is_more() -> None:
    announced = order(item(status="ANNOUNCED"))
    assert read(page(announced)).documents == ()
    assert len(read(page(order(item(status="ANNOUNCED"), item("2")))).documents) == 1


def test_a_bad_order_is_a_document_too_and_stops_no_page() -> None:
    found = read(page(7, {}, order(), order(orderLifecycleInformation={"lifecycleChangeDate": "yesterday"})))
    assert [json.loads(one.body) for one in found.documents][:2] == [7, {}]
    assert len(found.documents) == 4


@pytest.mark.parametrize(
    "value",
    ['"\\u0000"', '"\\ud800"', "1" * 200, "1" * 5000, "1e999", "NaN", "[" * 40 + "]" * 40],
    ids=["NUL", "half a pair", "many digits", "too many digits", "infinite", "NaN", "deep"],
)
def test_what_no_document_may_hold_is_one_orders_fault_and_not_the_pages(value: str) -> None:
    body = json.dumps(page(order(), order(note=7))).replace('"note": 7', f'"note": {value}').encode()
    good, bad = read(body).documents
    assert DIALECT.parse(good)
    with pytest.raises(TranslationError):
        DIALECT.parse(bad)


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"[]", b"{}", b'{"resources": {}}', b"\xff", b"<html/>"])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(TranslationError) as refused:
        read(body)
    assert refused.value.problems


def test_a_next_page_without_a_name_is_not_skipped() -> None:
    with pytest.raises(TranslationError) as refused:
        read({"resources": [], "links": [{"rel": "next", "href": "/v4/orders"}]})
    assert [problem.code for problem in refused.value.problems] == ["next_without_cursor"]


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@given(resources=JSON, links=JSON)
def test_any_json_is_a_page_or_none(resources: Any, links: Any) -> None:
    try:
        found = read({"resources": resources, "links": links})
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017
    else:
        assert asked(found.cursor)


@given(body=st.binary(max_size=200))
def test_no_bytes_bring_anything_but_problems(body: bytes) -> None:
    with pytest.raises(TranslationError):
        read(body)
