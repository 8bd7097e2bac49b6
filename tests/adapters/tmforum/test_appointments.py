"""Appointments in: free slots, slots that are kept, visits that are moved; and who wants to hear of them."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.canonical import ChangeOrder, HoldSlot, LineChange, Query, SlotWish, Subscribe, Window
from adapters.errors import MalformedMessage, TranslationError, Unsupported
from adapters.tmforum.events import APPOINTED, APPOINTMENT_STATE, KINDS, MILESTONE, MOVED, STATE
from tests.support.tmforum import APPOINTMENTS, EIGHT, ORDER, ORDERS, SLOT, read

MORNING = Window(start=EIGHT, end=EIGHT + timedelta(hours=4))
HELD = "hold_01K9ZK4N2D3W5Y7A8B9C0D1E2F"
CREATE, SEARCH = f"{APPOINTMENTS}/appointment", f"{APPOINTMENTS}/searchTimeSlot"
VISIT = f"{CREATE}/{ORDER}.1"
PLACE = {"role": "interventionAddress", "name": "Musterweg 12, 8004 Zürich"}
ZURICH = SlotWish(country="CH", postcode="8004", pointer="/relatedPlace")


def entity(number: str, kind: str) -> dict[str, str]:
    return {"id": number, "role": kind, "@referredType": kind}


def refused(method: str, path: str, document: Any = None) -> dict[str, str]:
    with pytest.raises(TranslationError) as error:
        read(method, path, document)
    return {problem.pointer: problem.code for problem in error.value.problems}


# --- free slots --------------------------------------------------------------------------------------------------


def test_slots_are_asked_for_with_a_time_and_a_place() -> None:
    wanted = {"requestedTimeSlot": [{"validFor": SLOT}], "relatedPlace": PLACE}
    assert read("POST", SEARCH, wanted) == Query(
        about="slots", wishes=(ZURICH,), windows=(MORNING,), echo={"relatedPlace": PLACE}
    )
    assert refused("POST", SEARCH, {}) == {"/relatedPlace": "missing", "/requestedTimeSlot": "missing"}
    assert refused("POST", SEARCH, {**wanted, "requestedTimeSlot": []}) == {"/requestedTimeSlot": "missing"}


@pytest.mark.parametrize(
    ("place", "country"),
    [
        ({"name": "8004 Zürich"}, "CH"),
        ({"name": "A-8004 Graz"}, "AT"),
        ({"postcode": "8004"}, "CH"),
        ({"postcode": "8004", "country": "Austria"}, "AT"),
    ],
)
def test_a_place_for_slots_needs_no_street(place: dict[str, str], country: str) -> None:
    intent = read("POST", SEARCH, {"requestedTimeSlot": [{"validFor": SLOT}], "relatedPlace": place})
    assert isinstance(intent, Query)
    assert intent.wishes == (SlotWish(country=country, postcode="8004", pointer="/relatedPlace"),)
    assert intent.echo == {}


def test_a_place_without_a_town_is_none() -> None:
    wanted = {"requestedTimeSlot": [{"validFor": SLOT}], "relatedPlace": {"role": "x", "name": "Zuhause"}}
    assert refused("POST", SEARCH, wanted) == {"/relatedPlace/name": "not_an_address"}


# --- a slot that is kept -----------------------------------------------------------------------------------------


def test_an_appointment_keeps_a_slot_and_nothing_about_the_person() -> None:
    wanted = {
        "externalId": "APP-1",
        "category": "intervention",
        "validFor": SLOT,
        "relatedPlace": PLACE,
        "relatedParty": [{"id": "cust-1", "name": "Vera Muster", "@referredType": "Individual"}],
        "contactMedium": [{"characteristic": {"phoneNumber": "+41791234567"}}],
        "relatedEntity": [entity("42", "ServiceOrder")],
    }
    assert read("POST", CREATE, wanted) == HoldSlot(
        wish=ZURICH,
        window=MORNING,
        pointer="/validFor",
        echo={"externalId": "APP-1", "category": "intervention", "relatedEntity": [entity("42", "ServiceOrder")]},
    )


@pytest.mark.parametrize(
    ("period", "faults"),
    [
        (None, {"/validFor": "missing"}),
        ({}, {"/validFor/startDateTime": "missing", "/validFor/endDateTime": "missing"}),
        ({**SLOT, "endDateTime": SLOT["startDateTime"]}, {"/validFor/endDateTime": "window_empty"}),
        ({**SLOT, "endDateTime": "2026-01-20T11:00:00"}, {"/validFor/endDateTime": "not_a_time"}),
    ],
)
def test_an_appointment_has_a_beginning_and_an_end_with_their_offsets(period: Any, faults: dict[str, str]) -> None:
    assert refused("POST", CREATE, {"validFor": period, "relatedPlace": PLACE}) == faults


def test_a_kept_slot_is_moved_read_and_given_back() -> None:
    held = f"{CREATE}/{HELD}"
    assert read("PATCH", held, {"validFor": SLOT}) == HoldSlot(hold_id=HELD, window=MORNING, pointer="/validFor")
    assert read("PATCH", held, {"status": "cancelled", "validFor": SLOT}) == HoldSlot(hold_id=HELD)
    assert read("DELETE", held) == HoldSlot(hold_id=HELD, echo={"deleted": True})
    assert read("GET", held) == Query(about="hold", hold_id=HELD, echo={"resource": "appointment"})
    assert refused("PATCH", held, {"status": "confirmed"}) == {"/validFor": "missing"}
    assert refused("PATCH", held, {"status": "CONFIRMED", "validFor": SLOT}) == {"/status": "unknown_code"}


# --- the visit of an order's item --------------------------------------------------------------------------------


def test_the_visit_of_an_item_is_moved_to_a_free_slot() -> None:
    line = LineChange(pointer="/validFor", line_id="1", requested_windows=(MORNING,))
    moved = ChangeOrder(
        partner_order_id="",
        change_id="",
        order_id=ORDER,
        lines=(line,),
        books_slots=True,
        echo={"appointment": "1", "made": False},
    )
    assert read("PATCH", VISIT, {"validFor": SLOT}) == moved


def test_an_order_of_ours_gets_its_time_by_an_appointment_for_its_item() -> None:
    wanted = {"validFor": SLOT, "relatedEntity": [entity(ORDER, "ServiceOrder"), entity("1", "ServiceOrderItem")]}
    intent = read("POST", CREATE, wanted)
    assert isinstance(intent, ChangeOrder)
    assert (intent.order_id, intent.lines[0].line_id, intent.echo["made"]) == (ORDER, "1", True)
    wanted["relatedEntity"] = [entity(ORDER, "ServiceOrder")]
    assert refused("POST", CREATE, wanted) == {"/relatedEntity": "missing"}


def test_a_visit_is_read_from_its_order() -> None:
    assert read("GET", VISIT, fields="validFor") == Query(
        about="order", order_id=ORDER, echo={"resource": "appointment", "fields": ["validFor"], "line": "1"}
    )


def test_a_visit_is_not_ended_without_its_order() -> None:
    for method, document in (("DELETE", None), ("PATCH", {"status": "cancelled"})):
        with pytest.raises(Unsupported):
            read(method, VISIT, document)


def test_the_number_of_an_item_may_be_anything() -> None:
    intent = read("PATCH", f"{CREATE}/{ORDER}.1.2/3", {"validFor": SLOT})
    assert isinstance(intent, ChangeOrder)
    assert intent.lines[0].line_id == "1.2/3"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_there_is_no_list_of_appointments_and_a_search_is_not_read_again(method: str) -> None:
    for path in (SEARCH, CREATE) if method == "GET" else (f"{SEARCH}/1", f"{CREATE}/1"):
        with pytest.raises(MalformedMessage):
            read(method, path, {})


# --- subscriptions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("base", "api"), [(ORDERS, "serviceOrdering"), (APPOINTMENTS, "appointment")])
def test_a_hub_tells_what_belongs_to_its_interface(base: str, api: str) -> None:
    url = "https://swisscom.example/listener-base"
    assert read("POST", f"{base}/hub", {"callback": url}) == Subscribe(
        url=url, event_types=KINDS[api], pointer="/callback", echo={"callback": url, "api": api}
    )
    assert read("DELETE", f"{base}/hub/whep_1") == Subscribe(ends="whep_1")
    assert refused("POST", f"{base}/hub", {"query": 7}) == {"/callback": "missing", "/query": "not_text"}


def test_the_two_hubs_have_no_event_in_common() -> None:
    assert not set(KINDS["serviceOrdering"]) & set(KINDS["appointment"])
    assert {STATE, MILESTONE} < set(KINDS["serviceOrdering"])
    assert set(KINDS["appointment"]) == {APPOINTED, MOVED, APPOINTMENT_STATE}


def hub(query: str) -> dict[str, str]:
    return {"callback": "https://swisscom.example", "query": query}


@pytest.mark.parametrize("query", [f"eventType={STATE},{MILESTONE}", f"eventType={STATE}&eventType={MILESTONE}"])
def test_a_subscription_may_be_for_some_events_only(query: str) -> None:
    intent = read("POST", f"{ORDERS}/hub", hub(query))
    assert isinstance(intent, Subscribe)
    assert intent.event_types == (STATE, MILESTONE)
    assert intent.echo["query"] == query


@pytest.mark.parametrize("query", ["eventType=", f"eventType={MOVED}", f"eventType={STATE}&state=held", "state"])
def test_a_query_that_we_would_not_keep_to_is_refused(query: str) -> None:
    assert refused("POST", f"{ORDERS}/hub", hub(query)) == {"/query": "unknown_query"}
