"""What is done again and again, beside the deliveries: a thread of the process that ticks, and only of that one."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.folders import service as folders
from gateway.front import DATABASE_AWAY
from gateway.privacy import service as privacy
from gateway.runtime import Runtime

log = logging.getLogger(__name__)

PAUSE = 0.5


@dataclass(slots=True)
class Round:
    """`go` at least `every` seconds after the last time. Each may be cut off anywhere, and goes on the next time."""

    name: str
    every: float
    go: Callable[[Runtime], object]
    last: float = field(default=float("-inf"))


def rounds() -> list[Round]:
    """All of them."""
    return [Round("folders", 1.0, folders.look), Round("privacy", 600.0, _erase)]


def _erase(runtime: Runtime) -> None:
    with runtime.sessions.begin() as session:
        privacy.sweep(session, runtime.vault, runtime.clock())


class Rounds(threading.Thread):
    """Goes its rounds while `ours` says so. One that fails is logged, and stops no other."""

    def __init__(self, runtime: Runtime, ours: Callable[[], bool], these: Sequence[Round]) -> None:
        super().__init__(name="rounds", daemon=True)
        self._runtime, self._ours, self._these = runtime, ours, these
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.wait(PAUSE):
            if self._ours():
                self.turn(time.monotonic())

    def turn(self, now: float) -> None:
        """Whatever is due, one after the other."""
        for one in self._these:
            if now - one.last >= one.every and not self._stopping.is_set():
                one.last = now
                try:
                    one.go(self._runtime)
                except DATABASE_AWAY as error:
                    log.warning("the database is away from %s: %s", one.name, type(error).__name__)
                except Exception as error:  # the outermost frame of a round: the next one is gone all the same
                    log.exception("round_failed: %s: %s", one.name, type(error).__name__)
