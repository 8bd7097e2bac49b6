"""Row delivery: messages a second through two workers, beside the same posts from a bare loop of `requests`."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import requests
from sqlalchemy import text

from gateway.config import LOOPBACK
from gateway.ids import new_id
from gateway.runtime import Runtime
from gateway.worker import wake
from gateway.worker.process import courier_of
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.bench.system import STECKER, Server, System, system
from tests.support.servers import Servers
from tests.support.statements import noted
from webhooks import outbox
from webhooks.outbox import OutgoingEvent, Payload, Subscription
from webhooks.transport import Transport

RECEIVER = (sys.executable, "-m", "tests.bench.receiver")
WORKERS = 2
THREADS = 16
BODY = b'{"text":"' + b"x" * 1010 + b'"}'


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """Both post to the same receiver from two processes; they take turns, and each round is one ratio."""
    with system(running) as tested, ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        receiver = tested.serve(*RECEIVER)
        ears = endpoints(tested, receiver, size.endpoints)
        yield median_of(
            [statements(tested, ears, size)], row="delivery: statements", unit="per delivery", note="one courier"
        )
        for _ in range(WORKERS):
            tested.start(*STECKER, "worker")
        ours, bare = [], []
        bare_round(pool, receiver, max(1, size.messages // 10))
        for _ in range(size.delivery_rounds):
            ours.append(our_round(tested, ears, size.messages))
            bare.append(bare_round(pool, receiver, size.messages))
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    yield median_of(ratios, row="delivery", unit="ratio", goal=1.1)
    yield median_of(ours, row="delivery: ours", unit="messages/s")
    yield median_of(bare, row="delivery: bare requests", unit="posts/s")


def endpoints(
    tested: System, receiver: Server, count: int, event_types: tuple[str, ...] = ("*",)
) -> list[Subscription]:
    """Who hears what we `say`; of other events they hear those of these types."""
    urls = [f"http://127.0.0.1:{receiver.port}/hook/{number}" for number in range(count)]
    return [Subscription(tested.subscribe(url, event_types), "plain", ("*",)) for url in urls]


def say(tested: System, ears: Sequence[Subscription], count: int) -> None:
    """So many messages, due now, each of its own job, spread over the endpoints, in one commit."""
    now = tested.runtime.clock()
    make = partial(new_id, now=now)
    share = -(-count // len(ears))
    with tested.runtime.sessions.begin() as session:
        for place, ear in enumerate(ears):
            events = [event(make("evt"), make("job")) for _ in range(min(share, count - place * share))]
            outbox.enqueue(outbox.writing(session), tested.tenant, events, [ear], new_id=make, now=now)


Say = Callable[[System, Sequence[Subscription], int], None]


def event(event_id: str, job_id: str) -> OutgoingEvent:
    words = (Payload(body=BODY, media_type="application/json"),)
    return OutgoingEvent(
        subject=job_id, event_id=event_id, event_type="job.received", sequence=1, payloads={"plain": words}
    )


def our_round(tested: System, ears: Sequence[Subscription], count: int, say: Say = say) -> float:
    """Messages a second, from the bell to the last outcome that is written down."""
    say(tested, ears, count)
    bell = wake.Bell(tested.environ["STECKER_REDIS_URL"])
    start = time.perf_counter()
    for _ in range(2 * WORKERS):  # each ring is one worker's
        bell.wake(wake.DELIVER)
        time.sleep(0.01)
    finish(tested.runtime)
    took = time.perf_counter() - start
    bell.close()
    return count / took


def _waiting(runtime: Runtime, but: str) -> bool:
    with runtime.sessions() as session:
        return bool(session.scalar(_WAITING, {"but": but}))


# By the index: with a million mailboxes, a scan of them all would be most of what is measured.
_WAITING = text("""
    SELECT EXISTS (
        SELECT FROM webhook_endpoint e CROSS JOIN LATERAL (
            SELECT FROM webhook_mailbox m
             WHERE m.endpoint_id = e.id AND m.retrying = ANY('{false,true}') AND m.due_at IS NOT NULL LIMIT 1) waiting
         WHERE e.id <> :but)
""")


def bare_round(pool: ProcessPoolExecutor, receiver: Server, count: int) -> float:
    """Posts a second of two processes, from the first one's start to the last one's end."""
    shares = [pool.submit(post, receiver.port, count // WORKERS) for _ in range(WORKERS)]
    spans = [share.result() for share in shares]
    return count // WORKERS * WORKERS / (max(end for _, end in spans) - min(start for start, _ in spans))


def post(port: int, count: int) -> tuple[float, float]:
    """So many posts, each thread with a session of its own; when it started and when it ended (monotonic)."""
    local = threading.local()
    headers = {"content-type": "application/json", "webhook-id": "whm_x", "webhook-signature": "v1," + "x" * 44}

    def one(number: int) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.post(f"http://127.0.0.1:{port}/hook/{number % 50}", data=BODY, headers=headers)
        answer.raise_for_status()

    with ThreadPoolExecutor(THREADS) as threads:
        start = time.monotonic()
        list(threads.map(one, range(count)))
        return start, time.monotonic()


def statements(tested: System, ears: Sequence[Subscription], size: Size) -> float:
    """Of one courier, from the first claim to the last outcome."""
    count = max(len(ears), size.messages // 10)
    say(tested, ears, count)
    transport = Transport(allow=LOOPBACK)
    with noted(tested.runtime.engine) as said:
        courier = courier_of(tested.runtime, transport)
        courier.start()
        courier.ring()
        finish(tested.runtime)
        courier.stop()
        courier.join()
        looks = sum("due_at IS NOT NULL LIMIT 1) waiting" in one for one in said)
    transport.close()
    return (len(said) - looks) / count


def finish(runtime: Runtime, within: float = 120.0, but: str = "") -> None:
    """Wait until nothing is left to deliver, `but` to this endpoint."""
    until = time.monotonic() + within
    while _waiting(runtime, but):
        if time.monotonic() > until:
            raise RuntimeError("messages are left")
        time.sleep(0.05)
