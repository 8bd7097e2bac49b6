"""Row latency: from the commit to the first byte at the receiver, beside a bare post to it."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.client import HTTPConnection
from statistics import quantiles

import requests

from gateway.ids import new_id
from gateway.worker.wake import Bell, Ringer
from tests.bench.delivery import BODY, RECEIVER, WORKERS, endpoints, event, finish
from tests.bench.report import Row
from tests.bench.size import Size
from tests.bench.system import STECKER, System, system
from tests.support.servers import Servers
from webhooks import outbox
from webhooks.outbox import Subscription

ENDPOINTS = 10
GOAL = 100.0


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """Everything runs that delivers in production: two workers and the tick."""
    with system(running) as tested:
        receiver = tested.serve(*RECEIVER)
        ears = endpoints(tested, receiver, ENDPOINTS)
        for _ in range(WORKERS):
            tested.start(*STECKER, "worker")
        tested.start(*STECKER, "tick")
        ringer = Ringer(Bell(tested.environ["STECKER_REDIS_URL"]))
        ringer.start()
        paced(partial(say, tested, ears, ringer), 20, 1.0)
        finish(tested.runtime)
        session = requests.Session()
        for rate in size.rates:
            arrived(receiver.port)
            ours = paced(partial(say, tested, ears, ringer), rate, size.latency_seconds)
            finish(tested.runtime)
            yield _row(f"latency at {rate}/s", ours, arrived(receiver.port), goal=GOAL)
            bare = paced(partial(post, session, receiver.port), rate, size.latency_seconds)
            yield _row(f"latency at {rate}/s: bare", bare, arrived(receiver.port))
        session.close()
        ringer.stop()


def paced(act: Callable[[int], tuple[str, float]], rate: int, seconds: float) -> dict[str, float]:
    """Act so often a second; returns what each act says: id → when it was done (monotonic seconds)."""
    begun: dict[str, float] = {}
    start = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        name, at = act(number)
        begun[name.upper()] = at
    return begun


def say(tested: System, ears: list[Subscription], ringer: Ringer, number: int) -> tuple[str, float]:
    """Commit one message and ring, as a request does it. Its id, and when the commit had returned."""
    make, made = partial(new_id, now=tested.runtime.clock()), []

    def noting(prefix: str) -> str:
        made.append(make(prefix))
        return made[-1]

    with tested.runtime.sessions.begin() as session:
        heard = event(make("evt"), make("job"))
        now = tested.runtime.clock()
        outbox.enqueue(
            outbox.writing(session), tested.tenant, [heard], [ears[number % len(ears)]], new_id=noting, now=now
        )
    at = time.monotonic()
    ringer.wake()
    return next(name for name in made if name.startswith("whm_")), at


def post(session: requests.Session, port: int, number: int) -> tuple[str, float]:
    name, at = f"WHM_{number}", time.monotonic()
    headers = {"content-type": "application/json", "webhook-id": name}
    session.post(f"http://127.0.0.1:{port}/hook", data=BODY, headers=headers).raise_for_status()
    return name, at


def p95(took: Sequence[float]) -> float:
    return quantiles(took, n=100)[94]


def arrived(port: int) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        found: dict[str, float] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def _row(name: str, begun: dict[str, float], arrived: dict[str, float], goal: float | None = None) -> Row:
    """The 95th percentile; the spread is that of all."""
    took = sorted((arrived[one] - at) * 1000 for one, at in begun.items())
    cuts = quantiles(took, n=100)
    note = f"p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}"
    return Row(row=name, value=p95(took), unit="ms p95", samples=took, goal=goal, lower_is_better=True, note=note)
