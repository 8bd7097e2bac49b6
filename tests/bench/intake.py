"""Row intake: orders a second at `POST /v1/orders`, everything on, beside a Connexion that does nothing."""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.bench import load, statements
from tests.bench.load import Load
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.bench.system import Server, system
from tests.support.servers import Servers

BARE = (sys.executable, "-m", "tests.bench.bare")
CONNECTIONS = 16
NOWHERE = "http://127.0.0.1:9/hook"
"""An endpoint that hears everything, and nobody who delivers: what is measured ends with the commit."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server, with its requests a second and its milliseconds of processor time a request, by round."""

    server: Server
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """Both serve from one process; they take turns, and each round is one ratio."""
    with system(running) as tested, ProcessPoolExecutor(1, get_context("spawn")) as generator:
        tested.subscribe(NOWHERE)
        ours, bare = Contestant(tested.web()), Contestant(tested.serve(*BARE))
        token = tested.token(ours.server.port)

        def round_of(one: Contestant, name: str, seconds: float) -> None:
            asked = Load(port=one.server.port, token=token, name=name, connections=CONNECTIONS, seconds=seconds)
            before = one.server.cpu()
            result = generator.submit(load.run, asked).result()
            one.costs.append((one.server.cpu() - before) / result.count(201) * 1000)
            one.rates.append(result.rate)

        for turn in range(size.rounds + 1):
            for one in (ours, bare) if turn % 2 else (bare, ours):
                round_of(one, str(turn), size.seconds)
    with system(running) as counted:
        counted.subscribe(NOWHERE)
        said = statements.per_order(counted)
    # The first round warms up.
    ratios = [mine / theirs for mine, theirs in zip(ours.rates[1:], bare.rates[1:], strict=True)]
    yield median_of(ratios, row="intake", unit="ratio", goal=0.8)
    yield median_of([said], row="intake: statements", unit="per order")
    yield median_of(ours.rates[1:], row="intake: ours", unit="orders/s")
    yield median_of(bare.rates[1:], row="intake: bare Connexion", unit="requests/s")
    yield median_of(ours.costs[1:], row="intake: ours, CPU", unit="ms/order")
    yield median_of(bare.costs[1:], row="intake: bare, CPU", unit="ms/request")
