"""`POST /inbound/bosch` with IDocs, through the whole application."""

import pytest
from lxml import etree
from sqlalchemy import select

from gateway.intake.tables import InboundMessage

CONTROL = (
    "<EDI_DC40><DOCNUM>{number}</DOCNUM><MESTYP>{message}</MESTYP><SNDPRN>BSHP01</SNDPRN><RCVPRN>MILA</RCVPRN>"
    "<SERIAL>{number}</SERIAL></EDI_DC40>"
)
PLACE = (
    "<E1EDKA1><PARVW>WE</PARVW><NAME1>Keller Sandra</NAME1><STRAS>Langstrasse 120</STRAS><ORT01>Zürich</ORT01>"
    "<PSTLZ>8004</PSTLZ><LAND1>CH</LAND1></E1EDKA1>"
)
SERVICE = "<E1EDP19><QUALF>002</QUALF><IDTNR>SVC-TV-WALL-65</IDTNR></E1EDP19>"


def idoc(number, order, items, message="ORDERS"):
    control = CONTROL.format(number=number, message=message)
    place = PLACE if message == "ORDERS" else ""
    return f"<IDOC>{control}<E1EDK01><BELNR>{order}</BELNR></E1EDK01>{place}{''.join(items)}</IDOC>"


def item(posex, action="001", quantity="1.000", day="20260120"):
    dated = f"<E1EDP20><EDATU>{day}</EDATU><EZEIT>080000</EZEIT></E1EDP20>"
    fields = f"<POSEX>{posex}</POSEX><ACTION>{action}</ACTION><MENGE>{quantity}</MENGE>"
    return f"<E1EDP01>{fields}{dated}{SERVICE}</E1EDP01>"


@pytest.fixture
def bosch(api):
    return api.caller("bosch")


def send(caller, *idocs):
    body = f"<ORDERS05>{''.join(idocs)}</ORDERS05>".encode()
    method, url, body, headers = caller.request("POST", "/inbound/bosch", body, {"Content-Type": "text/xml"})
    headers.pop("Idempotency-Key")
    return caller.api.call(method, url, body, headers)


def states(caller, number):
    jobs = caller.get(f"/v1/jobs?partner_order_id={number}").json["items"]
    return {job["line_id"]: job["state"] for job in jobs}


def answered(answer):
    """Of each ORDRSP: the order, and ACTION and MENGE by POSEX."""
    return [
        (
            one.findtext("E1EDK01/BELNR"),
            {i.findtext("POSEX"): (i.findtext("ACTION"), i.findtext("MENGE")) for i in items},
        )
        for one in etree.fromstring(answer.body)
        for items in [one.findall("E1EDP01")]
    ]


def test_orders_of_one_file_are_confirmed_each_with_its_own_lines(bosch):
    answer = send(bosch, idoc(2, "45-2", [item("00010")]), idoc(1, "45-1", [item("00010"), item("00020")]))
    assert answer.status == 201, answer.body
    assert answered(answer) == [
        ("45-1", {"00010": ("001", "1.000"), "00020": ("001", "1.000")}),
        ("45-2", {"00010": ("001", "1.000")}),
    ]
    assert states(bosch, "45-1") == {"00010": "scheduled", "00020": "scheduled"}
    again = send(bosch, idoc(2, "45-2", [item("00010")]), idoc(1, "45-1", [item("00010"), item("00020")]))
    assert (again.status, answered(again)) == (200, answered(answer))


def test_a_change_moves_one_item_and_deletes_another_and_then_the_order_is_cancelled(bosch):
    send(bosch, idoc(1, "45-1", [item("00010"), item("00020")]))
    moved = [item("00010", "002", day="20260122"), item("00020", "003", "0.000")]
    answer = send(bosch, idoc(2, "45-1", moved, "ORDCHG"))
    assert answer.status == 200, answer.body
    assert answered(answer) == [("45-1", {"00010": ("001", "1.000"), "00020": ("003", "0.000")})]
    assert etree.fromstring(answer.body).findtext(".//EDATU") == "20260122"
    assert states(bosch, "45-1") == {"00010": "scheduled", "00020": "cancelled"}
    ended = send(bosch, idoc(3, "45-1", [item("00010", "003", "0.000")], "ORDCHG"))
    assert answered(ended) == [("45-1", {"00010": ("003", "0.000"), "00020": ("003", "0.000")})]
    assert states(bosch, "45-1") == {"00010": "cancelled", "00020": "cancelled"}


def test_an_older_change_comes_too_late(bosch):
    send(bosch, idoc(1, "45-1", [item("00010")]))
    send(bosch, idoc(3, "45-1", [item("00010", "002", day="20260122")], "ORDCHG"))
    late = send(bosch, idoc(2, "45-1", [item("00010", "002", day="20260121")], "ORDCHG"))
    assert (late.status, late.json["code"]) == (409, "conflict")
    assert [(fault["pointer"], fault["code"]) for fault in late.json["errors"]] == [("E1EDK01", "stale_change")]


def test_one_bad_idoc_takes_none_of_the_file_and_is_kept_and_the_door_stays_open(bosch, runtime):
    refused = send(bosch, idoc(1, "45-1", [item("00010")]), idoc(2, "45-2", [item("00010", quantity="x")]))
    assert refused.status == 422
    assert [error["pointer"] for error in refused.json["errors"]] == ["IDOC[2]/E1EDP01/MENGE"]
    assert states(bosch, "45-1") == {}
    unknown = send(bosch, idoc(3, "45-9", [item("00010", "002")], "ORDCHG"))
    assert (unknown.status, unknown.json["errors"][0]["code"]) == (422, "unknown_order")
    with runtime.sessions() as session:
        assert list(session.scalars(select(InboundMessage.outcome))) == ["refused", "refused"]
    assert send(bosch, idoc(4, "45-1", [item("00010")])).status == 201
