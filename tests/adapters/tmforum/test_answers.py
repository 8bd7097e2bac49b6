"""What is answered: resources and errors, each held against the standard's definitions."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    Found,
    Hold,
    HoldSlot,
    Intent,
    Job,
    JobState,
    Outcome,
    PlaceOrder,
    Query,
    Reason,
    Receipt,
    Refusal,
    Reply,
    Subscribe,
    SupportOrder,
    Window,
)
from adapters.contract import Refusing, Rendered
from adapters.errors import Problem
from adapters.tmforum.adapter import TmForumAdapter
from adapters.tmforum.codes import STATES, STATUSES
from adapters.tmforum.resources import order_state, shown
from gateway.jobs.lifecycle import lifecycle
from gateway.jobs.opening import order_status
from tests.support.documents import MORNING, NOON, make_job, make_order
from tests.support.tmforum import (
    APPOINTMENTS,
    ORDER,
    ORDERS,
    SLOT,
    item,
    needs_definitions,
    order,
    read,
    request,
    said,
    valid,
)

DIALECT = TmForumAdapter({})
ONE, VISIT = f"{ORDERS}/serviceOrder/{ORDER}", f"{APPOINTMENTS}/appointment/{ORDER}.1"
FAULT = Problem(pointer="/serviceOrderItem/0", code="illegal_transition", detail="It is too late.")
UNKNOWN = Reason(code="unknown_service", group="intake", fault="partner")


def job(state: JobState = JobState.SCHEDULED, line_id: str = "1", **other: Any) -> Job:
    return make_job(state, order_id=ORDER, line_id=line_id, status=lifecycle().statuses[state], **other)


def placed(document: Any = None) -> SupportOrder:
    intent = read("POST", f"{ORDERS}/serviceOrder", document or order())
    assert isinstance(intent, PlaceOrder)
    return intent.order


def receipt(*outcomes: Outcome, replies: tuple[Reply, ...] = ()) -> Receipt:
    return Receipt(message_id="msg_1", at=NOON, outcomes=outcomes, replies=replies)


def done(intent: Intent, *jobs: Job, result: Any = "accepted", problems: Any = (), to: Any = None) -> Rendered:
    kept = intent.order if isinstance(intent, PlaceOrder) else to or placed()
    outcome = Outcome(
        intent=intent,  # type: ignore[arg-type]
        result=result,
        order_id=ORDER,
        order=kept,
        jobs=jobs or (job(),),
        problems=problems,
    )
    return DIALECT.acknowledge(receipt(outcome))


def replied(intent: Intent, **reply: Any) -> Rendered:
    return DIALECT.acknowledge(receipt(replies=(Reply(intent=intent, **reply),)))  # type: ignore[arg-type]


def found(*jobs: Job, document: Any = None) -> Found:
    return Found(
        order_id=ORDER, order=placed(document), status="", created_at=NOON, updated_at=NOON, jobs=jobs or (job(),)
    )


# --- orders ------------------------------------------------------------------------------------------------------


def test_a_new_order_is_acknowledged_with_its_whole_resource_and_where_it_is() -> None:
    more = {
        "category": "HomeInstallation",
        "priority": "1",
        "requestedStartDate": "2026-01-20T07:00:00Z",
        "externalReference": [{"id": "CRM-1", "externalReferenceType": "customerOrder", "name": "SCS-1"}],
        "note": [{"text": "Im Hof"}],
    }
    relation = [{"relationshipType": "dependency", "orderItem": {"id": "1", "itemId": "1"}}]
    theirs = {"id": "appt-7", "href": "https://swisscom.example/appt-7"}
    service = {"name": "Montage", "serviceType": "CFS", "serviceSpecification": {"id": "s", "version": "1.0"}}
    items = [item(quantity=2, service=service), item("02", serviceOrderItemRelationship=relation, appointment=theirs)]
    intent = PlaceOrder(order=placed(order(*items, **more)))
    answer = done(intent, job(), job(JobState.UNSCHEDULED, "02", window=None))
    assert (answer.status, answer.headers["Location"]) == (201, ONE)
    told = said(answer, "ServiceOrder")
    assert {name: told[name] for name in more} == more
    assert (told["id"], told["href"], told["externalId"]) == (ORDER, ONE, "SCS-1")
    assert (told["state"], told["orderDate"]) == ("acknowledged", "2026-01-14T12:00:00.000Z")
    assert told["relatedParty"][0] == order()["relatedParty"][0]
    assert told["serviceOrderItem"] == [
        {
            "id": "1",
            "action": "add",
            "quantity": 2,
            "state": "acknowledged",
            "appointment": {"id": f"{ORDER}.1", "href": VISIT},
            "service": service,
        },
        {
            "id": "02",
            "action": "add",
            "quantity": 1,
            "state": "acknowledged",
            "appointment": theirs,
            "service": {"serviceSpecification": {"id": "svc-tv-wall"}},
            "serviceOrderItemRelationship": relation,
        },
    ]


def test_the_same_order_again_is_told_as_it_stands() -> None:
    answer = done(PlaceOrder(order=placed()), job(JobState.EN_ROUTE), result="duplicate")
    assert answer.status == 200
    told = said(answer, "ServiceOrder")
    assert (told["state"], told["serviceOrderItem"][0]["state"]) == ("inProgress", "inProgress")
    assert told["expectedCompletionDate"] == "2026-01-20T11:00:00.000Z"


def test_an_item_that_we_do_not_know_is_rejected_and_the_others_are_acknowledged() -> None:
    intent = PlaceOrder(order=placed(order(item(), item("2"))))
    answer = done(intent, job(JobState.REJECTED, reason=UNKNOWN, window=None), job(line_id="2"))
    told = said(answer, "ServiceOrder")
    first, second = told["serviceOrderItem"]
    assert (told["state"], first["state"], second["state"]) == ("acknowledged", "rejected", "acknowledged")
    assert [error["code"] for error in first["errorMessage"]] == ["unknown_service"]


def test_an_order_of_which_nothing_is_taken_is_rejected_and_no_fault_of_the_document() -> None:
    answer = done(PlaceOrder(order=placed()), job(JobState.REJECTED, reason=UNKNOWN, window=None))
    assert answer.status == 201
    assert said(answer, "ServiceOrder")["state"] == "rejected"


def test_an_end_has_its_date() -> None:
    later = NOON + timedelta(hours=3)
    told = said(replied(read("GET", ONE), found=(found(job(JobState.COMPLETED, state_since=later)),)), "ServiceOrder")
    assert (told["state"], told["completionDate"]) == ("completed", "2026-01-14T15:00:00.000Z")
    reason = Reason(code="changed_mind", group="cancel", fault="customer", text="Verzogen")
    ended = found(job(JobState.CANCELLED, reason=reason))
    told = said(replied(read("GET", ONE), found=(ended,)), "ServiceOrder")
    assert (told["cancellationDate"], told["cancellationReason"]) == ("2026-01-14T12:00:00.000Z", "changed_mind")
    assert told["serviceOrderItem"][0]["errorMessage"][0]["message"] == "Verzogen"


def test_every_state_has_the_word_of_the_lifecycle() -> None:
    states = lifecycle().document["states"]
    assert {state.value: word for state, word in STATES.items()} == {n: row["tmf641"] for n, row in states.items()}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_orders_are_found_by_the_state_that_they_show(count: int) -> None:
    """An order never rests at `received`: it is decided upon in the same moment."""
    resting = [state for state in JobState if state is not JobState.RECEIVED]
    for states in combinations_with_replacement(resting, count):
        jobs = [job(state) for state in states]
        word = order_state(shown(ORDER, placed(), jobs))
        assert word is not None
        assert order_status(states) in STATUSES[word], states


def test_some_items_done_and_some_not_is_partial() -> None:
    jobs = [job(JobState.COMPLETED), job(JobState.FAILED, "2")]
    told = said(replied(read("GET", ONE), found=(found(*jobs, document=order(item(), item("2"))),)), "ServiceOrder")
    assert [told["state"], *(one["state"] for one in told["serviceOrderItem"])] == ["partial", "completed", "failed"]


def test_an_order_that_came_through_another_door_is_shown_all_the_same() -> None:
    other = Found(order_id=ORDER, order=make_order(), status="", created_at=NOON, updated_at=NOON)
    told = said(replied(read("GET", ONE), found=(other,)), "ServiceOrder")
    assert "state" not in told
    assert "relatedParty" not in told  # they have no number of the standard's


def test_only_the_members_that_are_asked_for_are_told_and_the_id_always() -> None:
    told = said(replied(read("GET", ONE, fields="state, externalId"), found=(found(),)), "ServiceOrder")
    assert set(told) == {"id", "href", "state", "externalId"}
    assert set(said(replied(read("GET", ONE, fields="none"), found=(found(),)), "ServiceOrder")) == {"id", "href"}


def test_a_page_says_how_many_there_are() -> None:
    answer = replied(read("GET", f"{ORDERS}/serviceOrder", limit="2"), found=(found(), found()), total=7)
    assert (answer.status, len(said(answer, "ServiceOrder"))) == (200, 2)
    assert dict(answer.headers) == {"X-Total-Count": "7", "X-Result-Count": "2"}


# --- changes -----------------------------------------------------------------------------------------------------

TWO = [{"id": "1", "action": "delete"}, {"id": "2", "action": "delete"}]


def test_a_change_is_answered_with_the_order() -> None:
    answer = done(read("PATCH", ONE, {"serviceOrderItem": TWO}), job(JobState.CANCELLED))
    assert answer.status == 200
    assert said(answer, "ServiceOrder")["state"] == "cancelled"


def test_what_of_a_change_could_not_be_done_is_told_beside_what_could() -> None:
    answer = done(read("PATCH", ONE, {"serviceOrderItem": TWO}), problems=(FAULT,))
    assert answer.status == 200
    [error] = said(answer, "ServiceOrder")["errorMessage"]
    assert (error["code"], error["message"]) == ("illegal_transition", "/serviceOrderItem/0")


def test_a_change_of_which_nothing_could_be_done_is_a_conflict() -> None:
    faults = (FAULT, replace(FAULT, pointer="/serviceOrderItem/1"))
    answer = done(read("PATCH", ONE, {"serviceOrderItem": TWO}), problems=faults)
    assert answer.status == 409
    assert [error["pointer"] for error in said(answer, "Error")["errors"]] == [fault.pointer for fault in faults]


def test_a_cancellation_is_done_and_has_the_number_of_its_order() -> None:
    task = {"cancellationReason": "Kunde verzogen", "serviceOrder": {"id": ORDER}}
    reason = Reason(code="changed_mind", group="cancel", fault="customer")
    cancelled = job(JobState.CANCELLED, reason=reason)
    answer = done(read("POST", f"{ORDERS}/cancelServiceOrder", task), cancelled)
    told = said(answer, "CancelServiceOrder")
    assert (answer.status, answer.headers["Location"]) == (201, f"{ORDERS}/cancelServiceOrder/{ORDER}")
    assert (told["id"], told["state"], told["cancellationReason"]) == (ORDER, "done", "Kunde verzogen")
    assert told["serviceOrder"] == {"id": ORDER}
    read_again = replied(read("GET", f"{ORDERS}/cancelServiceOrder/{ORDER}"), found=(found(cancelled),))
    assert said(read_again, "CancelServiceOrder") == {**told, "cancellationReason": "changed_mind"}


def test_a_cancellation_that_comes_too_late_is_a_conflict_and_there_is_none_to_read() -> None:
    task = read("POST", f"{ORDERS}/cancelServiceOrder", {"serviceOrder": {"id": ORDER}})
    answer = done(task, job(JobState.IN_PROGRESS), problems=(FAULT,))
    assert (answer.status, said(answer, "Error")["code"]) == (409, "illegal_transition")
    nothing = replied(read("GET", f"{ORDERS}/cancelServiceOrder/{ORDER}"), found=(found(),))
    assert (nothing.status, said(nothing, "Error")["status"]) == (404, "404")


def test_an_order_is_cancelled_where_what_is_left_of_it_is() -> None:
    document = order(item(), item("2"))
    rejected, cancelled = job(JobState.REJECTED, "2", reason=UNKNOWN), job(JobState.CANCELLED)
    task = read("POST", f"{ORDERS}/cancelServiceOrder", {"serviceOrder": {"id": ORDER}})
    question = read("GET", f"{ORDERS}/cancelServiceOrder/{ORDER}")
    for jobs, made, there in (([rejected, cancelled], 201, 200), ([rejected], 409, 404)):
        assert done(task, *jobs, to=placed(document)).status == made
        assert replied(question, found=(found(*jobs, document=document),)).status == there


# --- appointments ------------------------------------------------------------------------------------------------


def hold(state: Any = "held") -> Hold:
    echo = {"externalId": "APP-1", "relatedEntity": [{"id": "42", "role": "order", "@referredType": "ServiceOrder"}]}
    until = NOON + timedelta(minutes=15)
    return Hold(id="hold_1", window=MORNING, state=state, until=until, created_at=NOON, echo=echo)


@pytest.mark.parametrize(
    ("state", "status"),
    [("held", "initialized"), ("used", "confirmed"), ("released", "cancelled"), ("expired", "failed")],
)
def test_a_slot_that_is_kept_is_an_appointment(state: str, status: str) -> None:
    wanted = {"validFor": SLOT, "relatedPlace": {"name": "8004 Zürich"}}
    answer = replied(read("POST", f"{APPOINTMENTS}/appointment", wanted), hold=hold(state))
    told = said(answer, "Appointment")
    assert (answer.status, answer.headers["Location"]) == (201, told["href"])
    assert (told["id"], told["status"], told["externalId"]) == ("hold_1", status, "APP-1")
    assert told["validFor"] == {name: f"{time[:-1]}.000Z" for name, time in SLOT.items()}
    assert ("description" in told) == (state == "held")


def test_a_kept_slot_is_answered_200_when_it_is_moved_or_read_and_204_when_it_is_deleted() -> None:
    one = f"{APPOINTMENTS}/appointment/hold_1"
    for intent in (
        read("PATCH", one, {"validFor": SLOT}),
        read("PATCH", one, {"status": "cancelled"}),
        read("GET", one),
    ):
        answer = replied(intent, hold=hold())
        assert (answer.status, said(answer, "Appointment")["id"]) == (200, "hold_1")
    assert set(json.loads(replied(read("GET", one, fields="status"), hold=hold()).body)) == {"id", "href", "status"}
    answer = replied(read("DELETE", one), hold=hold("released"))
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("state", JobState)
def test_a_visit_is_an_appointment_in_every_state(state: JobState) -> None:
    answer = replied(read("GET", VISIT), found=(found(job(state)),))
    told = said(answer, "Appointment")
    assert (answer.status, told["id"], told["href"]) == (200, f"{ORDER}.1", VISIT)


def test_an_item_without_a_time_has_no_appointment_yet() -> None:
    for jobs in ([job(JobState.UNSCHEDULED, window=None)], [job(line_id="2")]):
        answer = replied(read("GET", VISIT), found=(found(*jobs),))
        assert (answer.status, said(answer, "Error")["code"]) == (404, "not_found")


def test_a_visit_that_is_moved_is_answered_with_its_new_time() -> None:
    moved = Window(start=MORNING.start + timedelta(days=1), end=MORNING.end + timedelta(days=1))
    answer = done(read("PATCH", VISIT, {"validFor": SLOT}), job(window=moved))
    assert answer.status == 200
    assert said(answer, "Appointment")["validFor"]["startDateTime"] == "2026-01-21T07:00:00.000Z"
    entities = [{"id": ORDER, "role": "o", "@referredType": "ServiceOrder"}]
    entities.append({"id": "1", "role": "i", "@referredType": "ServiceOrderItem"})
    made = done(read("POST", f"{APPOINTMENTS}/appointment", {"validFor": SLOT, "relatedEntity": entities}))
    assert (made.status, made.headers["Location"]) == (201, VISIT)


def test_a_visit_that_cannot_be_moved_any_more_is_a_conflict() -> None:
    answer = done(read("PATCH", VISIT, {"validFor": SLOT}), problems=(replace(FAULT, pointer="/validFor"),))
    assert (answer.status, said(answer, "Error")["errors"][0]["pointer"]) == (409, "/validFor")


def test_free_slots_are_the_answer_of_a_search_that_is_done() -> None:
    place = {"role": "home", "name": "8004 Zürich"}
    wanted = read(
        "POST", f"{APPOINTMENTS}/searchTimeSlot", {"requestedTimeSlot": [{"validFor": SLOT}], "relatedPlace": place}
    )
    answer = replied(wanted, slots=((MORNING, MORNING),))
    told = said(answer, "SearchTimeSlot")
    assert (answer.status, told["status"], told["searchResult"]) == (201, "done", "success")
    assert (told["relatedPlace"], [slot["id"] for slot in told["availableTimeSlot"]]) == (place, ["1", "2"])
    told = said(replied(wanted, slots=((),)), "SearchTimeSlot")
    assert (told["searchResult"], told["availableTimeSlot"]) == ("fail", [])


# --- subscriptions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [ORDERS, APPOINTMENTS])
def test_a_subscription_repeats_what_was_asked_for_with_our_id(base: str) -> None:
    wanted = read("POST", f"{base}/hub", {"callback": "https://swisscom.example/tmf"})
    answer = replied(wanted, subscription_id="whep_1")
    assert (answer.status, answer.headers["Location"]) == (201, f"{base}/hub/whep_1")
    assert said(answer, "EventSubscription") == {"id": "whep_1", "callback": "https://swisscom.example/tmf"}
    ended = replied(Subscribe(ends="whep_1"), subscription_id="whep_1")
    assert (ended.status, ended.body) == (204, b"")


# --- refusals ----------------------------------------------------------------------------------------------------


def refusal(method: str, path: str, code: str, status: int, *problems: Problem) -> Any:
    why = Refusal(message_id="msg_1", at=NOON, code=code, status=status, detail="No.", problems=problems)
    assert isinstance(DIALECT, Refusing)
    answer = DIALECT.refuse(request(method, path, b"{}"), why)
    assert answer is not None
    told = said(answer, "Error")
    assert told["status"] == str(answer.status)
    return told


def fault(code: str, pointer: str = "") -> Problem:
    return Problem(pointer=pointer, code=code, detail="So.")


@pytest.mark.parametrize(
    ("method", "path", "code", "status", "fault_code", "answered"),
    [
        ("POST", f"{ORDERS}/serviceOrder", "malformed", 400, "not_json", "400"),
        ("POST", f"{ORDERS}/serviceOrder", "invalid", 422, "missing", "400"),
        ("POST", f"{ORDERS}/serviceOrder", "unsupported", 422, "version_3", "400"),
        ("POST", f"{ORDERS}/serviceOrder", "order-differs", 409, "differs", "409"),
        ("POST", f"{APPOINTMENTS}/appointment", "conflict", 409, "slot_taken", "409"),
        ("GET", ONE, "not-found", 404, "unknown_order", "404"),
        ("PATCH", ONE, "invalid", 422, "unknown_order", "404"),
        ("PATCH", ONE, "invalid", 422, "unknown_line", "400"),
        ("POST", f"{ORDERS}/cancelServiceOrder", "invalid", 422, "unknown_order", "400"),
        ("DELETE", ONE, "unsupported", 422, "cannot_delete", "405"),
        ("PATCH", VISIT, "unsupported", 422, "cannot_delete", "400"),
    ],
)
def test_a_refusal_has_a_status_of_the_standard(
    method: str, path: str, code: str, status: int, fault_code: str, answered: str
) -> None:
    told = refusal(method, path, code, status, fault(fault_code))
    assert (told["status"], told["code"], told["reason"]) == (answered, fault_code, "No.")
    assert told["referenceError"] == "urn:stecker:message:msg_1"


def test_all_problems_are_in_the_one_error() -> None:
    problems = (fault("missing", "/externalId"), fault("not_a_time", "/requestedStartDate"))
    told = refusal("POST", f"{ORDERS}/serviceOrder", "invalid", 422, *problems)
    assert told["message"] == "/externalId: So.\n/requestedStartDate: So."
    assert [(error["pointer"], error["code"]) for error in told["errors"]] == [(p.pointer, p.code) for p in problems]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("/lines/3/hold_id", "/serviceOrderItem/3/appointment/id"),
        ("/lines/0/sku", "/serviceOrderItem/0/service/serviceSpecification/id"),
        ("/lines/0/quantity", "/serviceOrderItem/0/quantity"),
        ("/lines/0", "/serviceOrderItem/0"),
        ("/lines", "/serviceOrderItem"),
        ("/customer/phone", "/relatedParty"),
        ("/service_address/city", "/serviceOrderItem/0/service/place"),
        ("/serviceOrderItem/0/id", "/serviceOrderItem/0/id"),
    ],
)
def test_what_is_found_out_later_is_told_of_their_members(ours: str, theirs: str) -> None:
    told = refusal("POST", f"{ORDERS}/serviceOrder", "invalid", 422, fault("no_hold", ours))
    assert told["errors"][0]["pointer"] == theirs


def test_an_outcome_that_is_refused_is_an_error() -> None:
    for intent in (
        ChangeOrder(partner_order_id="", change_id="", lines=()),
        CancelOrder(partner_order_id="", change_id=""),
    ):
        outcome = Outcome(intent=intent, result="refused", problems=(FAULT,))
        assert said(DIALECT.acknowledge(receipt(outcome)), "Error")["status"] == "409"


# --- whatever there is to show -----------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20).filter(str.strip)
STATE = st.sampled_from(list(JobState))
REASON = st.none() | st.builds(
    Reason, code=st.just("customer_absent"), group=st.just("failure"), fault=st.just("customer")
)


@needs_definitions
@settings(deadline=None)
@given(data=st.data())
def test_every_order_that_we_can_read_is_shown_as_the_standard_has_it(data: Any) -> None:
    texts = {name: data.draw(TEXT) for name in ("externalId", "category", "priority", "description")}
    items = [item(str(place), service={"name": data.draw(TEXT)}) for place in range(data.draw(st.integers(1, 3)))]
    one = placed(order(*items, **texts))
    assert one.partner_order_id.strip() == one.partner_order_id
    jobs = [
        job(
            data.draw(STATE), line.line_id, reason=data.draw(REASON), window=data.draw(st.sampled_from([MORNING, None]))
        )
        for line in one.lines
    ]
    for result in ("accepted", "duplicate"):
        answer = done(PlaceOrder(order=one), *jobs, result=result)
        assert said(answer, "ServiceOrder")["externalId"] == one.partner_order_id


@needs_definitions
def test_the_check_of_the_check() -> None:
    told = json.loads(done(PlaceOrder(order=placed())).body)
    assert valid("ServiceOrder", told) == []
    assert valid("ServiceOrder", {**told, "state": "INPROGRESS"})
    assert valid("ServiceOrder", {**told, "colour": "red"})
    assert valid("ServiceOrder", {**told, "orderDate": "tomorrow"})
    assert valid("ServiceOrder", {**told, "serviceOrderItem": [{}]})
    assert valid("Error", {"code": "x"})


def test_questions_that_are_answered_here_are_all_that_are_read() -> None:
    asked = [read("GET", ONE), read("GET", VISIT), read("GET", f"{APPOINTMENTS}/appointment/hold_1")]
    assert all(isinstance(one, Query) for one in asked)
    assert isinstance(read("DELETE", f"{APPOINTMENTS}/appointment/hold_1"), HoldSlot)
