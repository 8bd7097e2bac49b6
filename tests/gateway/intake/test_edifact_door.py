"""`POST /inbound/interdiscount` with EDIFACT, through the whole application: answers, and refusals in CONTRL."""

import re

import pytest
from sqlalchemy import select

from gateway.intake.tables import InboundMessage
from tests.support.edifact import HEAD, HOME, LINE, change, file_of, order, segments_of

SECOND = LINE.replace("LIN+1", "LIN+2").replace("TV-WALL-65", "NET-SETUP")


@pytest.fixture
def interdiscount(api):
    return api.caller("interdiscount")


def send(caller, text, number="1"):
    body = text.replace("ID0000123", f"ID{number}").encode("iso-8859-1")
    method, url, body, headers = caller.request(
        "POST", "/inbound/interdiscount", body, {"Content-Type": "application/edifact"}
    )
    headers.pop("Idempotency-Key")
    return caller.api.call(method, url, body, headers)


def tags(answer):
    assert answer.headers["content-type"].startswith("application/edifact"), answer.body
    return [segment[1 + (segment[0][0] == "UNH")][0] for segment in segments_of(answer.body) if segment[0][0] == "UNH"]


def contrl(answer):
    """Action and, where it has one, fault of the interchange (0083, 0085)."""
    [uci] = [segment for segment in segments_of(answer.body) if segment[0][0] == "UCI"]
    return uci[4][0], uci[5][0] if len(uci) > 5 else None


def states(caller):
    jobs = caller.get("/v1/jobs").json["items"]
    return {job["line_id"]: job["state"] for job in jobs}


def kept(runtime):
    with runtime.sessions() as session:
        return [m.outcome for m in session.scalars(select(InboundMessage).order_by(InboundMessage.id))]


def test_an_order_is_answered_with_contrl_and_ordrsp(interdiscount):
    answer = send(interdiscount, order())
    assert answer.status == 201, answer.body
    assert re.findall(rb"UNH\+\d+\+([A-Z]+)", answer.body) == [b"CONTRL", b"ORDRSP"]
    assert list(states(interdiscount)) == ["1"]


def test_a_line_can_be_added_to_an_order(interdiscount):
    send(interdiscount, order())
    answer = send(interdiscount, change(SECOND.replace("LIN+2", "LIN+2+1")), "2")
    assert answer.status == 200, answer.body
    assert sorted(states(interdiscount)) == ["1", "2"]
    [shown] = interdiscount.get("/v1/orders").json["items"]
    assert [line["line_id"] for line in shown["lines"]] == ["1", "2"]
    again = send(interdiscount, change(SECOND.replace("LIN+2", "LIN+2+1")), "3")
    assert again.status == 200
    assert len(states(interdiscount)) == 2


def test_an_order_that_has_ended_takes_no_more_lines(interdiscount, runtime):
    send(interdiscount, order())
    [job] = interdiscount.get("/v1/jobs").json["items"]
    interdiscount.post(f"/v1/jobs/{job['id']}/cancellation", {"reason": "changed_mind"})
    answer = send(interdiscount, change(SECOND.replace("LIN+2", "LIN+2+1")), "2")
    assert answer.status == 409, answer.body
    assert list(states(interdiscount)) == ["1"]
    assert kept(runtime) == ["accepted", "refused"]


def test_what_cannot_be_read_is_refused_with_a_contrl_and_kept_and_the_door_stays_open(interdiscount, runtime):
    broken = send(interdiscount, order().replace("UNT+", "UNT+9"))
    assert broken.status == 400, broken.body
    assert contrl(broken)[0] == "4"
    assert kept(runtime) == ["refused"]
    assert send(interdiscount, order()).status == 201


def test_a_change_before_its_order_is_refused_in_their_words(interdiscount, runtime):
    answer = send(interdiscount, change())
    assert answer.status == 422, answer.body
    assert b"UNB" in answer.body
    assert kept(runtime) == ["refused"]


def test_an_interchange_that_was_taken_before_is_told_so_and_answered_again(interdiscount, runtime):
    assert send(interdiscount, order()).status == 201
    again = send(interdiscount, order())
    assert (again.status, contrl(again)) == (200, ("4", "26"))
    assert b"ORDRSP" in again.body
    assert len(states(interdiscount)) == 1
    # The number is another one: the same order again is known as an order.
    assert send(interdiscount, order(), "2").status == 200
    assert kept(runtime) == ["accepted", "duplicate"]


def test_an_order_is_known_again_after_it_was_changed(interdiscount):
    send(interdiscount, order())
    send(interdiscount, change(SECOND.replace("LIN+2", "LIN+2+1")), "2")
    again = send(interdiscount, order(), "3")
    assert again.status == 200, again.body
    other = send(interdiscount, order().replace("Langstrasse 120", "Langstrasse 121"), "4")
    assert other.status == 409


def test_of_a_refused_file_only_the_one_at_fault_is_told_why(interdiscount):
    good = HEAD + HOME + LINE + "UNS+S'"
    missing = "UNH+2+ORDCHG:D:01B:UN:EAN009'BGM+230+X-C1+4'DTM+137:202601151001:203'RFF+ON:X'LIN+1+3'QTY+21:1'UNS+S'"
    answer = send(interdiscount, file_of(good, missing))
    assert answer.status == 422, answer.body
    assert answer.body.count(b"unknown_order") == 1
    assert states(interdiscount) == {}


def test_two_of_one_interchange_at_once_are_one(interdiscount):
    body = order().encode("iso-8859-1")
    request = ("POST", "/inbound/interdiscount", body, {"Content-Type": "application/edifact"})
    calls = [interdiscount.request(*request) for _ in range(4)]
    answers = interdiscount.api.together(*calls)
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
    assert all(b"ORDRSP" in answer.body for answer in answers)
    assert len(states(interdiscount)) == 1


def test_a_second_partner_has_a_numbering_of_its_own(api, interdiscount):
    assert send(interdiscount, order()).status == 201
    other = api.caller("lumimart")
    d96a = file_of((HEAD + HOME + LINE + "UNS+S'").replace("ORDERS:D:01B:UN:EAN010", "ORDERS:D:96A:UN:EAN008"))
    body = d96a.encode("iso-8859-1")
    answer = other.call("POST", "/inbound/lumimart", body, {"Content-Type": "application/edifact"})
    assert answer.status == 201, answer.body
