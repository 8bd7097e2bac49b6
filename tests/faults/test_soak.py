"""Everything goes wrong for a while, from one seed; then the books are opened: nothing lost, nothing out of order.

`make soak SECONDS=300 SEED=7`. The same seed deals the same faults; what they meet is up to the machine.
"""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import redis

from gateway import embedded
from tests.faults.conftest import readiness
from tests.faults.killing import Killer, killing
from tests.faults.looking import settle
from tests.faults.shop import Acknowledged, Inbox, Shop, ordering
from tests.faults.test_parts import cut
from tests.support.receiver import NO_CONTENT, Behaviour, Received, answer
from tests.support.system import System, eventually
from webhooks.courier import Pace

SECONDS = float(os.environ.get("SECONDS") or 300)
SHORT = 8.0
ROUND = 600.0
"""Seconds with one token."""
LEASES = 240.0
"""Seconds for all that is left: leases of the dead, retries, and a machine with other things to do."""
PAUSE, PEACE, BAD = 0.2, 1.5, 0.05
"""Seconds between two orders of a thread, and between two faults; the part of the requests that meet a bad answer."""
OFTEN = 2
"""How often one message meets a bad answer at most; the sandbox tries five times."""


@dataclass
class Storm(Killer):
    """Kills like its parent, and does to PostgreSQL and Redis what else may happen to them. `did` says how often."""

    did: Counter[str] = field(default_factory=Counter)

    def strike(self, name: str) -> None:
        deeds = {"postgres": (self.restart, self.cut, self.kill), "redis": (self.flush, self.pause, self.kill)}
        deed = self.chance.choice(deeds.get(name, (self.kill,)))
        deed(name)
        self.did[f"{name}: {deed.__name__}"] += 1

    def kill(self, name: str) -> None:
        if name == "web" and readiness(self.system) == "silent":
            raise ProcessLookupError  # on a busy machine it is still starting
        self.system.kill(name)

    def restart(self, name: str) -> None:
        self.system.kill(name, signal.SIGINT)

    def cut(self, name: str) -> None:
        cut(self.system)

    def flush(self, name: str) -> None:
        url = embedded.attach(self.system.data.root)["STECKER_REDIS_URL"]
        with redis.from_url(url, socket_timeout=5) as client, suppress(redis.RedisError):
            client.flushall()

    def pause(self, name: str) -> None:
        pid = self.system.kill(name, signal.SIGSTOP)
        self.over.wait(self.chance.uniform(1, 3))
        os.kill(pid, signal.SIGCONT)


def reset(sock: socket.socket, request: Received) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    sock.shutdown(socket.SHUT_RD)
    sock.close()


def silent(sock: socket.socket, request: Received) -> None:
    """Thinks for a while, and hangs up."""
    threading.Event().wait(1.5)
    sock.close()


BAD_ANSWERS: dict[str, Behaviour] = {
    "500": answer("500 Oops"),
    "503, retry-after": answer("503 Busy", "retry-after: 1"),
    "redirect": answer("307 Temporary Redirect", "location: http://169.254.169.254/"),
    "reset": reset,
    "silence": silent,
    "no HTTP": lambda sock, request: sock.sendall(b"HTTP/9 what\r\n\r\n"),
}


@dataclass
class Moods:
    """A receiver that is bad now and then. Counts the good answers of each message, and the bad ones by their names."""

    chance: random.Random
    good: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def react(self, sock: socket.socket, request: Received) -> None:
        message = request.headers["webhook-id"]
        with self.lock:
            mood = self._mood(message)
            if mood is None:
                self.good[message] += 1
            else:
                self.met[message] += 1
                self.bad[mood] += 1
        (NO_CONTENT if mood is None else BAD_ANSWERS[mood])(sock, request)

    def _mood(self, message: str) -> str | None:
        if self.met[message] >= OFTEN or self.good[message] or self.chance.random() >= BAD:
            return None
        return self.chance.choice(sorted(BAD_ANSWERS))


