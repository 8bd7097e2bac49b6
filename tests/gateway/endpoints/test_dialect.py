"""Calls between a dialect and the delivery: nothing is lost on the way, and its judge is found."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from adapters.contract import Answer as ContractAnswer
from adapters.contract import Rendered
from gateway.endpoints import dialect
from gateway.endpoints.dialect import DialectJudge, Judges, payload, rendered
from gateway.partners.tables import Partner
from webhooks.calling import NotNow
from webhooks.outbox import Payload
from webhooks.policy import Answer

CALL = Rendered(body=b"{}", media_type="application/json", event="done", method="PATCH", path="/a?b=c")
PLAIN = "plain"


@dataclass
class Calls:
    """A dialect whose documents are calls."""

    seen: list[object]

    def probed(self, call, answer):
        self.seen += [call, answer]
        return replace(call, path="/then") if answer.status == 200 else "delivered"

    def judge(self, call, answer):
        self.seen += [call, answer]
        return "failed"


documents = st.builds(
    Rendered,
    body=st.binary(max_size=50),
    media_type=st.text(max_size=5),
    event=st.text(max_size=5),
    method=st.sampled_from(["GET", "POST"]),
    path=st.text(max_size=5),
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


@given(documents, st.none() | documents)
def test_a_document_is_the_same_when_it_comes_back(document, probe):
    whole = replace(document, probe=probe)
    sent = payload(whole)
    kept = sent.probe.record() if sent.probe else None
    again = replace(sent, probe=None if kept is None else Payload.of(kept))
    assert rendered(again) == whole


def test_a_judge_speaks_the_contracts_language():
    calls = Calls([])
    judge = DialectJudge(calls)
    sent = payload(CALL)
    found = Answer(status_code=200, body=b"x", headers={"etag": "7"})
    assert judge.probed(sent, found) == replace(sent, path="/then")
    assert judge.probed(sent, replace(found, status_code=409)) == "delivered"
    assert judge.judge(sent, found) == "failed"
    assert calls.seen[:2] == [CALL, ContractAnswer(status=200, body=b"x", headers={"etag": "7"})]


@pytest.fixture
def brack(api, runtime):
    with runtime.sessions() as session:
        return session.execute(select(Partner.id).where(Partner.slug == "brack")).scalar_one()


def test_a_partner_whose_dialect_calls_nobody_has_no_judge(runtime, clock, brack):
    judges = Judges(runtime.sessions, clock)
    assert judges(brack, "dialect") is None
    assert judges(brack, PLAIN) is None


def test_a_judge_is_looked_up_once_a_minute(runtime, clock, brack, monkeypatch):
    looks = []

    def look(session, owner):
        looks.append(owner)
        return Calls([])

    monkeypatch.setattr(dialect, "adapter_of", look)
    judges = Judges(runtime.sessions, clock)
    assert isinstance(judges(brack, "dialect"), DialectJudge)
    assert judges(brack, PLAIN) is None
    clock.advance(59)
    assert judges(brack, "dialect") is judges(brack, "dialect")
    assert looks == [brack]
    clock.advance(timedelta(seconds=1).total_seconds())
    judges(brack, "dialect")
    assert looks == [brack, brack]


def test_a_database_that_is_away_is_not_the_partners_fault(clock):
    def away():
        raise OperationalError("SELECT", {}, Exception("away"))

    with pytest.raises(NotNow):
        Judges(away, clock)("ptn_x", "dialect")
