"""kill -9 of the web process at the points that hurt: every order is there once, whatever the client has heard."""

import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests

from tests.faults.conftest import is_ready
from tests.faults.shop import ORDERS, Inbox, Shop, order
from tests.support.proxy import losing_answers
from tests.support.system import STECKER, System, eventually, free_port

TOGETHER = 20


def orders_of(shop: Shop, number: str) -> list[str]:
    return [one["id"] for one in shop.get(ORDERS, partner_order_id=number)["items"]]


def test_killed_between_the_commit_and_the_answer_r2(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    web = system.pids()["web"]
    with losing_answers(system.port, lambda: system.kill("web")) as port:
        cut = Shop(f"http://127.0.0.1:{port}", shop.token)
        with pytest.raises(requests.RequestException):
            cut.order(name)
    system.replaced("web", web)

    told = shop.insist(name)
    assert told.replayed
    assert orders_of(shop, name) == [told.order_id]
    assert shop.order(name).json() == shop.order(name).json()
    inbox.wait_for(told)
    assert [inbox.of(job) for job in told.jobs] == [[1, 2]]


def test_killed_while_its_transaction_is_under_way_r1(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    """The commit may have been sent behind the statement that waits: then it is there, and else it never was."""
    web = system.pids()["web"]
    with system.owner() as owner, owner.transaction():
        owner.execute("LOCK TABLE support_order IN SHARE MODE")
        with posting(system.port, shop.token, name):
            eventually(lambda: waiting(owner), "the order waits for the lock")
            system.kill("web")
    system.replaced("web", web)
    with system.owner() as owner:
        eventually(lambda: not waiting(owner), "what was begun has ended")
    eventually(lambda: is_ready(system), "the web process serves again")
    before = orders_of(shop, name)

    told = shop.insist(name)
    assert before == ([told.order_id] if told.replayed else [])
    assert orders_of(shop, name) == [told.order_id]
    inbox.wait_for(told)
    assert [inbox.of(job) for job in told.jobs] == [[1, 2]]


def waiting(owner: psycopg.Connection[Any]) -> bool:
    """A transaction waits for a lock."""
    found = owner.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None and found[0] > 0


@pytest.mark.parametrize("rounds", [2, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_killed_at_any_moment_with_many_orders_under_way_r1_r2(
    system: System, shop: Shop, inbox: Inbox, name: str, seed: int, rounds: int
) -> None:
    chance = random.Random(seed)
    for number in range(rounds):
        numbers = [f"{name}-{number}-{place}" for place in range(TOGETHER)]
        # From before the first answer to behind the last one.
        pause = chance.uniform(0, 0.3)
        send_and_never_read(system, shop, numbers, pause)

        told = [shop.insist(one) for one in numbers]
        case = f"seed {seed}, round {number}, killed after {pause:.4f} s"
        assert [orders_of(shop, one.number) for one in told] == [[one.order_id] for one in told], case
        inbox.wait_for(*told)
        assert {job: inbox.of(job) for one in told for job in one.jobs} == {
            job: [1, 2] for one in told for job in one.jobs
        }, case


def send_and_never_read(system: System, shop: Shop, numbers: list[str], pause: float) -> None:
    """Send the orders to a web process of its own, all at once, and kill it so many seconds later."""
    port = free_port()
    command = (*STECKER, "web", "--port", str(port), "--data-dir", str(system.data.root))
    with subprocess.Popen(command, env=system.environ, stdin=subprocess.DEVNULL) as web:
        try:
            eventually(lambda: listens(port) or web.poll() is not None, "the other web process serves")
            connections = [socket.create_connection(("127.0.0.1", port)) for _ in numbers]
            for connection, number in zip(connections, numbers, strict=True):
                connection.sendall(request(port, shop.token, number))
            time.sleep(pause)  # the moment of the kill is what is tried here
        finally:
            web.kill()
    for connection in connections:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def request(port: int, token: str, number: str) -> bytes:
    """The bytes that `Shop.order` means."""
    prepared = requests.Request(
        "POST",
        f"http://127.0.0.1:{port}{ORDERS}",
        json=order(number),
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": number, "Host": f"127.0.0.1:{port}"},
    ).prepare()
    head = "".join(f"{name}: {value}\r\n" for name, value in prepared.headers.items())
    assert isinstance(prepared.body, bytes)
    return f"POST {ORDERS} HTTP/1.1\r\n{head}\r\n".encode() + prepared.body


@contextmanager
def posting(port: int, token: str, number: str) -> Iterator[None]:
    """An order on its way, whose answer nobody reads."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request(port, token, number))
        yield
