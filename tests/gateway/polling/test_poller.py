"""The thread that polls, and the worker process that it runs in."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import OperationalError
from sqlalchemy import select

from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.partners.tables import Partner
from gateway.polling import service
from gateway.polling.poller import Poller
from gateway.polling.service import LEASE, Poll, Tools
from gateway.polling.tables import PollCursor
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from tests.support.clock import Clock
from tests.support.otto import order, page
from tests.support.outbox import eventually
from tests.support.polled import Look, Polled, said
from tests.support.receiver import Receiver

PROGRAM = """
import sys
from ipaddress import ip_network
from gateway.worker import process as worker
from gateway.config import Settings
worker.run(Settings(database_url=sys.argv[1], redis_url=sys.argv[2], secret_key=bytes(range(32)),
                    egress_allow=(ip_network("127.0.0.0/8"),)))
"""


@pytest.fixture
def start(tools: Tools) -> Iterator[Callable[..., Poller]]:
    started: list[Poller] = []

    def go(*polls: Poll, find: Any = None, **changes: Any) -> Poller:
        started.append(Poller(replace(tools, **changes), find or (lambda: polls), every=0.02))
        started[-1].start()
        return started[-1]

    yield go
    for poller in started:
        poller.stop()
        poller.join(10)
        assert not poller.is_alive()


def test_all_pages_are_read_without_waiting_for_the_next_look(
    start: Callable[..., Poller], poll: Poll, otto: Polled, look: Look
) -> None:
    otto.pages = [said(page(order(orderNumber=f"{n}", salesOrderId=f"{n}"), further=f"p{n}")) for n in range(5)]
    start(poll)
    eventually(lambda: len(look.orders()) == 5)
    eventually(lambda: len(otto.asked) == 6)


def test_new_orders_wake_whoever_delivers(start: Callable[..., Poller], tools: Tools, poll: Poll, otto: Polled) -> None:
    woken = threading.Event()
    otto.pages = [said(page(order()))]
    start(poll, runtime=replace(tools.runtime, wake=woken.set))
    assert woken.wait(10)


def test_one_who_never_answers_holds_up_no_other(
    start: Callable[..., Poller], receivers: Callable[[], Receiver], poll: Poll, otto: Polled, look: Look
) -> None:
    slow = Polled(receivers(), last=lambda sock, request: None)
    otto.last = said(page(order()))
    start(replace(poll, connection_id="con_0", name="slow", base_url=slow.url), poll)
    eventually(lambda: look.orders() == ["b56c7k2m9x"])
    eventually(lambda: look.cursor("con_0").error == "timeout")


def test_several_pollers_ask_each_partner_once(
    start: Callable[..., Poller], poll: Poll, otto: Polled, look: Look
) -> None:
    otto.pages = [said(page(order(orderNumber=f"{n}", salesOrderId=f"{n}"), further=f"p{n}")) for n in range(4)]
    for _ in range(3):
        start(poll)
    eventually(lambda: look.cursor().generation == 5)
    assert len(look.orders()) == len(look.messages()) == 4
    assert len(otto.asked) == 5


@pytest.mark.parametrize("error", [OperationalError("away"), KeyError("a fault of ours")])
def test_a_look_that_fails_is_not_the_last(
    start: Callable[..., Poller], poll: Poll, otto: Polled, look: Look, error: Exception
) -> None:
    failures = [error, error]

    def find() -> list[Poll]:
        if failures:
            raise failures.pop()
        return [poll]

    otto.last = said(page(order()))
    start(find=find)
    eventually(lambda: look.orders() == ["b56c7k2m9x"])


def test_a_poll_that_fails_in_us_is_tried_again_when_its_lease_ends(
    start: Callable[..., Poller], poll: Poll, otto: Polled, look: Look, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = service._read, [KeyError("a fault of ours")]

    def read(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(service, "_read", read)
    otto.last = said(page(order()))
    start(poll)
    eventually(lambda: not failures)
    clock.advance(LEASE.total_seconds())
    eventually(lambda: look.orders() == ["b56c7k2m9x"])


def test_stopped_it_finishes_the_page_in_hand_and_begins_no_other(
    start: Callable[..., Poller], poll: Poll, otto: Polled, look: Look
) -> None:
    arrived, go = threading.Event(), threading.Event()

    def before() -> None:
        arrived.set()
        go.wait(0.5)

    otto.before = before
    otto.last = said(page(order(), further="x"))
    poller = start(poll)
    assert arrived.wait(10)
    poller.stop()
    go.set()
    poller.join(10)
    assert look.orders() == ["b56c7k2m9x"]
    assert len(otto.asked) == 1


def test_the_worker_in_earnest_polls_killed_or_not(seeded: Runtime, tenant: Tenant, otto: Polled, look: Look) -> None:
    """The first worker is killed in the middle of a page, and the second one reads it."""
    secret = json.dumps({"scheme": "bearer", "token": "hush"})
    new = NewConnection(tenant=tenant, door="poll", name="otto", secret=secret, options={"base_url": otto.url})
    with seeded.sessions.begin() as session:
        session.scalars(select(Partner).where(Partner.slug == "otto")).one().adapter = "otto"
        connection = connections.add(session, seeded.vault, new, "otto", seeded.clock())
    hangs = threading.Event()
    otto.pages = [lambda sock, request: hangs.set()]
    otto.last = said(page(order()))
    arguments = [seeded.settings.database_url, seeded.settings.redis_url]
    for turn in range(2):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], cwd=Path(__file__).parents[3])
        try:
            if turn == 0:
                assert hangs.wait(30)
            else:
                eventually(lambda: look.orders() == ["b56c7k2m9x"], within=30)
        finally:
            process.kill()
            process.wait(10)
        with seeded.sessions.begin() as session:  # a minute later
            session.get_one(PollCursor, connection.id).leased_until = None
    assert look.messages() == [("accepted", [])]
    assert [one.headers["authorization"] for one in otto.receiver.got] == ["Bearer hush"] * 2
