"""Endpoints and their deliveries, each for its own tenant."""

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, eventually, fresh, rows, say, statuses
from webhooks import delivery, endpoints, outbox
from webhooks.delivery import Claimed, Outcome, Share, Tried
from webhooks.endpoints import Changes, NewEndpoint
from webhooks.policy import Answer, Verdict
from webhooks.tenant import Tenant

Sessions = sessionmaker[Session]
NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)
URL = "http://127.0.0.1:1/"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE :me = ANY(pg_blocking_pids(pid))"


def claim(sessions: Sessions, at: datetime = NOW) -> list[Claimed]:
    with sessions.begin() as session:
        return delivery.claim(session, Share(limit=10, cap=10, rooms={}), lease=timedelta(seconds=30), now=at)


def finish(sessions: Sessions, verdict: Verdict, code: int, at: datetime = NOW) -> str:
    """Claim one and record this; returns its id."""
    [claimed] = claim(sessions, at)
    with sessions.begin() as session:
        outcome = Outcome(claimed, Tried(at, Answer(status_code=code, duration_ms=12), verdict))
        assert delivery.record(session, [outcome]) == []
    return claimed.message_id


def retry(sessions: Sessions, endpoint_id: str, message_id: str, tenant: Tenant = DEMO) -> str | None:
    with sessions.begin() as session:
        return endpoints.retry(session, tenant, endpoint_id, message_id, now=NOW)


def test_the_secret_is_told_once_and_kept_sealed_k8(sessions: Sessions) -> None:
    new = NewEndpoint(
        id="whep_1", url=URL, event_types=("*",), format="plain", description=None, secret_bytes=bytes(range(32))
    )
    with sessions.begin() as session:
        endpoint, secret = endpoints.create(
            session, DEMO, new, seal=lambda plain, owner, row: f"{owner}/{row}/".encode() + plain[::-1], now=NOW
        )

    assert secret == "whsec_" + base64.b64encode(bytes(range(32))).decode()
    [(sealed, status)] = rows(sessions, "SELECT secret, status FROM webhook_endpoint")
    assert (sealed[:16], status) == (b"ptn_demo/whep_1/", "enabled")
    assert [one["secret"] for one in json.loads(sealed[16:][::-1])] == [secret]
    assert endpoint.created_at == NOW


def test_changes_only_what_is_named(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id)
        assert endpoint is not None
        endpoints.change(session, endpoint, Changes(description="ours", event_types=("job.failed",)))
        endpoints.change(session, endpoint, Changes(enabled=False))

    found = "SELECT url, event_types, format, description, status, disabled_reason FROM webhook_endpoint"
    assert rows(sessions, found) == [(URL, ["job.failed"], "plain", "ours", "disabled", "by_partner")]
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id)
        assert endpoint is not None
        endpoints.change(session, endpoint, Changes(description="", enabled=True))
    assert rows(sessions, found) == [(URL, ["job.failed"], "plain", None, "enabled", None)]


@pytest.mark.parametrize("other", [Tenant("ptn_other", "sandbox"), Tenant("ptn_demo", "live")])
def test_nothing_of_another_tenant_is_found_t1(sessions: Sessions, other: Tenant) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_1"), now=NOW)
    message_id = finish(sessions, Verdict(status="delivered"), 204)

    with sessions.begin() as session:
        assert endpoints.get(session, other, endpoint_id) is None
        assert endpoints.page(session, other, after=None, limit=10) == []
        assert endpoints.count(session, other) == 0
        assert endpoints.deliveries(session, other, endpoint_id, before=None, limit=10) == []
    assert retry(sessions, endpoint_id, message_id, other) is None
    assert statuses(sessions) == ["delivered"]


def test_pages_in_the_order_of_making(sessions: Sessions) -> None:
    ids = [add_endpoint(sessions, URL)[0] for _ in range(5)]
    with sessions.begin() as session:
        gone = endpoints.get(session, DEMO, ids[3])
        assert gone is not None
        endpoints.delete(session, gone, now=NOW)

    with sessions() as session:
        assert endpoints.count(session, DEMO) == 4
        first = [one.id for one in endpoints.page(session, DEMO, after=None, limit=2)]
        second = [one.id for one in endpoints.page(session, DEMO, after=first[-1], limit=5)]
    assert sorted(first + second) == sorted(set(ids) - {ids[3]})
    assert len(first) == 2


