"""What Shopify's answers make of our calls. Errors come with status 200; their texts are never looked at."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters import values
from adapters.contract import Answer, Rendered, Verdict
from adapters.errors import TranslationError
from adapters.objects import minified
from adapters.reading import Unfit, strict_json
from adapters.shopify.codes import ANSWERED, CANCEL_ASKED, IN_HAND, OVER, PASSING, SUBMITTED, UNSUBMITTED, WAITING
from adapters.shopify.graphql import (
    ACCEPT,
    ACCEPT_CANCELLATION,
    ARGUMENTS,
    CLOSE,
    FULFILL,
    REJECT,
    REJECT_CANCELLATION,
    TELL,
    UNDO,
    mutation,
)
from adapters.shopify.orders import INT64

# They would be refused again, whenever they are made; anything else may have another end next time.
FOR_GOOD = frozenset({400, 404, 405, 406, 413, 415, 422})

# The order was asked a moment ago. Where it does not take these any more, another visit's call has come first.
SAID_MEANWHILE = frozenset({ACCEPT, ACCEPT_CANCELLATION})


def judge(call: Rendered, answer: Answer) -> Verdict:
    if not 200 <= answer.status < 300:
        return "failed" if answer.status in FOR_GOOD else "retry"
    told = _json(answer.body)
    payload = _inside(told, "data", call.event)
    if not isinstance(payload, dict):
        return _trouble(told)
    if not payload.get("userErrors") or call.event in SAID_MEANWHILE:
        return "delivered"
    return "failed"


def _trouble(told: Any) -> Verdict:
    """Of an answer without data: whether another time is worth it. Without a word of why it is."""
    errors = told.get("errors") if isinstance(told, dict) else None
    if not isinstance(errors, list) or not errors:
        return "retry"
    return "retry" if any(_inside(error, "extensions", "code") in PASSING for error in errors) else "failed"


def probed(call: Rendered, answer: Answer) -> Rendered | Verdict:
    """The call, now that we know how the order stands; a verdict where it is said already, or never can be."""
    told = _json(answer.body)
    data = _inside(told, "data")
    if not isinstance(data, dict) or "order" not in data or (data["order"] is None and _inside(told, "errors")):
        return _trouble(told)
    frozen = json.loads(call.body)
    stand = Stand(data["order"], frozen["extensions"]["line"], frozen["extensions"]["job"])
    return _NEXT[call.event](call, frozen["variables"], stand)


@dataclass(frozen=True, slots=True)
class Part:
    """A line of ours in a fulfillment order; `alone` where it is the only one there that is left."""

    order: str
    id: str
    status: str
    request: str
    remaining: int
    alone: bool

    @property
    def over(self) -> bool:
        return self.status in OVER or self.request in ANSWERED or not self.remaining


class Stand:
    """An order as Shopify has it: the part that is our line's, and the fulfillment that is our job's."""

    def __init__(self, order: Any, line: str, job: str) -> None:
        self.job = job
        self.cancelled = bool(_inside(order, "cancelledAt"))
        parts = list(_parts(order, line))
        # A part that was cancelled, or moved elsewhere, has another one after it: the newest come first.
        self.part = next((part for part in parts if not part.over), parts[0] if parts else None)
        ours = [one for one in _list(_inside(order, "fulfillments")) if _number(one) == job]
        self.fulfillment = next((one for one in ours if _inside(one, "status") != "CANCELLED"), None)
        self.undone = bool(ours) and self.fulfillment is None


def _number(fulfillment: Any) -> Any:
    (info,) = _list(_inside(fulfillment, "trackingInfo"))[:1] or [None]
    return _inside(info, "number")


def _parts(order: Any, line: str) -> Iterator[Part]:
    for node in _list(_inside(order, "fulfillmentOrders", "nodes")):
        items = _list(_inside(node, "lineItems", "nodes"))
        left = [item for item in items if _left(item)]
        for item in items:
            if _inside(item, "lineItem", "id") == line:
                yield Part(
                    order=str(_inside(node, "id")),
                    id=str(_inside(item, "id")),
                    status=str(_inside(node, "status")),
                    request=str(_inside(node, "requestStatus")),
                    remaining=_left(item),
                    alone=all(other is item for other in left),
                )


def _left(item: Any) -> int:
    left = _inside(item, "remainingQuantity")
    return left if isinstance(left, int) else 0


# --- what to call, by what we want to say -------------------------------------------------------------------------


def _accept(call: Rendered, known: Mapping[str, Any], stand: Stand) -> Rendered | Verdict:
    """Where nothing is asked of us there is nothing to accept: before the request, or without any."""
    part = stand.part
    if part is None:
        return "failed"
    return _filled(call, (ACCEPT,), {**known, "id": part.order}) if part.request == SUBMITTED else "delivered"


def _end(call: Rendered, known: Mapping[str, Any], stand: Stand) -> Rendered | Verdict:
    """A request is refused or given back as a whole: not while it holds other lines, whose visits go on."""
    part = stand.part
    if stand.cancelled or (part is not None and (part.over or (stand.undone and part.request == UNSUBMITTED))):
        return "delivered"
    if part is None:
        return "failed"
    filled = {**known, "id": part.order}
    if part.request == CANCEL_ASKED:
        return _filled(call, (ACCEPT_CANCELLATION,), filled)
    if part.alone and part.request == SUBMITTED:
        return _filled(call, (REJECT,), filled)
    if part.alone and part.request in IN_HAND:
        return _filled(call, (CLOSE,), filled)
    return "failed"


def _fulfill(call: Rendered, known: Mapping[str, Any], stand: Stand) -> Rendered | Verdict:
    """One visit, under our job's number. A request that is open is answered first: we are on the way."""
    part = stand.part
    if stand.fulfillment is not None:
        return "delivered"
    if part is None or part.over:
        return "failed"
    if part.status in WAITING:
        return "retry"
    first = {SUBMITTED: (ACCEPT,), CANCEL_ASKED: (REJECT_CANCELLATION,)}.get(part.request, ())
    visit = {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": part.order, "fulfillmentOrderLineItems": [{"id": part.id, "quantity": 1}]}
        ],
        "trackingInfo": {"number": stand.job},
    }
    return _filled(call, (*first, FULFILL), {"id": part.order, "fulfillment": visit})


