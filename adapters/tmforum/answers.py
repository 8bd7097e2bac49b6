"""What is answered at the door: the resource that was made, changed or asked for; or the standard's Error."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.canonical import (
    CancelOrder,
    ChangeOrder,
    Document,
    Found,
    HoldSlot,
    JobState,
    Outcome,
    PlaceOrder,
    Query,
    Receipt,
    Refusal,
    Reply,
    Subscribe,
)
from adapters.contract import RawMessage, Rendered
from adapters.errors import Problem
from adapters.objects import minified
from adapters.tmforum import resources
from adapters.tmforum.codes import ACKNOWLEDGED, ORDERING, SCHEDULING
from adapters.tmforum.events import JSON
from adapters.tmforum.reader import APPOINTMENT, CANCEL, HUB, ORDER, target
from adapters.tmforum.resources import Members, Shown, instant, period, selected, shown

CREATED, OK, NO_CONTENT, BAD, NOT_FOUND, NOT_ALLOWED, CONFLICT = 201, 200, 204, 400, 404, 405, 409
REFUSED = "Error"


def written(event: str, document: Any, status: int = OK, headers: Mapping[str, str] | None = None) -> Rendered:
    return Rendered(body=minified(document), media_type=JSON, event=event, status=status, headers=headers or {})


def made(api: str, kind: str, resource: Members) -> Rendered:
    return written(kind, resource, CREATED, {"Location": resources.href(api, kind, resource["id"])})


def answer(receipt: Receipt) -> Rendered:
    """A request is one question, or asks for one thing."""
    if receipt.replies:
        reply = receipt.replies[0]
        return _REPLIES[type(reply.intent)](reply, receipt)
    outcome = receipt.outcomes[0]
    if outcome.result == "refused" or outcome.order is None or _nothing_done(outcome):
        return error(CONFLICT, "This cannot be done as things are.", outcome.problems, receipt.message_id)
    return _done(outcome, receipt.at)


# --- orders ------------------------------------------------------------------------------------------------------


def _nothing_done(outcome: Outcome) -> bool:
    """A cancellation is done as a whole or not; of a change some items may be done, and the others have a problem."""
    if isinstance(outcome.intent, ChangeOrder):
        return bool(outcome.problems) and len({one.pointer for one in outcome.problems}) >= len(outcome.intent.lines)
    return bool(outcome.problems) and isinstance(outcome.intent, CancelOrder)


def _done(outcome: Outcome, at: datetime) -> Rendered:
    assert outcome.order is not None
    intent, new = outcome.intent, outcome.result == "accepted"
    fresh = isinstance(intent, PlaceOrder) and new
    one = shown(outcome.order_id, outcome.order, outcome.jobs, at if fresh else None)
    if "task" in _echo(intent):
        return _cancelled(one, _echo(intent)["task"])
    if "appointment" in _echo(intent):
        return _visit(one, _echo(intent))
    told = resources.service_order(one)
    if outcome.problems:
        told["errorMessage"] = [_message(problem, at) for problem in outcome.problems]
    return made(ORDERING, ORDER, _acknowledged(told, one)) if fresh else written(ORDER, told)


def _cancelled(one: Shown, said: Mapping[str, str]) -> Rendered:
    if resources.is_cancelled(one):
        return made(ORDERING, CANCEL, resources.cancellation(one, said))
    detail = "Nothing of this order was ever to be done."
    return error(CONFLICT, detail, (Problem(pointer="/serviceOrder/id", code="nothing_to_cancel", detail=detail),))


def _echo(intent: Document) -> Mapping[str, Any]:
    return {} if isinstance(intent, PlaceOrder) else intent.echo


def _acknowledged(told: Members, one: Shown) -> Members:
    """A new order as it came in: what is to be done is acknowledged, and goes on by events; what is not is rejected."""
    for item in told["serviceOrderItem"]:
        jobs = one.items.get(item["id"], ())
        if any(job.state is not JobState.REJECTED for job in jobs):
            item["state"] = ACKNOWLEDGED
    if any(job.state is not JobState.REJECTED for job in one.jobs):
        told["state"] = ACKNOWLEDGED
    return told


def _message(problem: Problem, at: datetime) -> Members:
    return {"code": problem.code, "reason": problem.detail, "message": problem.pointer, "timestamp": instant(at)}


def _visit(one: Shown, echo: Mapping[str, Any]) -> Rendered:
    visit = resources.visit(one.order_id, one.items.get(echo["appointment"], ()))
    if visit is None:
        return _none("There is no appointment for this item.")
    return made(SCHEDULING, APPOINTMENT, visit) if echo["made"] else written(APPOINTMENT, visit)


# --- questions and what is no order ------------------------------------------------------------------------------


def _queried(reply: Reply, receipt: Receipt) -> Rendered:
    assert isinstance(reply.intent, Query)
    query, echo = reply.intent, reply.intent.echo
    if query.about == "slots":
        return _slots(reply, receipt)
    if query.about == "hold":
        return _hold(reply, receipt)
    if "line" in echo:
        return _appointment(reply)
    kind = echo["resource"]
    found = [_resource(kind, one) for one in reply.found]
    told = [selected(one, echo) for one in found if one is not None]
    if echo.get("listed"):
        counts = {"X-Total-Count": str(reply.total), "X-Result-Count": str(len(told))}
        return written(kind, told, OK, counts)
    return written(kind, told[0]) if told else _none("The order is not cancelled.")


def _resource(kind: str, found: Found) -> Members | None:
    """The order, or its cancellation where it is cancelled."""
    one = shown(found.order_id, found.order, found.jobs, found.created_at)
    if kind == ORDER:
        return resources.service_order(one)
    return resources.cancellation(one, {}) if resources.is_cancelled(one) else None


def _appointment(reply: Reply) -> Rendered:
    assert isinstance(reply.intent, Query)
    echo, found = reply.intent.echo, reply.found[0]
    visit = resources.visit(found.order_id, [job for job in found.jobs if job.line_id == echo["line"]])
    return written(APPOINTMENT, selected(visit, echo)) if visit else _none("There is no appointment for this item.")


def _none(detail: str) -> Rendered:
    return error(NOT_FOUND, detail, (Problem(pointer="", code="not_found", detail=detail),))


def _slots(reply: Reply, receipt: Receipt) -> Rendered:
    """The answer is the task, done; it is not kept, and has no address to read it again."""
    free = [window for windows in reply.slots for window in windows]
    query = reply.intent
    assert isinstance(query, Query)
    told = {
        "id": receipt.message_id,
        "searchDate": instant(receipt.at),
        "searchResult": "success" if free else "fail",
        "status": "done",
        "availableTimeSlot": [{"id": str(number), "validFor": period(window)} for number, window in enumerate(free, 1)],
        "requestedTimeSlot": [{"validFor": period(window)} for window in query.windows],
        **query.echo,
    }
    return written("searchTimeSlot", told, CREATED)


def _hold(reply: Reply, receipt: Receipt) -> Rendered:
    assert isinstance(reply.intent, Query | HoldSlot)
    assert reply.hold is not None
    echo = reply.intent.echo
    if echo.get("deleted"):
        return Rendered(body=b"", media_type=JSON, event=APPOINTMENT, status=NO_CONTENT)
    told = resources.kept(reply.hold)
    if isinstance(reply.intent, HoldSlot) and reply.intent.hold_id is None:
        return made(SCHEDULING, APPOINTMENT, told)
    return written(APPOINTMENT, selected(told, echo))


def _subscribed(reply: Reply, receipt: Receipt) -> Rendered:
    assert isinstance(reply.intent, Subscribe)
    if reply.intent.ends is not None:
        return Rendered(body=b"", media_type=JSON, event=HUB, status=NO_CONTENT)
    number, said = reply.subscription_id or "", dict(reply.intent.echo)
    headers = {"Location": resources.href(said.pop("api"), HUB, number)}
    return written(HUB, {"id": number, **said}, CREATED, headers)


_REPLIES: Mapping[type[Any], Callable[[Reply, Receipt], Rendered]] = {
    Query: _queried,
    HoldSlot: _hold,
    Subscribe: _subscribed,
}


# --- refusals ----------------------------------------------------------------------------------------------------

# The standard knows no 422: what can be read and is wrong is a bad request, too.
_STATUSES = {422: BAD}


def refusal(message: RawMessage, why: Refusal) -> Rendered:
    """Why nothing was taken. Who names an order by the path and misses it is told that it is not there."""
    codes = {problem.code for problem in why.problems}
    there, status = target(message.path), _STATUSES.get(why.status, why.status)
    if "unknown_order" in codes and there is not None and there.number:
        status = NOT_FOUND
    elif message.method == "DELETE" and codes == {"cannot_delete"}:
        status = NOT_ALLOWED
    problems = [Problem(pointer=_place(one.pointer), code=one.code, detail=one.detail) for one in why.problems]
    return error(status, why.detail, problems, why.message_id)


def error(status: int, reason: str, problems: Sequence[Problem], message_id: str = "") -> Rendered:
    """Error has room for one; `errors` of its sub-class has all of them, each with its place."""
    told: Members = {
        "code": problems[0].code if problems else "refused",
        "reason": reason,
        "message": "\n".join(f"{one.pointer or 'document'}: {one.detail}" for one in problems),
        "status": str(status),
        "referenceError": f"urn:stecker:message:{message_id}" if message_id else None,
        "@type": "DocumentError",
        "@baseType": REFUSED,
        "errors": [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in problems],
    }
    return written(REFUSED, resources.present(told), status)


# Our places in their words: what is found out after the translation is told of the canonical order.
_LINE = re.compile(r"/lines/(\d+)(?:/(\w+))?")
_MEMBERS = {
    "line_id": "/id",
    "sku": "/service/serviceSpecification/id",
    "title": "/service/name",
    "notes": "/service/note",
    "hold_id": "/appointment/id",
    "requested_windows": "/appointment",
}
_WHOLE = {
    "/partner_order_id": "/externalId",
    "/customer": "/relatedParty",
    "/service_address": "/serviceOrderItem/0/service/place",
    "/notes": "/note",
    "/lines": "/serviceOrderItem",
}


def _place(pointer: str) -> str:
    line = _LINE.match(pointer)
    if line:
        return f"/serviceOrderItem/{line[1]}{_MEMBERS.get(line[2] or '', f'/{line[2]}' if line[2] else '')}"
    return next((theirs for ours, theirs in _WHOLE.items() if pointer.startswith(ours)), pointer)
