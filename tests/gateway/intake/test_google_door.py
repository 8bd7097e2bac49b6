"""`/google/v3/*` with HTTP Basic, through the whole application."""

import base64
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.intake.tables import InboundMessage
from gateway.partners.tables import Partner
from gateway.scheduling.service import PLACES
from gateway.seed import seed
from gateway.tenant import Tenant
from tests.support.google import MESSAGES, faults

ZONE = ZoneInfo("Europe/Zurich")


@pytest.fixture
def basic(runtime):
    seed(runtime)
    with runtime.sessions.begin() as session:
        partner_id = session.scalars(select(Partner.id).where(Partner.slug == "google")).one()
        new = NewConnection(tenant=Tenant(partner_id, "sandbox"), door="google", name="gmb", secret="s3cret")
        connections.add(session, runtime.vault, new, "google_booking", runtime.clock())
    return {"Authorization": "Basic " + base64.b64encode(b"gmb:s3cret").decode()}


@pytest.fixture
def ask(basic, api):
    """Google's client: every answer is one of its messages."""

    def ask(step, document=None, expect=200, message=None):
        method = "GET" if step == "HealthCheck" else "POST"
        answer = api.call(method, f"/google/v3/{step}/", document, basic)
        assert answer.status == expect, answer.body
        assert faults(answer.json, MESSAGES[message or (step if expect == 200 else "error")]) == []
        return answer.json

    return ask


@pytest.fixture
def slot(clock):
    start = (clock() + timedelta(days=7)).astimezone(ZONE).replace(hour=8, minute=0, second=0, microsecond=0)
    return {"service_id": "SVC-TV-WALL-65", "start_sec": str(int(start.timestamp())), "duration_sec": "7200"}


def booking(slot, token="t-1", **user):
    person = {
        "user_id": "u-1",
        "given_name": "Sandra",
        "family_name": "Keller",
        "telephone": "+41791234567",
        "address": {"country": "CH", "locality": "Zürich", "postal_code": "8004", "street_address": "Langstrasse 120"},
        **user,
    }
    return {"idempotency_token": token, "slot": {**slot, "merchant_id": "m-1"}, "user_information": person}


def available(ask, slot):
    asked = {"merchant_id": "m-1", "slot_time": [slot]}
    return ask("BatchAvailabilityLookup", asked)["slot_time_availability"][0]["available"]


def test_is_there(ask):
    assert ask("HealthCheck") == {"status": "SERVING"}


def test_a_booking_goes_from_the_question_to_its_end(ask, slot):
    assert available(ask, slot)
    assert ask("CheckAvailability", {"slot": {**slot, "merchant_id": "m-1"}})["count_available"] == 1
    made = ask("CreateBooking", booking(slot))["booking"]
    assert made["status"] == "CONFIRMED"
    number = {"booking_id": made["booking_id"]}
    assert ask("GetBookingStatus", number)["booking_status"] == "CONFIRMED"
    assert [one["booking_id"] for one in ask("ListBookings", {"user_id": "u-1"})["bookings"]] == [number["booking_id"]]
    later = {**slot, "start_sec": str(int(slot["start_sec"]) + 7200), "merchant_id": "m-1"}
    moved = ask("UpdateBooking", {"booking": {**number, "slot": later}})["booking"]
    assert moved["slot"]["start_sec"] == later["start_sec"]
    assert ask("UpdateBooking", {"booking": {**number, "status": "CANCELED"}})["booking"]["status"] == "CANCELED"
    assert ask("ListBookings", {"user_id": "u-1"})["bookings"] == []


def test_the_same_token_is_the_same_booking_and_another_content_is_refused(ask, slot):
    first = ask("CreateBooking", booking(slot))
    assert ask("CreateBooking", booking(slot)) == first
    ask("CreateBooking", booking(slot, family_name="Meier"), expect=409)


def test_a_slot_is_sold_as_often_as_there_are_places(ask, slot):
    for number in range(PLACES):
        assert "booking" in ask("CreateBooking", booking(slot, f"t-{number}"))
    # Google's question names no place: whether anybody is free there is found out by booking.
    assert available(ask, slot)
    failed = ask("CreateBooking", booking(slot, "t-late"), message="booking_failure")
    assert failed["booking_failure"]["cause"] == "SLOT_UNAVAILABLE"
    assert len(ask("ListBookings", {"user_id": "u-1"})["bookings"]) == PLACES


def test_what_was_cancelled_cannot_be_moved(ask, slot):
    number = {"booking_id": ask("CreateBooking", booking(slot))["booking"]["booking_id"]}
    ask("UpdateBooking", {"booking": {**number, "status": "CANCELED"}})
    later = {**slot, "start_sec": str(int(slot["start_sec"]) + 7200), "merchant_id": "m-1"}
    failed = ask("UpdateBooking", {"booking": {**number, "slot": later}}, message="booking_failure")
    assert failed["booking_failure"]["cause"] == "BOOKING_ALREADY_CANCELLED"


def test_what_is_not_there_and_what_is_wrong_are_googles_errors(ask):
    ask("GetBookingStatus", {"booking_id": "ord_nothing"}, expect=404)
    ask("CreateBooking", {"idempotency_token": 7}, expect=400)


def test_questions_are_not_kept_and_refusals_are(ask, slot, runtime):
    ask("HealthCheck")
    available(ask, slot)
    ask("GetBookingStatus", {"booking_id": "ord_nothing"}, expect=404)
    ask("CreateBooking", booking(slot))
    ask("CreateBooking", {"idempotency_token": 7}, expect=400)
    with runtime.sessions() as session:
        kept = list(session.scalars(select(InboundMessage.outcome).order_by(InboundMessage.id)))
    assert kept == ["accepted", "refused"]


def test_another_partners_token_opens_nothing_here(api, basic):
    for caller in (api.caller("demo"), api.caller("google")):
        assert caller.get("/google/v3/HealthCheck").status == 401
    wrong = {"Authorization": "Basic " + base64.b64encode(b"gmb:wrong").decode()}
    assert api.call("GET", "/google/v3/HealthCheck", None, wrong).status == 401


def test_days_that_change_their_clocks_have_their_slots(ask, clock):
    clock.now = datetime(2026, 3, 20, 12, tzinfo=ZoneInfo("UTC"))
    monday = datetime(2026, 3, 30, 8, tzinfo=ZONE)
    slot = {"service_id": "SVC-TV-WALL-65", "start_sec": str(int(monday.timestamp())), "duration_sec": "7200"}
    assert available(ask, slot)
