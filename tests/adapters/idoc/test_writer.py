"""IDocs that we write: the fields that SAP's inbound posting looks for, and nothing that is not so."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.canonical import CancelOrder, ChangeOrder, JobState, Outcome, PlaceOrder, Reason, Receipt, Refusal, Window
from adapters.contract import RawMessage, Rendered
from adapters.errors import Problem, Unsupported
from adapters.idoc.adapter import IdocAdapter
from tests.support.documents import MORNING, NOON, make_job, make_order, make_update

HERE = Path(__file__).parent
DIALECT = IdocAdapter({})

# The segments of ORDERS05 in their order, and the fields of the ones that we write in theirs (SAP, WE60).
HEADER = ["EDI_DC40", "E1EDK01", "E1EDK02", "E1EDKT1", "E1EDP01"]
_CONTROL = """
TABNAM MANDT DOCNUM DOCREL STATUS DIRECT OUTMOD EXPRSS TEST IDOCTYP CIMTYP MESTYP MESCOD MESFCT STD STDVRS STDMES
SNDPOR SNDPRT SNDPFC SNDPRN SNDSAD SNDLAD RCVPOR RCVPRT RCVPFC RCVPRN RCVSAD RCVLAD CREDAT CRETIM REFINT REFGRP REFMES
ARCKEY SERIAL
"""
CONTROL = _CONTROL.split()
_ITEM = "POSEX ACTION PSTYP KZABS MENGE MENEE BMNG2 PMENE VPREI PEINH NETWR ABGRU E1EDP02 E1EDP03 E1EDP20 E1EDPT1"
ITEM = _ITEM.split()


def texts(said: Rendered, path: str) -> list[str | None]:
    return [found.text for found in etree.fromstring(said.body).iterfind(f".//{path}")]


def in_order(parent: Any, known: list[str]) -> bool:
    places = [known.index(child.tag) for child in parent]
    return places == sorted(places)


def well_formed(said: Rendered) -> bool:
    root = etree.fromstring(said.body)
    return all(
        in_order(idoc, HEADER)
        and in_order(idoc.find("EDI_DC40"), CONTROL)
        and all(in_order(item, ITEM) for item in idoc.iterfind("E1EDP01"))
        and all(segment.get("SEGMENT") == "1" for segment in idoc.iter() if len(segment) and segment is not idoc)
        for idoc in root
    )


def placed(sample: str = "two_services/order.xml") -> list[Any]:
    body = (HERE / "samples" / sample).read_bytes()
    return DIALECT.parse(RawMessage(body=body, media_type="text/xml"))


def outcome(intent: Any, **known: Any) -> Outcome:
    return Outcome(**{"intent": intent, "result": "accepted", "order_id": "ord_1", **known})


def answer(*outcomes: Outcome, **options: Any) -> Rendered:
    return IdocAdapter(options).acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=outcomes))


def test_an_order_is_confirmed_line_by_line_with_everything_echoed() -> None:
    (intent,) = placed()
    moved = Window(start=MORNING.start + timedelta(hours=1), end=MORNING.end)
    reason = Reason(code="not_serviceable", group="intake", fault="none")
    jobs = (
        make_job(line_id="00010", window=moved),
        make_job(JobState.REJECTED, line_id="00020", window=None, reason=reason),
    )
    said = answer(outcome(intent, order=intent.order, jobs=jobs))
    assert well_formed(said)
    assert (said.status, said.event) == (201, "ORDRSP")
    assert texts(said, "MESTYP") == ["ORDRSP"]
    assert texts(said, "IDOCTYP") == ["ORDERS05"]
    assert texts(said, "E1EDK02/BELNR") == ["4500017865", "ord_1"]
    assert texts(said, "POSEX") == ["00010", "00020"]
    assert texts(said, "E1EDP01/ACTION") == ["001", "003"]
    assert texts(said, "MENGE") == ["1.000", "0.000"]
    assert texts(said, "E1EDP02/BELNR") == ["4500017865", "4500017865"]
    assert texts(said, "E1EDP02/ZEILE") == ["00010", "00020"]
    assert texts(said, "EDATU") == ["20260120"]
    assert texts(said, "EZEIT") == ["090000"]
    assert texts(said, "ABGRU") == ["02"]
    assert texts(said, "E1EDPT2/TDLINE") == ["not_serviceable"]


def test_the_sides_are_exchanged_and_their_number_is_kept() -> None:
    (intent,) = placed()
    said = answer(outcome(intent, order=intent.order))
    names = ("SNDPOR", "SNDPRT", "SNDPFC", "SNDPRN", "RCVPOR", "RCVPRT", "RCVPRN", "DIRECT", "ARCKEY", "MANDT")
    assert [texts(said, name)[0] for name in names] == [
        *("MILAHTTP", "LI", "LF", "MILA"),
        *("SAPP01", "LS", "BSHP01"),
        *("2", "0000000000812345", "100"),
    ]
    assert texts(said, "CREDAT") + texts(said, "CRETIM") == ["20260114", "130000"]
    assert texts(said, "SERIAL") == ["20260114120000000000"]


def test_a_number_of_ours_is_sixteen_digits_the_same_every_time_and_another_for_another_step() -> None:
    (first,), (again,) = DIALECT.render(make_update()), DIALECT.render(make_update())
    (other,) = DIALECT.render(make_update(event_id="evt_2"))
    assert first.body == again.body
    numbers = [*texts(first, "DOCNUM"), *texts(other, "DOCNUM")]
    assert len(set(numbers)) == 2
    assert all(number and number.isdecimal() and len(number) == 16 for number in numbers)


def test_each_order_of_a_file_is_answered_with_its_own_lines_only() -> None:
    first, second, change = placed("several_in_one_file/orders.xml")
    answered = (
        outcome(first, order=first.order, jobs=(make_job(line_id="000010"), make_job(line_id="000010", unit=2))),
        outcome(second, order=second.order, jobs=(make_job(line_id="1"),), order_id="ord_2"),
        outcome(change, order=first.order, jobs=(make_job(line_id="000010"),)),
    )
    said = answer(*answered)
    assert well_formed(said)
    idocs = etree.fromstring(said.body).findall("IDOC")
    told = [([e.text for e in idoc.iter("POSEX")], idoc.findtext("E1EDK01/BELNR")) for idoc in idocs]
    assert told == [
        (["000010", "000020"], "4500017870"),
        (["1"], "4500017871"),
        (["000010", "000020"], "4500017870"),
    ]
    assert len(set(texts(said, "DOCNUM"))) == 3
    assert texts(said, "E1EDP02/ZEILE")[:2] == ["000001", "000020"]
    assert texts(said, "E1EDP02/BELNR")[:2] == ["WEB-77", "4500017870"]
    assert texts(said, "MENEE")[:2] == ["ST", "LE"]


def test_a_line_of_two_visits_is_counted_and_dated_by_visit() -> None:
    order = make_order()
    later = Window(start=MORNING.start + timedelta(days=1), end=MORNING.end + timedelta(days=1))
    jobs = (make_job(line_id="20"), make_job(line_id="20", unit=2, window=later))
    both = answer(outcome(PlaceOrder(order=order), order=order, jobs=jobs))
    assert texts(both, "EDATU") == ["20260120", "20260121"]
    assert texts(both, "WMENG") == ["1.000", "1.000"]
    one = answer(
        outcome(PlaceOrder(order=order), order=order, jobs=(jobs[0], replace(jobs[1], state=JobState.CANCELLED)))
    )
    assert texts(one, "MENGE") == ["0.000", "1.000"]
    assert texts(one, "E1EDP01/ACTION") == ["003", "002"]


def test_what_could_not_be_done_is_said_in_the_text_of_the_header() -> None:
    intent = ChangeOrder(partner_order_id="W-1", change_id="2", lines=())
    problem = Problem(pointer="E1EDP01[2]", code="illegal_transition", detail="The job is completed. " * 5)
    said = answer(outcome(intent, order=make_order(), jobs=(make_job(),), problems=(problem,)))
    assert well_formed(said)
    lines = texts(said, "E1EDKT2/TDLINE")
    assert all(line and len(line) <= 70 for line in lines)
    assert " ".join(filter(None, lines)).startswith("E1EDP01[2]: The job is completed. The job is")
    assert said.status == 200


@pytest.mark.parametrize("state", [s for s in JobState if DIALECT.profile.states[s]])
def test_every_step_that_has_a_word_is_an_ordrsp_of_its_line(state: JobState) -> None:
    (said,) = DIALECT.render(make_update(state))
    assert well_formed(said)
    assert texts(said, "POSEX") == ["10"]
    assert texts(said, "E1EDK01/BELNR") == ["W-7788123"]
    gone = state in (JobState.REJECTED, JobState.CANCELLED)
    assert texts(said, "MENGE") == ["0.000" if gone else "1.000"]
    assert bool(texts(said, "ABGRU")) == gone


def test_a_visit_that_is_done_leaves_its_line_unchanged_and_says_so() -> None:
    (said,) = DIALECT.render(make_update(JobState.COMPLETED))
    assert texts(said, "E1EDP01/ACTION") == ["004"]
    assert texts(said, "E1EDPT2/TDLINE") == ["completed 2026-01-14"]


def test_the_code_of_a_refusal_is_agreed_by_reason() -> None:
    reason = Reason(code="changed_mind", group="cancel", fault="customer")
    cancelled = make_update(JobState.CANCELLED, job=make_job(JobState.CANCELLED, reason=reason))
    (said,) = IdocAdapter({"rejection_codes": {"changed_mind": "Z7"}}).render(cancelled)
    assert texts(said, "ABGRU") == ["Z7"]


def test_an_order_of_another_door_is_told_between_the_numbers_of_the_options() -> None:
    (said,) = IdocAdapter({"their_number": "BSHP01", "our_number": "MILA"}).render(make_update())
    assert (texts(said, "SNDPRN"), texts(said, "RCVPRN")) == (["MILA"], ["BSHP01"])


@pytest.mark.parametrize(("result", "code"), [("accepted", "16"), ("duplicate", "16"), ("refused", "17")])
def test_a_status_idoc_says_of_their_number_whether_it_was_taken(result: str, code: str) -> None:
    (intent,) = placed("whole_order_deleted/cancel.xml")
    assert isinstance(intent, CancelOrder)
    problem = Problem(pointer="E1EDK01", code="illegal_transition", detail="It is too late. " * 9)
    said = answer(outcome(intent, result=result, problems=(problem,)), answer="STATUS")
    root = etree.fromstring(said.body)
    assert root.tag == "SYSTAT01"
    assert (said.event, texts(said, "MESTYP"), texts(said, "IDOCTYP")) == ("STATUS", ["STATUS"], ["SYSTAT01"])
    assert texts(said, "E1STATS/DOCNUM") == ["0000000000900007"]
    assert texts(said, "E1STATS/STATUS") == [code]
    assert texts(said, "E1STATS/LOGDAT") + texts(said, "E1STATS/LOGTIM") == ["20260114", "130000"]
    assert all(text and text.startswith("E1EDK01: It is") and len(text) <= 70 for text in texts(said, "E1STATS/STATXT"))


def refuse(document: bytes, *problems: Problem, **options: Any) -> Rendered | None:
    why = Refusal(message_id="msg_1", at=NOON, code="invalid", status=422, detail="It is wrong.", problems=problems)
    return IdocAdapter(options).refuse(RawMessage(body=document, media_type="text/xml"), why)


def test_a_refused_file_is_a_problem_unless_status_was_agreed_and_then_17_for_each_idoc() -> None:
    document = (HERE / "samples" / "several_in_one_file" / "orders.xml").read_bytes()
    wrong = Problem(pointer="IDOC[2]/E1EDP01/MENGE", code="out_of_range", detail="This may be 1 to 20.")
    assert refuse(document, wrong) is None
    said = refuse(document, wrong, answer="STATUS")
    assert said is not None
    assert said.status == 422
    assert set(texts(said, "E1STATS/STATUS")) == {"17"}
    numbers = [element.text for element in etree.fromstring(document).iterfind(".//EDI_DC40/DOCNUM")]
    assert texts(said, "E1STATS/DOCNUM") == numbers
    assert texts(said, "E1STATS/STATXT")[:2] == ["It is wrong.", "IDOC[2]/E1EDP01/MENGE: This may be 1 to 20."]


@pytest.mark.parametrize("document", [b"", b"<ORDERS05/>", b"<ORDERS05><IDOC>"])
def test_of_what_is_no_idoc_no_status_can_speak(document: bytes) -> None:
    assert refuse(document, answer="STATUS") is None


@given(
    number=st.text(
        st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_categories=["Cc"]), min_size=1, max_size=35
    ),
    posex=st.from_regex(r"[0-9]{1,6}", fullmatch=True),
)
def test_what_we_write_parses_back_with_every_key_as_it_came(number: str, posex: str) -> None:
    line = replace(make_order().lines[0], line_id=posex)
    order = make_order(partner_order_id=number, lines=(line,))
    said = answer(outcome(PlaceOrder(order=order), order=order, jobs=(make_job(line_id=posex),)))
    assert (texts(said, "E1EDK01/BELNR"), texts(said, "POSEX"), texts(said, "ZEILE")) == ([number], [posex], [posex])
    with pytest.raises(Unsupported) as refused:
        DIALECT.parse(RawMessage(body=said.body, media_type=said.media_type))
    assert [problem.pointer for problem in refused.value.problems] == ["EDI_DC40/MESTYP"]
