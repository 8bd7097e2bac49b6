"""Row fan-out: deliveries a second where each event goes to ten endpoints, beside events that go to one."""

from collections.abc import Iterator, Sequence
from functools import partial

from gateway.ids import new_id
from tests.bench.delivery import RECEIVER, WORKERS, endpoints, event, our_round, say
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.bench.system import STECKER, System, system
from tests.support.servers import Servers
from webhooks import outbox
from webhooks.outbox import Subscription

WIDE = 10


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """Both are delivered by the same two workers to the same receiver, in turn; each round is one ratio."""
    with system(running) as tested:
        ears = endpoints(tested, tested.serve(*RECEIVER), size.endpoints)
        for _ in range(WORKERS):
            tested.start(*STECKER, "worker")
        our_round(tested, ears, max(len(ears), size.messages // 10))
        wide, single = [], []
        for _ in range(size.delivery_rounds):
            wide.append(our_round(tested, ears, size.messages, say=say_to_many))
            single.append(our_round(tested, ears, size.messages, say=say))
    ratios = [mine / theirs for mine, theirs in zip(wide, single, strict=True)]
    yield median_of(ratios, row="fan-out", unit="ratio", goal=0.9)
    yield median_of(wide, row="fan-out: to ten", unit="messages/s")
    yield median_of(single, row="fan-out: to one", unit="messages/s")


def say_to_many(tested: System, ears: Sequence[Subscription], count: int) -> None:
    """So many messages: each event has ten of them, and each endpoint its share of the events."""
    now = tested.runtime.clock()
    make = partial(new_id, now=now)
    wide = min(WIDE, len(ears))
    groups = [list(ears[place : place + wide]) for place in range(0, len(ears) - wide + 1, wide)]
    share = -(-count // (wide * len(groups)))
    with tested.runtime.sessions.begin() as session:
        for group in groups:
            events = [event(make("evt"), make("job")) for _ in range(share)]
            outbox.enqueue(outbox.writing(session), tested.tenant, events, group, new_id=make, now=now)
