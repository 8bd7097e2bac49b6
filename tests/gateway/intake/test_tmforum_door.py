"""TMF641 and TMF646 through the whole application: each resource of the standard, and its Error where it says no."""

import json

import pytest
from sqlalchemy import select

from gateway.intake.tables import InboundMessage
from tests.support.tmforum import APPOINTMENTS, ORDERS, SHARED, order, valid
from tests.support.tmforum import item as any_item

HUB = f"{ORDERS}/hub"
ORDER, CANCEL = f"{ORDERS}/serviceOrder", f"{ORDERS}/cancelServiceOrder"
SEARCH, APPOINTMENT = f"{APPOINTMENTS}/searchTimeSlot", f"{APPOINTMENTS}/appointment"
HERE = {
    "role": "installationAddress",
    "@type": "GeographicAddress",
    "streetName": "Langstrasse",
    "streetNr": "120",
    "postcode": "8004",
    "city": "Zürich",
    "country": "CH",
}


SERVICE = {"serviceSpecification": {"id": "SVC-TV-WALL-65"}, "place": [HERE]}


def item(number="1", **other):
    return any_item(number, service=SERVICE, **other)


@pytest.fixture
def ask(api):
    """Swisscom's client: every answer is of the standard's definitions."""
    caller = api.caller("swisscom")

    def ask(method, path, document=None, expect=200, name=None):
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json;charset=utf-8"} if body else {}
        method, url, body, given = caller.request(method, path, body, headers)
        given.pop("Idempotency-Key", None)
        answer = api.call(method, url, body, given)
        assert answer.status == expect, answer.body
        if name is not None and SHARED.exists():
            for one in answer.json if isinstance(answer.json, list) else [answer.json]:
                assert valid(name, one) == []
        return answer

    return ask


@pytest.fixture
def placed(ask):
    return ask("POST", ORDER, order(item()), 201, "ServiceOrder").json


def events_of(api, runtime):
    with runtime.sessions() as session:
        return list(session.scalars(select(InboundMessage.outcome).order_by(InboundMessage.id)))


def test_an_order_is_placed_read_found_and_known_again(ask, placed):
    number = placed["id"]
    assert (placed["state"], placed["href"]) == ("acknowledged", f"{ORDER}/{number}")
    assert ask("GET", f"{ORDER}/{number}", name="ServiceOrder").json["externalId"] == placed["externalId"]
    assert ask("POST", ORDER, order(item()), 200, "ServiceOrder").json["id"] == number
    found = ask("GET", f"{ORDER}?externalId={placed['externalId']}&limit=1&fields=id,state")
    assert [set(one) for one in found.json] == [{"id", "href", "state"}] or [set(one) for one in found.json] == [
        {"id", "state"}
    ]
    assert found.headers["x-total-count"] == "1"
    assert ask("GET", f"{ORDER}?externalId=nobody").json == []


def test_the_same_number_with_another_content_is_a_conflict(ask, placed):
    other = order(item(), item("2"))
    assert ask("POST", ORDER, other, 409, "Error").json["status"] == "409"


def test_an_item_is_deleted_by_a_patch_and_the_order_by_its_task(ask, placed):
    number = placed["id"]
    task = {"serviceOrder": {"id": number}, "cancellationReason": "customerWish"}
    made = ask("POST", CANCEL, task, 201, "CancelServiceOrder").json
    assert made["state"] == "done"
    assert ask("GET", f"{CANCEL}/{made['id']}", name="CancelServiceOrder").json["state"] == "done"
    assert [one["id"] for one in ask("GET", CANCEL, name="CancelServiceOrder").json] == [made["id"]]
    assert ask("GET", f"{ORDER}/{number}", name="ServiceOrder").json["state"] == "cancelled"


def test_what_is_not_there_and_what_is_wrong_are_the_standards_error(ask, placed, api, runtime):
    ask("GET", f"{ORDER}/ord_nothing", None, 404, "Error")
    ask("POST", ORDER, {"externalId": "X"}, 400, "Error")
    ask("POST", CANCEL, {"serviceOrder": {"id": "ord_nothing"}}, 400, "Error")
    ask("DELETE", f"{ORDER}/{placed['id']}", None, 405, "Error")
    assert events_of(api, runtime)[:2] == ["accepted", "refused"]


def test_the_dialect_of_the_field_is_refused_and_told_so(ask):
    wish = {"externalId": "X", "orderItem": [{"id": "1", "action": "ADD", "state": "INITIAL"}]}
    answer = ask("POST", ORDER, wish, 400, "Error").json
    assert "orderItem" in json.dumps(answer)


def test_a_time_is_looked_for_kept_moved_and_given_back(ask, clock):
    period = {"startDateTime": "2026-01-20T00:00:00Z", "endDateTime": "2026-01-23T00:00:00Z"}
    wish = {"requestedTimeSlot": [{"validFor": period}], "relatedPlace": HERE}
    found = ask("POST", SEARCH, wish, 201, "SearchTimeSlot").json["availableTimeSlot"]
    assert len(found) > 1
    kept = ask("POST", APPOINTMENT, {"validFor": found[0]["validFor"], "relatedPlace": HERE}, 201, "Appointment").json
    url = f"{APPOINTMENT}/{kept['id']}"
    assert ask("GET", url, name="Appointment").json["validFor"] == kept["validFor"]
    moved = ask("PATCH", url, {"validFor": found[1]["validFor"]}, 200, "Appointment").json
    assert moved["validFor"]["startDateTime"] != kept["validFor"]["startDateTime"]
    assert ask("DELETE", url, None, 204).body == b""
    ask("GET", f"{APPOINTMENT}/hold_nothing", None, 404, "Error")


def test_an_order_takes_the_appointment_that_was_kept(ask):
    period = {"startDateTime": "2026-01-20T00:00:00Z", "endDateTime": "2026-01-23T00:00:00Z"}
    wish = {"requestedTimeSlot": [{"validFor": period}], "relatedPlace": HERE}
    slot = ask("POST", SEARCH, wish, 201).json["availableTimeSlot"][0]
    kept = ask("POST", APPOINTMENT, {"validFor": slot["validFor"], "relatedPlace": HERE}, 201).json
    placed = ask("POST", ORDER, order(item(appointment={"id": kept["id"]})), 201, "ServiceOrder").json
    assert placed["state"] in ("acknowledged", "pending")
    ask("POST", ORDER, {**order(item(appointment={"id": kept["id"]})), "externalId": "SECOND"}, 400, "Error")


def test_a_listener_is_registered_and_taken_off_again(ask, api):
    made = ask("POST", HUB, {"callback": "http://127.0.0.1:9/events"}, 201, "EventSubscription").json
    ask("DELETE", f"{HUB}/{made['id']}", None, 204)
    ask("DELETE", f"{HUB}/{made['id']}", None, 404, "Error")
    ask("POST", f"{APPOINTMENTS}/hub", {"callback": "ftp://127.0.0.1/events"}, 400, "Error")


def test_another_partner_finds_nothing_here(api, placed):
    assert api.caller("demo").get(f"{ORDER}/{placed['id']}").status == 404
