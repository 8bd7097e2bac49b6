"""openTRANS that we write: valid against the standard's own schema, and true."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    JobState,
    Outcome,
    PlaceOrder,
    Reason,
    Receipt,
    SupportOrder,
    Window,
)
from adapters.contract import RawMessage, Rendered
from adapters.errors import Problem
from adapters.opentrans.adapter import OpenTransAdapter
from tests.support.documents import MORNING, NOON, make_job, make_order, make_update

HERE = Path(__file__).parent
XSD = HERE.parents[3] / "shared" / "partners" / "brack" / "xsd" / "opentrans_2_1.xsd"
DIALECT = OpenTransAdapter({})


@pytest.fixture(scope="module")
def valid() -> Callable[[bytes], None]:
    if not XSD.exists():
        pytest.skip("the openTRANS schema is not here")
    schema = etree.XMLSchema(etree.parse(str(XSD)))
    return lambda body: schema.assertValid(etree.fromstring(body))


def texts(document: Rendered, name: str) -> list[str]:
    return [str(found.text) for found in etree.fromstring(document.body).iterfind(f".//{{*}}{name}")]


def brack_order() -> SupportOrder:
    """The order of the sample, with everything its sender wants back."""
    body = (HERE / "samples" / "repair_visit" / "order.xml").read_bytes()
    (intent,) = DIALECT.parse(RawMessage(body=body, media_type="application/xml"))
    assert isinstance(intent, PlaceOrder)
    return intent.order


def answer(intent: Any, **known: Any) -> Rendered:
    outcome = Outcome(**{"intent": intent, "result": "accepted", "order_id": "ord_1", **known})
    return DIALECT.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))


def visits(order: SupportOrder, *states: JobState) -> tuple[Any, ...]:
    line_id = order.lines[0].line_id
    return tuple(make_job(state, line_id=line_id, unit=unit) for unit, state in enumerate(states, 1))


def test_an_order_is_answered_with_its_numbers_parties_and_dates(valid: Callable[[bytes], None]) -> None:
    order = brack_order()
    said = answer(PlaceOrder(order=order), order=order, jobs=visits(order, JobState.SCHEDULED, JobState.SCHEDULED))
    valid(said.body)
    assert said.status == 201
    assert texts(said, "ORDER_ID") == ["4711-0815"]
    assert texts(said, "SUPPLIER_ORDER_ID") == ["ord_1"]
    assert texts(said, "PARTY_ID") == ["S1", "K9", "D77"]
    assert texts(said, "BUYER_IDREF") == ["S1"]
    assert texts(said, "LINE_ITEM_ID") == ["00010"]
    assert texts(said, "SUPPLIER_PID") == ["SVC-WASH-REPAIR"]
    assert texts(said, "BUYER_PID") == ["991"]
    assert texts(said, "QUANTITY") == ["2"]
    assert texts(said, "DELIVERY_START_DATE") == ["2026-01-20T08:00:00+01:00"]
    assert texts(said, "ORDERRESPONSE_DATE") == ["2026-01-14T13:00:00+01:00"]


def test_a_rejected_line_is_quantity_nought_and_says_why(valid: Callable[[bytes], None]) -> None:
    order = make_order()
    reason = Reason(code="unknown_service", group="intake", fault="partner")
    rejected = make_job(JobState.REJECTED, line_id="20", window=None, reason=reason)
    said = answer(PlaceOrder(order=order), order=order, jobs=(make_job(), rejected, replace(rejected, unit=2)))
    valid(said.body)
    assert texts(said, "QUANTITY") == ["1", "0"]
    assert texts(said, "REMARKS") == ["unknown_service"]
    assert len(texts(said, "DELIVERY_DATE")) == 1


def test_visits_of_one_line_on_different_days_are_told_one_by_one(valid: Callable[[bytes], None]) -> None:
    order = make_order()
    later = Window(start=MORNING.start + timedelta(days=1), end=MORNING.end + timedelta(days=1))
    jobs = (make_job(line_id="20"), make_job(line_id="20", unit=2, window=later))
    said = answer(PlaceOrder(order=order), order=order, jobs=jobs)
    valid(said.body)
    assert texts(said, "DELIVERY_START_DATE") == ["2026-01-20T08:00:00+01:00", "2026-01-21T08:00:00+01:00"]


def test_a_change_is_answered_with_its_number_and_200(valid: Callable[[bytes], None]) -> None:
    order = brack_order()
    change = ChangeOrder(partner_order_id="4711-0815", change_id="2", lines=())
    said = answer(change, order=order, jobs=visits(order, JobState.SCHEDULED, JobState.CANCELLED))
    valid(said.body)
    assert said.status == 200
    assert texts(said, "ORDERCHANGE_SEQUENCE_ID") == ["2"]
    assert texts(said, "QUANTITY") == ["1"]


def test_a_cancellation_is_answered_yes_or_no_with_a_short_comment() -> None:
    cancel = CancelOrder(partner_order_id="4711-0815", change_id="x")
    yes = answer(cancel, order=brack_order())
    again = answer(cancel, order=brack_order(), result="duplicate")
    problem = Problem(pointer="//CANCELREQUEST_INFO", code="illegal_transition", detail="Too late. " * 20)
    no = answer(cancel, order=brack_order(), problems=(problem,))
    assert [texts(said, "REQUESTACCEPTED") for said in (yes, again, no)] == [["true"], ["true"], ["false"]]
    assert texts(yes, "RESPONSECOMMENT") == []
    (comment,) = texts(no, "RESPONSECOMMENT")
    assert 0 < len(comment) <= 100
    assert [said.status for said in (yes, again, no)] == [200, 200, 200]
    assert no.event == "CANCELCONFIRMATION"


@pytest.mark.parametrize("known", [True, False], ids=["from openTRANS", "from another door"])
@pytest.mark.parametrize("state", [s for s in JobState if DIALECT.profile.states[s]])
def test_every_step_that_has_a_word_is_valid(state: JobState, known: bool, valid: Callable[[bytes], None]) -> None:
    order = brack_order() if known else make_order()
    job = make_job(state, line_id=order.lines[0].line_id, partner_order_id=order.partner_order_id)
    (said,) = DIALECT.render(make_update(state, job=job, order=order))
    valid(said.body)
    assert texts(said, "ORDER_ID")[0] == order.partner_order_id


def test_one_cancelled_visit_of_two_leaves_quantity_one() -> None:
    cancelled, sibling = make_job(JobState.CANCELLED, line_id="20"), make_job(line_id="20", unit=2)
    (said,) = DIALECT.render(make_update(JobState.CANCELLED, job=cancelled, siblings=(sibling,)))
    assert texts(said, "QUANTITY") == ["1"]
    (alone,) = DIALECT.render(make_update(JobState.CANCELLED))
    assert texts(alone, "QUANTITY") == ["0"]


@pytest.mark.parametrize(("other", "done"), [(JobState.COMPLETED, "true"), (JobState.ON_SITE, "false")])
def test_a_line_is_completed_when_its_last_visit_is(other: JobState, done: str) -> None:
    job, sibling = make_job(JobState.COMPLETED, line_id="20"), make_job(other, line_id="20", unit=2)
    (said,) = DIALECT.render(make_update(JobState.COMPLETED, job=job, siblings=(sibling,)))
    assert texts(said, "DELIVERY_COMPLETED") == [done]
    assert said.event == "DISPATCHNOTIFICATION"


def test_the_customers_own_number_and_place_come_back_with_the_work_done() -> None:
    order = replace(brack_order(), lines=(replace(brack_order().lines[0], quantity=1),))
    (said,) = DIALECT.render(
        make_update(JobState.COMPLETED, job=make_job(JobState.COMPLETED, line_id="00010"), order=order)
    )
    assert texts(said, "DELIVERY_IDREF") == ["D77", "D77"]
    assert "C-55" in texts(said, "ORDER_ID")
    assert texts(said, "DELIVERY_COMPLETED") == ["true"]
