"""The log costs the requests nothing: it drops rather than waits, and outlives a database that is away."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gateway.oauth.bearer import Caller
from gateway.requestlog import recorder as recording
from gateway.requestlog.recorder import Recorder
from tests.support.system import eventually


@pytest.fixture
def recorder(runtime):
    return Recorder(runtime)


def see(recorder, operation="list_orders", **over):
    caller = Caller(
        client_id="stk_test_1",
        partner_id="ptn_1",
        kind="retailer",
        environment="sandbox",
        scopes=frozenset(),
        token_id="t",
        expires=0,
    )
    scope = {
        "extensions": {"connexion_routing": {"operation_id": operation}},
        "stecker.caller": caller,
        "stecker.request_id": "r",
        "stecker.body": b"",
        "method": "GET",
        "path": "/v1/orders",
        "query_string": b"",
        "headers": [],
        **over,
    }
    recorder.see(scope, {"start": {"status": 200, "headers": []}, "body": b"{}"}, 0.0)


def written(runtime):
    with runtime.sessions() as session:
        return session.scalar(text("SELECT count(*) FROM request_log"))


def test_what_waits_at_the_end_is_written(recorder, runtime):
    for _ in range(250):
        see(recorder)
    recorder.start()
    recorder.stop()
    assert (written(runtime), recorder.dropped) == (250, 0)


def test_a_full_queue_drops_and_counts_and_holds_up_nobody(recorder, runtime, monkeypatch, caplog):
    monkeypatch.setattr(recording, "MOST", 5)
    for _ in range(8):
        see(recorder)
    assert recorder.dropped == 3
    recorder.start()
    recorder.stop()
    assert written(runtime) == 5


def test_a_database_that_is_away_costs_entries_and_not_the_thread(recorder, runtime, monkeypatch, caplog):
    class Away:
        def begin(self):
            raise OperationalError("", {}, Exception())

    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(recorder, "_runtime", type("R", (), {"sessions": Away(), "clock": runtime.clock}))
    see(recorder)
    recorder.start()
    eventually(lambda: recorder.dropped == 1, "it was dropped", within=5)
    eventually(lambda: "requests_not_recorded" in caplog.text, "it was told", within=5)
    monkeypatch.setattr(recorder, "_runtime", runtime)
    see(recorder)
    recorder.stop()
    assert written(runtime) == 1


def test_an_entry_that_cannot_be_written_costs_its_batch_and_not_the_thread(recorder, runtime):
    recorder.start()
    see(recorder, path="/v1/\x00")  # which no request has that came as far as this
    eventually(lambda: recorder.dropped == 1, "it was dropped", within=5)
    see(recorder)
    recorder.stop()
    assert (written(runtime), recorder.dropped) == (1, 1)


def test_a_body_of_nothing_but_brackets_is_cut_off(recorder, runtime):
    deep = b"[" * 900 + b"]" * 900
    see(recorder, headers=[(b"content-type", b"application/json")], **{"stecker.body": deep})
    recorder.start()
    recorder.stop()
    with runtime.sessions() as session:
        sent = session.scalar(text("SELECT sent::text FROM request_log"))
    assert sent.count("[") == 61


def test_requests_for_the_log_are_not_in_it_nor_long_bodies(recorder, runtime):
    see(recorder, operation="list_sandbox_requests")
    long = b'{"id": "' + b"x" * 40_000 + b'"}'
    see(recorder, headers=[(b"content-type", b"application/json")], **{"stecker.body": long})
    recorder.start()
    recorder.stop()
    with runtime.sessions() as session:
        [row] = session.execute(text("SELECT sent, sent_bytes FROM request_log")).all()
    assert tuple(row) == (None, len(long))
