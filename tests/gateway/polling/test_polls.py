"""Which connections are polled, and with what."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.otto.adapter import OttoAdapter
from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.partners.tables import Partner
from gateway.polling.polls import Polls
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks.schemes import Sent
from webhooks.transport import Transport

BEARER = json.dumps({"scheme": "bearer", "token": "hush"})


@pytest.fixture
def polls(seeded: Runtime, transport: Transport) -> Polls:
    with seeded.sessions.begin() as session:
        otto = session.scalars(select(Partner).where(Partner.slug == "otto")).one()
        otto.adapter, otto.options = "otto", {"start_days": 3}
    return Polls(seeded, transport)


def connect(runtime: Runtime, tenant: Tenant, secret: str = BEARER, name: str = "otto", **options: Any) -> str:
    told = {"base_url": "https://api.otto.market", **options}
    new = NewConnection(tenant=tenant, door="poll", name=name, secret=BEARER, options=told)
    with runtime.sessions.begin() as session:
        made = connections.add(session, runtime.vault, new, "otto", runtime.clock())
        connections.renew(runtime.vault, made, secret)  # which nobody checks
        return made.id


def changed(runtime: Runtime, tenant: Tenant, **values: Any) -> None:
    with runtime.sessions.begin() as session:
        partner = session.get_one(Partner, tenant.partner_id)
        for name, value in values.items():
            setattr(partner, name, value)


def test_a_connection_is_polled_in_its_partners_dialect(seeded: Runtime, polls: Polls, tenant: Tenant) -> None:
    connection_id = connect(seeded, tenant, every="300")
    (poll,) = polls()
    assert (poll.connection_id, poll.name, poll.door) == (connection_id, "otto", "/poll/otto")
    assert (poll.tenant, poll.base_url, poll.interval) == (tenant, "https://api.otto.market", timedelta(minutes=5))
    assert isinstance(poll.adapter, OttoAdapter)
    assert poll.adapter.settings.start_days == 3
    sent = Sent(id="x", body=b"", at=seeded.clock())
    assert poll.scheme.headers(sent, 0) == {"authorization": "Bearer hush"}


def test_a_minute_lies_between_rounds_where_nothing_is_said(seeded: Runtime, polls: Polls, tenant: Tenant) -> None:
    connect(seeded, tenant)
    assert [poll.interval for poll in polls()] == [timedelta(minutes=1)]


def test_who_is_suspended_or_removed_is_not_asked(seeded: Runtime, polls: Polls, tenant: Tenant) -> None:
    connection_id = connect(seeded, tenant)
    changed(seeded, tenant, status="suspended")
    assert polls() == []
    changed(seeded, tenant, status="active")
    assert len(polls()) == 1
    with seeded.sessions.begin() as session:
        found = connections.get(session, connection_id)
        assert found is not None
        connections.remove(found)
    assert polls() == []


def test_live_is_asked_only_where_live_is_switched_on(seeded: Runtime, transport: Transport, tenant: Tenant) -> None:
    changed(seeded, tenant, adapter="otto")
    connect(seeded, replace(tenant, environment="live"))
    for enabled in (False, True):
        settings = replace(seeded.settings, live_enabled=enabled)
        assert len(Polls(replace(seeded, settings=settings), transport)()) == enabled


def test_a_scheme_and_its_token_stay_until_the_secret_is_another(seeded: Runtime, polls: Polls, tenant: Tenant) -> None:
    connection_id = connect(seeded, tenant)
    first, second = polls()[0].scheme, polls()[0].scheme
    with seeded.sessions.begin() as session:
        found = connections.get(session, connection_id)
        assert found is not None
        connections.renew(seeded.vault, found, BEARER.replace("hush", "newer"))
    third = polls()[0].scheme
    assert first is second
    assert third is not second


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("hush", "secret_unreadable"),
        ("[]", "secret_unreadable"),
        ("{}", "secret_invalid (unknown_scheme)"),
        ('{"scheme": "bearer"}', "secret_invalid (required)"),
    ],
)
def test_a_secret_that_says_nothing_is_told_once_without_repeating_it(
    seeded: Runtime, polls: Polls, tenant: Tenant, caplog: pytest.LogCaptureFixture, secret: str, why: str
) -> None:
    connect(seeded, tenant, secret)
    connect(seeded, tenant, name="good")
    with caplog.at_level(logging.ERROR):
        assert [poll.name for poll in polls()] == ["good"]
        assert [poll.name for poll in polls()] == ["good"]
    assert [record.getMessage() for record in caplog.records] == [f"not_polled: otto: {why}"]


def test_who_speaks_a_dialect_that_does_not_poll_is_not_asked(
    seeded: Runtime, polls: Polls, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    connect(seeded, tenant)
    changed(seeded, tenant, adapter="idoc", options={})
    with caplog.at_level(logging.ERROR):
        assert polls() == []
    assert "dialect_does_not_poll" in caplog.text
