"""What is done again and again, beside the deliveries: a thread of the process that ticks, and only of that one."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.endpoints import health, mail, recovering
from gateway.folders import service as folders
from gateway.front import DATABASE_AWAY
from gateway.ops import metrics
from gateway.privacy import service as privacy
from gateway.requestlog import service as requestlog
from gateway.runtime import Runtime
from gateway.sandbox import runs
from gateway.sandbox.chaos import service as chaos
from gateway.sandbox.checkpoints import erasing as checkpoints
from gateway.sandbox.clock import advancing
from gateway.sandbox.inbox import service as inbox
from webhooks import retention
from webhooks.hours import Setbacks
from webhooks.retention import Keep

log = logging.getLogger(__name__)

PAUSE = 0.5
BATCHES = 20
"""Of retention in one round, some seconds; the others have their turn then. Enough for millions of messages a day."""


@dataclass(slots=True)
class Round:
    """`go` at least `every` seconds after the last time. Each may be cut off anywhere, and goes on the next time."""

    name: str
    every: float
    go: Callable[[Runtime], object]
    last: float = field(default=float("-inf"))


def rounds() -> list[Round]:
    """All of them."""
    return [
        Round("folders", 1.0, folders.look),
        Round("sandbox", 0.5, runs.go),
        Round("clocks", 0.5, advancing.go),
        Round("forgotten runs", 60.0, runs.forget),
        Round("privacy", 600.0, _erase),
        Round("retention", 60.0, _expire),
        Round("inboxes", 60.0, inbox.sweep),
        Round("requests", 300.0, requestlog.sweep),
        Round("chaos", 300.0, chaos.sweep),
        Round("checkpoints", 300.0, checkpoints.sweep),
        Round("health", 30.0, health.look),
        Round("metrics", 5.0, metrics.count),
        Round("mail", 60.0, mail.write_all),
        Round("recoveries", 0.5, recovering.go),
        Round("setbacks", 5.0, Hours().look),
    ]


class Hours:
    """Whether the clock that all go by was set back."""

    def __init__(self) -> None:
        self._setbacks = Setbacks()

    def look(self, runtime: Runtime) -> None:
        if back := self._setbacks.look(runtime.sessions):
            log.warning(
                "the database's clock was set back by %d s; what waits was moved by as much", back.total_seconds()
            )


def _erase(runtime: Runtime) -> None:
    with runtime.sessions.begin() as session:
        privacy.sweep(session, runtime.vault, runtime.clock())


def _expire(runtime: Runtime) -> None:
    """Batch after batch, with a pause in between: old data must cost those who deliver nothing."""
    settings = runtime.settings
    keep = Keep(bodies=timedelta(days=settings.keep_bodies_days), messages=timedelta(days=settings.keep_messages_days))
    for _ in range(BATCHES):
        with runtime.sessions.begin() as session:
            if not retention.expire(session, keep, now=runtime.clock()):
                return
        time.sleep(PAUSE / 10)


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
