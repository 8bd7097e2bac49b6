"""Row neighbour: what the others feel of one endpoint that hangs and takes a fifth of all messages."""

import socket
from collections.abc import Iterator, Sequence
from functools import partial

from gateway.worker.wake import Bell, Ringer
from tests.bench import latency
from tests.bench.delivery import RECEIVER, WORKERS, endpoints, finish
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.bench.system import STECKER, System, system
from tests.support.servers import Servers
from webhooks.endpoints import Changes, change, get
from webhooks.outbox import Subscription

RATE = 200
FIFTH = 5
BACKLOG = 4096
"""Connections that the kernel takes for a receiver that never looks at one."""


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """The healthy ones hear as much without it as with it. Both take turns, and each pair of rounds is one ratio."""
    # It hangs up before the workers are stopped, who would wait for it.
    with system(running) as tested, socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as deaf:
        receiver = tested.serve(*RECEIVER)
        healthy = endpoints(tested, receiver, size.endpoints - 1)
        hanging = Subscription(tested.subscribe(f"http://127.0.0.1:{deaf.getsockname()[1]}/"), "plain", ("*",))
        for _ in range(WORKERS):
            tested.start(*STECKER, "worker")
        tested.start(*STECKER, "tick")
        ringer = Ringer(Bell(tested.environ["STECKER_REDIS_URL"]))
        ringer.start()

        def heard(neighbour: Sequence[Subscription], seconds: float) -> list[float]:
            """How long each message of a healthy one took, in ms."""
            switch(tested, hanging, on=bool(neighbour))
            act = partial(say, tested, healthy, neighbour, ringer)
            begun = latency.paced(act, RATE, seconds)
            finish(tested.runtime, but=hanging.endpoint_id)
            arrived = latency.arrived(receiver.port)
            return [(arrived[one] - at) * 1000 for one, at in begun.items() if one in arrived]

        heard((), 1.0)
        alone, beside = [], []
        for _ in range(size.neighbour_rounds):
            alone.append(latency.p95(heard((), size.latency_seconds / 2)))
            beside.append(latency.p95(heard((hanging,), size.latency_seconds / 2)))
        ringer.stop()
    ratios = [mine / theirs for mine, theirs in zip(beside, alone, strict=True)]
    yield median_of(ratios, row="neighbour", unit="ratio", goal=1.2, lower_is_better=True)
    yield median_of(alone, row="neighbour: without it", unit="ms p95")
    yield median_of(beside, row="neighbour: beside it", unit="ms p95")


def say(
    tested: System, healthy: list[Subscription], neighbour: Sequence[Subscription], ringer: Ringer, number: int
) -> tuple[str, float]:
    """Each fifth message is the neighbour's, or nobody's."""
    if number % FIFTH:
        return latency.say(tested, healthy, ringer, number)
    return latency.say(tested, list(neighbour), ringer, number) if neighbour else (f"none_{number}", 0.0)


def switch(tested: System, endpoint: Subscription, *, on: bool) -> None:
    """What waits for it waits while it is off; switched on, it is tried as if it had never failed."""
    with tested.runtime.sessions.begin() as session:
        found = get(session, tested.tenant, endpoint.endpoint_id, lock=True)
        assert found is not None
        change(session, found, Changes(enabled=on))
