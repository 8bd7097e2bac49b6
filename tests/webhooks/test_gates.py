"""Limits of endpoints over all workers, and their circuits."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, eventually, rows, say, statuses
from tests.support.receiver import NO_CONTENT, Receiver, answer
from webhooks import delivery, endpoints, gates, policy
from webhooks.courier import Courier, Pace
from webhooks.delivery import Claimed, Outcome, Share, Tried
from webhooks.policy import CIRCUIT, Answer

Sessions = sessionmaker[Session]
LEASE = timedelta(seconds=30)
ALL = Share(limit=1000, cap=1000, rooms={})
NOWHERE = "http://127.0.0.1:1/"
QUICK = policy.Schedule((timedelta(0),) * 100, timedelta(days=1))


def now() -> datetime:
    return datetime.now(UTC)


def claim(sessions: Sessions, share: Share = ALL) -> list[Claimed]:
    with sessions.begin() as session:
        return delivery.claim(session, share, lease=LEASE, now=now())


def answered(sessions: Sessions, claimed: list[Claimed], said: Answer) -> None:
    """All of them with this answer."""
    outcomes = []
    for one in claimed:
        verdict = policy.judge(said, QUICK, one.attempts, now=now(), chance=0)
        outcomes.append(Outcome(one, Tried(now(), said, verdict)))
    with sessions.begin() as session:
        assert delivery.record(session, outcomes) == []


def say_many(sessions: Sessions, count: int, first: int = 0) -> None:
    say(sessions, *[event(f"job_{first + n}") for n in range(count)])


def later(sessions: Sessions, seconds: float) -> None:
    """As if so much time had gone by for all gates."""
    with sessions.begin() as session:
        session.execute(
            text("UPDATE webhook_gate SET filled_at = filled_at - :by, open_until = open_until - :by"),
            {"by": timedelta(seconds=seconds)},
        )


def gate(sessions: Sessions) -> tuple[object, ...]:
    """Failures, trips, how long it stays open in seconds, and whether a probe is on its way."""
    [found] = rows(
        sessions,
        "SELECT failures, trips, round(extract(epoch FROM open_until - now()))::int, probing FROM webhook_gate",
    )
    return found


def gate_is_open(sessions: Sessions) -> bool:
    """Whether calls go through; nothing is taken."""
    with sessions() as session:
        found = bool(delivery.claim(session, ALL, lease=LEASE, now=now()))
        session.rollback()
    return found


def break_down(sessions: Sessions, said: Answer = Answer(error="connection_refused")) -> None:  # noqa: B008
    answered(sessions, claim(sessions), said)


# Limits


def test_a_rate_holds_for_all_workers_together(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE, rate_per_second=5)
    say_many(sessions, 30)

    assert [len(claim(sessions)) for _ in range(3)] == [5, 0, 0], "one second's worth, whoever asks"
    later(sessions, 0.4)
    assert len(claim(sessions)) == 2
    later(sessions, 3600)
    assert len(claim(sessions)) == 5, "a bucket holds no more than that of one second"


def test_a_rate_below_one_a_second_is_one_call_now_and_then(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE, rate_per_second=0.1)
    say_many(sessions, 5)

    assert len(claim(sessions)) == 1
    later(sessions, 9)
    assert claim(sessions) == []
    later(sessions, 1.1)
    assert len(claim(sessions)) == 1


def test_a_concurrency_holds_for_all_workers_together(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE, concurrency=3)
    say_many(sessions, 10)

    first = claim(sessions, Share(limit=100, cap=2, rooms={}))
    second = claim(sessions)
    assert (len(first), len(second), claim(sessions)) == (2, 1, [])
    answered(sessions, first, Answer(status_code=204))
    assert len(claim(sessions)) == 2


def test_while_one_worker_looks_at_a_gate_the_others_leave_it_and_wait_for_nothing(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE, rate_per_second=5)
    free, _ = add_endpoint(sessions, NOWHERE)
    say_many(sessions, 3)

    with sessions.begin() as other:
        assert len(gates.look(other)) == 1
        assert {one.endpoint_id for one in claim(sessions)} == {free}

    assert len(claim(sessions)) == 3


def test_limits_come_and_go_with_changes(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, NOWHERE)
    say_many(sessions, 20)

    def change(**said: float) -> None:
        with sessions.begin() as session:
            endpoint = endpoints.get(session, DEMO, endpoint_id, lock=True)
            assert endpoint is not None
            endpoints.change(session, endpoint, endpoints.Changes(**said))  # type: ignore[arg-type]

    change(concurrency=1)
    assert len(claim(sessions)) == 1
    change(concurrency=0, rate_per_second=2)
    assert len(claim(sessions)) == 2
    change(rate_per_second=0)
    assert len(claim(sessions)) == 17


def test_a_courier_comes_back_for_what_the_rate_left(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url, rate_per_second=20)
    start = now()
    say_many(sessions, 40)

    couriers()
    couriers()

    receiver.wait_for(40)
    took = (now() - start).total_seconds()
    assert took >= 0.95, "twenty of them are there at once, the others come one by one"


# Circuit


def test_a_circuit_opens_when_nothing_but_failures_came(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after + 5)

    answered(sessions, claim(sessions, Share(limit=CIRCUIT.after - 1, cap=1000, rooms={})), Answer(error="dns_failure"))
    assert gate(sessions) == (CIRCUIT.after - 1, 0, None, False)
    [last] = claim(sessions, Share(limit=1, cap=1, rooms={}))
    answered(sessions, [last], Answer(status_code=503))

    assert gate(sessions) == (CIRCUIT.after, 1, 5, False)
    assert claim(sessions) == [], "nobody calls there"
    with sessions() as session:
        assert not delivery.is_due(session, now()), "nor is anybody rung for it"


def test_one_that_hangs_is_left_alone_after_three_calls(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, 4)
    for _ in range(3):
        assert gate_is_open(sessions)
        answered(sessions, claim(sessions, Share(limit=1, cap=1, rooms={})), Answer(error="timeout"))

    assert not gate_is_open(sessions)


@pytest.mark.parametrize("error", ["internal_error", "blocked_by_policy", "no_folder"])
def test_what_nobody_there_can_help_opens_no_circuit(sessions: Sessions, error: str) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after + 1)

    answered(sessions, claim(sessions), Answer(error=error))

    assert rows(sessions, "SELECT FROM webhook_gate") == []


def test_one_probe_decides_and_each_pause_is_longer(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after)
    break_down(sessions)

    for pause in (10, 20, 40, 80, 160, 300, 300):
        later(sessions, 1000)
        probe = claim(sessions)
        assert (len(probe), claim(sessions)) == (1, []), "one, whoever asks"
        answered(sessions, probe, Answer(status_code=500))
        assert gate(sessions)[2:] == (pause, False)

    later(sessions, 1000)
    answered(sessions, claim(sessions), Answer(status_code=204))
    assert gate(sessions) == (0, 0, None, False)
    assert len(claim(sessions)) == CIRCUIT.after - 1, "the others were not tried in vain"


def test_a_probe_that_nobody_comes_back_from_is_over_with_its_lease(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after)
    break_down(sessions)
    later(sessions, 6)
    assert len(claim(sessions)) == 1
    assert claim(sessions) == []

    later(sessions, LEASE.total_seconds() + 1)

    assert len(claim(sessions)) == 1


def test_what_was_sent_before_says_nothing_of_an_open_circuit(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after + 4)
    claimed = claim(sessions)
    answered(sessions, claimed[4:], Answer(error="tls_error"))
    opened = gate(sessions)

    answered(sessions, claimed[:2], Answer(error="tls_error"))
    answered(sessions, claimed[2:4], Answer(status_code=204))

    assert gate(sessions)[:2] == opened[:2]
    assert claim(sessions) == []


@pytest.mark.parametrize("code", [204, 302, 400, 404, 422])
def test_whoever_answers_is_well_even_when_the_answer_is_no(sessions: Sessions, code: int) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, 3)
    one, *others = claim(sessions)
    answered(sessions, others, Answer(status_code=500))
    assert gate(sessions)[0] == 2
    [again] = claim(sessions, Share(limit=1, cap=1, rooms={}))

    answered(sessions, [again], Answer(status_code=code))

    assert gate(sessions) == (0, 0, None, False)
    assert one.strained is False
    assert again.strained is True


def test_one_that_is_well_writes_no_gate(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, 3)

    answered(sessions, claim(sessions), Answer(status_code=204))

    assert rows(sessions, "SELECT FROM webhook_gate") == []


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        (Answer(status_code=429, retry_after="120"), 120),
        (Answer(status_code=503, retry_after="60"), 60),
        (Answer(status_code=429, retry_after="9" * 30), 3600),
        (Answer(status_code=429, retry_after="-5"), None),
        (Answer(status_code=429, retry_after="soon"), None),
        (Answer(status_code=500, retry_after="120"), None),
    ],
)
def test_who_is_asked_for_a_pause_keeps_it_for_the_whole_endpoint(
    sessions: Sessions, said: Answer, pause: int | None
) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, 3)
    first, *others = claim(sessions)
    answered(sessions, [first], said)

    assert gate(sessions)[2] == pause
    answered(sessions, others, Answer(status_code=204))
    assert gate(sessions)[2] == pause, "what was on its way ends no pause"
    say_many(sessions, 1, first=10)
    assert bool(claim(sessions)) is (pause is None)


def test_a_pause_ends_with_a_probe(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    say_many(sessions, 1)
    answered(sessions, claim(sessions), Answer(status_code=429, retry_after="60"))
    say_many(sessions, 5, first=10)
    later(sessions, 61)

    [probe] = claim(sessions)
    answered(sessions, [probe], Answer(status_code=204))

    assert gate(sessions) == (0, 0, None, False)
    assert len(claim(sessions)) == 4


def test_another_url_or_being_switched_on_closes_a_circuit(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, NOWHERE)
    say_many(sessions, CIRCUIT.after)
    break_down(sessions)
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id, lock=True)
        assert endpoint is not None
        endpoints.change(session, endpoint, endpoints.Changes(url="http://127.0.0.1:2/"))

    assert gate(sessions) == (0, 0, None, False)
    assert len(claim(sessions)) == CIRCUIT.after


def test_a_dead_receiver_is_hardly_called_and_nothing_is_lost(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    receiver.always(answer("500 Oops"))
    add_endpoint(sessions, receiver.url)
    say_many(sessions, 50)
    couriers()
    eventually(lambda: rows(sessions, "SELECT FROM webhook_gate WHERE open_until IS NOT NULL"))
    tried = len(receiver.got)
    assert tried < 30

    receiver.always(NO_CONTENT)
    later(sessions, 1000)

    # A failure that was still on its way may be taken for the probe's: then the pause is 10 s.
    eventually(lambda: set(statuses(sessions)) == {"delivered"}, 30)


# Who goes first


def backlog(sessions: Sessions, count: int) -> None:
    """So many messages that were tried before and are due."""
    say(sessions, *[event(f"old_{n}") for n in range(count)])
    answered(sessions, claim(sessions), Answer(status_code=404))


def kinds(claimed: list[Claimed]) -> Counter[str]:
    return Counter(one.subject.partition("_")[0] for one in claimed)


def test_first_attempts_go_before_retries(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    backlog(sessions, 20)
    say_many(sessions, 6)

    assert kinds(claim(sessions, Share(limit=100, cap=8, rooms={}))) == {"job": 6, "old": 2}
    say_many(sessions, 20, first=10)
    assert kinds(claim(sessions, Share(limit=100, cap=8, rooms={}))) == {"job": 8}
    assert kinds(claim(sessions, Share(limit=100, cap=8, rooms={}, again=True))) == {"job": 6, "old": 2}
    assert kinds(claim(sessions, Share(limit=100, cap=1, rooms={}, again=True))) == {"old": 1}


def test_first_attempts_go_before_retries_of_other_endpoints_too(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE)
    backlog(sessions, 20)
    later_one, _ = add_endpoint(sessions, NOWHERE)
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_endpoint SET event_types = '{none.x}' WHERE id <> :id"), {"id": later_one})
    say_many(sessions, 5)

    assert kinds(claim(sessions, Share(limit=8, cap=8, rooms={}))) == {"job": 5, "old": 3}


def test_what_is_said_after_a_mailbox_was_emptied_is_new_and_what_is_sent_again_is_not(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, NOWHERE)
    say_many(sessions, 2)
    first, second = claim(sessions)
    answered(sessions, [first, second], Answer(status_code=204))

    say(sessions, event(first.subject, 2))
    with sessions.begin() as session:
        assert endpoints.retry(session, DEMO, endpoint_id, second.message_id, now=now()) == "armed"

    found = rows(sessions, "SELECT subject, retrying FROM webhook_mailbox")
    assert set(found) == {(first.subject, False), (second.subject, True)}


def test_a_long_backlog_of_retries_does_not_hold_up_what_is_new(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    backlog(sessions, 300)
    couriers(Pace(cap=2, least=2, most_of_all=2))
    receiver.wait_for(20)
    before = len(receiver.got)

    say_many(sessions, 5)

    eventually(lambda: sum(b"job_" in request.body for request in list(receiver.got)) == 5)
    assert len(receiver.got) - before < 60


# Order, or none


def test_where_there_is_no_order_no_message_waits_for_another(sessions: Sessions) -> None:
    add_endpoint(sessions, NOWHERE, ordered=False)
    ordered, _ = add_endpoint(sessions, NOWHERE)
    say(sessions, event("job_1", 1), event("job_1", 2), event("job_1", 3))

    found = Counter(one.endpoint_id == ordered for one in claim(sessions))

    assert found == {True: 1, False: 3}
    subjects = {str(one) for (one,) in rows(sessions, "SELECT subject FROM webhook_message")}
    assert "job_1" in subjects
    assert len(subjects) == 4


def test_a_message_that_fails_holds_up_no_other_where_there_is_no_order(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url, ordered=False)
    receiver.behave = lambda n: (
        lambda sock, request: (answer("404 No") if json.loads(request.body)["sequence"] == 1 else NO_CONTENT)(
            sock, request
        )
    )
    say(sessions, event("job_1", 1), event("job_1", 2), event("job_1", 3))

    couriers()

    eventually(lambda: statuses(sessions) == ["failed", "delivered", "delivered"])


# A receiver that wants no more of it


def test_a_receiver_may_say_that_a_message_is_not_to_come_again(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("422 No", "Webhook-Delivery: Abort") if n == 0 else NO_CONTENT
    say(sessions, event("job_1", 1), event("job_1", 2))

    couriers()

    eventually(lambda: statuses(sessions) == ["failed", "delivered"])
    assert rows(sessions, "SELECT status_code, error, verdict FROM webhook_attempt ORDER BY id") == [
        (422, "aborted", "failed"),
        (204, None, "delivered"),
    ]


def test_a_success_is_one_whatever_the_header_says() -> None:
    verdict = policy.judge(Answer(status_code=200, abort=True), QUICK, 0, now=now(), chance=0)
    assert verdict.status == "delivered"


def test_a_token_server_aborts_nothing() -> None:
    verdict = policy.judge(Answer(status_code=500, abort=True, step="token"), QUICK, 0, now=now(), chance=0)
    assert verdict.status == "pending"


def test_410_disables_whatever_else_it_says() -> None:
    verdict = policy.judge(Answer(status_code=410, abort=True), QUICK, 0, now=now(), chance=0)
    assert (verdict.status, verdict.disable) == ("pending", True)
