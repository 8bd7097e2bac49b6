"""How endpoints do: counted from the attempts, told at levels, disabled after days of nothing but failure."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, fresh, rows
from webhooks import endpoints, health, outbox, policy
from webhooks.endpoints import Changes
from webhooks.health import Notice, Rules, Standing
from webhooks.outbox import Subscription
from webhooks.tables import Attempt, Endpoint, Health

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RULES = Rules()


@pytest.fixture
def endpoint(sessions: sessionmaker[Session]) -> str:
    return add_endpoint(sessions, "http://127.0.0.1:9/hook")[0]


@pytest.fixture
def tried(sessions: sessionmaker[Session], endpoint: str):
    """Writes attempts so many minutes before NOW: `.` is a success, `x` a failure, other letters as in `errors`."""
    errors = {"x": "timeout", "i": "internal_error", "r": "refused", "a": "aborted", "d": "gone", "c": "timeout"}

    def tried(marks: str, minutes: float = 0.0, apart: float = 0.0, to: str = endpoint) -> None:
        with sessions.begin() as session:
            said = [event(fresh("job"))]
            subscription = Subscription(to, "plain", ("*",))
            outbox.enqueue(outbox.writing(session), DEMO, said, [subscription], new_id=fresh, now=NOW)
            [message_id] = session.scalars(text("SELECT id FROM webhook_message ORDER BY position DESC LIMIT 1"))
            for number, mark in enumerate(marks):
                at = NOW - timedelta(minutes=minutes) + timedelta(minutes=apart * number)
                verdict = "delivered" if mark == "." else "failed" if mark in "rad" else "retry"
                told = {"duration_ms": 1, "verdict": verdict, "error": errors.get(mark)}
                told |= {"chaos": {"kind": "duplicate"}} if mark == "c" else {}
                session.add(Attempt(message_id=message_id, owner=DEMO.owner, environment="sandbox", at=at, **told))

    return tried


def count(sessions: sessionmaker[Session]) -> dict[str, int]:
    """Until all is counted that was there when it was called; who died."""
    died: dict[str, int] = {}
    for _ in range(2):
        more = True
        while more:
            with sessions.begin() as session:
                more, found = health.tally(session)
            died |= found
    return died


def judged(sessions: sessionmaker[Session], now: datetime = NOW, rules: Rules = RULES) -> list[tuple[str, int]]:
    count(sessions)
    with sessions.begin() as session:
        return [(one.kind, one.level) for one in health.judge(session, rules, now=now)]


def standing(sessions: sessionmaker[Session], endpoint: str) -> Health:
    count(sessions)
    with sessions() as session:
        return session.get_one(Health, endpoint)


def shown(sessions: sessionmaker[Session], endpoint: str) -> dict[str, object]:
    with sessions() as session:
        return session.get_one(Endpoint, endpoint).health


def test_counts_each_attempt_once(sessions, endpoint, tried) -> None:
    tried("..x")
    count(sessions), count(sessions)
    assert (shown(sessions, endpoint)["attempts"], shown(sessions, endpoint)["failures"]) == (3, 1)
    tried("x")
    count(sessions)
    assert (shown(sessions, endpoint)["attempts"], shown(sessions, endpoint)["failures"]) == (4, 2)


def test_what_was_disturbed_on_purpose_is_not_counted(sessions, endpoint, tried) -> None:
    tried(".cc")
    count(sessions)
    assert (shown(sessions, endpoint)["attempts"], shown(sessions, endpoint)["failures"]) == (1, 0)
    verdict = policy.Verdict(status="pending", error="timeout")
    hung, disturbed = (policy.Answer(error="timeout", chaos=chaos) for chaos in (None, {"kind": "slow_body"}))
    assert [policy.health(one, verdict) for one in (hung, disturbed)] == ["hung", "unknown"]


def test_counts_in_batches(sessions, endpoint, tried, monkeypatch) -> None:
    monkeypatch.setattr(health, "AT_ONCE", 2)
    tried("x.x.x.x")
    count(sessions)
    assert shown(sessions, endpoint)["attempts"] == 7


def test_an_attempt_whose_transaction_ends_late_is_counted_all_the_same(sessions, endpoint, tried) -> None:
    with sessions() as late:
        tried(".")
        late.execute(
            text("""
                INSERT INTO webhook_attempt (message_id, owner, environment, at, duration_ms, verdict, error)
                SELECT id, owner, environment, :now, 1, 'retry', 'timeout' FROM webhook_message"""),
            {"now": NOW},
        )
        tried(".")  # a higher id, committed first
        count(sessions)
        assert shown(sessions, endpoint)["attempts"] == 0  # nobody passes the open one
        late.commit()
    count(sessions)
    assert (shown(sessions, endpoint)["attempts"], shown(sessions, endpoint)["failures"]) == (3, 1)


def test_failures_in_a_row_begin_behind_the_last_success(sessions, endpoint, tried) -> None:
    tried("xx.", 50, 1), tried("xxx", 40, 1)
    found = standing(sessions, endpoint)
    assert (found.since, found.last_success_at) == (NOW - timedelta(minutes=40), NOW - timedelta(minutes=48))
    tried("x", 5)
    assert standing(sessions, endpoint).since == NOW - timedelta(minutes=40)
    tried(".", 4)
    found = standing(sessions, endpoint)
    assert (found.since, found.last_success_at) == (None, NOW - timedelta(minutes=4))
    tried("x", 3)
    assert standing(sessions, endpoint).since == NOW - timedelta(minutes=3)


def test_our_own_faults_do_not_count_and_a_refusal_is_an_answer(sessions, endpoint, tried) -> None:
    tried("iiii"), tried("ra")
    assert count(sessions) == {endpoint: 2}
    assert (shown(sessions, endpoint)["attempts"], shown(sessions, endpoint)["failures"]) == (2, 0)


def test_warns_once_at_each_level(sessions, endpoint, tried) -> None:
    tried("...xx")
    assert judged(sessions) == []
    tried("x")
    assert judged(sessions) == [("failing", 50)]
    assert judged(sessions) == []
    tried("xxxx")
    assert judged(sessions) == [("failing", 70)]
    tried("x" * 20)
    assert judged(sessions) == [("failing", 90)]
    assert judged(sessions) == []


def test_a_few_attempts_are_no_share(sessions, endpoint, tried) -> None:
    tried("xxxx")
    assert judged(sessions) == []


def test_what_is_older_than_the_window_does_not_count(sessions, endpoint, tried) -> None:
    tried("x" * 9, 26 * 60), tried("." * 5, 10)
    assert judged(sessions) == []
    assert shown(sessions, endpoint)["attempts"] == 5


def test_an_endpoint_that_is_just_being_changed_is_judged_the_next_time(
    sessions: sessionmaker[Session], tried, endpoint: str
) -> None:
    """Who changes it holds it, and then wants its health: two who wait for each other would be a deadlock."""
    tried("xxxxx", minutes=5 * 24 * 60), tried("x")
    count(sessions)
    with sessions.begin() as changing:
        assert endpoints.get(changing, DEMO, endpoint, lock=True) is not None
        assert judged(sessions) == []
        health.reset(changing, endpoint)
        changing.rollback()
    assert judged(sessions) == [("disabled", 100)]


def test_disables_after_days_of_nothing_but_failure(sessions, endpoint, tried) -> None:
    tried("x" * 20, 5 * 24 * 60 - 1, 5)
    assert judged(sessions) == []
    tried("x", -1)
    assert judged(sessions) == [("disabled", health.DISABLED)]
    with sessions() as session:
        found = session.get_one(Endpoint, endpoint)
        assert (found.status, found.disabled_reason) == ("disabled", "failing")
    assert judged(sessions) == []


def test_one_success_within_the_days_holds_it_back(sessions, endpoint, tried) -> None:
    tried("x" * 3, 6 * 24 * 60), tried(".", 3 * 24 * 60), tried("x")
    assert judged(sessions) == []


def test_a_failure_long_ago_without_a_later_one_disables_nothing(sessions, endpoint, tried) -> None:
    tried("x" * 9, 9 * 24 * 60)
    assert judged(sessions) == []


def test_tells_that_a_receiver_was_gone(sessions, endpoint, tried) -> None:
    tried("x")
    with sessions.begin() as session:
        session.get_one(Endpoint, endpoint).status = "disabled"
        session.get_one(Endpoint, endpoint).disabled_reason = "gone"
    assert judged(sessions) == [("disabled", health.DISABLED)]


def test_what_a_partner_switches_off_is_no_news(sessions, endpoint, tried) -> None:
    tried("x" * 9)
    with sessions.begin() as session:
        endpoints.change(session, session.get_one(Endpoint, endpoint), Changes(enabled=False))
    assert judged(sessions) == []


def test_tells_that_it_has_recovered_and_begins_anew(sessions, endpoint, tried) -> None:
    tried("x" * 9, 60, 1)
    assert judged(sessions) == [("failing", 90)]
    tried(".", 1)
    assert judged(sessions) == [("recovered", 0)]
    assert judged(sessions) == []
    assert shown(sessions, endpoint)["failures"] == 0
    tried("x" * 9)
    assert judged(sessions) == [("failing", 90)]


def test_a_success_among_failures_is_no_recovery(sessions, endpoint, tried) -> None:
    tried("x" * 9, 5)
    assert judged(sessions) == [("failing", 90)]
    tried(".", 4)
    assert judged(sessions) == []
    assert judged(sessions, NOW + timedelta(minutes=10)) == [("recovered", 0)]


def test_enabling_it_again_forgets_what_was_and_its_recovery_is_told(sessions, endpoint, tried) -> None:
    tried("x" * 20, 5 * 24 * 60), tried("x")
    assert judged(sessions) == [("disabled", health.DISABLED)]
    tried("x" * 9)  # on their way when it was disabled, and not counted yet
    with sessions.begin() as session:
        endpoints.change(session, session.get_one(Endpoint, endpoint), Changes(enabled=True))
    assert judged(sessions) == []
    found = standing(sessions, endpoint)
    assert (found.since, found.warned) == (None, health.AGAIN)
    assert shown(sessions, endpoint)["attempts"] == 0
    tried(".", -1)
    assert judged(sessions, NOW + timedelta(minutes=1)) == [("recovered", 0)]


def test_switching_on_what_is_on_forgets_nothing(sessions, endpoint, tried) -> None:
    tried("x" * 9)
    count(sessions)
    with sessions.begin() as session:
        endpoints.change(session, session.get_one(Endpoint, endpoint), Changes(enabled=True))
    assert shown(sessions, endpoint)["failures"] == 9


def test_dead_letters_are_counted_with_their_endpoint(sessions, endpoint, tried) -> None:
    tried("d"), tried("."), tried("x")
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_message SET status = 'failed' WHERE position IN (1, 2)"))
        session.execute(text("UPDATE webhook_message SET status = 'parked' WHERE position = 3"))
    assert shown(sessions, endpoint)["dead_letters"] == 3
    assert count(sessions) == {endpoint: 1}
    assert count(sessions) == {}


def test_a_notice_is_mailed_once_and_the_latest_counts(sessions, endpoint, tried) -> None:
    tried("x" * 9)
    count(sessions)
    with sessions.begin() as session:
        health.to_mail(session, health.judge(session, RULES, now=NOW))
        assert health.unmailed(session, most=10) == [(endpoint, "failing")]
        session.execute(text("UPDATE webhook_health SET mail = 'recovered'"))
        health.mailed(session, endpoint, "failing")
        assert health.unmailed(session, most=10) == [(endpoint, "recovered")]
        health.mailed(session, endpoint, "recovered")
        assert health.unmailed(session, most=10) == []


def test_a_deleted_endpoint_is_not_judged(sessions, endpoint, tried) -> None:
    tried("x" * 9)
    with sessions.begin() as session:
        endpoints.delete(session, session.get_one(Endpoint, endpoint), now=NOW)
    assert judged(sessions) == []
    assert rows(sessions, "SELECT status FROM webhook_endpoint") == [("deleted",)]


def test_the_table_of_rulings() -> None:
    """Pure: everything that decides, one by one."""
    usual = {"endpoint_id": "whep_1", "owner": "o", "environment": "live", "disabled_reason": None}
    well = {"last_success_at": NOW, "since": None, "last_failure_at": NOW - timedelta(minutes=1)}
    ill = {"last_success_at": None, "since": NOW - timedelta(minutes=1), "last_failure_at": NOW}

    def ruled(warned: int, attempts: int, failures: int, status: str = "enabled", **times: object) -> object:
        told = {**usual, **times, "status": status, "warned": warned, "attempts": attempts, "failures": failures}
        found = health.ruling(Standing(**told), RULES, NOW)
        return found and (found.kind, found.level)

    assert ruled(0, 100, 49, **ill) is None
    assert ruled(0, 100, 50, **ill) == ("failing", 50)
    assert ruled(50, 100, 69, **ill) is None
    assert ruled(50, 100, 95, **ill) == ("failing", 90)
    assert ruled(90, 100, 60, **ill) is None
    assert ruled(90, 100, 24, **well) == ("recovered", 0)
    assert ruled(90, 100, 25, **well) is None
    assert ruled(0, 100, 1, **well) is None
    assert ruled(50, 9, 9, "disabled", **ill) is None
    assert isinstance(
        health.ruling(Standing(**usual, **ill, status="enabled", warned=0, attempts=5, failures=5), RULES, NOW), Notice
    )


def test_a_round_may_be_cut_off_before_its_commit(sessions, endpoint, tried) -> None:
    tried("x" * 9)
    count(sessions)
    with sessions() as session:
        assert len(health.judge(session, RULES, now=NOW)) == 1
        session.rollback()
    assert judged(sessions) == [("failing", 90)]
    with sessions() as session:
        assert session.scalar(select(Health.warned)) == 90
