"""One page after the other: what is stored, what is asked next, and what happens when something breaks."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.contract import Page, RawMessage
from adapters.otto.adapter import OttoAdapter
from gateway import driver
from gateway.intake import service as intake
from gateway.polling import documents, service
from gateway.polling.service import LEASE, Poll, Tools, due, run
from tests.support.clock import Clock
from tests.support.otto import TV, WIFI, item, order, page
from tests.support.polled import Look, Polled, said
from tests.support.receiver import Receiver, answer
from tests.support.token_server import TokenServer
from webhooks import schemes
from webhooks.tokens import Tokens

LATER = "2026-01-14T14:40:00.000+0000"
LAST = "2026-01-14T14:50:00.000+0000"


@pytest.fixture
def again(tools: Tools, poll: Poll, clock: Clock) -> Callable[..., bool]:
    """The next page, when it is due."""

    def again(seconds: float = 60) -> bool:
        clock.advance(seconds)
        return run(tools, poll)

    return again


def is_due(tools: Tools, poll: Poll) -> bool:
    with tools.runtime.sessions() as session:
        return due(session, [poll], tools.runtime.clock()) == [poll]


def test_a_page_becomes_orders_and_the_next_round_is_due_in_its_time(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock
) -> None:
    otto.pages = [said(page(order(), order(orderNumber="second", salesOrderId="2")))]
    assert is_due(tools, poll)
    assert not run(tools, poll)
    assert look.orders() == ["b56c7k2m9x", "second"]
    assert look.messages() == [("accepted", []), ("accepted", [])]
    assert look.cursor().due_at == clock() + timedelta(minutes=1)
    assert not is_due(tools, poll)
    assert not run(tools, poll)
    assert len(otto.asked) == 1
    clock.advance(60)
    assert is_due(tools, poll)


def test_pages_are_followed_and_the_round_after_them_begins_at_the_last_change(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    otto.pages = [said(page(order(), further="x")), said(page(order(orderNumber="2", salesOrderId="2")))]
    assert run(tools, poll)
    assert not run(tools, poll)
    again()
    assert otto.asked[1] == {"nextcursor": "x"}
    assert otto.asked[2]["fromDate"] == "2026-01-14T14:17:00.000Z"
    assert look.orders() == ["b56c7k2m9x", "2"]


def test_an_empty_page_is_nothing_and_no_fault(
    tools: Tools, poll: Poll, look: Look, again: Callable[..., bool]
) -> None:
    assert not run(tools, poll)
    assert not again()
    assert (look.messages(), look.cursor().failures, look.cursor().generation) == ([], 0, 2)


def test_what_a_round_reads_again_is_kept_once(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    otto.last = said(page(order(), order()))
    run(tools, poll)
    again()
    again()
    assert (look.orders(), look.messages()) == (["b56c7k2m9x"], [("accepted", [])])


def test_an_order_that_comes_again_is_what_it_is_by_then(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    announced, cancelled = item(WIFI, "ANNOUNCED", "SVC-NET-SETUP"), item(TV, "CANCELLED_BY_MARKETPLACE")
    otto.pages = [
        said(page(order(item(), announced))),
        said(page(order(item(), item(WIFI, "PROCESSABLE", "SVC-NET-SETUP"), changed=LATER))),
        said(page(order(cancelled, item(WIFI, "PROCESSABLE", "SVC-NET-SETUP"), changed=LAST))),
    ]
    run(tools, poll)
    assert look.jobs() == {"20": "unscheduled"}
    again()
    assert look.jobs() == {"20": "unscheduled", "21": "unscheduled"}
    again()
    assert look.jobs() == {"20": "cancelled", "21": "unscheduled"}
    assert look.orders() == ["b56c7k2m9x"]
    assert look.messages() == [("accepted", [])] * 3


def test_an_item_that_was_sent_before_we_came_is_no_job_and_hinders_nobody(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    otto.pages = [
        said(page(order(item(), item(WIFI, "SENT")))),
        said(page(order(item(TV, "CANCELLED_BY_PARTNER"), item(WIFI, "RETURNED"), changed=LATER))),
    ]
    run(tools, poll)
    again()
    assert look.jobs() == {"20": "cancelled"}
    assert look.messages() == [("accepted", []), ("accepted", [])]


def test_an_order_that_is_older_than_what_is_here_changes_nothing(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    cancelled = order(item(status="CANCELLED_BY_MARKETPLACE"))
    otto.pages = [said(page(order(changed=LATER))), said(page(cancelled)), said(page(cancelled))]
    run(tools, poll)
    again()
    again()
    assert look.jobs() == {"20": "unscheduled"}
    assert look.messages() == [("accepted", []), ("refused", ["stale_change"])]


class Unnumbered(OttoAdapter):
    """As of a partner who tells no versions: they are numbered by when they were read."""

    def read_page(self, response: RawMessage, cursor: str | None, now: datetime) -> Page:
        found = super().read_page(response, cursor, now)
        read_at = {"at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        return replace(found, documents=tuple(replace(one, query=read_at) for one in found.documents))

    def parse(self, message: RawMessage) -> Any:
        told = {**json.loads(message.body), "lastModifiedDate": message.query["at"]}
        return super().parse(replace(message, body=json.dumps(told).encode()))


def test_an_order_may_become_again_what_it_was(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock
) -> None:
    """Its bytes are those of a document that is here, and yet it is news."""
    both, one = order(item(), item(WIFI, "SENT")), order(item(WIFI, "SENT"))
    otto.pages = [said(page(document)) for document in (both, one, both, both)]
    for _ in range(4):
        clock.advance(60)
        run(tools, replace(poll, adapter=Unnumbered({})))
    assert look.messages() == [("accepted", [])] * 3
    assert look.jobs() == {"20": "cancelled"}


# --- documents that cannot be taken ----------------------------------------------------------------------------------


def test_a_bad_document_is_kept_once_and_stops_no_other(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    bad = order(item(status="LOST"), orderNumber="bad")
    otto.last = said(page(bad, 7, order()))
    run(tools, poll)
    again()
    assert look.orders() == ["b56c7k2m9x"]
    assert sorted(look.messages()) == [
        ("accepted", []),
        ("refused", ["not_an_object", "missing", "missing", "missing"]),
        ("refused", ["unknown_code"]),
    ]
    assert look.cursor().failures == 0


def test_a_cancellation_of_what_never_was_here_is_kept_and_nothing_else(
    tools: Tools, poll: Poll, otto: Polled, look: Look, again: Callable[..., bool]
) -> None:
    otto.last = said(page(order(item(status="CANCELLED_BY_MARKETPLACE"))))
    run(tools, poll)
    again()
    assert (look.orders(), look.messages()) == ([], [("refused", ["unknown_order"])])


class Broken(OttoAdapter):
    """Trips over one of the orders."""

    def parse(self, message: RawMessage) -> Any:
        if b"trips" in message.body:
            raise KeyError("a fault of ours")
        return super().parse(message)


def test_a_document_that_we_trip_over_is_kept_to_be_replayed(
    tools: Tools, poll: Poll, otto: Polled, look: Look
) -> None:
    otto.pages = [said(page(order(orderNumber="trips"), order()))]
    run(tools, replace(poll, adapter=Broken({})))
    assert look.orders() == ["b56c7k2m9x"]
    assert sorted(look.messages()) == [("accepted", []), ("refused", ["internal_error"])]


def test_a_document_that_the_database_does_not_take_is_kept_to_be_replayed(
    tools: Tools, poll: Poll, otto: Polled, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = intake.accept

    def trip(session: Any, arrival: Any, intents: Any) -> Any:
        found = accept(session, arrival, intents)
        if b"trips" in arrival.message.body:
            driver.execute(session, "SELECT 1 / 0", {})
        return found

    monkeypatch.setattr(intake, "accept", trip)
    otto.pages = [said(page(order(orderNumber="trips"), order()))]
    run(tools, poll)
    assert look.orders() == ["b56c7k2m9x"]
    assert sorted(look.messages()) == [("accepted", []), ("refused", ["internal_error"])]


@pytest.mark.parametrize("error", documents.RETRIED)
def test_what_is_no_documents_fault_takes_back_the_page(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    real, calls = intake.accept, list[Any]()

    def trip(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise error.__new__(error)
        return real(*arguments)

    monkeypatch.setattr(intake, "accept", trip)
    otto.last = said(page(order(), order(orderNumber="second", salesOrderId="2")))
    with pytest.raises(error):
        run(tools, poll)
    assert (look.orders(), look.messages()) == ([], [])
    clock.advance(LEASE.total_seconds())
    run(tools, poll)
    assert look.orders() == ["b56c7k2m9x", "second"]


# --- whatever ends us --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As `kill -9` would have it: nobody catches this."""


