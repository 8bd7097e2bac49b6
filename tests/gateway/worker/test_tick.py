"""The tick: one of all, every second, whatever happens to PostgreSQL and Redis."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from sqlalchemy import text

from gateway.runtime import Runtime
from gateway.worker.tick import Ticker
from gateway.worker.wake import Bell
from tests.support.clock import Clock
from tests.support.outbox import add_endpoint, event, eventually, say


@pytest.fixture
def tickers(runtime: Runtime, redis_url: str) -> Iterator[list[Ticker]]:
    bell = Bell(redis_url)
    made = [Ticker(runtime, bell), Ticker(runtime, bell)]
    yield made
    for ticker in made:
        ticker.close()
    bell.close()


def jobs(redis_url: str) -> int:
    with redis.from_url(redis_url) as client:
        return int(client.llen("rq:queue:deliver"))


def test_rings_when_something_is_due_and_only_then_r3(
    tickers: list[Ticker], runtime: Runtime, redis_url: str, clock: Clock
) -> None:
    add_endpoint(runtime.sessions, "http://127.0.0.1:1/")
    tickers[0].tick()
    assert jobs(redis_url) == 0
    say(runtime.sessions, event("job_1"), now=clock())

    tickers[0].tick()

    assert jobs(redis_url) == 1


def test_of_two_only_one_ticks_and_the_other_takes_over_q9(tickers: list[Ticker]) -> None:
    first, second = tickers
    assert first.tick()
    assert not second.tick()
    assert first.tick()

    first.close()

    # The server gives the lock back when it has noticed that the connection is gone.
    assert eventually(second.tick)
    assert not first.tick()


def test_a_lost_database_is_told_once_and_the_lock_is_taken_anew_r7(
    tickers: list[Ticker], runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = tickers
    assert first.tick()
    with runtime.engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )

    with caplog.at_level(logging.WARNING):
        assert not first.tick()
        assert first.tick()

    assert not second.tick()
    assert [record.getMessage() for record in caplog.records] == [
        "the database is away: OperationalError",
        "the database is back",
    ]


def test_ticks_on_while_redis_is_away_r6(runtime: Runtime, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    add_endpoint(runtime.sessions, "http://127.0.0.1:1/")
    say(runtime.sessions, event("job_1"), now=clock())
    bell = Bell("redis://127.0.0.1:1/0")
    ticker = Ticker(replace(runtime), bell)

    with caplog.at_level(logging.WARNING):
        assert [ticker.tick() for _ in range(3)] == [True, True, True]

    assert len(caplog.records) == 1
    ticker.close()
    bell.close()
