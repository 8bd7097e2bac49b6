"""A model of endpoints, mailboxes, messages and attempts, held against PostgreSQL after whatever is done to them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import add_endpoint, event, fresh, say
from webhooks import delivery, endpoints, policy
from webhooks.delivery import Claimed, Outcome, Share, Tried
from webhooks.endpoints import Changes
from webhooks.outbox import RenderFailure
from webhooks.policy import Answer, Schedule
from webhooks.tenant import Tenant

Sessions = sessionmaker[Session]
Box = tuple[str, str]
LEASE = timedelta(seconds=30)
DELAYS = Schedule((timedelta(seconds=5), timedelta(seconds=60)), timedelta(seconds=60))
EVERYTHING = Share(limit=1000, cap=1000, rooms={})
SUBJECTS = ("job_1", "job_2")
# A 404 is an answer, so it says nothing against its endpoint: circuits have tests of their own.
ANSWERS = {"taken": 204, "refused": 404, "gone": 410}
CAME = (*ANSWERS, "taken", "refused", "nothing")
TABLES = ("attempt", "message", "payload", "mailbox", "gate", "endpoint")


@dataclass
class Message:
    """What we think of a message; `due` is its next attempt, of a pending one."""

    event_id: str
    box: Box
    status: Literal["pending", "parked", "delivered", "failed"]
    due: datetime | None
    attempts: int = 0


@dataclass
class Mailbox:
    """When to look at it, and by whom it is held."""

    due: datetime | None = None
    holder: Claimed | None = None
    messages: list[Message] = field(default_factory=list)

    @property
    def head(self) -> Message | None:
        return next((one for one in self.messages if one.status in ("pending", "parked")), None)

    def settle(self) -> None:
        head = self.head
        self.holder, self.due = None, head.due if head is not None else None


@dataclass
class Endpoint:
    ordered: bool
    status: Literal["enabled", "disabled", "deleted"] = "enabled"


class Deliveries(RuleBasedStateMachine):
    """Time stands still but for `wait`. Claims that nobody records are those of workers that were killed."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self.sessions = sessions
        self.tenant = Tenant(fresh("ptn"), "sandbox")
        self.now = datetime(2026, 1, 14, 12, tzinfo=UTC)
        self.endpoints: dict[str, Endpoint] = {}
        self.boxes: dict[Box, Mailbox] = {}
        self.held: list[Claimed] = []
        self.sequences = {subject: itertools.count(1) for subject in SUBJECTS}

    @contextmanager
    def changing(self, choice: int) -> Iterator[tuple[Session, str, Endpoint]]:
        """One of the endpoints that are not deleted, in a transaction."""
        there = [(name, one) for name, one in self.endpoints.items() if one.status != "deleted"]
        name, one = there[choice % len(there)]
        with self.sessions.begin() as session:
            yield session, name, one

    def any_endpoint(self) -> bool:
        return any(one.status != "deleted" for one in self.endpoints.values())

    def box(self, claimed: Claimed) -> Mailbox:
        return self.boxes[claimed.box]

    @initialize(subjects=st.lists(st.sampled_from(SUBJECTS), min_size=2, max_size=6))
    def begin(self, subjects: list[str]) -> None:
        """One endpoint of either kind, and something to say; nothing is left of the run before."""
        with self.sessions.begin() as session:
            for table in TABLES:
                session.execute(text(f"DELETE FROM webhook_{table}"))
        self.add(True)
        self.add(False)
        for subject in subjects:
            self.enqueue(subject, False)

    @precondition(lambda self: len(self.endpoints) < 4)
    @rule(ordered=st.booleans())
    def add(self, ordered: bool) -> None:
        name, _ = add_endpoint(self.sessions, "https://example.com/", self.tenant, ordered=ordered)
        self.endpoints[name] = Endpoint(ordered)

    @rule(subject=st.sampled_from(SUBJECTS), wordless=st.sampled_from([False, False, False, True]))
    def enqueue(self, subject: str, wordless: bool) -> None:
        words = RenderFailure("no_words") if wordless else None
        said = event(subject, next(self.sequences[subject]), words)
        hear = [name for name, one in self.endpoints.items() if one.status != "deleted"]
        assert say(self.sessions, said, tenant=self.tenant, now=self.now) == len(hear)

        for name in hear:
            box = (name, subject if self.endpoints[name].ordered else f"{subject}/{said.event_id}")
            mailbox = self.boxes.setdefault(box, Mailbox())
            status, due = ("parked", None) if wordless else ("pending", self.now)
            mailbox.messages.append(Message(said.event_id, box, status, due))
            if mailbox.due is None:
                mailbox.due = self.now

    @rule()
    def claim(self) -> None:
        with self.sessions.begin() as session:
            heads = delivery.claim(session, EVERYTHING, lease=LEASE, now=self.now)
        found = {self.key(one): one for one in heads}
        assert len(found) == len(heads)

        expected = set()
        for box, mailbox in self.boxes.items():
            if self.endpoints[box[0]].status != "enabled" or mailbox.due is None or mailbox.due > self.now:
                continue
            head = mailbox.head
            if head is None or head.due is None or head.due > self.now:
                mailbox.settle()
                continue
            expected.add((box[0], head.event_id, head.attempts))
            mailbox.due, mailbox.holder = self.now + LEASE, found.get((box[0], head.event_id, head.attempts))
        assert set(found) == expected
        self.held += heads

    @staticmethod
    def key(claimed: Claimed) -> tuple[str, str, int]:
        return claimed.endpoint_id, claimed.event_id, claimed.attempts

    @precondition(lambda self: self.held)
    @rule(choice=st.integers(0, 20), came=st.sampled_from(CAME))
    def record(self, choice: int, came: str) -> None:
        """Also by a worker whose lease has ended, or whose endpoint is not there any more."""
        claimed = self.held.pop(choice % len(self.held))
        mailbox = self.box_of(claimed)
        verdict = None
        if came != "nothing":
            given = Answer(status_code=ANSWERS[came])
            verdict = policy.judge(given, DELAYS, claimed.attempts, now=self.now, chance=0)
            if verdict.disable:
                with self.sessions.begin() as session:
                    delivery.disable(session, [claimed.endpoint_id], "gone")
                if self.endpoints[claimed.endpoint_id].status == "enabled":
                    self.endpoints[claimed.endpoint_id].status = "disabled"
        tried = verdict and Tried(self.now, given, verdict)
        with self.sessions.begin() as session:
            assert delivery.record(session, [Outcome(claimed, tried)]) == []

        if mailbox.holder is not claimed:
            return
        if verdict is not None:
            [message] = [one for one in mailbox.messages if one.event_id == claimed.event_id]
            message.status, message.due = verdict.status, verdict.next_attempt_at
            message.attempts += 1
        mailbox.settle()

    def box_of(self, claimed: Claimed) -> Mailbox:
        [found] = [
            mailbox
            for (endpoint_id, _), mailbox in self.boxes.items()
            if endpoint_id == claimed.endpoint_id and any(one.event_id == claimed.event_id for one in mailbox.messages)
        ]
        return found

    @rule(outcomes=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(CAME)), min_size=1, max_size=5))
    def deliver(self, outcomes: list[tuple[int, str]]) -> None:
        """A worker's turn; what it has not recorded by the end of it comes late, or never."""
        self.claim()
        for choice, came in outcomes[: len(self.held)]:
            self.record(choice, came)

    @rule(seconds=st.sampled_from([1, 5, 31, 70]))
    def wait(self, seconds: int) -> None:
        """After 31 seconds the leases of the dead are over."""
        self.now += timedelta(seconds=seconds)

    @precondition(any_endpoint)
    @rule(choice=st.integers(0, 3), enabled=st.booleans())
    def switch(self, choice: int, enabled: bool) -> None:
        with self.changing(choice) as (session, name, one):
            endpoint = endpoints.get(session, self.tenant, name, lock=True)
            assert endpoint is not None
            endpoints.change(session, endpoint, Changes(enabled=enabled))
            one.status = "enabled" if enabled else "disabled"

    @precondition(any_endpoint)
    @rule(choice=st.integers(0, 3))
    def delete(self, choice: int) -> None:
        with self.changing(choice) as (session, name, one):
            endpoint = endpoints.get(session, self.tenant, name, lock=True)
            assert endpoint is not None
            endpoints.delete(session, endpoint, now=self.now)
            one.status = "deleted"
        for box, mailbox in self.boxes.items():
            if box[0] == name:
                mailbox.due, mailbox.holder = None, None
                for message in mailbox.messages:
                    if message.status in ("pending", "parked"):
                        message.status, message.due = "failed", None

    @precondition(lambda self: self.boxes)
    @rule(choice=st.integers(0, 50))
    def retry(self, choice: int) -> None:
        """Of a message that may be in any state, of an endpoint that is there."""
        messages = [
            one
            for mailbox in self.boxes.values()
            for one in mailbox.messages
            if self.endpoints[one.box[0]].status != "deleted"
        ]
        if not messages:
            return
        message = messages[choice % len(messages)]
        query = "SELECT id FROM webhook_message WHERE endpoint_id = :endpoint AND event_id = :event"
        with self.sessions.begin() as session:
            found = session.scalar(text(query), {"endpoint": message.box[0], "event": message.event_id})
            said = endpoints.retry(session, self.tenant, message.box[0], found, now=self.now)
        expected = message.status if message.status in ("pending", "parked") else "armed"
        assert said == expected
        if said == "armed":
            message.status, message.due = "pending", self.now
            mailbox = self.boxes[message.box]
            if mailbox.holder is None:
                mailbox.due = self.now

    @invariant()
    def everything_is_as_we_think(self) -> None:
        query = """
            SELECT m.endpoint_id, m.event_id, m.status, m.attempts, m.next_attempt_at,
                   (SELECT count(*) FROM webhook_attempt a WHERE a.message_id = m.id)
              FROM webhook_message m WHERE m.owner = :owner
        """
        with self.sessions() as session:
            found = {tuple(row) for row in session.execute(text(query), {"owner": self.tenant.owner})}
            states = {row[0]: row[1] for row in session.execute(text("SELECT id, status FROM webhook_endpoint"))}
        assert found == {
            (one.box[0], one.event_id, one.status, one.attempts, one.due, one.attempts)
            for mailbox in self.boxes.values()
            for one in mailbox.messages
        }
        assert states == {name: one.status for name, one in self.endpoints.items()}

    def teardown(self) -> None:
        """Everybody is switched on, all leases end: then all that has words is taken, in order, and nothing is left."""
        for choice in range(sum(one.status != "deleted" for one in self.endpoints.values())):
            self.switch(choice, True)
        self.held.clear()
        while any(one.due for mailbox in self.boxes.values() for one in mailbox.messages if not self.stuck(one)):
            self.now += timedelta(seconds=70)
            self.claim()
            assert self.held, "something waits, and nobody is told to send it"
            while self.held:
                self.record(0, "taken")
        self.everything_is_as_we_think()

    def stuck(self, message: Message) -> bool:
        """It stands behind one without words."""
        before = itertools.takewhile(lambda one: one is not message, self.boxes[message.box].messages)
        return any(one.status == "parked" for one in before)


def test_whatever_is_done_in_whatever_order_the_model_holds(sessions: Sessions) -> None:
    run_state_machine_as_test(
        lambda: Deliveries(sessions),
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