@pytest.mark.parametrize("after", [0, 1, 2])
def test_killed_before_the_commit_nothing_is_lost_and_nothing_comes_twice(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    otto.last = said(page(order(), order(orderNumber="second", salesOrderId="2")))
    real, taken = documents._take, list[Any]()

    def take(*arguments: Any) -> None:
        if len(taken) == after:
            raise Killed
        real(*arguments)
        taken.append(arguments)

    def commit(session: Any, dialect: Any, arrivals: Any) -> None:
        original(session, dialect, arrivals)
        raise Killed

    original = documents.take
    monkeypatch.setattr(documents, "_take", take)
    monkeypatch.setattr(documents, "take", commit)
    with pytest.raises(Killed):
        run(tools, poll)
    monkeypatch.undo()
    assert (look.orders(), look.messages(), look.cursor().cursor) == ([], [], None)
    assert not is_due(tools, poll)  # its lease has not ended yet
    clock.advance(LEASE.total_seconds())
    assert is_due(tools, poll)
    run(tools, poll)
    assert look.orders() == ["b56c7k2m9x", "second"]
    assert otto.asked[0]["fromDate"][:10] == otto.asked[1]["fromDate"][:10]


def test_killed_while_they_are_asked_the_same_page_is_asked_for_again(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    otto.pages = [said(page(order(), further="x"))]
    run(tools, poll)

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    monkeypatch.setattr(service, "exchange", killed)
    with pytest.raises(Killed):
        run(tools, poll)
    monkeypatch.undo()
    clock.advance(LEASE.total_seconds())
    run(tools, poll)
    assert otto.asked[1] == {"nextcursor": "x"}
    assert look.cursor().generation == 3


def test_two_at_once_ask_once(tools: Tools, poll: Poll, otto: Polled, look: Look) -> None:
    otto.last = said(page(order()))
    start = threading.Barrier(5)

    def go() -> None:
        start.wait()
        run(tools, poll)

    threads = [threading.Thread(target=go) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(otto.asked) == 1
    assert (look.orders(), look.messages(), look.cursor().generation) == (["b56c7k2m9x"], [("accepted", [])], 1)


def test_who_comes_back_after_the_lease_stores_nothing(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock
) -> None:
    """The other one has read a later state of the order meanwhile."""
    cancelled = order(item(status="CANCELLED_BY_MARKETPLACE"), changed=LATER)

    def meanwhile() -> None:
        otto.before = lambda: None
        clock.advance(LEASE.total_seconds())
        otto.pages = [said(page(order(), cancelled)), said(page(order(orderNumber="late", salesOrderId="2")))]
        run(tools, poll)

    otto.before = meanwhile
    assert not run(tools, poll)
    assert look.orders() == ["b56c7k2m9x"]
    assert look.jobs() == {"20": "cancelled"}
    assert look.cursor().generation == 2


# --- what they may answer ----------------------------------------------------------------------------------------


def test_429_waits_as_long_as_they_say_and_asks_for_the_same_page(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, again: Callable[..., bool]
) -> None:
    otto.pages = [said(page(order(), further="x")), answer("429 Slow", "Retry-After: 90")]
    run(tools, poll)
    assert not run(tools, poll)
    cursor = look.cursor()
    assert (cursor.failures, cursor.error) == (1, "unexpected_status (429)")
    assert cursor.due_at == clock() + timedelta(seconds=90)
    again(90)
    assert otto.asked[1] == otto.asked[2] == {"nextcursor": "x"}
    assert (look.cursor().failures, look.cursor().error) == (0, None)


def test_failures_wait_twice_as_long_each_time_and_never_longer_than_a_quarter_of_an_hour(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, again: Callable[..., bool]
) -> None:
    otto.last = answer("503 Away")
    waits = []
    for _ in range(10):
        again(1000)
        waits.append((look.cursor().due_at - clock()).total_seconds())
    assert waits == [5.5, 11, 22, 44, 88, 176, 352, 704, 990, 990]  # with a tenth of jitter
    otto.last = said(page())
    again(1000)
    assert (look.cursor().failures, look.cursor().due_at) == (0, clock() + poll.interval)


def test_who_asks_for_more_patience_than_we_have_gets_what_we_have(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock
) -> None:
    otto.last = answer("429 Slow", "Retry-After: 86400")
    run(tools, poll)
    assert look.cursor().due_at == clock() + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("rate", "seconds"), [("0.5", 2), ("20", 0.05), ("0.0001", 0), ("0", 0), ("-1", 0), ("nan", 0), ("fast", 0)]
)
def test_their_rate_paces_the_next_page(
    tools: Tools, poll: Poll, otto: Polled, look: Look, clock: Clock, rate: str, seconds: float
) -> None:
    otto.pages = [said(page(further="x"), f"x-amzn-RateLimit-Limit: {rate}")]
    assert run(tools, poll) is (seconds == 0)
    assert look.cursor().due_at == clock() + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (answer("302 There", "Location: /elsewhere"), "redirect (302)"),
        (answer("500 Oh"), "unexpected_status (500)"),
        (answer("404 No"), "unexpected_status (404)"),
        (said(b"<html/>"), "page_unreadable (not_json)"),
        (said({"hello": []}), "page_unreadable (no_page)"),
        (said(b"[" + b" " * service.MAX_PAGE + b"]"), "page_too_large"),
        (lambda sock, request: None, "timeout"),
        (lambda sock, request: sock.close(), None),
    ],
)
def test_what_is_no_page_is_a_failure_with_a_name(
    tools: Tools, poll: Poll, otto: Polled, look: Look, behaviour: Any, error: str | None
) -> None:
    otto.pages = [behaviour]
    assert not run(tools, poll)
    found = look.cursor()
    assert (found.failures, found.cursor) == (1, None)
    assert found.error == error if error else found.error in {"connection_reset", "bad_response", "timeout"}
    assert len(otto.asked) == 1


