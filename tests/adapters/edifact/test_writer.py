"""What we say back: held against the UN/ECE's directories, and read back by our own reader."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    JobState,
    LineChange,
    Outcome,
    PlaceOrder,
    Reason,
    Receipt,
    Refusal,
    SupportOrder,
)
from adapters.contract import RawMessage, Rendered
from adapters.edifact import letters
from adapters.edifact.adapter import EdifactAdapter
from adapters.edifact.directories import MESSAGES, SEGMENTS
from adapters.edifact.envelope import open_file
from adapters.edifact.faults import Faults
from adapters.edifact.guidelines import GUIDELINES
from adapters.errors import Problem
from tests.support.documents import MORNING, NOON, make_job, make_order, make_update
from tests.support.edifact import (
    HEAD,
    HOME,
    LINE,
    change,
    elements_of,
    faults_of,
    file_of,
    messages_of,
    needs_directories,
    notation,
    segments_of,
)

RELEASES = {"interdiscount": "01B", "lumimart": "96A"}
TWO = LINE.replace("LIN+1", "LIN+1++7640199900014:SRV") + LINE.replace("LIN+1", "LIN+2")
ORDER = file_of(HEAD + "NAD+BY+7613001000004::9'" + HOME + "CUX+2:CHF:9'" + TWO + "UNS+S'")
REFUSED = Reason(code="not_serviceable", group="intake", fault="none", text="Leistung hier nicht verfügbar: +/'?")


def placed(document: str = ORDER, guideline: str = "interdiscount") -> tuple[EdifactAdapter, PlaceOrder]:
    dialect = EdifactAdapter({"guideline": guideline})
    (intent,) = dialect.parse(RawMessage(body=document.encode("iso-8859-1"), media_type="text/plain"))
    assert isinstance(intent, PlaceOrder)
    return dialect, intent


def in_96a(document: str) -> str:
    return document.replace("D:01B:UN:EAN010", "D:96A:UN:EAN008").replace(":SRV", ":EN")


def receipt(*outcomes: Outcome) -> Receipt:
    return Receipt(message_id="msg_1", at=NOON, outcomes=outcomes)


def jobs_of(order: SupportOrder, *states: JobState) -> tuple[Any, ...]:
    """The visits of the lines, one after the other."""
    return tuple(
        make_job(
            state,
            line_id=line.line_id,
            partner_order_id=order.partner_order_id,
            reason=REFUSED if state in (JobState.REJECTED, JobState.CANCELLED) else None,
            window=None if state == JobState.REJECTED else MORNING,
        )
        for line, state in zip(order.lines, states, strict=True)
    )


def said(answer: Rendered, number: int = -1) -> list[str]:
    message = messages_of(answer.body)[number]
    return ["+".join(":".join(element) for element in segment) for segment in message]


def sound(answer: Rendered) -> None:
    """Our own envelope checks find nothing, and it is addressed to whoever sent theirs."""
    faults = Faults()
    assert open_file(answer.body, faults)
    assert faults.found == []


# --- the answer at the door --------------------------------------------------------------------------------------


def answered(states: tuple[JobState, ...], guideline: str = "interdiscount", result: Any = "accepted") -> Rendered:
    dialect, intent = placed(in_96a(ORDER) if guideline == "lumimart" else ORDER, guideline)
    jobs = jobs_of(intent.order, *states)
    outcome = Outcome(intent=intent, result=result, order_id="ord_1", order=intent.order, jobs=jobs)
    answer = dialect.acknowledge(receipt(outcome))
    sound(answer)
    return answer


BOTH = (JobState.SCHEDULED, JobState.SCHEDULED)


def test_an_order_is_answered_by_a_contrl_and_an_ordrsp_addressed_to_its_sender() -> None:
    answer = answered(BOTH)
    header = segments_of(answer.body)[0]
    assert header[2:4] == [["7640199900007", "14"], ["7613001000004", "14"]]
    assert said(answer, 0)[1] == "UCI+ID0000123+7613001000004:14+7640199900007:14+7"
    assert said(answer)[0] == "UNH+2+ORDRSP:D:01B:UN:EAN009"
    assert answer.status == 201


def test_an_interchange_that_comes_again_is_a_duplicate_and_answered_as_before() -> None:
    again = answered(BOTH, result="duplicate")
    assert said(again, 0)[1] == "UCI+ID0000123+7613001000004:14+7640199900007:14+4+26"
    assert said(again)[1:] == said(answered(BOTH))[1:]
    assert again.status == 200


@pytest.mark.parametrize(
    ("states", "function", "actions"),
    [
        ((JobState.SCHEDULED, JobState.UNSCHEDULED), "29", ["5", "5"]),
        ((JobState.SCHEDULED, JobState.REJECTED), "30", ["5", "7"]),
        ((JobState.REJECTED, JobState.REJECTED), "27", ["7", "7"]),
        ((JobState.SCHEDULED, JobState.CANCELLED), "30", ["5", "2"]),
    ],
)
def test_1225_and_1229_say_what_became_of_the_order_and_its_lines(
    states: tuple[JobState, ...], function: str, actions: list[str]
) -> None:
    text = said(answered(states))
    assert text[1].rsplit("+", 1)[1] == function
    assert [line.split("+")[2] for line in text if line.startswith("LIN+")] == actions


def test_a_line_that_is_refused_has_quantity_0_and_its_reason() -> None:
    text = said(answered((JobState.SCHEDULED, JobState.REJECTED)))
    second = text[next(n for n, line in enumerate(text) if line.startswith("LIN+2")) :]
    assert "QTY+113:0" in second
    assert "FTX+AAI+++Leistung hier nicht verfügbar: +/'?" in second
    assert not any(line.startswith("DTM+69") for line in second)


def test_a_window_is_one_date_in_d01b_and_three_in_d96a() -> None:
    assert "DTM+69:202601200800202601201200:719" in said(answered(BOTH))
    text = said(answered(BOTH, "lumimart"))
    assert text[text.index("DTM+69:202601200800:203") :][:3] == [
        "DTM+69:202601200800:203",
        "DTM+64:202601200800:203",
        "DTM+63:202601201200:203",
    ]


def test_another_window_than_the_asked_one_is_an_amendment() -> None:
    asked = ORDER.replace("QTY+21:1'", "QTY+21:1'DTM+2:20260122:102'").replace("UNT+16", "UNT+18")
    dialect, intent = placed(asked)
    jobs = jobs_of(intent.order, *BOTH)
    outcome = Outcome(intent=intent, result="accepted", order_id="ord_1", order=intent.order, jobs=jobs)
    text = said(dialect.acknowledge(receipt(outcome)))
    assert text[1].endswith("+30")
    assert "LIN+1+6+7640199900014:SRV" in text


def test_each_interchange_of_a_file_has_an_answer_of_its_own() -> None:
    document = ORDER + ORDER.replace("ID0000123", "ID0000124").replace("4500981234", "2")
    dialect = EdifactAdapter({})
    found = dialect.parse(RawMessage(body=document.encode("iso-8859-1"), media_type="text/plain"))
    outcomes = [
        Outcome(intent=intent, result="accepted", order_id="ord_1", order=intent.order, jobs=())
        for intent in found
        if isinstance(intent, PlaceOrder)
    ]
    answer = dialect.acknowledge(receipt(*outcomes))
    sound(answer)
    controls = [message[1] for message in messages_of(answer.body) if message[0][2][0] == "CONTRL"]
    assert [control[1] for control in controls] == [["ID0000123"], ["ID0000124"]]
    assert answer.body.count(b"UNA") == 2


def changed(*problems: Problem, function: str = "4", order: bool = True, guideline: str = "interdiscount") -> Rendered:
    dialect, before = placed(in_96a(ORDER) if guideline == "lumimart" else ORDER, guideline)
    lines = "" if function == "1" else "LIN+1+3'QTY+21:1'LIN+2+2'"
    document = change(lines, function)
    document = document.replace("D:01B:UN:EAN009", "D:96A:UN:EAN004") if guideline == "lumimart" else document
    (intent,) = dialect.parse(RawMessage(body=document.encode(), media_type="text/plain"))
    answer = dialect.acknowledge(
        receipt(
            Outcome(
                intent=intent,
                result="accepted" if order else "refused",
                order_id="ord_1" if order else None,
                order=before.order if order else None,
                jobs=jobs_of(before.order, JobState.SCHEDULED, JobState.CANCELLED) if order else (),
                problems=problems,
            )
        )
    )
    sound(answer)
    return answer


LATE = "The job is en_route and cannot be taken there any more."


def test_a_change_that_was_done_is_accepted_as_it_is_with_its_number() -> None:
    text = said(changed())
    assert text[1].endswith("+29")
    assert "RFF+ACE:4500981234-C1" in text


def test_a_line_that_could_not_be_changed_is_refused_and_says_why() -> None:
    text = said(changed(Problem(pointer="LIN+1", code="illegal_transition", detail=LATE)))
    assert text[1].endswith("+30")
    assert "LIN+1+7+7640199900014:SRV" in text
    assert f"FTX+AAI+++{LATE}" in text


def test_a_cancellation_that_comes_too_late_is_not_accepted_and_says_why() -> None:
    text = said(changed(Problem(pointer="BGM", code="illegal_transition", detail=LATE), function="1"))
    assert text[1].endswith("+27")
    assert f"FTX+AAI+++{LATE}" in text


UNKNOWN = Problem(pointer="BGM", code="unknown_order", detail="There is no order with this number.")


def test_a_change_of_no_order_is_an_aperak_or_where_there_is_none_an_ordrsp() -> None:
    answer = changed(UNKNOWN, order=False)
    assert answer.status == 422
    assert said(answer)[0] == "UNH+2+APERAK:D:01B:UN"
    assert "FTX+AAI+++There is no order with this number. (unknown_order)" in said(answer)
    text = said(changed(UNKNOWN, order=False, guideline="lumimart"))
    assert text[0] == "UNH+2+ORDRSP:D:96A:UN:EAN005"
    assert text[1].endswith("+27")
    assert "FTX+AAI+++There is no order with this number." in text


# --- every state -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("guideline", GUIDELINES)
def test_every_guideline_renders_exactly_the_states_it_has_a_word_for(guideline: str, state: JobState) -> None:
    dialect = EdifactAdapter({"guideline": guideline})
    word = dialect.profile.states[state]
    rendered = dialect.render(make_update(state))
    assert [document.event for document in rendered] == ([word.partition(" ")[0]] if word else [])
    assert set(dialect.profile.states) == set(JobState)


def test_progress_is_told_in_d01b_only() -> None:
    progress = make_update(JobState.IN_PROGRESS)
    (report,) = EdifactAdapter({}).render(progress)
    assert "STS+2+35" in said(report)
    assert EdifactAdapter({"guideline": "lumimart"}).render(progress) == []


def test_a_visit_that_took_place_is_an_actual_date_in_d96a() -> None:
    (report,) = EdifactAdapter({"guideline": "lumimart"}).render(make_update(JobState.COMPLETED))
    assert "DTM+35:202601141300:203" in said(report)


def test_several_visits_of_a_line_are_counted_not_told_apart() -> None:
    sibling = make_job(JobState.CANCELLED, line_id="20", unit=2)
    update = make_update(JobState.SCHEDULED, job=make_job(line_id="20"), siblings=(sibling,))
    (report,) = EdifactAdapter({}).render(update)
    assert {"QTY+21:2", "QTY+113:1"} < set(said(report))


def test_references_are_derived_and_differ() -> None:
    assert letters.reference("evt_1") == letters.reference("evt_1") != letters.reference("evt_2")
    assert len({letters.reference(f"evt_{number}") for number in range(1000)}) == 1000
    assert {len(letters.reference(f"evt_{number}")) for number in range(50)} == {14}


def test_letters_that_latin_1_does_not_have_lose_their_accents() -> None:
    assert letters.latin("Zürich Łódź Čapek 漢") == "Zürich .ódz Capek .".encode("iso-8859-1")


def declined(*documents: str, code: str, culprit: int | None = None, guideline: str = "interdiscount") -> Rendered:
    dialect = EdifactAdapter({"guideline": guideline})
    messages = [RawMessage(body=document.encode("iso-8859-1"), media_type="text/plain") for document in documents]
    intents = tuple(intent for message in messages for intent in dialect.parse(message))
    why = Refusal(
        message_id="msg_1",
        at=NOON,
        code=code,
        status=409,
        detail="An order with this number was placed before.",
        problems=(Problem(pointer="/lines/0/sku", code="differs", detail="This was otherwise."),) * 30,
        intents=intents,
        culprit=None if culprit is None else intents[culprit],
    )
    answer = dialect.refuse(messages[0], why)
    assert answer is not None
    sound(answer)
    return answer


def test_an_order_with_the_number_of_another_is_not_processed_and_the_other_is_left_alone() -> None:
    answer = declined(ORDER, code="order-differs")
    text = said(answer)
    assert (answer.status, text[0]) == (409, "UNH+2+APERAK:D:01B:UN")
    assert text[1].endswith("+12")
    assert [segment for segment in text if segment[:3] == "ERC"] == ["ERC+ORDERDIF", "ERC+DIFFERS"]
    assert "FTX+AAI+++An order with this number was placed before. (order_differs)" in text
    shorter = said(declined(in_96a(ORDER), code="order-differs", guideline="lumimart"))
    assert shorter[1].endswith("+12")
    assert [segment for segment in shorter if segment[:3] in ("FTX", "LIN")] == [
        "FTX+AAI+++An order with this number was placed before.",
        "FTX+AAI+++This was otherwise.",
    ]


def test_a_change_that_cannot_be_done_is_not_accepted() -> None:
    text = said(declined(change(), code="conflict"))
    assert text[1].endswith("+27")
    assert "RFF+ACE:4500981234-C1" in text


def test_what_was_right_in_a_file_with_another_fault_is_told_so() -> None:
    answer = declined(ORDER, change(), code="invalid", culprit=1)
    controls = [message for message in messages_of(answer.body) if message[0][2][0] == "CONTRL"]
    assert [control[1][-1] for control in controls] == [["7"]]
    first, second = [message for message in messages_of(answer.body) if message[0][2][0] == "APERAK"]
    assert [segment[1] for segment in first if segment[0] == ["ERC"]] == [["NOTALONE"]]
    assert ["INVALID"] in [segment[1] for segment in second if segment[0] == ["ERC"]]


def test_a_live_order_is_no_test() -> None:
    update = make_update(job=make_job(environment="live"))
    (live,), (sandbox,) = (EdifactAdapter({}).render(one) for one in (update, make_update()))
    assert [len(segments_of(document.body)[0]) for document in (live, sandbox)] == [6, 12]


# --- the UN/ECE's directories ------------------------------------------------------------------------------------


def ours(guideline: str) -> list[Rendered]:
    dialect = EdifactAdapter({"guideline": guideline})
    updates = [make_update(state) for state in JobState]
    reason = Reason(code="customer_absent", group="failure", fault="customer", text="Niemand da. " * 50)
    failed = make_update(JobState.FAILED)
    updates.append(replace(failed, job=replace(failed.job, reason=reason)))
    refused = Outcome(intent=PlaceOrder(order=make_order()), result="refused", problems=(UNKNOWN,))
    lines = (LineChange(pointer="LIN+1", line_id="10"),)
    late = Outcome(
        intent=ChangeOrder(partner_order_id="W-1", change_id="1", lines=lines), result="refused", problems=(UNKNOWN,)
    )
    gone = Outcome(intent=CancelOrder(partner_order_id="W-1", change_id="1"), result="refused", problems=(UNKNOWN,))
    return [
        *(document for update in updates for document in dialect.render(update)),
        *(answered(states, guideline) for states in (BOTH, (JobState.SCHEDULED, JobState.REJECTED))),
        answered(BOTH, guideline, "duplicate"),
        changed(guideline=guideline),
        changed(UNKNOWN, order=False, guideline=guideline),
        declined(in_96a(ORDER) if guideline == "lumimart" else ORDER, code="order-differs", guideline=guideline),
        *(dialect.acknowledge(receipt(outcome)) for outcome in (refused, late, gone)),
    ]


@needs_directories
@pytest.mark.parametrize("guideline", GUIDELINES)
def test_all_that_we_write_is_as_the_directories_say(guideline: str) -> None:
    kinds = set()
    for document in ours(guideline):
        sound(document)
        for message in messages_of(document.body):
            kinds.add(message[0][2][0])
            assert faults_of(RELEASES[guideline], message) == [], said(document)
    assert kinds == set(GUIDELINES[guideline].writes)


@needs_directories
def test_what_the_directories_would_find_they_do() -> None:
    message = messages_of(answered(BOTH).body)[1]
    assert faults_of("01B", message) == []
    assert faults_of("01B", [message[0], message[2], message[1], *message[3:]]) == ["the order of segments"]
    worse = [[["BGM"], ["999999"], [""], ["9" * 4]], *message[2:]]
    assert len(faults_of("01B", [message[0], *worse])) == 4


@needs_directories
@pytest.mark.parametrize(("release", "kind"), [(release, kind) for release in MESSAGES for kind in MESSAGES[release]])
def test_our_grammar_is_that_of_the_directories(release: str, kind: str) -> None:
    written = " ".join(MESSAGES[release][kind].split()).replace("( ", "(").replace(" )", ")")
    assert written == notation(f"D{release}", kind)


# Where this edition is shorter than the UN/ECE's own: a code stands before the number in C829, C819 has four parts, and
# D.01B takes C076 three times.
SHORTER = {"COM", "LIN", "NAD"}


@needs_directories
@pytest.mark.parametrize("release", SEGMENTS)
def test_our_elements_are_those_of_the_directories(release: str) -> None:
    for tag, form in SEGMENTS[release].items():
        known = elements_of("Service_V3" if tag in ("UNS", "UNT") else f"D{release}")[tag]
        assert tag in SHORTER or " ".join(form.split()) == " ".join(map(_noted, known)), tag


def _noted(element: Any) -> str:
    must = "!" if element.get("required") else ""
    if element.tag == "composite_data_element":
        return f"({' '.join(map(_noted, element))}){must}"
    return f"{element.get('type')}{element.get('maxlength') or element.get('length')}{must}"
