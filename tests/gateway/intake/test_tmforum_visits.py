"""Visits in the words of the TM Forum, through the whole application: times, items, hubs and waiting."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.canonical import JobState
from gateway.jobs.moving import Move
from gateway.jobs.service import advance, locate
from gateway.jobs.tables import Job
from gateway.seed import seed
from tests.support.tmforum import APPOINTMENTS, ORDERS, PLACE, item, order, valid
from webhooks.tables import Message, Payload

ORDER, CANCEL, APPOINTMENT = f"{ORDERS}/serviceOrder", f"{ORDERS}/cancelServiceOrder", f"{APPOINTMENTS}/appointment"
SERVICE = {"serviceSpecification": {"id": "SVC-TV-WALL-65"}, "place": [PLACE]}


@pytest.fixture
def ask(runtime, api):
    """Swisscom's client: every answer is by a definition of the standard."""
    seed(runtime)
    caller = api.caller("swisscom")

    def ask(method, path, document=None, expect=200, name="ServiceOrder"):
        answer = caller.call(method, path, document, {"Content-Type": "application/json;charset=utf-8"})
        assert answer.status == expect, answer.body
        if expect == 204:
            return None
        found = answer.json if isinstance(answer.json, list) else [answer.json]
        assert [fault for one in found for fault in valid(name if expect < 400 else "Error", one)] == []
        return answer.json

    return ask


@pytest.fixture
def slots(ask, clock):
    start = (clock() + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    end = (clock() + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    wanted = {"requestedTimeSlot": [{"validFor": {"startDateTime": start, "endDateTime": end}}], "relatedPlace": PLACE}
    found = ask("POST", f"{APPOINTMENTS}/searchTimeSlot", wanted, 201, "SearchTimeSlot")
    return [slot["validFor"] for slot in found["availableTimeSlot"]]


def keep(ask, slot, expect=201):
    return ask("POST", APPOINTMENT, {"validFor": slot, "relatedPlace": PLACE}, expect, "Appointment")


def place(ask, number="SCS-1", expect=201, **more):
    return ask("POST", ORDER, order(item(service=SERVICE, **more), externalId=number), expect)


def test_an_order_goes_from_the_free_slot_to_its_cancellation(ask, slots):
    held = keep(ask, slots[0])
    assert (held["status"], held["validFor"]) == ("initialized", slots[0])
    made = place(ask, appointment={"id": held["id"]})
    assert (made["state"], made["externalId"]) == ("acknowledged", "SCS-1")
    one = f"{ORDER}/{made['id']}"
    assert ask("GET", one)["state"] == "pending"
    visit = f"{APPOINTMENT}/{made['serviceOrderItem'][0]['appointment']['id']}"
    assert ask("GET", visit, name="Appointment")["validFor"] == slots[0]
    assert ask("GET", f"{APPOINTMENT}/{held['id']}", name="Appointment")["status"] == "confirmed"
    assert ask("PATCH", visit, {"validFor": slots[1]}, name="Appointment")["validFor"] == slots[1]
    done = ask("POST", CANCEL, {"serviceOrder": {"id": made["id"]}}, 201, "CancelServiceOrder")
    assert (done["id"], done["state"]) == (made["id"], "done")
    assert ask("GET", one)["state"] == "cancelled"
    assert ask("GET", f"{CANCEL}/{made['id']}", name="CancelServiceOrder")["state"] == "done"
    ask("PATCH", visit, {"validFor": slots[0]}, 409)


def test_an_order_without_a_time_gets_one_by_its_visit(ask, slots):
    made = place(ask)
    assert "appointment" not in made["serviceOrderItem"][0]
    visit = f"{APPOINTMENT}/{made['id']}.1"
    ask("GET", visit, expect=404)
    assert ask("PATCH", visit, {"validFor": slots[2]}, name="Appointment")["validFor"] == slots[2]
    ask("DELETE", visit, expect=405)


def test_an_item_is_added_and_another_one_cancelled(ask):
    one = f"{ORDER}/{place(ask)['id']}"
    changed = ask("PATCH", one, {"serviceOrderItem": [item("2", service=SERVICE), {"id": "1", "action": "delete"}]})
    assert [found["state"] for found in changed["serviceOrderItem"]] == ["cancelled", "pending"]
    assert ask("PATCH", one, {"state": "cancelled"})["state"] == "cancelled"


def test_orders_are_listed_by_number_and_state(ask):
    for number in ("SCS-1", "SCS-2", "SCS-3"):
        place(ask, number)
    assert [one["externalId"] for one in ask("GET", f"{ORDER}?limit=2&fields=externalId")] == ["SCS-3", "SCS-2"]
    [found] = ask("GET", f"{ORDER}?externalId=SCS-1&state=pending")
    assert ask("GET", f"{ORDER}?state=completed") == []
    assert ask("GET", CANCEL, name="CancelServiceOrder") == []
    ask("POST", CANCEL, {"serviceOrder": {"id": found["id"]}}, 201, "CancelServiceOrder")
    [listed] = ask("GET", CANCEL, name="CancelServiceOrder")
    assert listed["serviceOrder"]["id"] == found["id"]


def test_each_hub_tells_its_own_events(ask, slots, runtime):
    hubs = {base: ask("POST", f"{base}/hub", {"callback": "https://swisscom.example/tmf"}, 201, "EventSubscription")
            for base in (ORDERS, APPOINTMENTS)}  # fmt: skip
    place(ask, appointment={"id": keep(ask, slots[0])["id"]})
    with runtime.sessions() as session:
        joined = select(Payload.kind, Payload.path).join(Message, Message.payload_id == Payload.id)
        told = {
            base: session.execute(joined.where(Message.endpoint_id == hub["id"]).order_by(Message.position)).all()
            for base, hub in hubs.items()
        }
    assert [kind for kind, _ in told[ORDERS]] == [
        "ServiceOrderStateChangeEvent",
        "ServiceOrderStateChangeEvent",
        "ServiceOrderMilestoneEvent",
    ]
    assert told[APPOINTMENTS] == [("AppointmentCreateEvent", "/listener/appointmentCreateEvent")]


def test_a_job_that_waits_for_goods_goes_on_with_another_time(ask, slots, runtime):
    made = place(ask, appointment={"id": keep(ask, slots[0])["id"]})
    with runtime.sessions.begin() as session:
        job_id = session.scalars(select(Job.id).where(Job.order_id == made["id"])).one()
        hold = Move(to=JobState.ON_HOLD, actor="dispatch", reason="awaiting_goods")
        advance(session, locate(session, job_id), hold, runtime.clock())
    assert ask("GET", f"{ORDER}/{made['id']}")["state"] == "held"
    visit = f"{APPOINTMENT}/{made['id']}.1"
    assert ask("PATCH", visit, {"validFor": slots[3]}, name="Appointment")["validFor"] == slots[3]
    assert ask("GET", f"{ORDER}/{made['id']}")["state"] == "pending"
