"""Keeps processes running: starts them, starts a crashed one again, stops all in order, leaves none behind."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from types import FrameType

from gateway.embedded import process
from gateway.embedded.data import CannotStart
from gateway.embedded.process import Spec

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 20.0
"""Seconds before a crashed process is started again; doubled each time it crashes within STEADY seconds."""
STEADY = 10.0
ATTEMPTS = 3
"""How often a process may end before it was ready, while the system starts."""
LOOK = 0.02
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """We were asked to stop."""


@dataclass(slots=True)
class Child:
    """A process and its fate. `again_at`: when it is to be started again (monotonic seconds)."""

    spec: Spec
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    again_at: float | None = None


class Supervisor:
    """Single-threaded. `say` takes one line per event; `changed` is called whenever a process was started."""

    def __init__(self, say: Callable[[str], None], changed: Callable[[Sequence[Child]], None]) -> None:
        self.say, self.changed = say, changed
        self.children: list[Child] = []
        self._stopping = False
        self._lifeline, self._our_end = os.pipe()
        self._wake, self._ring = os.pipe()
        os.set_blocking(self._ring, False)
        os.set_blocking(self._wake, False)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, a signal to stop is noted and the end of a child wakes us."""
        before = {one: signal.signal(one, self._ask_to_stop) for one in STOPPING}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        ring = signal.set_wakeup_fd(self._ring, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(ring)
            for one, handler in before.items():
                signal.signal(one, handler)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def start(self, specs: Sequence[Spec], *, within: float) -> None:
        """Start these together and wait until all are ready.

        Raises `CannotStart` in the words of the one that ends too often or takes too long, `Stopped` on a signal.
        """
        new = [Child(spec) for spec in specs]
        self.children += new
        for child in new:
            self._launch(child)
        until = time.monotonic() + within
        waiting = list(new)
        while waiting:
            self.check()
            self.tend()
            late = time.monotonic() > until
            for child in waiting:
                if late or child.crashes >= ATTEMPTS:
                    raise CannotStart(child.spec.explain())
            waiting = [child for child in waiting if not self._is_ready(child)]
            time.sleep(LOOK if waiting else 0)

    def check(self) -> None:
        """Raises `Stopped` once a signal to stop has come."""
        if self._stopping:
            raise Stopped

    def run(self) -> None:
        """Start again what crashes, until a signal to stop."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._stopping:
                self.tend()
                selector.select(self._until_next())
                self._silence()

    def tend(self) -> None:
        """See who has ended, and start again who is due."""
        now = time.monotonic()
        for child in self.children:
            if child.running is not None and child.running.poll() is not None:
                self._note_crash(child, child.running.returncode, now)
            if child.again_at is not None and child.again_at <= now:
                self._launch(child)

    def stop(self) -> None:
        """Stop all, lowest rank first, each rank together; SIGKILL for whom patience did not help."""
        by_rank = sorted(self.children, key=lambda child: child.spec.rank)
        for _, rank in groupby(by_rank, key=lambda child: child.spec.rank):
            _stop_together([child for child in rank if child.running is not None])
        self.children.clear()

    def close(self) -> None:
        for handle in (self._lifeline, self._our_end, self._wake, self._ring):
            os.close(handle)

    def _launch(self, child: Child) -> None:
        child.running = process.start(child.spec, self._lifeline)
        child.started_at, child.again_at = time.monotonic(), None
        self.changed(self.children)

    def _is_ready(self, child: Child) -> bool:
        return child.running is not None and child.spec.ready(child.running.pid)

    def _note_crash(self, child: Child, code: int, now: float) -> None:
        child.running = None
        child.crashes = 1 if now - child.started_at > STEADY else child.crashes + 1
        pause = min(FIRST_PAUSE * 2 ** (child.crashes - 1), LONGEST_PAUSE)
        child.again_at = now + pause
        self.say(f"{child.spec.name} ended ({process.describe_exit(code)}); starting it again in {pause:.1f} s")

    def _until_next(self) -> float | None:
        due = [child.again_at for child in self.children if child.again_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _silence(self) -> None:
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            return


def _stop_together(children: Sequence[Child]) -> None:
    for child in children:
        _signal(child, child.spec.stop)
    for child in children:
        if child.running is None:
            continue
        try:
            child.running.wait(child.spec.patience)
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)
            child.running.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    if child.running is not None and child.running.poll() is None:
        child.running.send_signal(number)
