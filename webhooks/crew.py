"""Threads that work through a queue; whoever is stuck is replaced, so that few that hang never hold up all."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Crew(Generic[T]):
    """`size` threads that do `work`, which raises nothing. Up to `spare` more stand in for those that are stuck.

    Not simply more threads: with many at work at once, the interpreter lock costs a third of the speed.
    """

    def __init__(self, work: Callable[[T], None], *, size: int, spare: int) -> None:
        self._work = work
        self._size = size
        self._most = size + spare
        self._waiting: SimpleQueue[T | None] = SimpleQueue()
        self._since: dict[threading.Thread, float] = {}
        self._threads: list[threading.Thread] = []
        for _ in range(size):
            self._hire()

    def submit(self, item: T) -> None:
        self._waiting.put(item)

    @property
    def stuck(self) -> int:
        """How many were replaced, and are still at it."""
        return max(len(self._threads) - self._size, 0)

    def relieve(self, after: float) -> None:
        """Replace those at one piece of work for so many seconds. Called, as `close`, by one thread alone."""
        late = monotonic() - after
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for thread, since in list(self._since.items()):
            if len(self._threads) == self._most:
                return
            # Whoever takes the entry out, this or the thread itself, decides whether it stays.
            if since <= late and self._since.pop(thread, None) is not None:
                self._hire()

    def close(self) -> None:
        """Wait until everything is done."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _hire(self) -> None:
        thread = threading.Thread(target=self._run, name="post", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while (item := self._waiting.get()) is not None:
            self._since[me] = monotonic()
            self._work(item)
            if self._since.pop(me, None) is None:
                return
