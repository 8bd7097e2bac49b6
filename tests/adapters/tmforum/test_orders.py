"""Service orders in: placed, changed, cancelled, asked for; and each trap of the standard by name."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.canonical import (
    Address,
    CancelOrder,
    ChangeOrder,
    Customer,
    HoldSlot,
    Intent,
    PlaceOrder,
    Query,
    SupportOrder,
    Window,
)
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError, Unsupported
from adapters.tmforum.adapter import TmForumAdapter
from adapters.tmforum.codes import FIXED
from tests.support.tmforum import EIGHT, ORDER, ORDERS, PARTY, PLACE, SHARED, SLOT, item, order, read, request

CREATE = f"{ORDERS}/serviceOrder"
ONE = f"{CREATE}/{ORDER}"


def placed(document: Any = None, **options: Any) -> SupportOrder:
    intent = read("POST", CREATE, document or order(), options)
    assert isinstance(intent, PlaceOrder)
    assert not intent.books_slots
    return intent.order


def refused(method: str, path: str, document: Any = None, options: Any = None, **query: str) -> dict[str, str]:
    """The codes of what is wrong, by their places."""
    with pytest.raises(TranslationError) as error:
        read(method, path, document, options, **query)
    return {problem.pointer: problem.code for problem in error.value.problems}


def changed(*items: dict[str, Any], options: Any = None, **other: Any) -> ChangeOrder:
    intent = read("PATCH", ONE, {"serviceOrderItem": list(items), **other}, options)
    assert isinstance(intent, ChangeOrder)
    assert (intent.order_id, intent.partner_order_id, intent.change_id) == (ORDER, "", "")
    return intent


# --- an order ----------------------------------------------------------------------------------------------------


def test_the_number_of_an_order_is_the_partners_external_id() -> None:
    assert placed().partner_order_id == "SCS-1"
    assert refused("POST", CREATE, order(externalId=None)) == {"/externalId": "missing"}


def test_whatever_is_wrong_is_told_at_once_and_where_it_is() -> None:
    bad = order(
        item(quantity=0, service={"serviceSpecification": {}}),
        item(action=None),
        item("3", action="Add"),
        relatedParty=[],
        requestedStartDate="tomorrow",
        note=[{}],
    )
    assert refused("POST", CREATE, bad) == {
        "/relatedParty": "missing",
        "/serviceOrderItem/0/quantity": "out_of_range",
        "/serviceOrderItem/0/service/serviceSpecification/id": "missing",
        "/serviceOrderItem/1/action": "missing",
        "/serviceOrderItem/1/id": "duplicate_line_id",
        "/serviceOrderItem/2/action": "unknown_code",
        "/note/0/text": "missing",
        "/requestedStartDate": "not_a_time",
    }


@pytest.mark.parametrize("items", [[], None])
def test_an_order_without_items_is_refused(items: Any) -> None:
    assert refused("POST", CREATE, {**order(), "serviceOrderItem": items}) == {"/serviceOrderItem": "missing"}


def test_an_item_is_a_line_and_its_specification_is_our_sku() -> None:
    service = {
        "name": "TV-Wandmontage",
        "description": "Bis 65 Zoll",
        "note": [{"text": "Dübel mitbringen"}],
        "serviceCharacteristic": [
            {"name": "wallType", "value": "concrete"},
            {"name": "screenInch", "value": 65},
            {"name": "boxes", "value": [1, 2]},
        ],
    }
    [line] = placed(order(item("01", quantity=2, service=service))).lines
    assert (line.line_id, line.quantity, line.sku, line.title) == ("01", 2, "svc-tv-wall", "TV-Wandmontage")
    assert line.notes == "Bis 65 Zoll\nDübel mitbringen\nwallType: concrete\nscreenInch: 65"


def test_a_value_that_is_wrapped_as_in_version_3_is_read_all_the_same() -> None:
    wrapped = [{"name": "wallType", "value": {"value": "concrete", "alias": "Beton"}}]
    assert placed(order(item(service={"serviceCharacteristic": wrapped}))).lines[0].notes == "wallType: concrete"


def test_an_order_of_version_3_is_refused_and_told_so() -> None:
    old = {"externalId": "1", "relatedParty": [PARTY], "orderItem": [{"id": "1", "action": "add"}]}
    with pytest.raises(Unsupported) as error:
        read("POST", CREATE, old)
    assert {problem.code for problem in error.value.problems} == {"version_3"}
    assert "4.1" in error.value.problems[0].detail


def test_an_upper_case_state_of_version_3_is_no_state() -> None:
    assert refused("PATCH", ONE, {"state": "CANCELLED"}) == {"/state": "unknown_code"}


def test_explicit_nulls_and_unknown_members_change_nothing() -> None:
    more = {"@baseType": None, "uuid": "0b5f3a6e", "category": None, "note": None}
    assert placed(order(item(uuid="7f", appointment=None), **more)) == placed()


@pytest.mark.parametrize("action", ["modify", "delete", "noChange"])
def test_a_new_order_can_only_add(action: str) -> None:
    with pytest.raises(Unsupported):
        read("POST", CREATE, order(item(), item("2", action=action)))
    assert refused("POST", CREATE, order(item("2", action=action))) == {
        "/serviceOrderItem/0/action": "action_unsupported"
    }


def test_an_item_within_an_item_is_not_guessed_at() -> None:
    bundle = order(item(serviceOrderItem=[item("1.1")]))
    assert refused("POST", CREATE, bundle) == {"/serviceOrderItem/0/serviceOrderItem": "nested_items"}


def test_what_cannot_be_done_and_what_is_wrong_is_wrong() -> None:
    with pytest.raises(InvalidOrder):
        read("POST", CREATE, order(item(action="delete"), externalId=None))


@pytest.mark.parametrize("named", [{"id": "1"}, {"itemId": "1"}, {"id": "9", "itemId": "1"}])
def test_the_item_of_a_relation_is_named_by_either_member(named: dict[str, str]) -> None:
    """The standard requires `id`, and describes `itemId`."""
    relations = [{"relationshipType": "dependency", "orderItem": named}]
    line = placed(order(item(), item("2", serviceOrderItemRelationship=relations))).lines[1]
    assert line.echo == {"relations": [["dependency", "1"]]}


def test_what_nobody_else_understands_is_kept_and_nothing_about_the_person() -> None:
    more = {
        "category": "HomeInstallation",
        "priority": "1",
        "requestedStartDate": "2026-01-20T08:00:00+01:00",
        "requestedCompletionDate": "2026-01-31T17:00:00.120Z",
        "externalReference": [{"id": "CRM-1", "externalReferenceType": "customerOrder", "name": "SCS-1"}],
    }
    found = placed(order(**more, notificationContact="vera@example.ch"))
    assert found.echo == {**more, "customer": "cust-1"}
    assert "Muster" not in json.dumps([dict(found.echo), *(dict(line.echo) for line in found.lines)])


# --- when --------------------------------------------------------------------------------------------------------


def test_the_requested_completion_date_is_a_deadline_and_no_slot() -> None:
    dates = {"requestedStartDate": "2026-01-20T07:00:00Z", "requestedCompletionDate": "2026-03-01T11:00:00Z"}
    assert placed(order(**dates)).lines[0].requested_windows == ()


def test_the_dates_are_the_window_where_that_was_agreed() -> None:
    dates = {"requestedStartDate": "2026-01-20T08:00:00+01:00", "requestedCompletionDate": "2026-01-20T11:00:00Z"}
    [line] = placed(order(**dates), dates_are_window=True).lines
    assert line.requested_windows == (Window(start=EIGHT, end=EIGHT + timedelta(hours=4)),)
    assert set(refused("POST", CREATE, order(), {"dates_are_window": True})) == set(dates_of(dates))
    backwards = dict(zip(dates, reversed(dates.values()), strict=True))
    assert refused("POST", CREATE, order(**backwards), {"dates_are_window": True}) == {
        "/requestedCompletionDate": "window_empty"
    }


def dates_of(dates: dict[str, str]) -> list[str]:
    return [f"/{name}" for name in dates]


def test_an_appointment_of_ours_is_the_slot_of_the_item() -> None:
    [line] = placed(order(item(appointment={"id": "hold_01K9"})), dates_are_window=False).lines
    assert (line.hold_id, line.echo) == ("hold_01K9", {})


def test_an_appointment_in_their_own_calendar_is_only_said_again() -> None:
    theirs = {"id": "appt-7f1c", "href": "https://api.swisscom.example/appointment/appt-7f1c"}
    [line] = placed(order(item(appointment=theirs))).lines
    assert (line.hold_id, line.echo) == (None, {"appointment": theirs})


@pytest.mark.parametrize("time", ["2026-01-20T07:00:00Z", "2026-01-20T07:00:00.5Z", "2026-01-20T07:00:00.123456789Z"])
def test_times_come_with_and_without_a_fraction(time: str) -> None:
    assert placed(order(requestedStartDate=time)).echo["requestedStartDate"] == time
    assert refused("POST", CREATE, order(requestedStartDate=time[:-1])) == {"/requestedStartDate": "not_a_time"}


# --- where -------------------------------------------------------------------------------------------------------

HOME = Address(street="Musterweg", house_number="12", postcode="8004", city="Zürich", country="CH")


def at(place: dict[str, Any], **options: Any) -> Address:
    return placed(order(item(service={"place": [{"role": "home", **place}]})), **options).service_address


@pytest.mark.parametrize(
    "written",
    [
        "Musterweg 12, 8004 Zürich",
        "Musterweg 12 , CH-8004 Zürich",
        "Musterweg 12,8004 Zürich, Schweiz",
        "Musterweg 12, 8004 Zürich, CHE",
        "Musterweg 12, 8004 Zürich, ch",
        "Musterweg 12\n8004 Zürich",
    ],
)
def test_an_address_on_one_line_is_read_as_it_stands_on_an_envelope(written: str) -> None:
    assert at({"name": written}) == HOME


def test_what_stands_between_street_and_town_is_a_second_line() -> None:
    found = at({"name": "Musterweg 12, c/o Muster AG, 3. Stock, D-10115 Berlin"})
    assert (found.address_line2, found.country, found.city) == ("c/o Muster AG, 3. Stock", "DE", "Berlin")


@pytest.mark.parametrize("written", ["Zürich", "Musterweg 12", "8004 Zürich", "Musterweg 12 8004 Zürich", ", ,", "-"])
def test_half_an_address_is_none(written: str) -> None:
    assert refused("POST", CREATE, order(item(service={"place": [{"name": written}]}))) == {
        "/serviceOrderItem/0/service/place/0/name": "not_an_address"
    }


def test_a_geographic_address_is_read_by_its_members() -> None:
    place = {"streetName": "Musterweg", "streetNr": "12", "postcode": "8004", "city": "Zürich", "country": "Suisse"}
    assert at(place) == HOME
    assert at({**place, "streetName": "Musterweg 12", "streetNr": None, "name": "Zuhause"}) == HOME
    assert at({**place, "city": None, "locality": "Zürich"}) == HOME
    assert at({**place, "country": None}, country="LI").country == "LI"
    flat = {"levelType": "Stock", "levelNumber": "3", "subUnitNumber": "12"}
    assert at({**place, "streetNrSuffix": "a", "geographicSubAddress": [flat]}) == Address(
        street="Musterweg", house_number="12a", address_line2="Stock 3 12", postcode="8004", city="Zürich", country="CH"
    )
    assert at({**place, "geographicSubAddress": flat}).address_line2 == "Stock 3 12"


def test_a_country_is_free_text_but_not_any() -> None:
    place = {"streetName": "Musterweg", "postcode": "8004", "city": "Zürich", "country": "Helvetia"}
    assert refused("POST", CREATE, order(item(service={"place": [place]}))) == {
        "/serviceOrderItem/0/service/place/0/country": "unknown_country"
    }


def test_an_item_without_a_place_is_at_that_of_the_others() -> None:
    assert placed(order(item(), item("2", service={"place": None}))).service_address.postcode == "8004"
    assert refused("POST", CREATE, order(item(service={"place": None}))) == {
        "/serviceOrderItem/0/service/place": "missing"
    }


def test_one_order_is_for_one_place() -> None:
    same = {"name": "Musterweg 12, 3. Stock, 8004 Zürich, CH"}
    assert placed(order(item(), item("2", service={"place": [same]}))).lines[1].line_id == "2"
    other = {"name": "Musterweg 13, 8004 Zürich"}
    with pytest.raises(Unsupported):
        read("POST", CREATE, order(item(), item("2", service={"place": [other]})))


# --- for whom ----------------------------------------------------------------------------------------------------


def party(**other: Any) -> Customer:
    return placed(order(relatedParty=[{**PARTY, **other}])).customer


def test_a_persons_name_begins_with_the_given_name() -> None:
    assert party() == Customer(family_name="Muster", given_name="Vera")
    assert party(name="Anna Maria de Weck").family_name == "Anna Maria de Weck"
    assert party(familyName="de Weck", givenName="Anna Maria") == Customer(
        family_name="de Weck", given_name="Anna Maria"
    )


def test_an_organisation_is_a_company() -> None:
    found = party(**{"name": "Muster Treuhand", "@referredType": "Organization"})
    assert found == Customer(family_name="Muster Treuhand", company="Muster Treuhand")


def test_contact_media_say_how_to_reach_them() -> None:
    media = [
        {"mediumType": "postal address", "characteristic": {"city": "Zürich"}},
        {"mediumType": "mobile", "characteristic": {"phoneNumber": "079 123 45 67"}},
        {"mediumType": "email", "characteristic": {"emailAddress": "vera@example.ch"}},
        {"mediumType": "none"},
    ]
    found = party(contactMedium=media)
    assert (found.phone, found.email) == ("+41791234567", "vera@example.ch")


@pytest.mark.parametrize("role", ["customer", "Customer", "end-customer", "End Customer", "END_USER"])
def test_the_customer_is_found_among_the_parties_by_the_role(role: str) -> None:
    seller = {**PARTY, "id": "shop-9", "name": "Shop Bern", "role": "seller"}
    assert placed(order(relatedParty=[seller, {**PARTY, "role": role}])).echo["customer"] == "cust-1"


def test_the_only_party_may_have_no_role_and_any_other_is_not_guessed_at() -> None:
    assert party(role=None).family_name == "Muster"
    for parties in ([{**PARTY, "role": "seller"}], [{**PARTY, "role": None}] * 2):
        assert refused("POST", CREATE, order(relatedParty=parties)) == {"/relatedParty": "missing"}


def test_the_customer_may_be_named_by_an_item_only() -> None:
    assert placed(order(item(service={"relatedParty": [PARTY]}), relatedParty=None)).customer.family_name == "Muster"


# --- changes -----------------------------------------------------------------------------------------------------


def test_items_are_changed_by_their_actions_and_the_others_stay() -> None:
    intent = changed(
        {"id": "1", "action": "modify", "quantity": 1},
        {"id": "2", "action": "delete"},
        item("3", quantity=2),
        {"id": "4", "action": "noChange"},
    )
    assert [(line.line_id, line.quantity, line.cancelled) for line in intent.lines] == [
        ("1", 1, False),
        ("2", None, True),
        ("3", 2, False),
    ]
    assert intent.lines[2].added is not None
    assert intent.lines[2].added.sku == "svc-tv-wall"
    assert not intent.cancel_missing
    assert [line.pointer for line in intent.lines] == [f"/serviceOrderItem/{place}" for place in range(3)]


def test_an_order_is_cancelled_by_its_state_and_no_other_state_can_be_set() -> None:
    intent = read("PATCH", ONE, {"state": "cancelled"})
    assert intent == CancelOrder(partner_order_id="", change_id="", order_id=ORDER, pointer="/state")
    for state in ("completed", "inProgress", "assessingCancellation"):
        assert refused("PATCH", ONE, {"state": state}) == {"/state": "cannot_change"}


@pytest.mark.parametrize("name", FIXED)
def test_what_was_agreed_with_the_order_is_not_silently_left_as_it_is(name: str) -> None:
    with pytest.raises(Unsupported) as error:
        read("PATCH", ONE, {name: "x", "serviceOrderItem": [{"id": "1", "action": "delete"}]})
    assert [problem.pointer for problem in error.value.problems] == [f"/{name}"]


def test_a_patch_that_says_nothing_is_told_what_it_could_say() -> None:
    assert refused("PATCH", ONE, {}) == {"/serviceOrderItem": "missing"}
    assert refused("PATCH", ONE, {"serviceOrderItem": [{}]}) == {
        "/serviceOrderItem/0/action": "missing",
        "/serviceOrderItem/0/id": "missing",
    }


def test_another_time_is_asked_for_at_the_appointment() -> None:
    items = [{"id": "1", "action": "modify", "appointment": {"id": "hold_1"}}]
    assert refused("PATCH", ONE, {"serviceOrderItem": items}) == {"/serviceOrderItem/0/appointment": "cannot_change"}


def test_where_dates_are_windows_they_move_the_items() -> None:
    intent = changed(
        {"id": "1", "action": "modify"},
        options={"dates_are_window": True},
        requestedStartDate=SLOT["startDateTime"],
        requestedCompletionDate=SLOT["endDateTime"],
    )
    assert intent.lines[0].requested_windows == (Window(start=EIGHT, end=EIGHT + timedelta(hours=4)),)


# --- cancellations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("customerWish", "changed_mind"),
        ("Customer request", "changed_mind"),
        ("duplicate-order", "booked_twice"),
        ("Kunde verzogen", "order_cancelled_by_retailer"),
        (None, "order_cancelled_by_retailer"),
    ],
)
def test_a_cancellation_is_of_the_whole_order_and_its_reason_is_kept_in_their_words(
    text: str | None, reason: str
) -> None:
    date = "2026-01-15T09:00:00Z"
    task = {"cancellationReason": text, "requestedCancellationDate": date, "serviceOrder": {"id": ORDER}}
    intent = read("POST", f"{ORDERS}/cancelServiceOrder", task)
    assert isinstance(intent, CancelOrder)
    assert (intent.order_id, intent.lines, intent.reason, intent.text) == (ORDER, (), reason, text)
    said = {"cancellationReason": text} if text else {}
    assert intent.echo == {"task": {**said, "requestedCancellationDate": date}}


def test_a_cancellation_names_its_order() -> None:
    assert refused("POST", f"{ORDERS}/cancelServiceOrder", {"requestedCancellationDate": "x"}) == {
        "/serviceOrder": "missing",
        "/requestedCancellationDate": "not_a_time",
    }


# --- questions ---------------------------------------------------------------------------------------------------


def test_orders_are_asked_for_one_by_one_or_by_pages() -> None:
    assert read("GET", ONE, fields="id, state") == Query(
        about="order", order_id=ORDER, echo={"resource": "serviceOrder", "fields": ["id", "state"]}
    )
    query = read("GET", CREATE, externalId="SCS-1", state="inProgress", offset="40", limit="100")
    assert query == Query(
        about="orders",
        partner_order_id="SCS-1",
        statuses=("assigned", "in_progress"),
        offset=40,
        limit=100,
        echo={"resource": "serviceOrder", "listed": True},
    )
    assert read("GET", f"{ORDERS}/cancelServiceOrder/{ORDER}") == Query(
        about="order", order_id=ORDER, echo={"resource": "cancelServiceOrder"}
    )


def test_cancellations_are_the_orders_that_are_cancelled() -> None:
    found = read("GET", f"{ORDERS}/cancelServiceOrder")
    assert isinstance(found, Query)
    assert found.statuses == ("cancelled", "handed_over")


def test_a_filter_that_we_do_not_have_is_not_silently_left_out() -> None:
    with pytest.raises(Unsupported):
        read("GET", CREATE, category="HomeInstallation")
    assert refused("GET", CREATE, category="x", limit="0", offset="-1", state="INPROGRESS") == {
        "?/category": "filter_unsupported",
        "?/limit": "out_of_range",
        "?/offset": "out_of_range",
        "?/state": "unknown_code",
    }
    assert refused("GET", f"{ORDERS}/cancelServiceOrder", state="done") == {"?/state": "filter_unsupported"}


def test_orders_are_never_deleted() -> None:
    with pytest.raises(Unsupported):
        read("DELETE", ONE)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ONE),
        ("PATCH", CREATE),
        ("POST", ONE),
        ("GET", f"{ORDERS}/hub"),
        ("POST", f"{ORDERS}/appointment"),
        ("GET", f"{ORDERS}/"),
    ],
)
def test_another_operation_is_none_of_ours(method: str, path: str) -> None:
    with pytest.raises(MalformedMessage):
        read(method, path, order())


# --- whatever comes ----------------------------------------------------------------------------------------------

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
WHOLE = order(
    item(
        quantity=1,
        appointment={"id": "a"},
        serviceOrderItemRelationship=[{"relationshipType": "x", "orderItem": {"id": "1"}}],
        service={"name": "n", "note": [{"text": "t"}], "serviceCharacteristic": [{"name": "n", "value": 1}]},
    ),
    state="cancelled",
    validFor=SLOT,
    relatedPlace=PLACE,
    relatedEntity=[{"id": ORDER, "role": "r", "@referredType": "ServiceOrder"}],
    requestedTimeSlot=[{"validFor": SLOT}],
    serviceOrder={"id": ORDER},
    callback="https://example.ch",
    query="eventType=x",
    note=[{"text": "t"}],
    externalReference=[{"name": "n"}],
)
REQUESTS = [
    ("POST", CREATE),
    ("PATCH", ONE),
    ("POST", f"{ORDERS}/cancelServiceOrder"),
    ("POST", f"{ORDERS}/hub"),
    ("POST", "/tmf-api/appointment/v4/appointment"),
    ("PATCH", "/tmf-api/appointment/v4/appointment/hold_1"),
    ("POST", "/tmf-api/appointment/v4/searchTimeSlot"),
    ("POST", ""),
]


def _is_intents_or_problems(message: RawMessage) -> None:
    try:
        assert TmForumAdapter({"dates_are_window": True}).parse(message)
    except TranslationError as error:
        assert error.problems  # noqa: PT017


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@settings(deadline=None)
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_brings_anything_but_problems_or_an_intent(method: str, path: str, body: bytes) -> None:
    _is_intents_or_problems(request(method, path, body))


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@settings(deadline=None)
@given(data=st.data(), value=JSON)
def test_any_member_may_be_anything(method: str, path: str, data: Any, value: Any) -> None:
    document = json.loads(json.dumps(WHOLE))
    holder, name = data.draw(st.sampled_from(list(_members(document))))
    holder[name] = value
    _is_intents_or_problems(request(method, path, document))


def _members(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in pairs:
        yield value, name
        if isinstance(inner, dict | list):
            yield from _members(inner)


@given(
    query=st.dictionaries(st.sampled_from(["limit", "offset", "state", "externalId", "fields"]), st.text(max_size=9))
)
def test_any_query_is_a_question_or_has_problems(query: dict[str, str]) -> None:
    _is_intents_or_problems(RawMessage(body=b"", media_type="", path=CREATE, method="GET", query=query))


CONSTRUCTED: dict[str, Callable[[Intent], bool]] = {
    "01_POST_serviceOrder.json": lambda found: isinstance(found, PlaceOrder) and len(found.order.lines) == 2,
    "03_POST_cancelServiceOrder.json": lambda found: isinstance(found, CancelOrder) and found.order_id == "42",
    "05_POST_appointment.json": lambda found: isinstance(found, HoldSlot) and found.hold_id is None,
    "06_POST_searchTimeSlot.json": lambda found: isinstance(found, Query) and found.about == "slots",
}


@pytest.mark.skipif(not SHARED.exists(), reason="the partner's own documents are not here")
def test_the_partners_documents_are_known_by_their_shape_and_answers_are_none() -> None:
    files = sorted((SHARED / "constructed").glob("*.json"))
    assert set(CONSTRUCTED) < {file.name for file in files}
    for file in files:
        message = RawMessage(body=file.read_bytes(), media_type="application/json")
        if file.name in CONSTRUCTED:
            [intent] = TmForumAdapter({}).parse(message)
            assert CONSTRUCTED[file.name](intent), file.name
        else:
            with pytest.raises(MalformedMessage):
                TmForumAdapter({}).parse(message)
