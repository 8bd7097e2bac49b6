"""The threads that post: how many are at work, and what becomes of those that are stuck."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.outbox import eventually
from webhooks.crew import Crew


class Work:
    """Notes what was done; the word `hang` waits until it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.go_on = threading.Event()

    def __call__(self, item: str) -> None:
        self.begun.append(item)
        if item == "hang":
            self.go_on.wait(10)
        self.done.append(item)


@contextmanager
def crew(work: Work, *, size: int, spare: int) -> Iterator[Crew[str]]:
    made = Crew(work, size=size, spare=spare)
    yield made
    work.go_on.set()
    made.close()


def test_who_is_stuck_is_replaced_and_leaves_when_free_again_r11() -> None:
    work = Work()
    with crew(work, size=2, spare=2) as threads:
        for item in ("hang", "hang", "next"):
            threads.submit(item)
        eventually(lambda: work.begun == ["hang", "hang"])
        assert work.done == []

        threads.relieve(after=0)
        eventually(lambda: work.done == ["next"])
        threads.relieve(after=0)
        assert at_work() == 4, "nobody is replaced twice"

        work.go_on.set()
        eventually(lambda: at_work() == 2)


def test_there_is_an_end_to_the_spare_ones_r11() -> None:
    work = Work()
    with crew(work, size=1, spare=1) as threads:
        for item in ("hang", "hang", "next"):
            threads.submit(item)
        eventually(lambda: threads.relieve(after=0) or work.begun == ["hang", "hang"])
        threads.relieve(after=0)

        assert at_work() == 2
        assert work.begun == ["hang", "hang"]


def test_who_is_quick_is_not_replaced() -> None:
    work = Work()
    with crew(work, size=1, spare=5) as threads:
        threads.submit("hang")
        eventually(lambda: work.begun)
        threads.relieve(after=60)

        assert at_work() == 1


def test_the_end_waits_for_all_that_was_to_be_done() -> None:
    work = Work()
    with crew(work, size=2, spare=2) as threads:
        for number in range(100):
            threads.submit(str(number))

    assert len(work.done) == 100
    assert at_work() == 0


def at_work() -> int:
    return sum(thread.name == "post" for thread in threading.enumerate())
