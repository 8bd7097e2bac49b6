"""Row growth: intake and delivery with years of business in the tables, beside empty ones."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.bench import load
from tests.bench.delivery import RECEIVER, WORKERS, endpoints, finish, our_round
from tests.bench.history import EVENTS, fill
from tests.bench.intake import CONNECTIONS
from tests.bench.load import Load
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.bench.system import STECKER, Server, System, system
from tests.support.servers import Servers
from webhooks.outbox import Subscription


@dataclass(frozen=True, slots=True)
class House:
    """A system with its web process and its workers, and what it did in each round."""

    tested: System
    ears: list[Subscription]
    web: Server
    token: str
    orders: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """Two databases on the same servers, one of them full. They take turns, and each round is one ratio."""
    with ExitStack() as stack, ProcessPoolExecutor(1, get_context("spawn")) as generator:
        new, old = (_house(stack, running, size, jobs) for jobs in (0, size.grown_jobs))
        for turn in range(size.rounds + 1):
            for house in (old, new) if turn % 2 else (new, old):
                asked = Load(
                    port=house.web.port,
                    token=house.token,
                    name=str(turn),
                    connections=CONNECTIONS,
                    seconds=size.seconds,
                )
                result = generator.submit(load.run, asked).result()
                house.orders.append(result.count(201) and result.rate)
        for house in (new, old):
            for _ in range(WORKERS):
                house.tested.start(*STECKER, "worker")
            finish(house.tested.runtime)
        for _ in range(size.delivery_rounds + 1):
            for house in (old, new):
                house.messages.append(our_round(house.tested, house.ears, size.messages))
    note = f"{size.grown_jobs} jobs, {size.grown_jobs * EVENTS} events and messages"
    # The first round of each warms up.
    taken = [mine / theirs for mine, theirs in zip(old.orders[1:], new.orders[1:], strict=True)]
    sent = [mine / theirs for mine, theirs in zip(old.messages[1:], new.messages[1:], strict=True)]
    yield median_of(taken, row="growth: intake", unit="ratio", goal=0.9, note=note)
    yield median_of(sent, row="growth: delivery", unit="ratio", goal=0.9, note=note)
    yield median_of(old.orders[1:], row="growth: intake, full tables", unit="orders/s")
    yield median_of(old.messages[1:], row="growth: delivery, full tables", unit="messages/s")


def _house(stack: ExitStack, running: Servers, size: Size, jobs: int) -> House:
    """An order has one endpoint that hears of it; the others hear what the delivery's rounds say."""
    tested = stack.enter_context(system(running))
    receiver = tested.serve(*RECEIVER)
    tested.subscribe(f"http://127.0.0.1:{receiver.port}/orders")
    ears = endpoints(tested, receiver, size.endpoints, event_types=("bench.none",))
    if jobs:
        fill(running, tested, ears, jobs)
    web = tested.web()
    return House(tested, ears, web, tested.token(web.port))