def _undo(call: Rendered, known: Mapping[str, Any], stand: Stand) -> Rendered | Verdict:
    there = stand.fulfillment
    return "delivered" if there is None else _filled(call, (UNDO,), {"id": _inside(there, "id")})


def _tell(call: Rendered, known: Mapping[str, Any], stand: Stand) -> Rendered | Verdict:
    event, there = known["fulfillmentEvent"], stand.fulfillment
    if there is None:
        return "failed"
    happened = values.instant(event["happenedAt"])
    for one in _list(_inside(there, "events", "nodes")):
        if _inside(one, "status") == event["status"] and _instant(_inside(one, "happenedAt")) == happened:
            return "delivered"
    return _filled(call, (TELL,), {"fulfillmentEvent": {**event, "fulfillmentId": _inside(there, "id")}})


_NEXT: Mapping[str, Callable[[Rendered, Mapping[str, Any], Stand], Rendered | Verdict]] = {
    ACCEPT: _accept,
    REJECT: _end,
    CLOSE: _end,
    FULFILL: _fulfill,
    TELL: _tell,
    UNDO: _undo,
}


def _filled(call: Rendered, names: tuple[str, ...], known: Mapping[str, Any]) -> Rendered:
    """The last of these calls is what we want to say; what it is called decides over the answer."""
    taken = dict.fromkeys(argument for name in names for argument in ARGUMENTS[name])
    document = {"query": mutation(*names), "variables": {argument: known.get(argument) for argument in taken}}
    return replace(call, body=minified(document), event=names[-1], probe=None)


# --- JSON of unknown shape ----------------------------------------------------------------------------------------


def _json(body: bytes) -> Any:
    try:
        return strict_json(body, INT64)
    except TranslationError:
        return None


def _inside(value: Any, *names: str) -> Any:
    """The member at the end of this way; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _instant(text: Any) -> Any:
    try:
        return values.instant(str(text))
    except Unfit:
        return None
