"""kill -9 of anybody, at random, while orders come in: all acknowledged ones have all their webhooks in the end."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from gateway.supervisor import STEADY
from tests.faults.looking import settle
from tests.faults.shop import Acknowledged, Arrival, Inbox, Shop
from tests.support.system import System, eventually
from webhooks.courier import Pace

THREADS = 4
STARTING = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """So many orders, from each thread one about every `pause` seconds; a kill about every `peace` seconds."""

    orders: int
    pause: float
    peace: float


@dataclass
class Killer:
    """Kills somebody again and again, and who has been killed not before he ran steadily again: a process that ends
    over and over is started later and later. `killed` are monotonic times and names.
    """

    system: System
    peace: float
    chance: random.Random
    killed: list[tuple[float, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.wait(self.chance.uniform(0.5, 1.5) * self.peace):
            recent = {name for at, name in self.killed if time.monotonic() - at < STEADY + STARTING}
            steady = sorted(self.system.started.keys() - recent)
            if not steady:
                continue
            name = self.chance.choice(steady)
            try:
                self.system.kill(name)
            except (KeyError, ProcessLookupError):
                continue  # it is dead already, and not yet started again
            self.killed.append((time.monotonic(), name))

    @property
    def workers(self) -> list[float]:
        return [at for at, name in self.killed if name.startswith("worker")]


@contextmanager
def killing(system: System, plan: Plan, chance: random.Random) -> Iterator[Killer]:
    """Nobody is safe while this lasts; afterwards everybody comes back."""
    killer = Killer(system, plan.peace, chance)
    thread = threading.Thread(target=killer.run)
    thread.start()
    try:
        yield killer
    finally:
        killer.over.set()
        thread.join()
    eventually(lambda: system.pids().keys() == system.started.keys(), "everybody is back")


def place(shop: Shop, name: str, plan: Plan, chance: random.Random) -> list[Acknowledged]:
    """Place all orders, each insisted on until it is acknowledged."""
    told: list[Acknowledged] = []
    wrong: list[Exception] = []
    pauses = [[chance.uniform(0, 2) * plan.pause for _ in range(plan.orders // THREADS)] for _ in range(THREADS)]

    def work(thread: int) -> None:
        mine = Shop(shop.url, shop.token)
        try:
            for number, pause in enumerate(pauses[thread]):
                told.append(mine.insist(f"{name}-{thread}-{number}"))
                threading.Event().wait(pause)  # customers come one by one
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    return told


def again(arrivals: list[Arrival]) -> list[tuple[Arrival, Arrival]]:
    """Each message that came more than once, with the time before."""
    last: dict[str, Arrival] = {}
    pairs = []
    for one in arrivals:
        if one.webhook_id in last:
            pairs.append((last[one.webhook_id], one))
        last[one.webhook_id] = one
    return pairs


def check(shop: Shop, inbox: Inbox, told: list[Acknowledged], killer: Killer) -> None:
    """What must hold of the client's log, the receiver's log and the system, whoever was killed and when."""
    numbers = Counter(one["partner_order_id"] for one in shop.pages("/v1/orders"))
    assert {one.number: numbers[one.number] for one in told} == {one.number: 1 for one in told}
    assert all(shop.get(f"/v1/orders/{one.order_id}")["partner_order_id"] == one.number for one in told)

    ours = {job for one in told for job in one.jobs}
    events = {one["id"]: one for one in shop.pages("/v1/events") if one["data"]["job"]["id"] in ours}
    came = [one for one in inbox.arrivals if one.job]
    assert {one.event_id for one in came} == events.keys()
    assert len({one.webhook_id for one in came}) == len(events)
    assert inbox.out_of_order() == {}
    assert inbox.bad == []

    twice = again(inbox.arrivals)
    assert len(twice) <= Pace().cap * len(killer.workers), "no more than was in flight"
    for before, after in twice:
        assert any(before.at - 2 < at < after.at for at in killer.workers), "nobody died over this one"


QUICK = Plan(orders=200, pause=0.2, peace=1.2)
LONG = Plan(orders=1000, pause=0.1, peace=1.0)
LONG_RUN = [pytest.mark.soak, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("plan", "turn"),
    [
        pytest.param(QUICK, 0, id="200 orders"),
        *(pytest.param(LONG, turn, marks=LONG_RUN, id=f"1000 orders, {turn}") for turn in range(20)),
    ],
)
def test_every_acknowledged_order_has_all_its_webhooks_whoever_is_killed(
    system: System, shop: Shop, inbox: Inbox, name: str, seed: int, plan: Plan, turn: int
) -> None:
    chance = random.Random(f"{seed} {turn}")
    with told_with_its_seed(seed, turn):
        with killing(system, plan, chance) as killer:
            told = place(shop, name, plan, chance)
        assert len(told) == plan.orders
        settle(system, inbox, told)
        check(shop, inbox, told, killer)


@contextmanager
def told_with_its_seed(seed: int, turn: int) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(f"seed {seed}, turn {turn}; the same kills again with the --randomly-seed of this run")
        raise
