"""`POST /inbound/{partner}` with openTRANS and with plain JSON, through the whole application."""

import json

import pytest
from sqlalchemy import select, update

from gateway.intake.tables import InboundMessage
from gateway.partners.tables import Partner
from tests.support.orders import json_order, opentrans, opentrans_cancel, opentrans_change

WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")
LATER = ("2026-01-22T13:00:00+01:00", "2026-01-22T17:00:00+01:00")


@pytest.fixture
def brack(api):
    return api.caller("brack")


def send(caller, body, partner="brack", media_type="application/xml"):
    method, url, body, headers = caller.request("POST", f"/inbound/{partner}", body, {"Content-Type": media_type})
    headers.pop("Idempotency-Key")
    return caller.api.call(method, url, body, headers)


def kept(runtime):
    with runtime.sessions() as session:
        return list(session.scalars(select(InboundMessage).order_by(InboundMessage.received_at, InboundMessage.id)))


def states(caller, number="4711"):
    jobs = caller.get(f"/v1/jobs?partner_order_id={number}").json["items"]
    return {job["line_id"]: job["state"] for job in jobs}


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1"])
def test_an_opentrans_order_is_answered_with_an_orderresponse(brack, encoding):
    answer = send(brack, opentrans("4711", WINDOW, encoding=encoding))
    assert answer.status == 201, answer.body
    assert answer.headers["content-type"].startswith("application/xml")
    assert b"ORDERRESPONSE" in answer.body
    assert b">4711<" in answer.body
    assert states(brack) == {"10": "scheduled", "20": "scheduled"}
    [order] = brack.get("/v1/orders?partner_order_id=4711").json["items"]
    assert order["customer"]["family_name"] == "Müller"


def test_the_same_document_again_is_the_same_order(brack, runtime):
    first = send(brack, opentrans("4711", WINDOW))
    again = send(brack, opentrans("4711", WINDOW))
    assert (first.status, again.status) == (201, 200)
    assert b"ORDERRESPONSE" in again.body
    assert [message.outcome for message in kept(runtime)] == ["accepted", "duplicate"]
    assert len(brack.get("/v1/orders").json["items"]) == 1


def test_other_content_under_the_same_number_is_a_409(brack, runtime):
    send(brack, opentrans("4711", WINDOW))
    answer = send(brack, opentrans("4711", LATER))
    assert (answer.status, answer.json["code"]) == (409, "order-differs")
    assert kept(runtime)[-1].outcome == "refused"


def test_an_unknown_sku_is_quantity_0_in_the_orderresponse(brack):
    answer = send(brack, opentrans("4711", WINDOW, second="NO-SUCH"))
    assert answer.status == 201
    assert b"<QUANTITY>0</QUANTITY>" in answer.body
    assert states(brack) == {"10": "scheduled", "20": "rejected"}


def test_a_change_reschedules_one_line_and_cancels_another(brack):
    send(brack, opentrans("4711", WINDOW))
    answer = send(brack, opentrans_change("4711", 1, LATER))
    assert answer.status == 200, answer.body
    assert b"ORDERRESPONSE" in answer.body
    assert b"<QUANTITY>0</QUANTITY>" in answer.body
    assert states(brack) == {"10": "scheduled", "20": "cancelled"}
    [moved] = [job for job in brack.get("/v1/jobs").json["items"] if job["line_id"] == "10"]
    assert (moved["window"]["start"], moved["reason"]["code"]) == (LATER[0], "partner_asked")


def test_the_same_change_again_changes_nothing(brack, runtime):
    send(brack, opentrans("4711", WINDOW))
    first, again = (send(brack, opentrans_change("4711", 1, LATER)) for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert [message.outcome for message in kept(runtime)] == ["accepted", "accepted", "duplicate"]
    assert [job["sequence"] for job in brack.get("/v1/jobs").json["items"]] == [3, 3]


def test_another_change_under_the_same_number_is_a_409(brack):
    send(brack, opentrans("4711", WINDOW))
    send(brack, opentrans_change("4711", 1, LATER))
    answer = send(brack, opentrans_change("4711", 1, WINDOW))
    assert (answer.status, answer.json["code"]) == (409, "change-differs")


def test_a_change_that_was_overtaken_is_a_409(brack):
    send(brack, opentrans("4711", WINDOW))
    send(brack, opentrans_change("4711", 2, LATER))
    answer = send(brack, opentrans_change("4711", 1, WINDOW))
    assert (answer.status, answer.json["errors"][0]["code"]) == (409, "stale_change")


def test_a_change_of_an_order_nobody_knows_is_a_422_with_its_place(brack, runtime):
    answer = send(brack, opentrans_change("0815", 1, LATER))
    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "unknown_order")
    assert answer.pointers == ["//ORDERCHANGE_INFO"]
    assert kept(runtime)[-1].problems[0]["code"] == "unknown_order"