@dataclass(frozen=True, slots=True)
class Books:
    """What the orderer, the receiver and the system say when all is over."""

    acknowledged: int
    delivered: int
    lost: list[str]
    doubled: list[str]
    duplicates: int
    in_flight: int
    out_of_order: list[str]
    bad_signatures: list[str]

    def verdict(self) -> None:
        assert (self.lost, self.doubled, self.out_of_order, self.bad_signatures) == ([], [], [], [])
        assert self.duplicates <= self.in_flight


def books(shop: Shop, inbox: Inbox, told: list[Acknowledged], storm: Storm, moods: Moods) -> Books:
    numbers = Counter(one["partner_order_id"] for one in shop.pages("/v1/orders"))
    ours = {job for one in told for job in one.jobs}
    events = {one["id"] for one in shop.pages("/v1/events") if one["data"]["job"]["id"] in ours}
    came = {one.event_id for one in inbox.arrivals if one.job and moods.good[one.webhook_id]}
    return Books(
        acknowledged=len(told),
        delivered=len(moods.good),
        lost=sorted(
            [one.number for one in told if not numbers[one.number]] + list(events - came) + list(inbox.missing(told))
        ),
        doubled=sorted(one.number for one in told if numbers[one.number] > 1),
        duplicates=sum(times - 1 for times in moods.good.values()),
        in_flight=Pace().most * len(storm.workers),
        out_of_order=sorted(inbox.out_of_order()),
        bad_signatures=inbox.bad,
    )


def page(found: Books, storm: Storm, moods: Moods, seed: int, seconds: float) -> str:
    """The report."""
    lines = {
        "seed": seed,
        "seconds": f"{seconds:.0f}",
        "acknowledged": f"{found.acknowledged} orders",
        "delivered": f"{found.delivered} webhooks",
        "lost": len(found.lost),
        "duplicates": f"{found.duplicates} (at most {found.in_flight}: {len(storm.workers)} workers killed)",
        "out of order": len(found.out_of_order),
        "ordered twice": len(found.doubled),
        "bad signatures": len(found.bad_signatures),
        "faults": ", ".join(f"{name} {times}" for name, times in sorted(storm.did.items())),
        "bad answers": ", ".join(f"{name} {times}" for name, times in sorted(moods.bad.items())),
    }
    return "\n".join(f"{name:<16}{value}" for name, value in lines.items())


def weather(shop: Shop, name: str, storm: Storm, seconds: float, login: Callable[[], str]) -> list[Acknowledged]:
    """Orders in the storm for so long, in rounds with a token each."""
    told: list[Acknowledged] = []
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        storm.over.clear()
        with ordering(shop, f"{name}-{len(told)}", pause=PAUSE) as acknowledged, killing(storm):
            threading.Event().wait(min(left, ROUND))
        told += acknowledged
        eventually(lambda: _carries(shop, login), "a new token")
    return told


def _carries(shop: Shop, login: Callable[[], str]) -> bool:
    try:
        shop.carry(login())
    except (OSError, KeyError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(SECONDS, marks=[pytest.mark.soak, pytest.mark.timeout(SECONDS * 2 + 900)], id="long"),
    ],
)
def test_nothing_is_lost_and_nothing_is_out_of_order_whatever_happens(
    system: System,
    shop: Shop,
    inbox: Inbox,
    name: str,
    seed: int,
    login: Callable[[], str],
    tell: Callable[[str], None],
    seconds: float,
) -> None:
    seed = int(os.environ.get("SEED") or seed)
    storm = Storm(system, PEACE, random.Random(seed))
    moods = Moods(random.Random(seed))
    inbox.react = moods.react
    told: list[Acknowledged] = []
    try:
        told += weather(shop, name, storm, seconds, login)
        if seconds == SHORT:
            settle(system, inbox, told)
        eventually(lambda: _all_good(inbox, told, moods), "every webhook has come and was taken", LEASES)
    finally:
        found = books(shop, inbox, told, storm, moods)
        tell(page(found, storm, moods, seed, seconds))
    found.verdict()
    assert found.acknowledged > seconds


def _all_good(inbox: Inbox, told: list[Acknowledged], moods: Moods) -> bool:
    threading.Event().wait(0.5)
    return not inbox.missing(told) and all(moods.good[one.webhook_id] for one in list(inbox.arrivals) if one.job)
