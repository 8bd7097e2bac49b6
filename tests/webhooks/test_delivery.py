"""Claim, send, record: nothing lost, in order, whatever the receiver does."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.calling import caller_over
from tests.support.outbox import DEMO, add_endpoint, event, eventually, fresh, rows, say, statuses
from tests.support.receiver import NO_CONTENT, Receiver, answer
from webhooks import delivery, endpoints, outbox, signing
from webhooks.courier import Courier, Pace
from webhooks.delivery import Claimed, Outcome, Share, Tried
from webhooks.outbox import Payload, RenderFailure
from webhooks.policy import Answer, Verdict
from webhooks.transport import Transport

Sessions = sessionmaker[Session]
LEASE = timedelta(seconds=30)
ALL = Share(limit=1000, cap=1000, rooms={})


def now() -> datetime:
    return datetime.now(UTC)


def claim(sessions: Sessions, share: Share = ALL, at: datetime | None = None) -> list[Claimed]:
    with sessions.begin() as session:
        return delivery.claim(session, share, lease=LEASE, now=at or now())


def delivered(claimed: Claimed) -> Outcome:
    return Outcome(claimed, Tried(now(), Answer(status_code=204), Verdict(status="delivered")))


def record(sessions: Sessions, *outcomes: Outcome) -> list[Outcome]:
    with sessions.begin() as session:
        return delivery.record(session, outcomes)


def sequences(receiver: Receiver) -> dict[str, list[int]]:
    """What each subject was told, in order of arrival."""
    told: dict[str, list[int]] = defaultdict(list)
    for request in receiver.got:
        body = json.loads(request.body)
        told[body["subject"]].append(body["sequence"])
    return told


def all_delivered(sessions: Sessions) -> bool:
    return set(statuses(sessions)) == {"delivered"}


def test_a_message_arrives_signed(sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]) -> None:
    _, secret = add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))

    couriers()

    request = receiver.wait_for(1)[0]
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "Stecker/test"
    signing.verify(signing.key(secret), request.headers, request.body, now=now())
    eventually(lambda: all_delivered(sessions))
    [(code, error, attempts)] = rows(
        sessions,
        "SELECT a.status_code, a.error, m.attempts FROM webhook_attempt a JOIN webhook_message m ON m.id = message_id",
    )
    assert (code, error, attempts) == (204, None, 1)


def test_a_dialect_says_the_method_the_path_and_headers_of_its_request(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url + "?key=1")
    payload = Payload(body=b"<a/>", media_type="text/xml", method="PUT", path="/jobs/1", headers={"x-kind": "a"})
    say(sessions, event("job_1", words=(payload,)))

    couriers()

    request = receiver.wait_for(1)[0]
    assert request.line == "PUT /hook/jobs/1?key=1 HTTP/1.1"
    assert (request.headers["x-kind"], request.headers["content-type"]) == ("a", "text/xml")


def test_500_then_200_comes_again_with_the_same_id(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("500 Oops", body=b"sorry") if n < 2 else NO_CONTENT
    say(sessions, event("job_1"))

    couriers()

    eventually(lambda: all_delivered(sessions))
    assert len({request.headers["webhook-id"] for request in receiver.got}) == 1
    found = rows(sessions, "SELECT status_code, error, response_excerpt FROM webhook_attempt ORDER BY id")
    assert found == [(500, "unexpected_status", "sorry")] * 2 + [(204, None, None)]


def test_a_used_up_schedule_fails_and_lets_the_next_go(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("500 Oops") if n < 5 else NO_CONTENT
    say(sessions, event("job_1", 1), event("job_1", 2))

    couriers()

    assert eventually(lambda: "pending" not in statuses(sessions))
    assert statuses(sessions) == ["failed", "delivered"]
    assert sequences(receiver) == {"job_1": [1, 1, 1, 1, 1, 2]}


def test_410_disables_the_endpoint_and_its_messages_wait_k6(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    endpoint_id, _ = add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("410 Gone") if n == 0 else NO_CONTENT
    say(sessions, event("job_1", 1), event("job_1", 2))

    couriers()

    eventually(lambda: rows(sessions, "SELECT FROM webhook_endpoint WHERE status = 'disabled'"))
    eventually(lambda: rows(sessions, "SELECT FROM webhook_attempt"))
    say(sessions, event("job_1", 3))
    assert statuses(sessions) == ["pending"] * 3
    assert len(receiver.got) == 1
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id)
        assert endpoint is not None
        assert endpoint.disabled_reason == "gone"
        endpoints.change(session, endpoint, endpoints.Changes(enabled=True))

    eventually(lambda: all_delivered(sessions))
    assert sequences(receiver) == {"job_1": [1, 1, 2, 3]}


def test_retry_after_moves_the_next_attempt(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    receiver.always(answer("429 Slow down", "retry-after: 1000000000"))
    start = now()
    say(sessions, event("job_1"))

    couriers(Pace())

    [(at,)] = eventually(
        lambda: rows(sessions, "SELECT next_attempt_at FROM webhook_message WHERE attempts > 0 AND status = 'pending'")
    )
    assert isinstance(at, datetime)
    # The schedule of these tests allows one second at most.
    assert timedelta(seconds=0.9) < at - start < timedelta(seconds=5)


def test_receivers_that_hang_do_not_hold_up_the_others_r11(
    sessions: Sessions, receivers: Callable[[], Receiver], couriers: Callable[..., Courier]
) -> None:
    *hanging, healthy = (receivers() for _ in range(4))
    for one in hanging:
        one.always(lambda sock, request: sock.recv(1) and None)
        add_endpoint(sessions, one.url)
    say(sessions, *[event(f"job_{n}") for n in range(30)])
    add_endpoint(sessions, healthy.url)
    couriers(Pace(threads=12))
    for one in hanging:
        one.wait_for(1)

    start = time.monotonic()
    with sessions.begin() as session:
        *_, other = outbox.subscribed(outbox.reading(session), DEMO)
        outbox.enqueue(
            outbox.writing(session), DEMO, [event(f"job_{n}") for n in range(50)], [other], new_id=fresh, now=now()
        )
    healthy.wait_for(50)

    assert time.monotonic() - start < 2
    assert all(one.connects <= 8 for one in hanging), "one at a time"


def test_order_holds_within_a_subject_while_attempts_fail_and_two_couriers_race_k7(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    chance = random.Random(7)
    add_endpoint(sessions, receiver.url)
    receiver.behave = lambda n: answer("503 Busy") if chance.random() < 0.2 else NO_CONTENT
    couriers()
    couriers()
    for sequence in range(1, 11):
        say(sessions, *[event(f"job_{n}", sequence) for n in range(8)])

    eventually(lambda: "pending" not in statuses(sessions), within=30)

    attempted = sequences(receiver)
    for subject in attempted:
        assert attempted[subject] == sorted(attempted[subject]), subject
    assert len(attempted) == 8
    ids = [request.headers["webhook-id"] for request in receiver.got]
    made = rows(sessions, "SELECT count(*) FROM webhook_attempt")[0][0]
    assert made == len(ids), "each attempt once, by one courier"


def test_a_message_without_words_parks_and_blocks_only_its_subject(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", 1, RenderFailure("render_failed")), event("job_1", 2), event("job_2", 1))

    couriers()

    eventually(lambda: "delivered" in statuses(sessions))
    eventually(lambda: rows(sessions, "SELECT FROM webhook_mailbox WHERE subject = 'job_1' AND due_at IS NULL"))
    assert statuses(sessions) == ["parked", "pending", "delivered"]
    assert rows(sessions, "SELECT error FROM webhook_message WHERE status = 'parked'") == [("render_failed",)]


def test_a_stale_generation_changes_nothing_r4(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, event("job_1", 1))
    [old] = claim(sessions)
    assert claim(sessions) == [], "leased"
    [new] = claim(sessions, at=now() + LEASE + timedelta(seconds=1))

    assert record(sessions, delivered(old)) == []

    assert statuses(sessions) == ["pending"]
    assert (new.message_id, new.generation) == (old.message_id, old.generation + 1)
    assert record(sessions, delivered(new)) == []
    assert statuses(sessions) == ["delivered"]
    assert rows(sessions, "SELECT count(*) FROM webhook_attempt") == [(1,)]


def test_both_outcomes_of_a_mailbox_that_was_lost_and_taken_again_may_come_at_once(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, event("job_1", 1))
    [old] = claim(sessions)
    [new] = claim(sessions, at=now() + LEASE + timedelta(seconds=1))

    assert record(sessions, delivered(new), delivered(old)) == []

    assert statuses(sessions) == ["delivered"]


def test_recording_never_waits_for_a_lock(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, event("job_1"), event("job_2"))
    outcomes = [delivered(one) for one in claim(sessions)]
    with sessions.begin() as other:
        other.execute(text("SELECT FROM webhook_mailbox WHERE subject = 'job_1' FOR UPDATE"))

        left = record(sessions, *outcomes)

    assert [one.claimed.subject for one in left] == ["job_1"]
    assert sorted(statuses(sessions)) == ["delivered", "pending"]
    assert record(sessions, *left) == []
    assert all_delivered(sessions)


def test_an_enqueue_while_the_last_message_is_recorded_is_not_lost(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, event("job_1", 1))
    [first] = claim(sessions)
    with sessions.begin() as session:
        subscriptions = outbox.subscribed(outbox.reading(session), DEMO)
        outbox.enqueue(outbox.writing(session), DEMO, [event("job_1", 2)], subscriptions, new_id=fresh, now=now())
        left = record(sessions, delivered(first))
        assert left, "the mailbox is being written to: its outcome waits"

    assert record(sessions, *left) == []

    assert [one.message_id for one in claim(sessions)] != [first.message_id]
    assert rows(sessions, "SELECT leased FROM webhook_mailbox") == [(True,)]


def test_no_message_is_ever_stranded_between_enqueue_and_record(sessions: Sessions) -> None:
    """The lost-message race: two threads enqueue, two deliver, for some seconds and with random pauses."""
    add_endpoint(sessions, "http://127.0.0.1:1/")
    seed = random.randrange(10**6)
    over, written = threading.Event(), [0, 0]

    def write(number: int) -> None:
        chance = random.Random(seed + number)
        while not over.is_set():
            with sessions.begin() as session:
                subscriptions = outbox.subscribed(outbox.reading(session), DEMO)
                events = [event(f"job_{number}_{chance.randrange(2)}")]
                outbox.enqueue(outbox.writing(session), DEMO, events, subscriptions, new_id=fresh, now=now())
                time.sleep(chance.random() * 0.003)
            written[number] += 1

    def deliver() -> None:
        left: list[Outcome] = []
        quiet_since: float | None = None
        while quiet_since is None or time.monotonic() - quiet_since < 0.3:
            claimed = claim(sessions)
            left = record(sessions, *left, *map(delivered, claimed)) if left or claimed else []
            busy = bool(claimed or left or not over.is_set())
            quiet_since = None if busy else quiet_since or time.monotonic()

    threads = [threading.Thread(target=write, args=(0,)), threading.Thread(target=write, args=(1,))]
    threads += [threading.Thread(target=deliver), threading.Thread(target=deliver)]
    for thread in threads:
        thread.start()
    over.wait(3)
    over.set()
    for thread in threads:
        thread.join(20)

    found = statuses(sessions)
    assert len(found) == sum(written) > 50
    assert set(found) == {"delivered"}, f"seed {seed}"
    assert rows(sessions, "SELECT count(*) FROM webhook_attempt") == [(len(found),)], f"seed {seed}"


def test_a_claim_goes_round_the_endpoints_and_keeps_their_caps(sessions: Sessions) -> None:
    ids = [add_endpoint(sessions, f"http://127.0.0.1:{port}/")[0] for port in (1, 2, 3)]
    say(sessions, *[event(f"job_{n}") for n in range(10)])

    def counts(share: Share) -> list[int]:
        with sessions() as session:
            claimed = delivery.claim(session, share, lease=LEASE, now=now())
            session.rollback()
        return [sum(one.endpoint_id == endpoint for one in claimed) for endpoint in ids]

    assert counts(Share(limit=100, cap=4, rooms={})) == [4, 4, 4]
    assert counts(Share(limit=100, cap=4, rooms={ids[0]: 0, ids[1]: 1})) == [0, 1, 4]
    assert counts(Share(limit=6, cap=4, rooms={})) == [4, 2, 0]
    assert counts(Share(limit=6, cap=4, rooms={}, after=ids[1])) == [2, 0, 4]


def test_a_disabled_or_deleted_endpoint_is_not_claimed(sessions: Sessions) -> None:
    ids = [add_endpoint(sessions, f"http://127.0.0.1:{port}/")[0] for port in (1, 2)]
    say(sessions, event("job_1"))
    with sessions.begin() as session:
        first, second = (endpoints.get(session, DEMO, one) for one in ids)
        assert first is not None
        assert second is not None
        endpoints.change(session, first, endpoints.Changes(enabled=False))
        endpoints.delete(session, second, now=now())

    with sessions() as session:
        assert not delivery.is_due(session, now())
    assert claim(sessions) == []
    assert statuses(sessions) == ["pending", "failed"]


def test_a_restarted_courier_sends_again_what_nobody_recorded_r5(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", 1), event("job_1", 2))
    with sessions.begin() as session:
        # A courier that dies between claim and record leaves this.
        [lost] = delivery.claim(session, ALL, lease=timedelta(seconds=0.2), now=now())

    couriers()

    eventually(lambda: all_delivered(sessions))
    assert receiver.got[0].headers["webhook-id"] == lost.message_id
    assert sequences(receiver) == {"job_1": [1, 2]}


def test_a_stopped_courier_finishes_what_is_in_flight_r13(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    go = threading.Event()

    def slow(sock: object, request: object) -> None:
        go.wait(5)
        NO_CONTENT(sock, request)  # type: ignore[arg-type]

    receiver.always(slow)
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", 1), event("job_1", 2))
    courier = couriers()
    receiver.wait_for(1)

    courier.stop()
    go.set()
    courier.join(5)

    assert not courier.is_alive()
    assert statuses(sessions) == ["delivered", "pending"]
    assert rows(sessions, "SELECT leased FROM webhook_mailbox") == [(False,)]


def test_a_courier_survives_its_database_r7(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    couriers()
    for sequence in range(1, 6):
        say(sessions, event("job_1", sequence))
        with sessions.begin() as session:
            session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user")
            )  # fmt: skip

    eventually(lambda: all_delivered(sessions))
    assert set(sequences(receiver)["job_1"]) == {1, 2, 3, 4, 5}


def test_a_secret_that_cannot_be_opened_fails_that_attempt_only(
    sessions: Sessions, receivers: Callable[[], Receiver], couriers: Callable[..., Courier], transport: Transport
) -> None:
    broken, healthy = receivers(), receivers()
    bad, _ = add_endpoint(sessions, broken.url)
    add_endpoint(sessions, healthy.url)
    say(sessions, event("job_1"))

    def open_secret(sealed: bytes, owner: str, row: str) -> bytes:
        if row == bad:
            raise ValueError("wrong key")
        return sealed

    couriers(caller=caller_over(transport, open_secret=open_secret))

    healthy.wait_for(1)
    eventually(lambda: rows(sessions, "SELECT FROM webhook_attempt WHERE error = 'internal_error'"))
    assert broken.connects == 0


def test_what_waited_too_long_for_a_thread_is_given_back_unsent(
    sessions: Sessions, receiver: Receiver, couriers: Callable[..., Courier]
) -> None:
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))

    # The transport may take half a second: with such a lease nothing can be sent in time.
    courier = couriers(Pace(lease=timedelta(seconds=0.4)))
    eventually(lambda: rows(sessions, "SELECT FROM webhook_mailbox WHERE generation > 3"))
    courier.stop()
    courier.join(5)

    assert receiver.connects == 0
    assert rows(sessions, "SELECT attempts, status FROM webhook_message") == [(0, "pending")]


@pytest.fixture
def filled(sessions: Sessions) -> Sessions:
    """Tables with some history: 20 000 delivered messages of 40 endpoints, 2000 pending."""
    for port in range(1, 41):
        add_endpoint(sessions, f"http://127.0.0.1:{port}/")
    with sessions.begin() as session:
        session.execute(
            text("""
            INSERT INTO webhook_payload
            SELECT 'whp_' || n, 'ptn_demo', 'sandbox', 'evt_' || n, 'plain', 'x', 'text/plain', 'POST', '', '{}', now()
              FROM generate_series(1, 22000) n;
            INSERT INTO webhook_message (id, owner, environment, endpoint_id, subject, event_id, event_type, sequence,
                                         payload_id, status, next_attempt_at, created_at)
            SELECT 'whm_' || n, 'ptn_demo', 'sandbox', e.ids[1 + n % 40], 'job_' || n / 4, 'evt_' || n, 'job.x', n,
                   'whp_' || n, CASE WHEN n > 20000 THEN 'pending' ELSE 'delivered' END, now(), now()
              FROM generate_series(1, 22000) n, (SELECT array_agg(id) AS ids FROM webhook_endpoint) e;
            INSERT INTO webhook_attempt (message_id, owner, environment, at, duration_ms, verdict)
            SELECT 'whm_' || n, 'ptn_demo', 'sandbox', now(), 1, 'delivered' FROM generate_series(1, 20000) n;
            INSERT INTO webhook_mailbox (endpoint_id, subject, owner, environment, due_at)
            SELECT endpoint_id, subject, 'ptn_demo', 'sandbox',
                   CASE WHEN bool_or(status = 'pending') THEN now() END
              FROM webhook_message GROUP BY 1, 2
        """)
        )
    return sessions


GROWING = ("webhook_message", "webhook_mailbox", "webhook_attempt", "webhook_payload")


def test_no_query_reads_a_growing_table_from_end_to_end(filled: Sessions, postgres: str) -> None:
    """Counted by PostgreSQL itself while everything runs, with the planner's usual settings."""
    endpoint_id = str(rows(filled, "SELECT min(id) FROM webhook_endpoint")[0][0])
    analyze(postgres, filled)
    before = scans(filled)

    with filled.begin() as session:
        assert delivery.is_due(session, now())
    claimed = claim(filled, Share(limit=400, cap=8, rooms={}))
    assert len(claimed) > 100
    outcomes = [
        replace(
            delivered(one),
            tried=Tried(now(), Answer(error="timeout"), Verdict(status="pending", next_attempt_at=now())),
        )
        for one in claimed[:50]
    ] + [delivered(one) for one in claimed[50:100]]
    assert record(filled, *outcomes) == []
    say(filled, event("job_1"), event("job_new"))
    with filled.begin() as session:
        found = endpoints.deliveries(session, DEMO, endpoint_id, before=None, limit=50)
        assert len(found) == 50
        [old] = endpoints.deliveries(session, DEMO, endpoint_id, before=1000, limit=1)
        message_id = old.message.id
        assert endpoints.retry(session, DEMO, endpoint_id, message_id, now=now()) == "armed"
        endpoints.end_orphans(session, since=now(), now=now())

    assert scans(filled) == before


def analyze(owner_url: str, sessions: Sessions) -> None:
    """As autovacuum does; only the owner of the tables may."""
    [(database,)] = rows(sessions, "SELECT current_database()")
    engine = create_engine(make_url(owner_url).set(database=str(database)), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    [(counted,)] = rows(sessions, "SELECT reltuples FROM pg_class WHERE relname = 'webhook_message'")
    assert counted == 22_000, "the planner knows how large the tables are"


def scans(sessions: Sessions) -> dict[str, int]:
    """How often each growing table was read from end to end."""
    with sessions() as session:
        # What a connection did is told when it ends its transaction; this makes all of ours tell.
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        session.commit()
        found = session.execute(
            text("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(:names)"),
            {"names": list(GROWING)},
        )
        return {row.relname: row.seq_scan for row in found}