def test_a_cancelrequest_is_confirmed(brack):
    send(brack, opentrans("4711", WINDOW))
    answer = send(brack, opentrans_cancel("4711"))
    assert answer.status == 200, answer.body
    assert b"CANCELCONFIRMATION" in answer.body
    assert b">true<" in answer.body
    assert states(brack) == {"10": "cancelled", "20": "cancelled"}


def test_a_cancelrequest_too_late_is_refused_as_a_whole(api, brack):
    send(brack, opentrans("4711", WINDOW))
    dispatch = api.caller("dispatch")
    [job] = [job for job in brack.get("/v1/jobs").json["items"] if job["line_id"] == "10"]
    for state in ("offered", "assigned", "on_site"):
        wish = {"to": state, "actor": "dispatch" if state == "offered" else "technician"}
        assert dispatch.post(f"/fulfilment/v1/jobs/{job['id']}/transitions", wish).status == 200
    answer = send(brack, opentrans_cancel("4711"))
    assert (answer.status, b">false<" in answer.body) == (200, True)
    assert states(brack) == {"10": "on_site", "20": "scheduled"}
    again = send(brack, opentrans_cancel("4711"))
    assert (again.status, b">false<" in again.body) == (200, True)


def test_changes_of_orders_whose_numbers_hold_colons_are_told_apart(brack):
    changes = []
    for number, sequence in [("A", "1:2"), ("A:1", "2")]:
        send(brack, opentrans(number, WINDOW))
        written = opentrans_change(number, 0, LATER).replace(
            b"_ID>0</ORDERCHANGE", f"_ID>{sequence}</ORDERCHANGE".encode()
        )
        changes.append(send(brack, written).status)
    assert changes == [200, 200]


@pytest.mark.parametrize(
    ("first", "second"),
    [("ITEM_ID>\u00e9<", "ITEM_ID>e\u0301<"), ("ITEM_ID>7<", "ITEM_ID/><LINE_ITEM_ID>7<")],
)
def test_line_ids_that_only_look_different_are_one(brack, first, second):
    body = opentrans("4711", WINDOW).replace(b"ITEM_ID>10<", first.encode())
    answer = send(brack, body.replace(b"ITEM_ID>20<", second.encode()))
    assert (answer.status, answer.pointers) == (422, ["//ORDER_ITEM[2]/LINE_ITEM_ID"])


def test_a_document_with_faults_is_refused_with_all_of_them_and_kept(brack, runtime):
    body = opentrans("4711", WINDOW).replace(b"<b:ZIP>8001</b:ZIP>", b"").replace(b"<QUANTITY>1<", b"<QUANTITY>x<")
    answer = send(brack, body)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert len(answer.pointers) == 3
    assert any("QUANTITY" in pointer for pointer in answer.pointers)
    assert b"Rue" not in answer.body
    [message] = kept(runtime)
    assert (message.outcome, len(message.problems)) == ("refused", 3)


@pytest.mark.parametrize("body", [b"", b"<ORDER><", b"\x00\x01", b"hello", b"<!DOCTYPE x><ORDER/>", b"<a/>"])
def test_what_cannot_be_read_is_a_400_and_kept(brack, runtime, body):
    """I2, C7"""
    answer = send(brack, body)
    assert (answer.status, answer.json["code"]) == (400, "malformed")
    [message] = kept(runtime)
    assert message.outcome == "refused"


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", ""])
def test_a_media_type_of_another_dialect_is_a_415(brack, media_type):
    answer = send(brack, opentrans("4711", WINDOW), media_type=media_type)
    assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")


def test_another_partners_door_is_404(api, brack, runtime):
    """T1"""
    answer = send(api.caller("demo"), opentrans("4711", WINDOW))
    unknown = send(brack, opentrans("4711", WINDOW), partner="nobody")
    assert (answer.status, unknown.status) == (404, 404)
    assert kept(runtime) == []


def test_a_partner_without_a_dialect_has_no_door_yet(api, brack, runtime):
    with runtime.sessions.begin() as session:
        session.execute(update(Partner).where(Partner.slug == "brack").values(adapter=None))
    assert send(brack, b"<x/>").status == 404


def test_plain_json_has_a_door_too(api, clock):
    shop = api.caller("demo")
    body = json.dumps(json_order("W-1", clock())).encode()
    answer = send(shop, body, "demo", "application/json")
    assert (answer.status, answer.json["orders"][0]["partner_order_id"]) == (201, "W-1")
    again = send(shop, body, "demo", "application/json")
    assert again.status == 200
    bad = send(shop, body.replace(b'"CH"', b'"Switzerland"'), "demo", "application/json")
    assert (bad.status, bad.pointers[0]) == (422, "/service_address/country")
