"""Service jobs as Amazon tells them: orders, changes, cancellations, or problems with their place."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.canonical import CancelOrder, ChangeOrder, SupportOrder
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError, Unsupported
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from tests.adapters.amazon_services.steps import AMAZON

HERE = Path(__file__).parent
DIALECT = AmazonServicesAdapter({})

JOB: dict[str, Any] = json.loads((HERE / "samples" / "tv_on_the_wall" / "job.json").read_text())["payload"]
MONDAY = {"startTime": "2026-02-02T09:00:00Z", "durationInMinutes": 120}


def parse(document: Any, **query: str) -> list[Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return DIALECT.parse(RawMessage(body=body, media_type="application/json", query=query))


def job(**other: Any) -> dict[str, Any]:
    """The job of the sample with other members; None takes one away."""
    return {name: value for name, value in {**JOB, **other}.items() if value is not None}


def place(**other: Any) -> dict[str, Any]:
    """Its `serviceLocation` with another address."""
    address = {**JOB["serviceLocation"]["address"], **other}
    return {"serviceLocationType": "IN_HOME", "address": {k: v for k, v in address.items() if v is not None}}


def order(**other: Any) -> SupportOrder:
    (intent,) = parse(job(**other))
    assert isinstance(intent, ChangeOrder)
    assert intent.whole is not None
    return intent.whole


def faults(document: Any, error: type[TranslationError] = InvalidOrder) -> list[tuple[str, str]]:
    with pytest.raises(error) as refused:
        parse(document)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def starts(intent: ChangeOrder) -> list[str]:
    return [window.start.isoformat() for window in intent.lines[0].requested_windows]


# --- the document --------------------------------------------------------------------------------------------------


def test_a_job_is_one_alone_or_in_an_answer_or_one_of_a_page() -> None:
    alone, answered, page = JOB, {"payload": JOB}, {"payload": {"jobs": [JOB, job(serviceJobId="2")]}}
    assert [intent.partner_order_id for intent in parse(page)] == [JOB["serviceJobId"], "2"]
    assert parse(alone)[0].whole == parse(answered)[0].whole == parse(page)[0].whole
    assert [parse(one)[0].pointer for one in (alone, answered, page)] == ["", "/payload", "/payload/jobs/0"]


@pytest.mark.parametrize("document", [{"payload": None}, {"payload": []}, {}, [], None, "job", {"errors": []}])
def test_what_is_no_answer_of_amazons_is_malformed(document: Any) -> None:
    assert faults(document, MalformedMessage) == [("", "no_payload")]


def test_errors_of_amazons_are_problems_and_are_not_repeated() -> None:
    errors = [{"code": "InvalidInput", "message": "K7canary"}, {"code": "Other", "message": "K7canary"}]
    assert faults({"errors": errors}) == [("/errors/0", "amazon_error"), ("/errors/1", "amazon_error")]
    with pytest.raises(InvalidOrder) as refused:
        parse({"errors": errors * 500, "payload": JOB})
    assert len(refused.value.problems) == 20
    assert "K7canary" not in repr(refused.value.problems)
    assert parse({"errors": [{**errors[0], "errorLevel": "WARNING"}], "payload": JOB})


def test_an_empty_payload_as_the_sandbox_has_it_is_told_what_is_missing() -> None:
    assert faults({"payload": {}}) == [
        ("/payload/serviceJobId", "missing"),
        ("/payload/serviceJobStatus", "missing"),
        ("/payload/serviceLocation", "missing"),
        ("/payload/scopeOfWork", "missing"),
    ]


def test_an_empty_page_holds_nothing_to_read() -> None:
    assert faults({"payload": {"jobs": []}}) == [("/payload/jobs", "empty")]


# --- versions ------------------------------------------------------------------------------------------------------


def test_versions_are_numbered_by_when_they_were_read_to_the_microsecond() -> None:
    times = ("2026-01-14T15:00:00.000001Z", "2026-01-14T16:00:00.000002+01:00", "2026-02-01T00:00:00Z")
    numbers = [parse(JOB, readAt=at)[0].change_id for at in times]
    assert numbers[0] == "20260114150000000001"
    assert all(number.isdecimal() for number in numbers)
    assert sorted(numbers, key=int) == numbers


def test_what_nobody_fetched_is_known_again_by_its_content_and_orders_nothing() -> None:
    first, again, other = (parse(one)[0].change_id for one in (JOB, dict(JOB), job(storeId="elsewhere")))
    assert first == again != other
    assert not first.isdecimal()


def test_a_time_of_reading_that_is_none_is_a_problem() -> None:
    with pytest.raises(InvalidOrder) as refused:
        parse(JOB, readAt="yesterday")
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [("?/readAt", "not_a_time")]


# --- what a status means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["NOT_SERVICED", "PENDING_SCHEDULE", "HOLD"])
def test_a_wanted_job_is_the_whole_order_as_it_is_now(status: str) -> None:
    (intent,) = parse(job(serviceJobStatus=status))
    assert isinstance(intent, ChangeOrder)
    assert intent.whole is not None
    assert (intent.partner_order_id, intent.whole.partner_order_id) == (JOB["serviceJobId"],) * 2
    assert [line.line_id for line in intent.lines] == [line.line_id for line in intent.whole.lines]


@pytest.mark.parametrize("status", ["CANCELLED", "NOT_FULFILLABLE"])
def test_a_job_that_will_not_be_is_cancelled_whatever_else_is_missing(status: str) -> None:
    (intent,) = parse({"serviceJobId": "J-1", "serviceJobStatus": status})
    assert isinstance(intent, CancelOrder)
    assert (intent.partner_order_id, intent.lines) == ("J-1", ())


def test_a_completed_job_never_begins_here_and_changes_nothing() -> None:
    (intent,) = parse(job(serviceJobStatus="COMPLETED"))
    assert isinstance(intent, ChangeOrder)
    assert (intent.whole, intent.lines) == (None, ())


def test_nobody_goes_before_it_is_paid() -> None:
    unpaid = job(serviceJobStatus="PAYMENT_DECLINED")
    assert faults(unpaid, Unsupported) == [("/serviceJobStatus", "payment_declined")]


def test_a_status_that_nobody_knows_is_a_problem_and_never_a_default() -> None:
    assert faults(job(serviceJobStatus="PENDING")) == [("/serviceJobStatus", "unknown_code")]
    assert faults(job(serviceJobStatus=None)) == [("/serviceJobStatus", "missing")]


# --- appointments --------------------------------------------------------------------------------------------------


def appointments(*statuses: str) -> list[dict[str, Any]]:
    times = [{**MONDAY, "startTime": f"2026-02-0{day}T09:00:00Z"} for day in range(2, 9)]
    return [
        {"appointmentId": f"A-{n}", "appointmentStatus": status, "appointmentTime": times[n]}
        for n, status in enumerate(statuses)
    ]


def test_the_active_appointment_stands_before_the_wishes_and_others_count_no_more() -> None:
    (intent,) = parse(job(appointments=appointments("CANCELLED", "ACTIVE", "COMPLETED")))
    assert starts(intent) == ["2026-02-03T09:00:00+00:00", "2026-01-20T08:00:00+00:00", "2026-01-21T12:00:00+00:00"]


def test_an_appointment_at_the_first_wish_says_nothing_new() -> None:
    """Else the date that we have just set would come back as another one, and undo a later one of ours."""
    wish = JOB["preferredAppointmentTimes"][0]
    fixed = [{"appointmentId": "A-001", "appointmentStatus": "ACTIVE", "appointmentTime": wish}]
    assert starts(parse(job(appointments=fixed))[0]) == starts(parse(JOB)[0])


def test_a_job_without_wishes_is_normal_and_on_hold_they_cannot_be_met() -> None:
    assert starts(parse(job(preferredAppointmentTimes=None, appointments=None))[0]) == []
    assert starts(parse(job(serviceJobStatus="HOLD"))[0]) == []


@pytest.mark.parametrize(
    ("time", "places"),
    [
        ({"startTime": "2026-02-02T09:00:00"}, [("durationInMinutes", "missing"), ("startTime", "not_a_time")]),
        ({"durationInMinutes": 0}, [("startTime", "missing"), ("durationInMinutes", "out_of_range")]),
        ({**MONDAY, "durationInMinutes": 1.5}, [("durationInMinutes", "not_whole")]),
        ({**MONDAY, "durationInMinutes": "60"}, [("durationInMinutes", "not_a_number")]),
        ({**MONDAY, "durationInMinutes": 999999}, [("durationInMinutes", "out_of_range")]),
    ],
)
def test_a_time_without_its_length_or_its_offset_is_a_problem(time: Any, places: list[tuple[str, str]]) -> None:
    found = faults(job(preferredAppointmentTimes=[MONDAY, time]))
    assert found == [(f"/preferredAppointmentTimes/1/{member}", code) for member, code in places]


def test_times_with_another_offset_are_the_same_instant() -> None:
    read = order(preferredAppointmentTimes=[{**MONDAY, "startTime": "2026-02-02T14:30:00.000+05:30"}])
    assert read.lines[0].requested_windows[0] == order(preferredAppointmentTimes=[MONDAY]).lines[0].requested_windows[0]


# --- the line ------------------------------------------------------------------------------------------------------


def test_the_quantity_of_the_scope_counts_visits_and_its_change_is_told() -> None:
    (intent,) = parse(job(scopeOfWork={"asin": "B07SVC0065", "quantity": 3}))
    assert (intent.whole.lines[0].quantity, intent.lines[0].quantity) == (3, 3)
    assert order(scopeOfWork={"asin": "B07SVC0065"}).lines[0].quantity == 1


@pytest.mark.parametrize("quantity", [0, -1, 21, 2**53])
def test_a_quantity_is_one_to_twenty(quantity: int) -> None:
    wrong = job(scopeOfWork={"asin": "B07SVC0065", "quantity": quantity})
    assert faults(wrong) == [("/scopeOfWork/quantity", "out_of_range")]


def test_without_an_asin_nobody_knows_what_to_do() -> None:
    assert faults(job(scopeOfWork={"title": "TV"})) == [("/scopeOfWork/asin", "missing")]


def test_several_things_are_notes_and_only_one_is_the_product() -> None:
    items = [{"title": "Fernseher", "itemStatus": "CANCELLED"}, {"title": "Halterung", "brandName": "Ferndal"}, {}]
    line = order(associatedItems=items).lines[0]
    assert (line.product, line.notes) == (None, "Fernseher, CANCELLED\nHalterung")
    assert order(associatedItems=None).lines[0].notes is None


def test_titles_and_notes_are_cut_where_amazons_are_longer_than_ours() -> None:
    items = [{"title": "x" * 300}] * 50
    line = order(associatedItems=items, scopeOfWork={"asin": "A", "title": "y" * 300}).lines[0]
    assert (len(line.title or ""), len(line.notes or "")) == (200, 2000)


# --- where, and whom -----------------------------------------------------------------------------------------------


def test_everything_that_is_needed_of_the_address_is_missed_at_once() -> None:
    told = faults(job(serviceLocation={"address": {}}))
    members = ("addressLine1", "postalCode", "city", "countryCode", "name")
    assert told == [(f"/serviceLocation/address/{member}", "missing") for member in members]


@pytest.mark.parametrize("location", [None, {}, {"serviceLocationType": "ONLINE"}])
def test_a_visit_without_a_place_is_one_problem(location: Any) -> None:
    (told,) = faults(job(serviceLocation=location))
    assert told[1] == "missing"
    assert told[0] in ("/serviceLocation", "/serviceLocation/address")


def test_nobody_travels_to_a_store_and_the_type_may_be_left_out() -> None:
    assert faults(job(serviceLocation={**place(), "serviceLocationType": "IN_STORE"}), Unsupported) == [
        ("/serviceLocation/serviceLocationType", "in_our_store")
    ]
    assert order(serviceLocation={"address": place()["address"]}).service_address.city == "Berlin"
    assert faults(job(serviceLocation={**place(), "serviceLocationType": "MOON"})) == [
        ("/serviceLocation/serviceLocationType", "unknown_code")
    ]


@pytest.mark.parametrize(
    ("name", "buyer", "read"),
    [
        ("Jonas Lindemann", {"name": "Mia Falk"}, ("Lindemann", "Jonas", None)),
        ("Anna Maria von Berg", None, ("Anna Maria von Berg", None, None)),
        ("Ferndal GmbH", {"name": "Mia Falk"}, ("Falk", "Mia", "Ferndal GmbH")),
        ("Ferndal GmbH", None, ("Ferndal GmbH", None, None)),
        ("Lindemann", {}, ("Lindemann", None, None)),
    ],
)
def test_the_given_name_stands_first_and_a_company_has_the_buyer_as_its_person(
    name: str, buyer: Any, read: tuple[Any, ...]
) -> None:
    customer = order(serviceLocation=place(name=name), buyer=buyer).customer
    assert (customer.family_name, customer.given_name, customer.company) == read


@pytest.mark.parametrize("phone", ["+49 30 23125001", "0049 30 23125001", "030/23125-001", "+49 (0)30 23125001"])
def test_phones_are_of_the_addresss_country_however_they_are_written(phone: str) -> None:
    assert order(serviceLocation=place(phone=phone)).customer.phone == "+493023125001"


def test_without_a_phone_at_the_address_the_buyers_counts() -> None:
    read = order(serviceLocation=place(phone=None), buyer={"phone": "0170 5550101"})
    assert read.customer.phone == "+491705550101"


# --- echo ----------------------------------------------------------------------------------------------------------


def test_members_that_nobody_knows_are_ignored_and_counted() -> None:
    assert "ignored" not in order().echo
    read = order(mood="good", serviceLocation={**place(), "floor": 3})
    assert read.echo["ignored"] == 2
    assert read.echo["serviceOrderId"] == "028-1111111-2222222"


def test_an_order_survives_being_kept() -> None:
    read = order(appointments=appointments("ACTIVE"))
    assert stored_order(json.loads(json.dumps(order_json(read)))) == replace(read, echo=dict(read.echo))


# --- whatever comes ------------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(JOB)), inner, max_size=3),
    max_leaves=6,
)


def intents_or_problems(document: Any) -> None:
    try:
        assert parse(document)
    except TranslationError as refused:
        assert all(problem.code.isidentifier() and problem.detail for problem in refused.problems)  # noqa: PT017


@given(members=st.dictionaries(st.sampled_from([*JOB, "appointments"]), ANYTHING, min_size=1, max_size=4))
def test_anything_in_a_member_is_intents_or_problems(members: Mapping[str, Any]) -> None:
    intents_or_problems({"payload": {**JOB, **members}})


@given(
    member=st.sampled_from([*JOB["serviceLocation"]["address"], "serviceLocationType"]),
    value=ANYTHING,
)
def test_anything_in_an_address_is_intents_or_problems(member: str, value: Any) -> None:
    intents_or_problems(job(serviceLocation={**place(**{member: value}), member: value}))


@given(body=st.binary(max_size=200), at=st.integers(0, 2000))
def test_any_bytes_in_a_job_are_intents_or_problems(body: bytes, at: int) -> None:
    whole = json.dumps(JOB).encode()
    intents_or_problems(whole[:at] + body + whole[at + len(body) :])


# --- their own -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not AMAZON.exists(), reason="the partners' own documents are not here")
def test_the_partners_own_documents_are_intents_or_problems() -> None:
    for file in [*AMAZON.glob("constructed/*.json"), *AMAZON.glob("samples/*.json")]:
        told = json.loads(file.read_text())
        if file.parent.name == "constructed":
            assert parse(told)[0].whole is not None
            continue
        for pair in told:
            intents_or_problems(pair["response"])
            intents_or_problems(pair["request"])


@pytest.mark.skipif(not AMAZON.exists(), reason="the partners' own documents are not here")
def test_the_page_of_the_sandbox_is_a_job_that_is_over() -> None:
    (pair,) = json.loads((AMAZON / "samples" / "getServiceJobs.200.static.json").read_text())
    (intent,) = parse(pair["response"])
    assert (intent.partner_order_id, intent.whole) == ("34534399990035", None)
