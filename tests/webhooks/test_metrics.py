"""What is told to Prometheus: counted once each, over all processes, whoever is killed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, fresh, rows
from webhooks import metrics, outbox
from webhooks.outbox import Subscription
from webhooks.tables import Attempt

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Sessions = sessionmaker[Session]


def tried(sessions: Sessions, *attempts: tuple[float, int, str], step: str = "call") -> None:
    """A message of NOW, with attempts so many seconds later, that took so many milliseconds."""
    with sessions.begin() as session:
        subscription = Subscription("whep_1", "plain", ("*",))
        outbox.enqueue(outbox.writing(session), DEMO, [event("job_1")], [subscription], new_id=fresh, now=NOW)
        [message_id] = session.scalars(text("SELECT id FROM webhook_message ORDER BY position DESC LIMIT 1"))
        for after, took, verdict in attempts:
            at = NOW + timedelta(seconds=after)
            made = {"owner": DEMO.owner, "environment": DEMO.environment, "step": step}
            session.add(Attempt(message_id=message_id, at=at, duration_ms=took, verdict=verdict, **made))
        message = {"id": message_id, "attempts": len(attempts)}
        session.execute(text("UPDATE webhook_message SET attempts = :attempts WHERE id = :id"), message)


def count(sessions: Sessions) -> None:
    """Until all is counted that was there when it was called."""
    for _ in range(2):
        more = True
        while more:
            with sessions.begin() as session:
                more = metrics.tally(session)


def told(sessions: Sessions) -> dict[str, float]:
    with sessions() as session:
        lines = metrics.exposition(session, now=NOW).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def buckets(found: dict[str, float], measure: str, way: str = "http") -> dict[str, float]:
    """What is new in each bucket that has anything, by its upper end."""
    begin = f'webhook_{measure}_seconds_bucket{{environment="sandbox",way="{way}",le="'
    ends = {name.removeprefix(begin)[:-2]: value for name, value in found.items() if name.startswith(begin)}
    steps = zip(ends.items(), [0.0, *ends.values()], strict=False)
    return {end: value - before for (end, value), before in steps if value != before}


def test_durations_and_waits_are_in_their_buckets(sessions: Sessions) -> None:
    tried(sessions, (0.004, 10, "delivered"))
    tried(sessions, (0.25, 11, "retry"), (6, 14_999, "delivered"))
    tried(sessions, (100_000, 15_001, "failed"))
    tried(sessions, (-3, 0, "delivered"), step="inbox")
    count(sessions)
    found = told(sessions)
    assert buckets(found, "attempt") == {"0.01": 1, "0.025": 1, "15": 1, "60": 1}
    assert buckets(found, "wait") == {"0.005": 1, "0.25": 1, "+Inf": 1}
    assert buckets(found, "delivery") == {"0.025": 1, "60": 1}
    assert buckets(found, "wait", "inbox") == buckets(found, "attempt", "inbox") == {"0.005": 1}
    place = '{environment="sandbox",way="http"}'
    assert (found[f"webhook_delivery_seconds_sum{place}"], found[f"webhook_delivery_seconds_count{place}"]) == (
        pytest.approx(0.004 + 0.010 + 6 + 14.999),
        2,
    )
    verdicts = {
        verdict: found[f'webhook_attempts_total{{environment="sandbox",way="http",verdict="{verdict}"}}']
        for verdict in ("delivered", "retry", "failed")
    }
    assert verdicts == {"delivered": 2, "retry": 1, "failed": 1}


def test_what_is_sent_again_on_demand_was_not_under_way_all_the_while(sessions: Sessions) -> None:
    tried(sessions, (1, 1, "delivered"), (500, 1, "delivered"))
    count(sessions)
    found = told(sessions)
    assert buckets(found, "delivery") == {"2.5": 1}
    assert buckets(found, "wait") == {"1": 1}
    assert buckets(found, "attempt") == {"0.005": 2}


def test_each_attempt_is_counted_once_in_batches_that_are_killed(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "AT_ONCE", 2)
    tried(sessions, *((number, 1, "retry") for number in range(5)))
    with sessions.begin() as session:
        metrics.tally(session)
    with sessions() as session:
        assert metrics.tally(session)  # and never committed
    count(sessions), count(sessions)
    tried(sessions, (0, 1, "retry"))
    count(sessions)
    assert buckets(told(sessions), "attempt") == {"0.005": 6}


def test_what_was_counted_stays_when_the_attempts_are_gone(sessions: Sessions) -> None:
    tried(sessions, (0, 1, "delivered"))
    count(sessions)
    before = told(sessions)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM webhook_attempt"))
    count(sessions)
    assert told(sessions) == before
    assert buckets(before, "attempt") == {"0.005": 1}


def test_what_may_not_be_sent_is_held_and_not_overdue(sessions: Sessions) -> None:
    closed, _ = add_endpoint(sessions, "http://127.0.0.1:9/a")
    opened, _ = add_endpoint(sessions, "http://127.0.0.1:9/b")
    killed, _ = add_endpoint(sessions, "http://127.0.0.1:9/c")
    for endpoint_id, ago in ((closed, 90), (opened, 60), (killed, 5)):
        subscription, at = Subscription(endpoint_id, "plain", ("*",)), NOW - timedelta(seconds=ago)
        with sessions.begin() as session:
            outbox.enqueue(outbox.writing(session), DEMO, [event("job_1")], [subscription], new_id=fresh, now=at)
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_endpoint SET status = 'disabled' WHERE id = :id"), {"id": closed})
        session.execute(
            text("INSERT INTO webhook_gate (endpoint_id, open_until) VALUES (:id, now() + interval '1 minute')"),
            {"id": opened},
        )
        # Its worker was killed: the lease has ended.
        session.execute(text("UPDATE webhook_mailbox SET leased = true WHERE endpoint_id = :id"), {"id": killed})
    found = told(sessions)
    names = ("due", "oldest_due_seconds", "held", "in_flight", 'circuits{state="open"}')
    assert [found[f"webhook_{name}"] for name in names] == [1, 5, 2, 0, 1]


def test_the_format_is_that_of_prometheus(sessions: Sessions) -> None:
    tried(sessions, (0, 1, "delivered"))
    count(sessions)
    with sessions() as session:
        lines = metrics.exposition(session, now=NOW, prefix="shop").splitlines()
    sample = re.compile(r'shop_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.]+')
    kinds = [line.split()[2:] for line in lines if line.startswith("# TYPE")]
    assert [line for line in lines if not line.startswith("#") and not sample.fullmatch(line)] == []
    assert {kind for _, kind in kinds} == {"gauge", "counter", "histogram"}
    assert len({name for name, _ in kinds}) == len(kinds)
    assert rows(sessions, "SELECT count(*) FROM webhook_measured") == [(3,)]
