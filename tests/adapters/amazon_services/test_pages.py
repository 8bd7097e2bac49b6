"""Rounds of reading: every update once, whatever their pages and clocks do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.canonical import ChangeOrder
from adapters.contract import Page, PageRequest, RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError
from tests.adapters.amazon_services.steps import AMAZON

DIALECT = AmazonServicesAdapter({})
START = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLACE = {"address": {"name": "Jonas Lindemann", "addressLine1": "Musterallee 12a"}}

Asked = Callable[[PageRequest], Any]


def job(name: str, **other: Any) -> dict[str, Any]:
    return {"serviceJobId": name, "serviceJobStatus": "NOT_SERVICED", "serviceLocation": PLACE, **other}


def listing(*jobs: Any, **other: Any) -> dict[str, Any]:
    return {"payload": {"jobs": list(jobs), **other}}


def read(document: Any, cursor: str | None = None, now: datetime = START) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return DIALECT.read_page(RawMessage(body=body, media_type="application/json"), cursor, now)


def one_round(answer: Asked, cursor: str | None, now: datetime) -> tuple[list[Any], str]:
    """Everything that a round brings, and its last cursor."""
    found: list[Any] = []
    for _ in range(100):
        page = read(answer(DIALECT.page_request(cursor, now)), cursor, now)
        found += [json.loads(document.body) for document in page.documents]
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the round has no end")


def query(cursor: str | None, now: datetime = START, **options: Any) -> dict[str, str]:
    return dict(AmazonServicesAdapter(options).page_request(cursor, now).query)


# --- requests ------------------------------------------------------------------------------------------------------


def test_the_first_round_asks_for_what_is_wanted_in_the_last_month() -> None:
    assert DIALECT.page_request(None, START).path == "/service/v1/serviceJobs"
    assert query(None) == {
        "marketplaceIds": "A1PA6795UKMFR9",
        "lastUpdatedAfter": "2025-12-15T12:00:00.000Z",
        "sortField": "JOB_DATE",
        "sortOrder": "ASC",
        "pageSize": "20",
        "serviceJobStatus": "NOT_SERVICED,PENDING_SCHEDULE,HOLD",
    }
    assert query(None, marketplace_id="A1F83G8C2ARO7P", start_days=1)["lastUpdatedAfter"] == "2026-01-13T12:00:00.000Z"


def test_the_next_round_asks_for_all_since_this_one_began_and_a_little_more() -> None:
    cursor = read(listing(job("1"))).cursor
    later = query(cursor, START + 60 * MINUTE)
    assert later["lastUpdatedAfter"] == "2026-01-14T11:55:00.000Z"
    assert "serviceJobStatus" not in later


def test_a_further_page_is_asked_for_with_the_same_words_and_its_token() -> None:
    page = read(listing(job("1"), nextPageToken="t+/=1", totalResultSize=2))
    assert page.more
    assert query(page.cursor, START + MINUTE) == {**query(None), "pageToken": "t+/=1"}


def test_a_token_that_has_become_old_is_not_asked_for_but_the_round_begins_anew() -> None:
    page = read(listing(job("1"), job("2"), nextPageToken="t"))
    later = START + 31 * MINUTE
    assert query(page.cursor, later) == query(None)
    again = listing(job("1"), job("2"), job("3"), nextPageToken="u", totalResultSize=4)
    assert read(again, page.cursor, later).more


# --- documents -----------------------------------------------------------------------------------------------------


def test_each_job_is_a_document_of_its_own_and_knows_when_it_was_read() -> None:
    page = read(listing(job("1", mood="ü"), job("2", serviceJobStatus="CANCELLED")))
    assert [json.loads(one.body) for one in page.documents] == [
        job("1", mood="ü"),
        job("2", serviceJobStatus="CANCELLED"),
    ]
    assert {one.method for one in page.documents} == {"GET"}
    assert DIALECT.parse(page.documents[1])[0].change_id == "20260114120000000000"  # type: ignore[union-attr]


def test_jobs_that_are_none_are_passed_on_to_be_refused_by_name() -> None:
    page = read(listing(None, 7, {"serviceJobId": 3}))
    assert len(page.documents) == 3
    for document in page.documents:
        with pytest.raises(TranslationError):
            DIALECT.parse(document)


# --- ends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "last",
    [
        listing(job("2")),
        listing(job("2"), nextPageToken=""),
        listing(job("2"), nextPageToken="t"),
        listing(job("2"), nextPageToken="u", totalResultSize=2),
        listing(nextPageToken="u"),
    ],
)
def test_a_round_ends_without_a_token_or_with_the_same_one_or_with_all_jobs_read(last: Any) -> None:
    page = read(listing(job("1"), nextPageToken="t"))
    assert page.more
    assert not read(last, page.cursor, START).more


# --- jobs that a list tells in part --------------------------------------------------------------------------------

SHORT = {"serviceJobId": "a/b 1", "serviceJobStatus": "PENDING_SCHEDULE"}


def test_a_visit_without_its_place_is_read_by_itself_after_the_pages() -> None:
    asked: list[str] = []

    def answer(request: PageRequest) -> Any:
        asked.append(request.path)
        if request.path == "/service/v1/serviceJobs":
            return listing(SHORT, job("2"), {"serviceJobId": "3", "serviceJobStatus": "CANCELLED"})
        return {"payload": {**SHORT, "serviceLocation": PLACE}}

    found, cursor = one_round(answer, None, START)
    assert asked == ["/service/v1/serviceJobs", "/service/v1/serviceJobs/a%2Fb%201"]
    assert [one["serviceJobId"] for one in found] == ["2", "3", "a/b 1"]
    assert found[-1]["serviceLocation"] == PLACE
    assert query(cursor)["lastUpdatedAfter"] == "2026-01-14T11:55:00.000Z"


def test_a_job_that_cannot_be_read_alone_holds_nobody_else_up_and_is_not_forgotten() -> None:
    cursor = read(listing(SHORT, job("2"))).cursor
    assert DIALECT.page_request(cursor, START + MINUTE).path.endswith("/a%2Fb%201")
    later = START + 31 * MINUTE
    assert query(cursor, later)["lastUpdatedAfter"] == "2026-01-14T11:55:00.000Z"
    page = read(listing(job("3")), cursor, later)
    assert len(page.documents) == 1
    assert page.more
    assert DIALECT.page_request(page.cursor, later).path.endswith("/a%2Fb%201")


# --- what is no page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [b"", b"[]", {"payload": {}}, {"payload": {"jobs": {}}}, b"<html>", {"jobs": []}])
def test_what_is_no_page_is_malformed(document: Any) -> None:
    with pytest.raises(MalformedMessage):
        read(document)


def test_errors_instead_of_a_page_are_problems() -> None:
    with pytest.raises(InvalidOrder) as refused:
        read({"errors": [{"code": "InvalidInput", "message": "Invalid Input"}]})
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [("/errors/0", "amazon_error")]


@given(body=st.binary(max_size=200), walking=st.booleans())
def test_any_bytes_are_a_page_or_problems(body: bytes, walking: bool) -> None:
    cursor = read(listing(SHORT)).cursor if walking else None
    try:
        assert read(body, cursor).cursor
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017


# --- against the model of their API --------------------------------------------------------------------------------

UPDATES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.integers(0, 3)), max_size=40)


@given(updates=UPDATES, rounds=st.lists(st.integers(1, 15), min_size=1, max_size=6))
def test_every_update_arrives_whatever_happens_between_the_pages(
    updates: list[tuple[int, int, int]], rounds: list[int]
) -> None:
    """Their side: jobs in the order of their creation, each told by a page once it was updated since."""
    stored: dict[str, tuple[datetime, int]] = {}
    known: dict[str, int] = {}
    cursor, now = None, START
    waiting = [(START + minute * MINUTE, f"J-{name}", value) for minute, name, value in sorted(updates)]
    for minutes in [*rounds, 60, 1]:
        now += minutes * MINUTE
        for _ in range(100):
            while waiting and waiting[0][0] <= now:
                at, name, value = waiting.pop(0)
                stored[name] = (at, value)
            page = read(_their_page(stored, DIALECT.page_request(cursor, now)), cursor, now)
            for document in page.documents:
                told = json.loads(document.body)
                known[told["serviceJobId"]] = told["value"]
            cursor, now = page.cursor, now + timedelta(seconds=1)
            if not page.more:
                break
        else:
            raise AssertionError("the round has no end")
    assert known == {name: value for name, (_, value) in stored.items()}


def _their_page(stored: dict[str, tuple[datetime, int]], asked: PageRequest) -> Any:
    said = dict(asked.query)
    since, place = datetime.fromisoformat(said["lastUpdatedAfter"]), int(said.get("pageToken", "0"))
    there = [job(name, value=value) for name, (at, value) in stored.items() if at >= since]
    further = {"nextPageToken": str(place + 2)} if place + 2 < len(there) else {}
    return listing(*there[place : place + 2], totalResultSize=len(there), **further)


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    if not AMAZON.exists():
        pytest.skip("the partners' own specifications are not here")
    found: dict[str, Any] = json.loads((AMAZON / "services.json").read_text())
    return found


def test_every_word_of_a_request_is_one_of_theirs(model: dict[str, Any]) -> None:
    known = {one["name"]: one for one in model["paths"]["/service/v1/serviceJobs"]["get"]["parameters"]}
    first = read(listing(job("1"), nextPageToken="t")).cursor
    for said in (query(None), query(first)):
        assert {name for name, one in known.items() if one["required"]} <= said.keys() <= known.keys()
        assert int(said["pageSize"]) <= known["pageSize"]["maximum"]
        assert said["sortField"] in known["sortField"]["enum"]
        assert said["sortOrder"] in known["sortOrder"]["enum"]
        assert set(said["serviceJobStatus"].split(",")) <= set(known["serviceJobStatus"]["items"]["enum"])


def test_the_page_of_the_sandbox_that_names_itself_as_the_next_is_the_last(model: dict[str, Any]) -> None:
    answers = model["paths"]["/service/v1/serviceJobs"]["get"]["responses"]["200"]["x-amzn-api-sandbox"]["static"]
    found, _ = one_round(lambda _: answers[0]["response"], None, START)
    assert [one["serviceJobId"] for one in found] == ["34534399990035"]
    (intent,) = DIALECT.parse(read(answers[0]["response"]).documents[0])
    assert isinstance(intent, ChangeOrder)
