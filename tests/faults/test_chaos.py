"""kill -9 of anybody, at random, while orders come in: all acknowledged ones have all their webhooks in the end."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.killing import Killer, again, killing
from tests.faults.looking import settle
from tests.faults.shop import Acknowledged, Inbox, Shop
from tests.support.system import System
from webhooks.courier import Pace

THREADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """So many orders, from each thread one about every `pause` seconds; a kill about every `peace` seconds."""

    orders: int
    pause: float
    peace: float


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
    assert len(twice) <= Pace().most * len(killer.workers), "no more than was in flight"
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
        with killing(Killer(system, plan.peace, chance)) as killer:
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
