"""The answer at the door: what became of each interchange, and of each order in it, in one file of ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from adapters.canonical import CancelOrder, ChangeOrder, Document, Outcome, PlaceOrder, Receipt, Refusal, SupportOrder
from adapters.edifact import contrl
from adapters.edifact.codes import NOT_ACCEPTED, NOT_PROCESSED, ORDRSP
from adapters.edifact.envelope import Interchange, open_file, origin
from adapters.edifact.faults import Fault, Faults
from adapters.edifact.guidelines import Guideline
from adapters.edifact.letters import Letter, interchange
from adapters.edifact.settings import Settings
from adapters.edifact.writer import Response, Standing, aperak, ordrsp, verdict
from adapters.errors import Problem

SANDBOX, LIVE = "sandbox", "live"

_NUMBER_TAKEN = frozenset({"order_differs", "change_differs"})
_MOST_REASONS = 20

_Messages = list[tuple[str, Iterable[str]]]


def status_of(receipt: Receipt) -> int:
    results = {outcome.result for outcome in receipt.outcomes}
    if results <= {"refused"}:
        return 422
    new = any(outcome.result == "accepted" and isinstance(outcome.intent, PlaceOrder) for outcome in receipt.outcomes)
    return 201 if new else 200


def answer(receipt: Receipt, settings: Settings) -> bytes:
    """One interchange after the other, as theirs came. Where nothing says which one it was, the orders alone."""
    bodies: list[bytes] = []
    groups = groupby(receipt.outcomes, key=lambda outcome: _origin(outcome.intent))
    for number, (theirs, group) in enumerate(groups):
        outcomes = list(group)
        letter = Letter(
            source=f"{receipt.message_id}:{number}",
            at=receipt.at,
            test=outcomes[0].environment == SANDBOX,
            theirs=theirs,
            settings=settings,
        )
        bodies.append(interchange(letter, _messages(letter, outcomes)))
    return b"".join(bodies)


def _origin(intent: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _echo(intent).get("interchange", {})
    return found


def _echo(intent: Document) -> Mapping[str, Any]:
    return intent.order.echo if isinstance(intent, PlaceOrder) else intent.echo


def _messages(letter: Letter, outcomes: Sequence[Outcome]) -> _Messages:
    messages: _Messages = []
    if letter.theirs:
        known = all(outcome.result == "duplicate" for outcome in outcomes)
        guideline = letter.settings.spoken
        messages.append((guideline.writes["CONTRL"], contrl.taken(letter.theirs, duplicate=known)))
    for number, outcome in enumerate(outcomes, 1):
        messages.append(_business(replace(letter, source=f"{letter.source}:{number}"), outcome))
    return messages


def _guideline(letter: Letter, outcome: Outcome) -> Guideline:
    """The one of the message that is answered."""
    kind = _echo(outcome.intent).get("message", {}).get("kind", ())
    found = letter.settings.guideline_of(kind[2]) if len(kind) > 2 else None
    return found or letter.settings.spoken


def _business(letter: Letter, outcome: Outcome) -> tuple[str, Iterator[str]]:
    """ORDRSP for what is about an order; APERAK, where the guideline has it, for what is about none of ours."""
    guideline, intent = _guideline(letter, outcome), outcome.intent
    order = outcome.order
    if order is None and isinstance(intent, PlaceOrder) and outcome.result != "refused":
        order = intent.order
    change = None if isinstance(intent, PlaceOrder) else str(intent.echo.get("number") or "") or None
    lines = _standings(outcome, order)
    response = Response(
        partner_order_id=_number(intent),
        function=_function(outcome, lines),
        order_id=outcome.order_id,
        order=order,
        change=change,
        reasons=_reasons(outcome),
    )
    if order is None and "APERAK" in guideline.writes:
        return guideline.writes["APERAK"], aperak(letter, guideline, response, outcome.problems)
    return guideline.writes[ORDRSP], ordrsp(letter, guideline, response, lines)


def _reasons(outcome: Outcome) -> list[str]:
    """What is said about no line."""
    told = (problem.detail for problem in outcome.problems if not _line_ids(outcome.intent, problem.pointer))
    return list(dict.fromkeys(told))[:_MOST_REASONS]


def _number(intent: Document) -> str:
    return intent.order.partner_order_id if isinstance(intent, PlaceOrder) else intent.partner_order_id


def _standings(outcome: Outcome, order: SupportOrder | None) -> list[Standing]:
    refused: dict[str, str] = {}
    if isinstance(outcome.intent, ChangeOrder | CancelOrder):
        for problem in outcome.problems:
            refused |= dict.fromkeys(_line_ids(outcome.intent, problem.pointer), problem.detail)
    return [
        Standing(
            line=line,
            visits=[job for job in outcome.jobs if job.line_id == line.line_id],
            refused=refused.get(line.line_id),
        )
        for line in (order.lines if order else ())
    ]


def _line_ids(intent: Document, pointer: str) -> list[str]:
    """The lines that a problem is about."""
    if isinstance(intent, PlaceOrder):
        return []
    return [line.line_id for line in intent.lines if line.pointer == pointer and line.line_id is not None]


def _function(outcome: Outcome, lines: Sequence[Standing]) -> str:
    if any(problem.code in _NUMBER_TAKEN for problem in outcome.problems):
        return NOT_PROCESSED  # 27 would speak of the order that is here
    # A cancellation happens as a whole or not at all.
    if outcome.result == "refused" or (isinstance(outcome.intent, CancelOrder) and outcome.problems):
        return NOT_ACCEPTED
    return verdict(lines, confirms=not isinstance(outcome.intent, PlaceOrder))


# --- refusals ----------------------------------------------------------------------------------------------------


def refusal(body: bytes, why: Refusal, settings: Settings) -> bytes:
    """What is said where nothing of a file was taken; empty where nothing may be."""
    if why.intents:
        return answer(Receipt(message_id=why.message_id, at=why.at, outcomes=_not_done(why)), settings)
    found = open_file(body, Faults())
    if not found or any(_may_not_be_answered(one) for one in found):
        return b""
    faults = [problem for problem in why.problems if isinstance(problem, Fault)]
    mine = [[fault for fault in faults if fault.spot.interchange == number] for number in range(len(found))]
    said = list(map(contrl.refused, found, mine))
    return _contrls(found, said, Letter(source=why.message_id, at=why.at, settings=settings))


def _not_done(why: Refusal) -> tuple[Outcome, ...]:
    """All could be read, and something stands against one of the orders: the others are not taken without it."""
    return tuple(
        Outcome(
            intent=intent,
            result="refused",
            environment=SANDBOX if _origin(intent).get("test") else LIVE,
            problems=_against(intent, why),
        )
        for intent in why.intents
        if isinstance(intent, Document)
    )


def _against(intent: Document, why: Refusal) -> tuple[Problem, ...]:
    if why.culprit not in (None, intent):
        detail = "A file is taken as a whole, and another message of it cannot be."
        return (Problem(pointer="", code="not_alone", detail=detail),)
    whole = Problem(pointer="", code=why.code.replace("-", "_"), detail=why.detail)
    return tuple(dict.fromkeys((whole, *why.problems)))


def _contrls(found: Sequence[Interchange], said: Sequence[Iterable[str]], letter: Letter) -> bytes:
    kind = letter.settings.spoken.writes["CONTRL"]
    bodies: list[bytes] = []
    for number, (theirs, segments) in enumerate(zip(found, said, strict=True)):
        told = origin(theirs)
        own = replace(letter, source=f"{letter.source}:{number}", theirs=told, test=told["test"])
        bodies.append(interchange(own, [(kind, segments)]))
    return b"".join(bodies)


def _may_not_be_answered(theirs: Interchange) -> bool:
    """A CONTRL, for else both sides would go on for ever; and what nobody can be told about."""
    told = theirs.header
    if not (theirs.reference and told.get(2) and told.get(3)):
        return True
    return any(message.kind[:1] == ["CONTRL"] for message in theirs.messages)