def test_an_address_where_we_do_not_go_is_not_asked(tools: Tools, poll: Poll, otto: Polled, look: Look) -> None:
    inner = f"http://169.254.169.254:{otto.receiver.port}"
    run(tools, replace(poll, base_url=inner))
    assert (look.cursor().error, otto.asked) == ("blocked_by_policy", [])


class Blind(OttoAdapter):
    """Trips over every page."""

    def read_page(self, response: RawMessage, cursor: str | None, now: Any) -> Page:
        raise KeyError("a fault of ours")


def test_a_page_that_we_trip_over_is_asked_for_again_when_its_lease_ends(
    tools: Tools, poll: Poll, clock: Clock
) -> None:
    with pytest.raises(KeyError):
        run(tools, replace(poll, adapter=Blind({})))
    assert not is_due(tools, poll)
    clock.advance(LEASE.total_seconds())
    assert is_due(tools, poll)


# --- tokens --------------------------------------------------------------------------------------------------------


@pytest.fixture
def tokens(receivers: Callable[[], Receiver]) -> TokenServer:
    return TokenServer(receivers())


@pytest.fixture
def guarded(tools: Tools, poll: Poll, otto: Polled, tokens: TokenServer) -> Poll:
    """OTTO takes the newest token and no other."""
    wish = {"scheme": "oauth2", "token_url": tokens.url, "client_id": "client", "client_secret": tokens.secret}

    def ask(grant: Any, credentials: Any) -> Tokens:
        return Tokens(tools.transport, tools.runtime.clock, grant, credentials)

    def guard(sock: Any, request: Any) -> None:
        good = tokens.given and request.headers.get("authorization") == f"Bearer {tokens.given[-1]}"
        (said(page(order())) if good else answer("401 No"))(sock, request)

    otto.last = guard
    return replace(poll, scheme=schemes.outgoing("oauth2", schemes.loaded(wish), ask))


