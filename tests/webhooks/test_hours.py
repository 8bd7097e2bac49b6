"""One time for all workers, and what waits when it is set back (security.md R9)."""

import math
from datetime import UTC, datetime, timedelta
from time import time

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import add_endpoint, event, eventually, rows, say
from webhooks import delivery
from webhooks.delivery import Share
from webhooks.hours import DatabaseClock, Setbacks

Sessions = sessionmaker[Session]
AHEAD = timedelta(minutes=10)
LEASE = timedelta(seconds=30)


@pytest.mark.parametrize("seconds", [90, 0.2, -0.2])
def test_a_machine_whose_clock_is_90_seconds_ahead_goes_by_the_databases(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A fifth of a second off, and what is rung for would not be due yet."""
    monkeypatch.setattr("webhooks.hours.time", lambda: time() + seconds)
    clock = DatabaseClock(sessions.kw["bind"])

    with sessions() as session:
        before = session.scalar(text("SELECT clock_timestamp()"))
        now = clock()
        after = session.scalar(text("SELECT clock_timestamp()"))

    slack = after - before
    assert before - slack <= now <= after + slack


def test_who_must_not_wait_is_told_by_a_thread(sessions: Sessions) -> None:
    clock = DatabaseClock(sessions.kw["bind"], every=math.inf)
    right = clock()
    clock._ahead += 90

    with clock.followed(every=0.01):
        eventually(lambda: clock() - right < timedelta(seconds=60))


def test_without_a_database_the_machines_own_time_goes_on() -> None:
    clock = DatabaseClock(create_engine("postgresql+psycopg://127.0.0.1:1/nobody", connect_args={"connect_timeout": 1}))

    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=5)


def test_what_waits_is_moved_when_the_clock_was_set_back_and_only_then(sessions: Sessions) -> None:
    """One that was never tried, one behind it, one that waits for its retry, and one that somebody holds."""
    add_endpoint(sessions, "https://receiver.example/")
    now = datetime.now(UTC)
    say(sessions, event("job_1", 1), event("job_1", 2), event("job_held"), now=now + AHEAD)
    with sessions.begin() as session:
        held = delivery.claim(session, Share(limit=1, cap=1, rooms={}), lease=LEASE, now=now + AHEAD)
    passing = [0.0]
    setbacks = Setbacks(passing=lambda: passing[0])

    assert setbacks.look(sessions) is None
    assert setbacks.look(sessions) is None
    passing[0] = AHEAD.total_seconds()
    assert abs((setbacks.look(sessions) or timedelta(0)) - AHEAD) < timedelta(seconds=5)
    assert setbacks.look(sessions) is None

    assert len(held) == 1
    late = "due_at > now() + CASE WHEN leased THEN interval '30 s' ELSE interval '0' END"
    assert rows(sessions, f"SELECT count(*), count(*) FILTER (WHERE {late}) FROM webhook_mailbox") == [(2, 0)]
    assert rows(sessions, "SELECT count(*) FROM webhook_message WHERE next_attempt_at > now()") == [(0,)]


def test_a_clock_that_is_set_ahead_moves_nothing(sessions: Sessions) -> None:
    add_endpoint(sessions, "https://receiver.example/")
    say(sessions, event("job_1"), now=datetime.now(UTC) + AHEAD)
    before = rows(sessions, "SELECT due_at FROM webhook_mailbox")
    passing = [AHEAD.total_seconds()]
    setbacks = Setbacks(passing=lambda: passing[0])

    setbacks.look(sessions)
    passing[0] = 0.0

    assert setbacks.look(sessions) is None
    assert rows(sessions, "SELECT due_at FROM webhook_mailbox") == before


def test_an_answer_that_takes_long_is_no_clock_that_was_set_back(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing, scalar = [0.0], Session.scalar
    setbacks = Setbacks(passing=lambda: passing[0])
    setbacks.look(sessions)

    def late(session: Session, *args: object) -> object:
        found = scalar(session, *args)
        passing[0] += AHEAD.total_seconds()
        return found

    monkeypatch.setattr(Session, "scalar", late)
    assert setbacks.look(sessions) is None


def test_nor_is_a_clock_that_is_slow(sessions: Sessions) -> None:
    passing = [0.0]
    setbacks = Setbacks(passing=lambda: passing[0])
    for _ in range(8):
        assert setbacks.look(sessions) is None
        passing[0] += 1
