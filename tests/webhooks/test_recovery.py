"""Everything that has failed since a time is sent again: in order, so many a second, and whoever is killed."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, eventually, fresh, rows, say, statuses
from webhooks import endpoints, outbox, recovery
from webhooks.outbox import RenderFailure, Subscription
from webhooks.recovery import NewRecovery, Recovery
from webhooks.tables import Endpoint, Message

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def endpoint(sessions: sessionmaker[Session]) -> str:
    return add_endpoint(sessions, "http://127.0.0.1:9/hook")[0]


@pytest.fixture
def died(sessions: sessionmaker[Session], endpoint: str):
    """Messages that ended as failed, so many hours before NOW, of subjects that are named or new."""

    def died(hours: float, number: int = 1, subject: str = "", kind: str = "job.x", status: str = "failed") -> None:
        at = NOW - hours * HOUR
        events = [event(subject or fresh("job"), kind=kind) for _ in range(number)]
        with sessions.begin() as session:
            to = Subscription(endpoint, "plain", ("*",))
            outbox.enqueue(outbox.writing(session), DEMO, events, [to], new_id=fresh, now=at)
            session.execute(
                text("""
                    UPDATE webhook_message
                       SET status = :status, attempts = 10, error = 'timeout', finished_at = :at,
                           next_attempt_at = CASE WHEN :status = 'pending' THEN next_attempt_at END
                     WHERE created_at = :at AND event_id = ANY(:ids)"""),
                {"status": status, "at": at, "ids": [one.event_id for one in events]},
            )
            session.execute(text("UPDATE webhook_mailbox SET due_at = NULL"))

    return died


@pytest.fixture
def started(sessions: sessionmaker[Session], endpoint: str):
    def started(hours: float = 24, now: datetime = NOW, **wish: Any) -> str:
        new = NewRecovery(
            **{"id": fresh("whr"), "endpoint_id": endpoint, "since": NOW - hours * HOUR, "until": NOW} | wish
        )
        with sessions.begin() as session:
            begun = recovery.start(session, DEMO, new, now=now)
            assert begun is not None
            return begun.id

    return started


def take_step(sessions: sessionmaker[Session], recovery_id: str, now: datetime) -> int:
    """How many it was allowed."""
    with sessions.begin() as session:
        found = recovery.take(session, recovery_id)
        assert found is not None
        most = recovery.allowed(session, found, now=now)
        if most:
            recovery.step(session, found, most, now=now)
        return most


def go(sessions: sessionmaker[Session], recovery_id: str, now: datetime = NOW, most: int = 100) -> Recovery:
    """Step by step to its end, a second each. What was made due is taken for sent."""
    for number in range(most):
        found = state(sessions, recovery_id)
        if found.status != "running":
            return found
        take_step(sessions, recovery_id, now + timedelta(seconds=number))
        with sessions.begin() as session:
            session.execute(text("UPDATE webhook_mailbox SET due_at = NULL"))
    raise AssertionError("it does not end")


def state(sessions: sessionmaker[Session], recovery_id: str) -> Recovery:
    with sessions() as session:
        return session.get_one(Recovery, recovery_id)


def test_sends_what_has_failed_since_then(sessions, died, started) -> None:
    died(30), died(5, 3), died(1, 2, kind="job.y")
    found = go(sessions, started(24))
    assert (found.status, found.rearmed, found.progress) == ("completed", 5, 1.0)
    assert statuses(sessions) == ["failed"] + ["pending"] * 5


def test_only_until_then_and_of_these_types(sessions, died, started) -> None:
    died(5, kind="job.y"), died(5), died(2, kind="job.y"), died(1)
    go(sessions, started(24, until=NOW - 3 * HOUR, event_types=("job.y",)))
    assert statuses(sessions) == ["pending", "failed", "failed", "failed"]


def test_all_types_are_all(sessions, died, started) -> None:
    died(5, kind="job.y"), died(5)
    go(sessions, started(24, event_types=("*",)))
    assert statuses(sessions) == ["pending"] * 2


def test_delivered_and_parked_ones_are_left(sessions, died, started) -> None:
    died(5, status="delivered"), died(5, status="parked"), died(5)
    found = go(sessions, started())
    assert statuses(sessions) == ["delivered", "parked", "pending"]
    assert found.rearmed == 1


def test_many_are_many_steps_and_none_is_too_many(sessions, died, started, monkeypatch) -> None:
    monkeypatch.setattr(recovery, "SCAN", 7)
    died(5, 40), died(30, 11), died(4, 9)
    found = go(sessions, started(rate_per_second=5))
    assert found.rearmed == 49
    assert statuses(sessions).count("failed") == 11


def test_as_many_a_second_as_are_wanted(sessions, died, started) -> None:
    died(5, 100)
    begun = started(rate_per_second=10)
    counts = []
    for number in range(8):
        take_step(sessions, begun, NOW + timedelta(seconds=number / 2))
        counts.append(statuses(sessions).count("pending"))
    # The first second was earned before it began; the stage of what waits took it.
    assert counts == [0, 5, 10, 15, 20, 25, 30, 35]


def test_a_slow_one_earns_over_several_rounds(sessions, died, started) -> None:
    died(5, 3)
    begun = started(rate_per_second=1)
    taken = [take_step(sessions, begun, NOW + timedelta(seconds=number / 4)) for number in range(9)]
    assert taken == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_waits_while_the_endpoint_has_enough_to_do(sessions, died, started, monkeypatch) -> None:
    monkeypatch.setattr(recovery, "WAITING", 4)
    died(5, 10)
    begun = started()
    taken = [take_step(sessions, begun, NOW + timedelta(seconds=number)) for number in range(4)]
    assert taken == [4, 4, 0, 0]
    assert statuses(sessions).count("pending") == 4
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_mailbox SET due_at = NULL"))
    assert take_step(sessions, begun, NOW + timedelta(seconds=5)) == 4


def test_a_step_that_is_killed_before_its_commit_has_not_been(sessions, died, started) -> None:
    died(5, 10)
    begun = started()
    with sessions() as session:
        found = recovery.take(session, begun)
        assert found is not None
        found.stage = "failed"
        recovery.step(session, found, 5, now=NOW)
        assert found.rearmed == 5
        session.rollback()
    assert state(sessions, begun).rearmed == 0
    assert statuses(sessions) == ["failed"] * 10
    assert go(sessions, begun).rearmed == 10


GOER = """
import sys
from datetime import UTC, datetime
from gateway import db
from webhooks import recovery