def test_deliveries_show_every_attempt_newest_message_first(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_1", 1), now=NOW)
    finish(sessions, Verdict(status="pending", error="unexpected_status", next_attempt_at=NOW), 500)
    finish(sessions, Verdict(status="delivered"), 204)
    say(sessions, event("job_1", 2), now=NOW)

    with sessions() as session:
        newest, oldest = endpoints.deliveries(session, DEMO, endpoint_id, before=None, limit=10)
        [page] = endpoints.deliveries(session, DEMO, endpoint_id, before=newest.message.position, limit=10)

    assert (newest.message.sequence, newest.message.status, newest.attempts) == (2, "pending", ())
    assert [(one.status_code, one.error, one.duration_ms) for one in oldest.attempts] == [
        (500, "unexpected_status", 12),
        (204, None, 12),
    ]
    assert page.message.id == oldest.message.id


def test_a_retry_goes_before_all_later_messages_of_its_subject(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_1", 1), event("job_1", 2), now=NOW)
    first = finish(sessions, Verdict(status="failed", error="timeout"), 500)
    later = NOW + timedelta(hours=5)
    second = finish(sessions, Verdict(status="pending", error="timeout", next_attempt_at=later), 500)

    assert retry(sessions, endpoint_id, first) == "armed"
    assert retry(sessions, endpoint_id, first) == "pending", "twice is once"
    assert retry(sessions, endpoint_id, second) == "pending"

    assert finish(sessions, Verdict(status="delivered"), 204) == first
    assert claim(sessions) == [], "the second waits as it did"
    assert [one.message_id for one in claim(sessions, later)] == [second]


def test_a_retry_while_its_mailbox_is_leased_waits_for_it(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_1", 1), event("job_1", 2), now=NOW)
    first = finish(sessions, Verdict(status="failed", error="timeout"), 500)
    [second] = claim(sessions)

    assert retry(sessions, endpoint_id, first) == "armed"
    assert claim(sessions) == [], "one at a time"

    with sessions.begin() as session:
        outcome = Outcome(second, Tried(NOW, Answer(status_code=204), Verdict(status="delivered")))
        assert delivery.record(session, [outcome]) == []
    assert [one.message_id for one in claim(sessions)] == [first]


def test_a_parked_message_cannot_be_retried(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_1", 1, outbox.RenderFailure("render_failed")), now=NOW)
    [(message_id,)] = rows(sessions, "SELECT id FROM webhook_message")

    assert retry(sessions, endpoint_id, str(message_id)) == "parked"
    assert retry(sessions, endpoint_id, "whm_unknown") is None


def test_who_deletes_an_endpoint_locks_its_mailboxes_in_the_order_of_whoever_writes_there(sessions: Sessions) -> None:
    """Each would wait for what the other has, otherwise: here the first in that order is the last that was made."""
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, event("job_2"), now=NOW)
    say(sessions, event("job_1"), now=NOW)
    lock = text("SELECT 1 FROM webhook_mailbox WHERE subject = :subject FOR UPDATE")

    def end() -> None:
        with sessions.begin() as session:
            endpoints.end_messages(session, [endpoint_id], now=NOW)

    ending = threading.Thread(target=end)
    with sessions.begin() as writing:
        writing.execute(lock, {"subject": "job_1"})
        ending.start()
        me = writing.scalar(text("SELECT pg_backend_pid()"))
        eventually(lambda: rows(sessions, WAITS, me=me) == [(1,)])
        writing.execute(lock, {"subject": "job_2"})
    ending.join()

    assert set(statuses(sessions)) == {"failed"}


def test_many_messages_of_a_deleted_endpoint_end_tick_by_tick(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "AT_ONCE", 2)
    endpoint_id, _ = add_endpoint(sessions, URL)
    say(sessions, *(event(f"job_{number}") for number in range(5)), now=NOW)
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id)
        assert endpoint is not None
        endpoints.delete(session, endpoint, now=NOW)
    assert sorted(statuses(sessions)) == ["failed"] * 2 + ["pending"] * 3
    assert claim(sessions) == []

    for _ in range(2):
        with sessions.begin() as session:
            endpoints.end_orphans(session, since=NOW, now=NOW)

    assert statuses(sessions) == ["failed"] * 5
    assert rows(sessions, "SELECT count(due_at) FROM webhook_mailbox") == [(0,)]


def test_a_message_written_while_its_endpoint_was_deleted_ends_with_the_next_tick(sessions: Sessions) -> None:
    endpoint_id, _ = add_endpoint(sessions, URL)
    knows, deleted = threading.Event(), threading.Event()

    def write() -> None:
        with sessions.begin() as session:
            subscriptions = outbox.subscribed(outbox.reading(session), DEMO)
            knows.set()
            deleted.wait(5)
            outbox.enqueue(outbox.writing(session), DEMO, [event("job_1")], subscriptions, new_id=fresh, now=NOW)

    writer = threading.Thread(target=write)
    writer.start()
    knows.wait(5)
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, endpoint_id)
        assert endpoint is not None
        endpoints.delete(session, endpoint, now=NOW)
    deleted.set()
    writer.join(5)
    assert statuses(sessions) == ["pending"]

    with sessions.begin() as session:
        endpoints.end_orphans(session, since=NOW - timedelta(minutes=1), now=NOW)

    assert rows(sessions, "SELECT status, error FROM webhook_message") == [("failed", "endpoint_deleted")]
    assert rows(sessions, "SELECT due_at FROM webhook_mailbox") == [(None,)]
