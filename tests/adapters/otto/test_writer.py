"""What we tell OTTO: as its specification has it, and never twice."""

import json
from dataclasses import replace
from typing import Any

import pytest
from marshmallow import ValidationError

from adapters.canonical import JobState, Outcome, PlaceOrder, Receipt, StatusUpdate
from adapters.contract import Answer, Rendered
from adapters.otto.adapter import OttoAdapter
from adapters.otto.settings import Options
from tests.support.documents import NOON, make_job, make_order, make_update
from tests.support.otto import SALES_ORDER, TV, WIFI, Otto, item, order
from tests.support.shipments import SPECIFICATION, specification, valid

DIALECT = OttoAdapter({})
HOUSE = {"ship_from_city": "Dresden", "ship_from_zip_code": "01067", "ship_from_country": "DE"}
DONE, OFF = JobState.COMPLETED, JobState.CANCELLED


def update(state: JobState) -> StatusUpdate:
    told = make_update(state, job=make_job(state, line_id=TV), order=make_order(echo={"salesOrderId": SALES_ORDER}))
    return replace(told, at=NOON.replace(microsecond=123456))


def call(state: JobState, **options: Any) -> Rendered:
    (rendered,) = OttoAdapter(options).render(update(state))
    return rendered


@pytest.fixture
def otto() -> Otto:
    return Otto()


def tell(otto: Otto, said: Rendered) -> str:
    """One attempt, as a courier makes it."""
    assert said.probe is not None
    found = sent(otto, said.probe)
    if found.status != 200:
        return "retry"
    then = DIALECT.probed(said, found)
    return then if isinstance(then, str) else DIALECT.judge(then, sent(otto, then))


def sent(otto: Otto, said: Rendered) -> Answer:
    status, body = otto.answer(said.method, said.path, said.body)
    return Answer(status=status, body=body)


def test_what_is_done_is_a_shipment_under_our_jobs_number() -> None:
    said = call(DONE)
    assert (said.method, said.path, said.event) == ("POST", "/v1/shipments", "SENT")
    assert json.loads(said.body) == {
        "trackingKey": {"carrier": "OTHER_FORWARDER", "trackingNumber": "job_01K9ZK4N2D3W5Y7A8B9C0D1E2F"},
        "shipDate": "2026-01-14T12:00:00.123Z",
        "shipFromAddress": {"city": "Zürich", "zipCode": "8004", "countryCode": "CHE"},
        "positionItems": [{"positionItemId": TV, "salesOrderId": SALES_ORDER}],
    }


def test_a_shipment_comes_from_our_house_where_one_was_agreed() -> None:
    loaded: dict[str, Any] = Options().load(HOUSE)
    body = json.loads(call(DONE, **loaded).body)
    assert body["shipFromAddress"] == {"city": "Dresden", "zipCode": "01067", "countryCode": "DEU"}


def test_half_a_house_is_none() -> None:
    with pytest.raises(ValidationError) as refused:
        Options().load({"ship_from_city": "Dresden"})
    assert sorted(refused.value.messages_dict) == ["ship_from_country", "ship_from_zip_code"]


@pytest.mark.parametrize("state", [OFF, JobState.REJECTED])
def test_what_will_not_be_is_a_cancellation_of_the_one_item(state: JobState) -> None:
    said = call(state)
    path = f"/v4/orders/{SALES_ORDER}/positionItems/{TV}/cancellation"
    assert (said.method, said.path, said.event) == ("POST", path, "CANCELLED_BY_PARTNER")


@pytest.mark.parametrize("state", [DONE, OFF])
def test_the_order_is_looked_at_first(state: JobState) -> None:
    look = call(state).probe
    assert look is not None
    assert (look.method, look.path, look.body) == ("GET", f"/v4/orders/{SALES_ORDER}", b"")


def test_an_order_of_another_dialect_is_named_by_its_number() -> None:
    (said,) = DIALECT.render(make_update(OFF))
    assert said.path == "/v4/orders/W-7788123/positionItems/10/cancellation"


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_a_call_of_theirs_or_nothing(state: JobState) -> None:
    rendered = DIALECT.render(update(state))
    assert [said.event for said in rendered] == [word for word in [DIALECT.profile.states[state]] if word]
    assert all(json.loads(said.body) or said.event == "CANCELLED_BY_PARTNER" for said in rendered)


def test_a_call_that_came_through_and_was_not_answered_is_not_made_twice(otto: Otto) -> None:
    otto.add(order())
    sent(otto, call(DONE))  # and then we died
    assert tell(otto, call(DONE)) == "delivered"
    assert (otto.calls, list(otto.shipments.values())) == (["SENT"], [[TV]])


def test_a_shipment_that_their_orders_do_not_show_yet_is_known_by_its_conflict(otto: Otto) -> None:
    otto.add(order())
    said = call(DONE)
    sent(otto, said)
    assert DIALECT.judge(said, sent(otto, said)) == "delivered"