def test_a_token_is_asked_for_once_and_kept(tools: Tools, guarded: Poll, tokens: TokenServer, clock: Clock) -> None:
    run(tools, guarded)
    clock.advance(60)
    run(tools, guarded)
    assert tokens.given == ["token-1"]


def test_a_401_renews_the_token_and_asks_again_at_once(
    tools: Tools, guarded: Poll, otto: Polled, look: Look, tokens: TokenServer, clock: Clock
) -> None:
    run(tools, guarded)
    tokens.given.append("token-of-somebody-else")  # ours is not taken any more
    clock.advance(60)
    run(tools, guarded)
    assert len(tokens.asked) == 2
    assert [one.headers["authorization"] for one in otto.receiver.got[1:]] == ["Bearer token-1", "Bearer token-3"]
    assert (look.orders(), look.cursor().failures) == (["b56c7k2m9x"], 0)


def test_a_401_that_a_new_token_does_not_help_is_a_failure(
    tools: Tools, guarded: Poll, otto: Polled, look: Look, tokens: TokenServer
) -> None:
    otto.last = answer("401 No")
    run(tools, guarded)
    assert (len(otto.asked), len(tokens.given)) == (2, 2)
    assert look.cursor().error == "unexpected_status (401)"


def test_without_a_token_nobody_is_asked(
    tools: Tools, guarded: Poll, otto: Polled, look: Look, tokens: TokenServer
) -> None:
    tokens.secret = "another one"
    run(tools, guarded)
    assert (otto.asked, look.cursor().error) == ([], "token_refused (401)")
