"""What is to be said, written in the transaction of whoever says it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import DEMO, add_endpoint, event, fresh, rows, say
from tests.support.statements import noted
from webhooks import endpoints, outbox, tables
from webhooks.outbox import OutgoingEvent, Payload, RenderFailure
from webhooks.tenant import Tenant

Sessions = sessionmaker[Session]
NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)


def test_one_statement_whatever_the_number_of_events_and_endpoints(sessions: Sessions) -> None:
    for port in range(1, 11):
        add_endpoint(sessions, f"http://127.0.0.1:{port}/")
    events = [event(f"job_{n}", sequence) for n in range(5) for sequence in (1, 2)]
    with sessions.begin() as session:
        subscriptions = outbox.subscribed(outbox.reading(session), DEMO)
    with noted(sessions.kw["bind"]) as statements, sessions.begin() as session:
        written = outbox.enqueue(outbox.writing(session), DEMO, events, subscriptions, new_id=fresh, now=NOW)

    assert written == 100
    assert len(statements) == 1
    assert rows(sessions, "SELECT count(*) FROM webhook_payload") == [(10,)], "one for each event and format"
    assert rows(sessions, "SELECT count(*), count(DISTINCT payload_id) FROM webhook_message") == [(100, 10)]
    assert rows(sessions, "SELECT count(*) FROM webhook_mailbox WHERE due_at IS NOT NULL") == [(50,)]


def test_positions_follow_the_order_of_events(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, *[event("job_1", sequence) for sequence in range(1, 201)])

    found = [row[0] for row in rows(sessions, "SELECT sequence FROM webhook_message ORDER BY position")]

    assert found == list(range(1, 201))


def test_a_format_hears_its_own_words_and_an_endpoint_its_own_events(sessions: Sessions) -> None:
    both, _ = add_endpoint(sessions, "http://127.0.0.1:1/", event_types=["job.x", "job.y"])
    one, _ = add_endpoint(sessions, "http://127.0.0.1:2/", event_types=["job.y"])
    with sessions.begin() as session:
        endpoint = endpoints.get(session, DEMO, both)
        assert endpoint is not None
        endpoints.change(session, endpoint, endpoints.Changes(format="dialect"))
    words = {
        "plain": (Payload(body=b"{}", media_type="application/json"),),
        "dialect": (Payload(body=b"<a/>", media_type="text/xml"), Payload(body=b"<b/>", media_type="text/xml")),
    }
    for number, kind in enumerate(("job.x", "job.y", "job.z"), start=1):
        say(
            sessions,
            OutgoingEvent(subject="job_1", event_id=fresh("evt"), event_type=kind, sequence=number, payloads=words),
        )

    found = rows(
        sessions,
        "SELECT endpoint_id, event_type, convert_from(body, 'UTF8') FROM webhook_message m "
        "JOIN webhook_payload p ON p.id = payload_id ORDER BY position",
    )
    assert found == [
        (both, "job.x", "<a/>"),
        (both, "job.x", "<b/>"),
        (one, "job.y", "{}"),
        (both, "job.y", "<a/>"),
        (both, "job.y", "<b/>"),
    ]


def test_no_word_is_no_message_and_a_failure_parks(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")

    assert say(sessions, event("job_1", 1, ())) == 0
    assert say(sessions, event("job_1", 2, RenderFailure("render_failed"))) == 1

    found = rows(sessions, "SELECT sequence, status, error, payload_id, next_attempt_at FROM webhook_message")
    assert found == [(2, "parked", "render_failed", None, None)]


def test_nothing_is_said_when_the_transaction_fails(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    with sessions() as session:
        outbox.enqueue(
            outbox.writing(session),
            DEMO,
            [event("job_1")],
            outbox.subscribed(outbox.reading(session), DEMO),
            new_id=fresh,
            now=NOW,
        )
        session.rollback()

    for table in ("webhook_payload", "webhook_message", "webhook_mailbox"):
        assert rows(sessions, f"SELECT count(*) FROM {table}") == [(0,)]


def test_an_enqueue_leaves_a_mailbox_that_is_due_or_leased_as_it_is(sessions: Sessions) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/")
    say(sessions, event("job_1", 1), now=NOW)
    say(sessions, event("job_1", 2), now=NOW.replace(year=2027))

    assert rows(sessions, "SELECT due_at FROM webhook_mailbox") == [(NOW,)]


@pytest.mark.parametrize("other", [Tenant("ptn_other", "sandbox"), Tenant("ptn_demo", "live")])
def test_only_the_tenants_own_endpoints_hear_it_t2(sessions: Sessions, other: Tenant) -> None:
    add_endpoint(sessions, "http://127.0.0.1:1/", tenant=other)
    mine, _ = add_endpoint(sessions, "http://127.0.0.1:2/")

    say(sessions, event("job_1"))

    assert rows(sessions, "SELECT endpoint_id, owner, environment FROM webhook_message") == [
        (mine, DEMO.owner, DEMO.environment)
    ]


def test_disabled_endpoints_hear_it_later_and_deleted_ones_never(sessions: Sessions) -> None:
    ids = [add_endpoint(sessions, f"http://127.0.0.1:{port}/")[0] for port in (1, 2)]
    with sessions.begin() as session:
        disabled, deleted = (endpoints.get(session, DEMO, one) for one in ids)
        assert disabled is not None
        assert deleted is not None
        endpoints.change(session, disabled, endpoints.Changes(enabled=False))
        endpoints.delete(session, deleted, now=NOW)

    say(sessions, event("job_1"))

    assert rows(sessions, "SELECT endpoint_id FROM webhook_message") == [(ids[0],)]


def test_a_time_without_an_offset_is_refused(sessions: Sessions) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with sessions() as session, pytest.raises(StatementError, match="without an offset"):
        session.scalars(select(tables.Endpoint).where(tables.Endpoint.created_at > naive))