@pytest.mark.parametrize(
    ("status", "state", "verdict", "calls"),
    [
        ("PROCESSABLE", DONE, "delivered", ["SENT"]),
        ("PROCESSABLE", OFF, "delivered", ["CANCELLED_BY_PARTNER"]),
        ("ANNOUNCED", DONE, "retry", []),
        ("ANNOUNCED", OFF, "retry", []),
        ("SENT", DONE, "delivered", []),
        ("SENT", OFF, "failed", []),
        ("RETURNED", DONE, "delivered", []),
        ("RETURNED", OFF, "delivered", []),
        ("CANCELLED_BY_PARTNER", DONE, "failed", []),
        ("CANCELLED_BY_PARTNER", OFF, "delivered", []),
        ("CANCELLED_BY_MARKETPLACE", DONE, "failed", []),
        ("CANCELLED_BY_MARKETPLACE", OFF, "delivered", []),
    ],
)
def test_how_the_item_stands_decides_whether_we_call(
    otto: Otto, status: str, state: JobState, verdict: str, calls: list[str]
) -> None:
    otto.add(order(item(status=status), item(WIFI, "SENT")))
    assert tell(otto, call(state)) == verdict
    assert otto.calls == calls


def test_an_item_that_moved_on_between_look_and_call_is_looked_at_again(otto: Otto) -> None:
    """Their cancellation is all or nothing: 409 where an item is not open any more."""
    otto.add(order())
    said = call(OFF)
    assert said.probe is not None
    then = DIALECT.probed(said, sent(otto, said.probe))
    assert isinstance(then, Rendered)
    otto.orders[SALES_ORDER]["positionItems"][0]["fulfillmentStatus"] = "CANCELLED_BY_MARKETPLACE"
    assert DIALECT.judge(then, sent(otto, then)) == "retry"
    assert tell(otto, said) == "delivered"


def test_an_item_that_the_order_does_not_have_is_nothing_to_call_about(otto: Otto) -> None:
    otto.add(order(item(WIFI)))
    assert tell(otto, call(OFF)) == "failed"


@pytest.mark.parametrize("body", [b"", b"{", b'{"positionItems": [{"positionItemId": "b'])
def test_a_look_that_was_cut_off_hinders_no_call(body: bytes) -> None:
    said = call(OFF)
    assert DIALECT.probed(said, Answer(status=200, body=body)) == said


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"positionItems": 7}', b'{"positionItems": [7]}'])
def test_a_look_at_something_else_is_none(body: bytes) -> None:
    assert DIALECT.probed(call(OFF), Answer(status=200, body=body)) == "failed"


@pytest.mark.parametrize("state", [DONE, OFF])
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, "delivered") for status in (200, 201, 204)),
        *((status, "retry") for status in (302, 401, 403, 429, 500, 503)),
        *((status, "failed") for status in (400, 404)),
    ],
)
def test_the_status_of_an_answer_says_what_becomes_of_the_call(state: JobState, status: int, verdict: str) -> None:
    assert DIALECT.judge(call(state), Answer(status=status)) == verdict


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{}", b'{"errors": [7]}', b'{"errors": [{"title": "OTHER"}]}'])
def test_another_conflict_over_a_shipment_is_not_ours_to_repeat(body: bytes) -> None:
    assert DIALECT.judge(call(DONE), Answer(status=409, body=body)) == "failed"


def test_errors_may_be_one_object_as_their_specification_has_it() -> None:
    body = b'{"errors": {"title": "DUPLICATE_TRACKING_KEY", "path": "/shipments"}}'
    assert DIALECT.judge(call(DONE), Answer(status=409, body=body)) == "delivered"


def test_nobody_waits_for_an_acknowledgement() -> None:
    outcome = Outcome(intent=PlaceOrder(order=make_order()), result="accepted")
    answer = DIALECT.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))
    assert (answer.status, answer.body) == (201, b"")


# --- against their specification -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipments() -> dict[str, Any]:
    if not SPECIFICATION.exists():
        pytest.skip("the partners' own specifications are not here")
    return specification()


@pytest.mark.parametrize("options", [{}, HOUSE])
def test_a_shipment_is_one_as_they_specify_it(shipments: dict[str, Any], options: dict[str, Any]) -> None:
    said = call(DONE, **options)
    assert said.path == "/v1" + next(path for path, item in shipments["paths"].items() if path == "/shipments")
    assert shipments["servers"][0]["url"].endswith("/v1")
    assert valid(shipments, "CreateShipmentRequest", json.loads(said.body))


def test_their_own_example_is_valid_and_a_parcel_without_tracking_is_not(shipments: dict[str, Any]) -> None:
    """The check of the check."""
    example = shipments["components"]["examples"]["ShipmentCreateRequestForwarderDelivery"]["value"]
    assert valid(shipments, "CreateShipmentRequest", example)
    for member in example:
        assert not valid(shipments, "CreateShipmentRequest", {k: v for k, v in example.items() if k != member})
    assert not valid(shipments, "CreateShipmentRequest", {**example, "shipDate": "yesterday"})


def test_a_long_city_is_cut_as_they_want_it(shipments: dict[str, Any]) -> None:
    told = update(DONE)
    long = replace(told.order.service_address, city="B" * 200, postcode="1" * 20)
    (said,) = DIALECT.render(replace(told, order=replace(told.order, service_address=long)))
    assert valid(shipments, "CreateShipmentRequest", json.loads(said.body))
