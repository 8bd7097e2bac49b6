"""The courier: one thread a process that claims, sends and records until nothing is due and nothing in flight."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from time import monotonic

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

from webhooks import delivery, gates
from webhooks.calling import Caller, NotNow
from webhooks.crew import Crew
from webhooks.delivery import Claimed, Outcome, Share, Tried
from webhooks.policy import LIVE, Answer, Ruling, Schedule, fault, judge

log = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError, NoConnection)
"""The database is restarting, or a lock was not to be had: what is in hand is kept, and tried again."""

RETRIES = 4
"""Each fourth claim has room for messages that were tried before, however many there are that were not."""

BREATH = 0.02
"""Seconds between two looks at an endpoint that takes so many a second."""

REMEMBERED = 1000
"""How many prompt receivers are known at once; who is forgotten shows it again with the next message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast: `cap` messages of one endpoint in flight in this process, on `threads` threads.

    In hand, of all, are twice as many as came back within a second, at least `least` and at most `most_of_all`: no
    thread is to wait for the next claim, and what is slow is not to wait here for a thread until its lease has ended.
    A receiver gets one at a time until it has answered within `prompt` seconds, and again as soon as it has not. One
    that takes a message within `swift` seconds has up to `many` taken for it, in bites of half of that at least: it
    must not cost several statements a message. Of the threads that wait longer than `prompt`, `spare` are replaced: a
    few receivers that hang would hold them all otherwise. `lease` is longer than the transport's deadline by the time a
    message may wait for a thread. `pause` is the wait while the database is away; `idle` is how long the courier sleeps
    when nobody rings, whatever became of the bell. All in seconds.
    """

    cap: int = 8
    prompt: float = 1.0
    swift: float = 0.05
    many: int = 32
    least: int = 100
    most_of_all: int = 1000
    threads: int = 16
    spare: int = 64
    lease: timedelta = timedelta(seconds=30)
    pause: float = 1.0
    idle: float = 5.0

    @property
    def most(self) -> int:
        """The most of one endpoint in flight: so many may come twice when this process is killed."""
        return max(self.cap, self.many)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the courier works with, all of it handed in. `chance` gives a number in [0, 1).

    `schedules` by their environment, `policy.LIVE` where there is none; `standing` is that of owners whose clock stands
    (`webhooks.clocks`).
    """

    sessions: sessionmaker[Session]
    caller: Caller
    schedules: Mapping[str, Schedule]
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    standing: Schedule = LIVE


