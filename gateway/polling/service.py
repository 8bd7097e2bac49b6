"""One page of one partner: leased, asked for, read, and stored with the cursor behind it in one transaction.

Whatever ends us in between, the lease ends too and the same page comes again: its documents are known, or were never
stored. No transaction is open while anybody is asked.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from adapters.contract import Adapter, Page, PageRequest, Pollable, RawMessage
from adapters.errors import TranslationError
from gateway import clocks
from gateway.intake.arrival import Arrival
from gateway.polling import cursors, documents
from gateway.polling.cursors import Claim, Lost
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks.calling import exchange
from webhooks.policy import JITTER, Answer, fault, wished_delay
from webhooks.schemes import Scheme, Sent
from webhooks.transport import Request, Transport

log = logging.getLogger(__name__)

MAX_PAGE = 8 * 1024 * 1024
LEASE = timedelta(minutes=1)
"""Longer than any answer and any storing takes; also how long a page waits whose reader was killed."""

FIRST, LONGEST = timedelta(seconds=5), timedelta(minutes=15)
"""The wait after the first failure, which doubles, and the longest one, which a partner may ask for, too."""

RATE = "x-amzn-ratelimit-limit"
"""Requests a second. https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits"""

USER_AGENT = "Stecker/1 (+polling)"


class PollingAdapter(Adapter, Pollable, Protocol):
    """A dialect that polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A partner to ask. `name` is that of the connection and of its door, `interval` is from one round to the next."""

    connection_id: str
    name: str
    tenant: Tenant
    adapter: PollingAdapter
    base_url: str
    scheme: Scheme
    interval: timedelta

    @property
    def door(self) -> str:
        return f"{documents.DOORS}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a poll is made with, all of it handed in. `chance` gives a number in [0, 1)."""

    runtime: Runtime
    transport: Transport
    chance: Callable[[], float]


class Unreadable(Exception):
    """An answer that is no page. The text is its stable name."""


def due(session: Session, polls: Sequence[Poll], now: datetime) -> list[Poll]:
    """Those that may be asked now, and that nobody asks."""
    waiting = cursors.waiting(session, [poll.connection_id for poll in polls], now)
    return [poll for poll in polls if poll.connection_id not in waiting]


def run(tools: Tools, poll: Poll) -> bool:
    """The next page, if it is due; whether another one is due at once."""
    runtime = tools.runtime
    with runtime.sessions.begin() as session:
        held = cursors.claim(session, poll.connection_id, LEASE, runtime.clock())
    if held is None:
        return False
    now = runtime.clock()
    answer = _ask(tools.transport, poll, poll.adapter.page_request(held.cursor, now), now)
    try:
        page = _read(poll, answer, held.cursor, now)
    except Unreadable as error:
        _fail(tools, poll, held, answer, str(error))
        return False
    return _store(tools, poll, held, page, _pace(answer))


def _ask(transport: Transport, poll: Poll, wanted: PageRequest, now: datetime) -> Answer:
    query = f"?{urlencode(wanted.query)}" if wanted.query else ""
    request = Request(
        method=wanted.method,
        url=f"{poll.base_url.rstrip('/')}/{wanted.path.lstrip('/')}{query}",
        headers={**wanted.headers, "user-agent": USER_AGENT},
        body=wanted.body,
    )
    sent = Sent(id=poll.connection_id, body=wanted.body, at=now)
    until = monotonic() + transport.deadline
    return exchange(transport, poll.scheme, request, sent, until=until, most=MAX_PAGE + 1)


def _read(poll: Poll, answer: Answer, cursor: str | None, now: datetime) -> Page:
    """Raises `Unreadable`."""
    error = fault(answer)
    if error is not None:
        raise Unreadable(error if answer.status_code is None else f"{error} ({answer.status_code})")
    if len(answer.body) > MAX_PAGE:
        raise Unreadable("page_too_large")
    message = RawMessage(
        body=answer.body, media_type=answer.headers.get("content-type", ""), headers=answer.headers, method="GET"
    )
    try:
        return poll.adapter.read_page(message, cursor, now)
    except TranslationError as refused:
        codes = sorted({problem.code for problem in refused.problems})
        raise Unreadable(f"page_unreadable ({', '.join(codes)})") from None


def _pace(answer: Answer) -> timedelta:
    """How long the next page has to wait for its turn."""
    try:
        rate = float(answer.headers.get(RATE, ""))
    except ValueError:
        return timedelta()
    return min(timedelta(seconds=1 / rate), LONGEST) if rate > 1e-3 else timedelta()


def _store(tools: Tools, poll: Poll, held: Claim, page: Page, pace: timedelta) -> bool:
    runtime, now = tools.runtime, tools.runtime.clock()
    theirs = clocks.moment(runtime, poll.tenant)
    arrivals = [
        Arrival(runtime=runtime, tenant=poll.tenant, door=poll.door, message=message, now=theirs)
        for message in page.documents
    ]
    due_at = now + (pace if page.more else poll.interval)
    try:
        with runtime.sessions.begin() as session:
            cursors.move(session, held, page.cursor, due_at, now)
            documents.take(session, poll.adapter, arrivals)
    except Lost:
        log.warning("poll_lost: %s: the lease had ended", poll.name)
        return False
    if arrivals:
        runtime.wake()
    return page.more and not pace


def _fail(tools: Tools, poll: Poll, held: Claim, answer: Answer, error: str) -> None:
    now = tools.runtime.clock()
    delay = min(FIRST * 2 ** min(held.failures, 20), LONGEST) * (1 + JITTER * tools.chance())
    asked = wished_delay(answer.retry_after, LONGEST, now=now)
    log.warning("poll_failed: %s: %s", poll.name, error)
    try:
        with tools.runtime.sessions.begin() as session:
            cursors.put_off(session, held, error, now + max(delay, asked))
    except Lost:
        log.warning("poll_lost: %s: the lease had ended", poll.name)