recovery.SCAN = 3
sessions = db.sessions(db.connect(sys.argv[1]))
while True:
    with sessions.begin() as session:
        found = recovery.take(session, sys.argv[2])
        if found is None:
            break
        now = datetime.now(UTC)
        if most := min(recovery.allowed(session, found, now=now), 2):
            print("step", flush=True)
            recovery.step(session, found, most, now=now)
print("over", flush=True)
"""


def test_whoever_goes_the_rounds_may_be_killed_again_and_again(sessions, database_url, died, started) -> None:
    """kill -9 of the process, wherever it is: none is left out, and none counted twice."""
    died(5, 60)
    begun = started(rate_per_second=500)
    for steps in (1, 2, 5, 9):
        going = subprocess.Popen([sys.executable, "-c", GOER, database_url, begun], stdout=subprocess.PIPE)
        assert going.stdout is not None
        with going:
            for _ in range(steps):
                assert going.stdout.readline() == b"step\n"
            going.kill()
    assert state(sessions, begun).status == "running"
    subprocess.run([sys.executable, "-c", GOER, database_url, begun], check=True, timeout=60, stdout=subprocess.DEVNULL)
    found = state(sessions, begun)
    assert (found.status, found.rearmed) == ("completed", 60)
    assert statuses(sessions) == ["pending"] * 60


def test_two_that_go_the_rounds_do_not_take_the_same_step(sessions, died, started) -> None:
    died(5, 3)
    begun = started()
    with sessions.begin() as first, sessions.begin() as second:
        assert recovery.take(first, begun) is not None
        assert recovery.take(second, begun) is None


def test_one_at_a_time_and_the_next_after_it(sessions, died, started, endpoint) -> None:
    died(5)
    begun = started()
    wish = NewRecovery(id="whr_2", endpoint_id=endpoint, since=NOW - HOUR, until=NOW)
    with sessions.begin() as session:
        assert recovery.start(session, DEMO, wish, now=NOW) is None
    go(sessions, begun)
    with sessions.begin() as session:
        assert recovery.start(session, DEMO, wish, now=NOW) is not None


def test_a_cancelled_one_takes_no_more_steps(sessions, died, started, endpoint) -> None:
    died(5, 10)
    begun = started(rate_per_second=5)
    take_step(sessions, begun, NOW), take_step(sessions, begun, NOW + timedelta(seconds=1))
    with sessions.begin() as session:
        found = recovery.get(session, DEMO, endpoint, begun, lock=True)
        assert found is not None
        assert recovery.cancel(found, now=NOW)
        assert not recovery.cancel(found, now=NOW)
    with sessions() as session:
        assert recovery.take(session, begun) is None
        assert recovery.running(session) == []
    assert statuses(sessions).count("pending") == 5


def test_a_disabled_endpoint_holds_its_recovery(sessions, died, started, endpoint) -> None:
    died(5)
    begun = started()
    with sessions.begin() as session:
        session.get_one(Endpoint, endpoint).status = "disabled"
    with sessions.begin() as session:
        assert recovery.running(session) == []
        session.get_one(Endpoint, endpoint).status = "enabled"
    with sessions() as session:
        assert recovery.running(session) == [begun]


def test_what_waits_for_a_later_time_is_tried_now_once(sessions, started, endpoint) -> None:
    say(sessions, *(event(f"job_{number}") for number in range(5)), now=NOW - HOUR)
    with sessions.begin() as session:
        later = {"later": NOW + 5 * HOUR}
        session.execute(text("UPDATE webhook_message SET attempts = 4, next_attempt_at = :later"), later)
        session.execute(text("UPDATE webhook_mailbox SET due_at = :later, retrying = true"), later)
    begun = started(rate_per_second=2)
    due = """
        SELECT count(*) FROM webhook_mailbox b JOIN webhook_message m USING (endpoint_id, subject)
         WHERE b.due_at = m.next_attempt_at AND b.due_at < :later
    """
    take_step(sessions, begun, NOW), take_step(sessions, begun, NOW + timedelta(seconds=1))
    assert rows(sessions, due, later=NOW + HOUR) == [(4,)]
    for number in range(2, 4):
        take_step(sessions, begun, NOW + timedelta(seconds=number))
    found = state(sessions, begun)
    assert (found.status, found.rearmed) == ("completed", 5)
    assert rows(sessions, "SELECT DISTINCT attempts FROM webhook_message") == [(4,)]


def test_a_body_that_is_not_kept_any_more_is_counted_and_left(sessions, died, started) -> None:
    died(5), died(4)
    with sessions.begin() as session:
        first = session.scalars(select(Message.payload_id).order_by(Message.position).limit(1)).one()
        session.execute(text("UPDATE webhook_payload SET body = '' WHERE id = :id"), {"id": first})
        session.execute(text("INSERT INTO webhook_mark (name, upto) VALUES ('bodies', :id)"), {"id": first})
    found = go(sessions, started())
    assert (found.rearmed, found.expired) == (1, 1)
    assert statuses(sessions) == ["failed", "pending"]


def test_nobody_sends_an_empty_body_instead_of_one_that_is_gone(sessions, died, endpoint) -> None:
    died(5)
    with sessions.begin() as session:
        message = session.scalars(select(Message)).one()
        session.execute(text("UPDATE webhook_payload SET body = ''"))
        session.execute(text("INSERT INTO webhook_mark (name, upto) SELECT 'bodies', max(id) FROM webhook_payload"))
        assert endpoints.retry(session, DEMO, endpoint, message.id, now=NOW) == "expired"
    assert statuses(sessions) == ["failed"]


def test_another_tenant_sees_no_recovery(sessions, started, endpoint) -> None:
    begun = started()
    other = type(DEMO)("ptn_other", "sandbox")
    with sessions() as session:
        assert recovery.get(session, other, endpoint, begun) is None
        assert recovery.page(session, other, endpoint, before=None, limit=5) == []
        assert [one.id for one in recovery.page(session, DEMO, endpoint, before=None, limit=5)] == [begun]
        assert recovery.page(session, DEMO, endpoint, before=begun, limit=5) == []


def test_dead_letters_are_what_failed_or_is_parked(sessions, died, endpoint) -> None:
    died(5), died(4, status="delivered")
    say(sessions, event("job_p", words=RenderFailure("render_failed: KeyError")), now=NOW)
    with sessions() as session:
        found = endpoints.dead_letters(session, DEMO, endpoint, before=None, limit=5)
        assert [one.message.status for one in found] == ["parked", "failed"]
        place = found[0].message.position
        assert len(endpoints.dead_letters(session, DEMO, endpoint, before=place, limit=5)) == 1


@pytest.mark.parametrize("ordered", [True, False])
def test_everything_arrives_in_order_after_an_outage(
    sessions, receiver, couriers: Callable[..., Any], ordered: bool
) -> None:
    """End to end, with a real courier: what failed for good comes in the order of each job, before what is new."""
    endpoint, _ = add_endpoint(sessions, receiver.url, ordered=ordered)
    with sessions.begin() as session:
        to = Subscription(endpoint, "plain", ("*",), ordered)
        events = [event(f"job_{job}", sequence) for sequence in range(1, 5) for job in range(3)]
        outbox.enqueue(outbox.writing(session), DEMO, events, [to], new_id=fresh, now=datetime.now(UTC) - HOUR)
        session.execute(text("UPDATE webhook_message SET status = 'failed', attempts = 5"))
        session.execute(text("UPDATE webhook_mailbox SET due_at = NULL, retrying = true"))
    now = datetime.now(UTC)
    with sessions.begin() as session:
        wish = NewRecovery(id="whr_1", endpoint_id=endpoint, since=now - 2 * HOUR, until=now)
        assert recovery.start(session, DEMO, wish, now=now)
    for number in range(3):
        with sessions.begin() as session:
            found = recovery.take(session, "whr_1")
            if found is not None and (most := recovery.allowed(session, found, now=now + timedelta(seconds=number))):
                recovery.step(session, found, most, now=now)
    couriers()
    eventually(lambda: statuses(sessions) == ["delivered"] * 12)
    assert len(receiver.got) == 12
    if ordered:
        for job in range(3):
            said = [one.body for one in receiver.got if f'"job_{job}"'.encode() in one.body]
            assert said == [f'{{"subject":"job_{job}","sequence":{number}}}'.encode() for number in range(1, 5)]
