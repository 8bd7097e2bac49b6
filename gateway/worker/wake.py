"""The bell: tells the workers that something may be due. A lost ring costs seconds, never a delivery.

Whoever commits calls it, after the commit. It names its tasks by their dotted path, so that nothing of the worker is
loaded where it is rung.
"""

import logging
import threading
from time import monotonic
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

DELIVER: Final = "deliver"
TASKS: Final = {DELIVER: "gateway.worker.tasks.deliver"}
"""Queue → the one task that is put there."""

COALESCED: Final = 5
"""Seconds for which one ring stands for all; the drainer takes it down before it looks."""

PAUSE: Final = 0.02
"""Seconds between two rings of one process. The first after a silence is at once."""

TIMEOUT: Final = 0.1
SILENCE: Final = 1.0
KEEP_FAILURES: Final = 86400


def key(queue: str) -> str:
    return f"wake:{queue}"


class Ringer(threading.Thread):
    """Rings the bell for the threads that answer requests, so that none of them waits for Redis."""

    def __init__(self, bell: "Bell") -> None:
        super().__init__(name="ringer", daemon=True)
        self._bell = bell
        self._asked = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Something was committed. Costs nothing; many at once are one ring."""
        self._asked.set()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.set()
        self.join()
        self._bell.close()

    def run(self) -> None:
        last = False
        while not last:
            self._asked.wait()
            self._asked.clear()
            last = self._stopping.is_set()
            self._bell.wake(DELIVER)
            # Whatever is committed meanwhile is one ring: under load, one an order would cost a tenth of the order.
            self._stopping.wait(PAUSE)


class Bell:
    """Rings through Redis. While Redis is away it costs one timeout of 100 ms, then nothing for a second."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        self._silent_until = 0.0
        self._away = False

    def wake(self, queue: str) -> None:
        """Have this queue's workers look for what is due. Raises nothing."""
        if monotonic() < self._silent_until:
            return
        try:
            if not self._redis.exists(key(queue)):
                self._enqueue(queue)
        except RedisError as error:
            self._silent_until = monotonic() + SILENCE
            if not self._away:
                log.warning("Redis is away, nobody is woken: %s", type(error).__name__)
            self._away = True
        else:
            if self._away:
                log.warning("Redis is back")
            self._away = False

    def close(self) -> None:
        self._redis.close()

    def _enqueue(self, queue: str) -> None:
        # The key and the job together or not at all: a key without a job would silence everybody.
        with self._redis.pipeline(transaction=True) as pipe:
            Queue(queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
                TASKS[queue], timeout=30, result_ttl=0, failure_ttl=KEEP_FAILURES, description=queue, pipeline=pipe
            )
            pipe.set(key(queue), 1, ex=COALESCED)
            pipe.execute()
