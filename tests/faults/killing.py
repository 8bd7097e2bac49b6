"""Somebody who kills the parts of a running system at random, from a seed."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.supervisor import STEADY
from tests.faults.shop import Arrival
from tests.support.system import System, eventually

STARTING = 4.0


@dataclass
class Killer:
    """Kills somebody again and again, about every `peace` seconds, and who has been killed not before he ran steadily
    again: a process that ends over and over is started later and later; nor the web process while it comes up, which
    takes long on a busy machine. `killed` are monotonic times and names.
    """

    system: System
    peace: float
    chance: random.Random
    killed: list[tuple[float, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.wait(self.chance.uniform(0.5, 1.5) * self.peace):
            recent = {name for at, name in self.killed if time.monotonic() - at < STEADY + STARTING}
            steady = sorted(self.system.started.keys() - recent - self.starting())
            if not steady:
                continue
            name = self.chance.choice(steady)
            try:
                self.strike(name)
            except (KeyError, ProcessLookupError):
                continue  # it is dead already, and not yet started again
            self.killed.append((time.monotonic(), name))

    def starting(self) -> set[str]:
        with socket.socket() as probe:
            return {"web"} if probe.connect_ex(("127.0.0.1", self.system.port)) else set()

    def strike(self, name: str) -> None:
        self.system.kill(name)

    @property
    def workers(self) -> list[float]:
        return [at for at, name in self.killed if name.startswith("worker")]


@contextmanager
def killing(killer: Killer) -> Iterator[Killer]:
    """Nobody is safe while this lasts; afterwards everybody comes back."""
    thread = threading.Thread(target=killer.run)
    thread.start()
    try:
        yield killer
    finally:
        killer.over.set()
        thread.join()
    system = killer.system
    eventually(lambda: system.pids().keys() == system.started.keys(), "everybody is back")


def again(arrivals: list[Arrival]) -> list[tuple[Arrival, Arrival]]:
    """Each message that came more than once, with the time before."""
    last: dict[str, Arrival] = {}
    pairs = []
    for one in arrivals:
        if one.webhook_id in last:
            pairs.append((last[one.webhook_id], one))
        last[one.webhook_id] = one
    return pairs
