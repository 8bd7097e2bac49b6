"""Clocks that stand: what waits for their owner goes by them, and nobody else notices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, eventually, rows, say, statuses
from tests.support.receiver import Receiver, answer
from webhooks import clocks, delivery, gates, health, signing
from webhooks.courier import Courier
from webhooks.delivery import Share
from webhooks.hours import Setbacks
from webhooks.policy import LIVE
from webhooks.tenant import Tenant

Sessions = sessionmaker[Session]
OTHER = Tenant("ptn_other", "sandbox")
LEASE = timedelta(seconds=30)
ALL = Share(limit=1000, cap=1000, rooms={})
ATTEMPTS = "SELECT at, sent_at FROM webhook_attempt ORDER BY id"


def now() -> datetime:
    return datetime.now(UTC)


def stand(sessions: Sessions, at: datetime) -> datetime:
    with sessions.begin() as session:
        clocks.stand(session, DEMO, at)
    return at


def busy(sessions: Sessions) -> bool:
    with sessions() as session:
        return clocks.busy(session, DEMO)


def next_due(sessions: Sessions) -> datetime | None:
    with sessions() as session:
        found = clocks.next_due(session, DEMO, now())
        return found and found.at


def claim(sessions: Sessions, at: datetime) -> list[str]:
    with sessions.begin() as session:
        return [one.owner for one in delivery.claim(session, ALL, lease=LEASE, now=at)]


def test_retries_come_when_their_time_is_reached_each_exactly_then(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    """By the schedule of whoever stands, which is the one in earnest; signed in real time all the same."""
    receiver.always(answer("500 Oh No"))
    _, secret = add_endpoint(sessions, receiver.url)
    begun = at = stand(sessions, now())
    say(sessions, event("job_1"), now=at)
    couriers()
    for delay in LIVE.delays:
        eventually(lambda: not busy(sessions))
        assert next_due(sessions) == at + delay
        at = stand(sessions, at + delay)
    eventually(lambda: statuses(sessions) == ["failed"])
    expected = [begun + sum(LIVE.delays[:place], timedelta()) for place in range(len(LIVE.delays) + 1)]
    assert [row[0] for row in rows(sessions, ATTEMPTS)] == expected
    assert next_due(sessions) is None
    for one in receiver.wait_for(len(expected)):
        signing.verify(signing.key(secret), one.headers, one.body, now=now())


def test_what_the_clock_has_not_reached_waits_whatever_the_time_is(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:9/")
    add_endpoint(sessions, "http://127.0.0.1:9/", OTHER)
    at = stand(sessions, now())
    say(sessions, event("job_1"), now=at + timedelta(seconds=5))
    say(sessions, event("job_1"), tenant=OTHER, now=at + timedelta(seconds=5))
    with sessions() as session:
        assert delivery.is_due(session, at + timedelta(days=1))
    assert claim(sessions, at + timedelta(days=1)) == [OTHER.owner]
    stand(sessions, at + timedelta(seconds=5))
    with sessions() as session:
        assert delivery.is_due(session, at)
    assert claim(sessions, at) == [DEMO.owner]


def test_a_lease_ends_in_real_time_while_the_clock_stands(sessions: Sessions) -> None:
    """Wherever it stands: whoever had it was killed."""
    add_endpoint(sessions, "http://127.0.0.1:9/")
    for at in (now() - timedelta(days=1), now() + timedelta(days=1)):
        with sessions.begin() as session:
            clocks.stand(session, DEMO, at)
        say(sessions, event(f"job_{at}"), now=at)
        begun = now()
        assert claim(sessions, begun) == [DEMO.owner]
        assert claim(sessions, begun + LEASE / 2) == []
        assert busy(sessions)
        assert claim(sessions, begun + LEASE) == [DEMO.owner]
        with sessions.begin() as session:
            clocks.leave(session, DEMO, now())


def test_who_goes_back_to_real_time_keeps_what_was_left_of_each_wait(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:9/")
    real = now()
    at = stand(sessions, real + timedelta(days=3))
    say(sessions, event("job_1"), now=at + timedelta(hours=2))
    say(sessions, event("job_2"), now=at)
    with sessions.begin() as session:
        assert clocks.leave(session, DEMO, real) == at
        assert clocks.leave(session, DEMO, real) is None
        assert clocks.now_of(session, DEMO, real) == real
    due = "SELECT m.due_at, x.next_attempt_at FROM webhook_mailbox m JOIN webhook_message x USING (subject) ORDER BY 1"
    assert rows(sessions, due) == [(real, real), (real + timedelta(hours=2),) * 2]
    # A request that still knew the clock: never tried, and nothing to wait for.
    say(sessions, event("job_3"), now=at)
    with sessions.begin() as session:
        clocks.settle(session, real)
    assert rows(sessions, "SELECT due_at FROM webhook_mailbox WHERE subject = 'job_3'") == [(real,)]
    with sessions.begin() as session:
        clocks.settle(session, real + 2 * clocks.LINGER)
    assert rows(sessions, "SELECT FROM webhook_clock") == []


def test_what_was_written_by_a_clock_that_is_a_little_ahead_does_not_wait(sessions: Sessions) -> None:
    """A request that was on its way while the clock was frozen; what was tried waits on."""
    add_endpoint(sessions, "http://127.0.0.1:9/")
    at = stand(sessions, now())
    say(sessions, event("job_1"), event("job_2"), now=at + timedelta(seconds=1))
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_message SET attempts = 1 WHERE subject = 'job_2'"))
        clocks.settle(session, now())
    assert claim(sessions, at) == [DEMO.owner]
    assert rows(sessions, "SELECT subject FROM webhook_mailbox WHERE leased") == [("job_1",)]


def test_an_attempt_that_comes_back_after_the_clock_was_left_waits_in_real_time(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    at = stand(sessions, now() + timedelta(days=3))

    def leave(sock: object, request: object) -> None:
        with sessions.begin() as session:
            clocks.leave(session, DEMO, now())
        answer("500 Oh No")(sock, request)  # type: ignore[arg-type]

    receiver.always(leave)
    say(sessions, event("job_1"), now=at)
    couriers()
    eventually(lambda: rows(sessions, ATTEMPTS))
    [(due,)] = rows(sessions, "SELECT next_attempt_at < now() + interval '1 minute' FROM webhook_message")
    assert due


def test_failures_under_a_clock_open_no_circuit_and_count_in_real_time(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    receiver.always(answer("500 Oh No"))
    endpoint_id, _ = add_endpoint(sessions, receiver.url)
    with sessions.begin() as session:
        gates.reset(session, endpoint_id)
        gates.report(session, [gates.Report(endpoint_id, False, 20, None)])
    assert rows(sessions, "SELECT FROM webhook_gate WHERE open_until IS NOT NULL")
    at = stand(sessions, now() + timedelta(days=30))
    assert not rows(sessions, "SELECT FROM webhook_gate WHERE open_until IS NOT NULL")
    for number in range(20):
        say(sessions, event(f"job_{number}"), now=at)
    couriers()
    receiver.wait_for(20)
    eventually(lambda: not busy(sessions))
    assert not rows(sessions, "SELECT FROM webhook_gate WHERE open_until IS NOT NULL OR failures > 0")
    for _ in range(2):
        with sessions.begin() as session:
            health.tally(session)
    assert rows(sessions, "SELECT last_failure_at < now() + interval '1 minute' FROM webhook_health") == [(True,)]


def test_a_clock_of_the_database_that_is_set_back_moves_nothing_of_who_stands(sessions: Sessions) -> None:
    """Their time did not change."""
    add_endpoint(sessions, "http://127.0.0.1:9/")
    at = stand(sessions, now())
    say(sessions, event("job_1"), now=at + timedelta(days=1))
    seconds = iter((0.0, 0.0, 3600.0, 3600.0))
    setbacks = Setbacks(passing=lambda: next(seconds))
    assert setbacks.look(sessions) is None
    assert setbacks.look(sessions) is not None
    assert next_due(sessions) == at + timedelta(days=1)
