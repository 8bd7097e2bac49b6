"""The tick: every second, one process of all looks whether something is due, and rings."""

import logging
import signal
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from types import FrameType

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway import runtime as runtimes
from gateway.config import Settings
from gateway.runtime import Runtime
from gateway.worker import wake
from gateway.worker.rounds import Rounds, rounds
from gateway.worker.wake import Bell
from webhooks import delivery, endpoints
from webhooks.hours import DatabaseClock

log = logging.getLogger(__name__)

INTERVAL = 1.0
CONNECTIONS = 4
"""The tick holds one, every round another one or two, and who asks for the time one."""

LOCK = 0x5354_4B54
"""The advisory lock of whoever ticks. PostgreSQL gives it back when the connection ends, however it ends."""

LINGER = timedelta(minutes=10)
"""How long after an endpoint's deletion what waited for it is ended, bit by bit. Who still knew it may have written
more; no transaction may live that long.
"""


def run(settings: Settings) -> None:
    """Tick until SIGTERM or SIGINT."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runtime, bell = runtimes.build(settings, pool_size=CONNECTIONS), Bell(settings.redis_url)
    runtime = replace(runtime, clock=DatabaseClock(runtime.engine))
    ticker = Ticker(runtime, bell)
    # Who goes the rounds rings nobody: the next tick finds what they have made due.
    going = Rounds(runtime, lambda: ticker.ours, rounds())
    going.start()
    while not stopping.is_set():
        ticker.tick()
        stopping.wait(INTERVAL)
    going.stop()
    ticker.close()
    bell.close()
    runtime.close()


class Ticker:
    """Ticks where it holds the lock; elsewhere it waits for its turn."""

    def __init__(self, runtime: Runtime, bell: Bell) -> None:
        self._runtime = runtime
        self._bell = bell
        self._connection: Connection | None = None
        self._ours = False
        self._away = False

    @property
    def ours(self) -> bool:
        """Whether the last tick was ours to make."""
        return self._ours

    def tick(self) -> bool:
        """One tick; whether it was ours to make. Survives the database."""
        try:
            ours = self._turn()
        except (OperationalError, InterfaceError) as error:
            if not self._away:
                log.warning("the database is away: %s", type(error).__name__)
            self._away, ours = True, False
            self.close()
        else:
            if self._away:
                log.warning("the database is back")
            self._away = False
        return ours

    def close(self) -> None:
        """Give the lock back by ending its connection."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
        self._connection, self._ours = None, False

    def _turn(self) -> bool:
        if self._connection is None:
            self._connection = self._runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # Asked each time: a lost connection is noticed here, and with it the lock.
        query = text("SELECT true") if self._ours else select(text(f"pg_try_advisory_lock({LOCK})"))
        self._ours = self._connection.scalar(query) is True
        if self._ours:
            self._look(self._runtime.clock())
        return self._ours

    def _look(self, now: datetime) -> None:
        with Session(self._connection) as session:
            endpoints.end_orphans(session, since=now - LINGER, now=now)
            due = delivery.is_due(session, now)
        if due:
            self._bell.wake(wake.DELIVER)
