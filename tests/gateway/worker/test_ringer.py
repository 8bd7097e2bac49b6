"""The ringer, between the threads that answer and the bell."""

from threading import Event

from gateway.worker.wake import Ringer


class SlowBell:
    """A bell whose Redis takes its time."""

    def __init__(self):
        self.rung, self.go_on, self.count, self.closed = Event(), Event(), 0, False

    def wake(self, queue):
        assert queue == "deliver"
        self.count += 1
        self.rung.set()
        self.go_on.wait(10)

    def close(self):
        self.closed = True


def test_whoever_commits_does_not_wait_for_redis_and_many_are_one_ring():
    bell = SlowBell()
    ringer = Ringer(bell)
    ringer.start()
    ringer.wake()
    assert bell.rung.wait(10)
    for _ in range(1000):
        ringer.wake()
    bell.go_on.set()
    ringer.stop()
    assert bell.closed
    assert 2 <= bell.count <= 3