class Courier(threading.Thread):
    """Ring it when something may be due; `stop` ends it when what is in flight has come back."""

    def __init__(self, tools: Tools, pace: Pace) -> None:
        super().__init__(name="courier", daemon=True)
        self._tools = tools
        self._pace = pace
        # Everything that happens comes through here: an outcome, or None for a ring.
        self._inbox: SimpleQueue[Outcome | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._busy: Counter[str] = Counter()
        self._prompt: set[str] = set()
        self._swift: set[str] = set()
        self._unrecorded: list[Outcome] = []
        self._after = ""
        self._claims = 0
        self._speed = 0.0  # what came back within about the last second
        self._counted = monotonic()
        self._wait = pace.idle
        self._away = False

    def ring(self) -> None:
        self._inbox.put(None)

    def stop(self) -> None:
        self._stopping.set()
        self._inbox.put(None)

    def run(self) -> None:
        crew = Crew(self._post, size=self._pace.threads, spare=self._pace.spare)
        try:
            wait = self._pace.idle
            while not self._finished():
                self._receive(wait)
                crew.relieve(self._pace.prompt)
                wait = self._turn(crew)
        finally:
            crew.close()

    def _finished(self) -> bool:
        if not self._stopping.is_set():
            return False
        # What a lost database does not take is left to the end of its lease: sent twice, but not lost.
        return self._busy.total() == (len(self._unrecorded) if self._away else 0)

    def _receive(self, wait: float) -> None:
        """Wait for the first thing to happen, up to `wait` seconds, and take all that has."""
        try:
            item = self._inbox.get(timeout=wait)
            while True:
                if item is not None:
                    self._unrecorded.append(item)
                item = self._inbox.get_nowait()
        except Empty:
            return

    def _turn(self, crew: Crew[Claimed]) -> float:
        """Record what came back and send what is due; returns how long the next turn may wait."""
        try:
            self._record()
            self._claim(crew)
        except AWAY as error:
            if not self._away:
                log.warning("the database is away: %s", type(error).__name__)
            self._away = True
            return self._pace.pause
        if self._away:
            log.warning("the database is back")
        self._away = False
        if self._unrecorded:
            return 0.01
        return min(self._pace.prompt, self._wait) if self._busy else self._wait

    def _record(self) -> None:
        if not self._unrecorded:
            return
        gone = {one.claimed.endpoint_id for one in self._unrecorded if one.tried and one.tried.verdict.disable}
        if gone:
            # First, and alone: its rows are locked by partners, too, and then nothing of ours may be waiting.
            with self._tools.sessions.begin() as session:
                delivery.disable(session, gone, "gone")
        with self._tools.sessions.begin() as session:
            left = delivery.record(session, self._unrecorded)
        self._busy.subtract(one.claimed.endpoint_id for one in self._unrecorded)
        self._busy.update(one.claimed.endpoint_id for one in left)
        self._busy = +self._busy
        now = monotonic()
        self._speed = self._speed * math.exp(self._counted - now) + len(self._unrecorded) - len(left)
        self._counted, self._unrecorded = now, left

    def _claim(self, crew: Crew[Claimed]) -> None:
        batch = max(self._pace.least, min(round(2 * self._speed), self._pace.most_of_all))
        # Those that hang have threads of their own: however many they are, others have as much room as ever.
        room = batch - (self._busy.total() - crew.stuck)
        # In large bites: whoever is in flight rings when back.
        if self._stopping.is_set() or room * 2 < batch:
            return
        if len(self._prompt) > REMEMBERED:
            self._prompt.clear()
            self._swift.clear()
        rooms = {one: self._room(one) for one in self._prompt | self._busy.keys()}
        self._claims += 1
        again = self._claims % RETRIES == 0
        share = Share(limit=room, cap=1, rooms=rooms, after=self._after, again=again)
        with self._tools.sessions.begin() as session:
            passes = gates.look(session)
            now = self._tools.clock()
            claimed = delivery.claim(session, share, lease=self._pace.lease, now=now, passes=passes)
        soonest = min((one.wait for one in passes if one.wait is not None), default=self._pace.idle)
        self._wait = min(max(soonest, BREATH), self._pace.idle)
        self._busy.update(one.endpoint_id for one in claimed)
        self._after = max((one.endpoint_id for one in claimed), key=self._turns, default=self._after)
        for one in claimed:
            crew.submit(one)

    def _room(self, endpoint_id: str) -> int:
        busy, pace = self._busy[endpoint_id], self._pace
        if endpoint_id not in self._prompt:
            return max(1 - busy, 0)
        if endpoint_id not in self._swift:
            return max(pace.cap - busy, 0)
        return pace.most - busy if busy * 2 <= pace.most else 0

    def _turns(self, endpoint_id: str) -> tuple[bool, str]:
        """The order in which the last claim went round."""
        return endpoint_id <= self._after, endpoint_id

    def _post(self, claimed: Claimed) -> None:
        """One message, on a thread of the crew. Its outcome always comes back."""
        tried: Tried | None = None
        try:
            tried = self._try(claimed)
        except NotNow:
            tried = None
        except Exception as error:  # the outermost frame of this thread: an attempt that failed in us
            log.error("message %s could not be sent: %s", claimed.message_id, type(error).__name__)
            tried = self._tried(claimed, self._tools.clock(), Answer(error="internal_error"))
        finally:
            self._inbox.put(Outcome(claimed, tried))

    def _try(self, claimed: Claimed) -> Tried | None:
        tools, at = self._tools, self._tools.clock()
        if self._stopping.is_set() or at + timedelta(seconds=tools.caller.transport.deadline) > claimed.until:
            return None
        answer, ruling = tools.caller.attempt(claimed, at)
        in_time = answer.error != "timeout" and answer.duration_ms <= self._pace.prompt * 1000
        (self._prompt.add if in_time else self._prompt.discard)(claimed.endpoint_id)
        swift = fault(answer) is None and answer.duration_ms <= self._pace.swift * 1000
        (self._swift.add if swift else self._swift.discard)(claimed.endpoint_id)
        return self._tried(claimed, at, answer, ruling)

    def _tried(self, claimed: Claimed, at: datetime, answer: Answer, ruling: Ruling | None = None) -> Tried:
        stands_at, tools = claimed.stands_at, self._tools
        schedule = tools.schedules.get(claimed.environment, LIVE) if stands_at is None else tools.standing
        now, chance = tools.clock(), tools.chance()
        verdict = judge(answer, schedule, claimed.attempts, now=now, chance=chance, ruling=ruling)
        if stands_at is not None and verdict.next_attempt_at is not None:
            verdict = replace(verdict, next_attempt_at=stands_at + (verdict.next_attempt_at - now))
        return Tried(at, answer, verdict)
