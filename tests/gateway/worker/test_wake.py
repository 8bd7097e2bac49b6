"""The bell: coalesced, and never in the way."""

import json
import logging
import socket
import time
import zlib

import pytest
import redis

from gateway.worker import wake
from gateway.worker.wake import Bell
from tests.support.outbox import eventually


def test_many_rings_are_one_job_until_the_drainer_takes_the_key_down(redis_url: str) -> None:
    bell, client = Bell(redis_url), redis.from_url(redis_url)

    eventually(lambda: bell.wake("deliver") or client.exists("wake:deliver"))
    for _ in range(10):
        bell.wake("deliver")
    assert client.llen("rq:queue:deliver") == 1
    assert 0 < client.ttl("wake:deliver") <= 5
    client.delete(wake.key("deliver"))

    # On a busy machine a ring may be given up after a tenth of a second, and then the next second's counts.
    assert eventually(lambda: bell.wake("deliver") or client.llen("rq:queue:deliver") == 2)
    bell.close()
    client.close()


def test_a_job_names_a_task_and_nothing_else_q12_q14_q15(redis_url: str) -> None:
    bell, client = Bell(redis_url), redis.from_url(redis_url)
    eventually(lambda: bell.wake("deliver") or client.keys("rq:job:*"))

    [job] = [client.hgetall(key) for key in client.keys("rq:job:*")]

    assert json.loads(zlib.decompress(job[b"data"])) == ["gateway.worker.tasks.deliver", None, [], {}]
    assert (job[b"description"], job[b"result_ttl"], job[b"failure_ttl"]) == (b"deliver", b"0", b"86400")
    bell.close()
    client.close()


def test_a_dead_redis_costs_one_short_wait_a_second_and_one_log_line_r6(caplog: pytest.LogCaptureFixture) -> None:
    # Listens, and never answers.
    with socket.create_server(("127.0.0.1", 0)) as deaf, caplog.at_level(logging.WARNING):
        bell = Bell(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        start = time.monotonic()
        for _ in range(1000):
            bell.wake("deliver")
        took = time.monotonic() - start
        bell.close()

    assert took < 0.5
    assert [record.levelname for record in caplog.records] == ["WARNING"]
