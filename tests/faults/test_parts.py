"""kill -9 of every other part of the running system, at the points that hurt: nothing acknowledged is ever lost."""

import signal
import socket
import sys
import threading
from collections.abc import Callable

import pytest
import redis

from gateway import embedded
from tests.faults.conftest import is_ready, readiness
from tests.faults.looking import end_leases, settle, ticking
from tests.faults.shop import Acknowledged, Inbox, Shop, ordering
from tests.support.receiver import NO_CONTENT, Behaviour, Received, answer
from tests.support.system import System, alive, eventually

WORKERS = ("worker 1", "worker 2")


def restart_workers(system: System, how: Callable[[str], int]) -> None:
    for name, pid in [(name, how(name)) for name in WORKERS]:
        system.replaced(name, pid)


def ids(inbox: Inbox, job: str) -> list[str]:
    return [one.webhook_id for one in inbox.arrivals if one.job == job]


def test_a_worker_killed_while_it_posts_r5(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    inbox.react = hang
    told = shop.insist(name)
    [job] = told.jobs
    inbox.wait(lambda: inbox.of(job) == [1], "the first step is being posted")

    restart_workers(system, system.kill)
    inbox.react = NO_CONTENT
    inbox.wait_for(shop.insist(f"{name}-other"))
    assert inbox.of(job) == [1], "nobody else sends before the lease has ended"
    end_leases(system, told.jobs)
    inbox.wait_for(told)

    assert inbox.of(job) == [1, 1, 2]
    first, again, second = ids(inbox, job)
    assert first == again != second


def hang(sock: socket.socket, request: Received) -> None:
    sock.recv(1)


def test_a_worker_killed_between_the_answer_and_its_record_r5(
    system: System, shop: Shop, inbox: Inbox, name: str
) -> None:
    answered, go_on = threading.Event(), threading.Event()

    def answer_late(sock: socket.socket, request: Received) -> None:
        answered.set()
        go_on.wait(10)
        NO_CONTENT(sock, request)

    inbox.react = answer_late
    told = shop.insist(name)
    [job] = told.jobs
    inbox.wait(lambda: inbox.of(job) == [1], "the first step is being posted")
    with system.owner() as owner, owner.transaction():
        # A recorder never waits for a mailbox that somebody holds: it comes back for it.
        owner.execute("SELECT FROM webhook_mailbox WHERE subject = %s FOR UPDATE", [job])
        go_on.set()
        inbox.react = NO_CONTENT
        inbox.wait_for(shop.insist(f"{name}-other"))
        restart_workers(system, system.kill)
    end_leases(system, told.jobs)
    inbox.wait_for(told)

    assert inbox.of(job) == [1, 1, 2]
    first, again, second = ids(inbox, job)
    assert first == again != second


def test_the_tick_killed_while_a_retry_is_due(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    before = ticking(system)
    inbox.react = failing_once()
    pid = system.kill("tick")
    told = shop.insist(name)

    system.replaced("tick", pid)
    eventually(lambda: ticking(system) not in (None, before), "the new one has the lock")
    inbox.wait_for(told)
    assert [inbox.of(job) for job in told.jobs] == [[1, 1, 2]]


def failing_once() -> Behaviour:
    answers = iter([answer("500 Internal Server Error")])
    return lambda sock, request: next(answers, NO_CONTENT)(sock, request)


def test_redis_paused_killed_and_flushed_r6(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    pid = system.kill("redis", signal.SIGSTOP)
    paused = [shop.order(f"{name}-paused-{number}") for number in range(5)]
    assert [one.status_code for one in paused] == [201] * 5
    assert readiness(system) == "degraded"
    inbox.wait_for(*(shop.insist(f"{name}-paused-{number}") for number in range(5)))

    system.kill("redis")
    killed = [shop.order(f"{name}-killed-{number}") for number in range(5)]
    assert [one.status_code for one in killed] == [201] * 5
    system.replaced("redis", pid)
    eventually(lambda: is_ready(system), "Redis is there again")
    with redis.from_url(embedded.attach(system.data.root)["STECKER_REDIS_URL"]) as client:
        eventually(lambda: client.scard("rq:workers") >= len(WORKERS), "the workers listen again")
        client.flushall()
    inbox.wait_for(*(shop.insist(f"{name}-{when}-{number}") for when in ("killed", "flushed") for number in range(5)))
    assert all(inbox.of(job) == [1, 2] for job in {one.job for one in inbox.arrivals if one.job})


def cut(system: System) -> None:
    with system.owner() as owner:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'stecker_app'")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda system: system.kill("postgres", signal.SIGINT), id="restarted"),
        pytest.param(lambda system: system.kill("postgres", signal.SIGQUIT), id="stopped at once"),
        pytest.param(lambda system: system.kill("postgres", signal.SIGKILL), id="killed"),
        pytest.param(cut, id="every connection cut"),
    ],
)
def test_postgresql_goes_and_comes_back_r7(
    system: System, shop: Shop, inbox: Inbox, name: str, fault: Callable[[System], object]
) -> None:
    """503 with Retry-After or success, never a 2xx that is not so; and nobody has to be started again for it."""
    before = {one: pid for one, pid in system.pids().items() if one != "postgres"}
    with ordering(shop, name) as told:
        eventually(lambda: len(told) > 30, "orders come in")
        fault(system)
        well = len(told)
        eventually(lambda: len(told) > well + 60, "orders come in again")
    assert {one: pid for one, pid in system.pids().items() if one != "postgres"} == before
    settle(system, inbox, told)
    assert inbox.out_of_order() == {}
    assert {one.number: one.order_id for one in told} == stored(shop, told)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_the_supervisor_killed(system: System, shop: Shop, inbox: Inbox, name: str) -> None:
    with ordering(shop, name) as told:
        eventually(lambda: len(told) > 30, "orders come in")
        running = system.pids()
        system.end(signal.SIGKILL)
        eventually(lambda: alive(running) == [], "nobody is left")
        well = len(told)
        system.start()
        eventually(lambda: len(told) > well + 30, "orders come in again")
    settle(system, inbox, told)
    assert inbox.out_of_order() == {}
    assert {one.number: one.order_id for one in told} == stored(shop, told)


def stored(shop: Shop, told: list[Acknowledged]) -> dict[str, str]:
    """The orders of these numbers that are there, each once."""
    numbers = {one.number for one in told}
    found = [(one["partner_order_id"], one["id"]) for one in shop.pages("/v1/orders")]
    mine = [pair for pair in found if pair[0] in numbers]
    assert len(mine) == len(dict(mine))
    return dict(mine)
