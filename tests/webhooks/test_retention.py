"""Old bodies, messages and attempts go; what is still to be sent stays."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from gateway.ids import new_id
from tests.support.outbox import DEMO, add_endpoint, event
from webhooks import outbox, retention
from webhooks.outbox import Subscription
from webhooks.retention import Keep
from webhooks.tables import Attempt, Endpoint, Mailbox, Message, Payload

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def endpoint(sessions: sessionmaker[Session]) -> str:
    return add_endpoint(sessions, "http://127.0.0.1:9/hook")[0]


@pytest.fixture
def said(sessions: sessionmaker[Session], endpoint: str):
    """Writes a message of so many days ago; its id."""

    def said(days: float, status: str = "delivered") -> str:
        at = NOW - timedelta(days=days)
        made: list[str] = []

        def ids(prefix: str) -> str:
            made.append(new_id(prefix, at))
            return made[-1]

        with sessions.begin() as session:
            subscription = Subscription(endpoint, "plain", ("*",))
            outbox.enqueue(outbox.writing(session), DEMO, [event(f"job_{days}")], [subscription], new_id=ids, now=at)
            message_id = next(one for one in made if one.startswith("whm"))
            session.execute(update(Message).where(Message.id == message_id).values(status=status))
            told = {"status_code": 204, "duration_ms": 1, "verdict": "delivered"}
            session.add(Attempt(message_id=message_id, owner=DEMO.owner, environment="sandbox", at=at, **told))
        return message_id

    return said


def sweep(sessions: sessionmaker[Session], keep: Keep = Keep()) -> int:  # noqa: B008
    batches = 0
    while True:
        with sessions.begin() as session:
            if not retention.expire(session, keep, now=NOW):
                return batches
        batches += 1


def bodies(sessions: sessionmaker[Session]) -> dict[str, bool]:
    """Of each message that is here, whether its body is."""
    with sessions() as session:
        rows = session.execute(select(Message.id, Payload.body).join(Payload, Payload.id == Message.payload_id))
        return {message_id: bool(body) for message_id, body in rows}


def test_an_id_is_not_before_its_time() -> None:
    for at in (NOW, NOW + timedelta(milliseconds=1), datetime(2090, 1, 1, tzinfo=UTC)):
        assert retention.floor("whm", at) <= new_id("whm", at)
        assert new_id("whm", at - timedelta(milliseconds=1)) < retention.floor("whm", at)


def test_bodies_go_after_30_days_and_messages_after_90(sessions, said) -> None:
    kept, blank, gone = said(29), said(31), said(91)
    sweep(sessions)
    assert bodies(sessions) == {kept: True, blank: False}
    with sessions() as session:
        assert set(session.scalars(select(Attempt.message_id))) == {kept, blank}
        assert session.get(Message, gone) is None


def test_what_is_still_to_be_sent_keeps_its_body_however_old(sessions, said) -> None:
    waiting, ended = said(200, "pending"), said(200, "failed")
    sweep(sessions)
    assert bodies(sessions) == {waiting: True}
    with sessions.begin() as session:
        assert session.get(Message, ended) is None
        session.execute(update(Message).values(status="delivered"))
    sweep(sessions)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_what_waits_for_an_endpoint_that_is_disabled_goes_in_its_time(sessions, said, endpoint) -> None:
    """Behind it, what is younger has its turn when the endpoint is enabled again."""
    for days, status in ((200, "pending"), (100, "parked"), (100, "pending"), (10, "pending")):
        said(days, status)
    with sessions.begin() as session:
        session.execute(update(Endpoint).values(status="disabled"))
        session.execute(update(Message).values(subject="job_1"))
        session.execute(delete(Mailbox).where(Mailbox.subject != "job_10"))
        session.execute(update(Mailbox).values(subject="job_1", due_at=None))
    sweep(sessions)
    with sessions() as session:
        assert session.scalars(select(Message.created_at)).all() == [NOW - timedelta(days=10)]
        assert session.scalars(select(Mailbox.due_at)).all() == [NOW]
        assert session.scalar(select(func.count()).select_from(Payload)) == 1


def test_what_is_being_sent_is_left(sessions, said) -> None:
    said(200, "pending")
    with sessions.begin() as session:
        session.execute(update(Endpoint).values(status="disabled"))
        session.execute(update(Mailbox).values(leased=True))
    sweep(sessions)
    assert len(bodies(sessions)) == 1


def test_a_payload_goes_a_day_after_its_messages(sessions, said) -> None:
    said(90.5), said(92)
    sweep(sessions)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Payload)) == 1


def test_batches_are_bounded_and_together_take_everything(sessions, said, monkeypatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for days in range(100, 105):
        said(days)
    assert sweep(sessions) >= 6
    assert bodies(sessions) == {}


def test_a_mailbox_of_one_message_goes_with_it_and_others_stay(sessions, said, endpoint) -> None:
    said(100)
    at = NOW - timedelta(days=100)
    alone = Subscription(endpoint, "plain", ("*",), ordered=False)
    with sessions.begin() as session:
        outbox.enqueue(
            outbox.writing(session), DEMO, [event("job_x")], [alone], new_id=lambda prefix: new_id(prefix, at), now=at
        )
        session.execute(update(Message).values(status="delivered"))
    sweep(sessions)
    with sessions() as session:
        assert session.scalars(select(Mailbox.subject)).all() == ["job_100"]


def test_a_second_sweep_finds_nothing(sessions, said) -> None:
    said(31), said(95)
    assert sweep(sessions) > 0
    assert sweep(sessions) == 0


def test_what_waits_is_not_read_anew_for_each_payload(sessions) -> None:
    """However much it is, for an endpoint that has been disabled for long."""
    values = {"after": "", "upto": "whp_9", "before": "whp_9", "most": 1000}
    with sessions() as session:
        for statement in (retention._BLANK, retention._PAYLOADS):
            plan = session.scalars(text(f"EXPLAIN {statement.text}"), values).all()
            assert any("Anti Join" in line for line in plan)
            assert not any("SubPlan" in line for line in plan)
