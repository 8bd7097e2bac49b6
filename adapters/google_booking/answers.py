"""What the booking server answers. What the business does not allow is HTTP 200, with a `booking_failure`."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.canonical import (
    CancelOrder,
    Document,
    Found,
    Job,
    JobState,
    Outcome,
    PlaceOrder,
    Query,
    Receipt,
    Refusal,
    Reply,
    SupportOrder,
)
from adapters.contract import Rendered
from adapters.errors import Problem
from adapters.google_booking.codes import (
    ALREADY_CANCELLED,
    ERRORS,
    NO_PAYMENT,
    NOT_CANCELLABLE,
    OVER,
    PAYMENT_ERROR,
    SLOT_UNAVAILABLE,
    stands,
)
from adapters.google_booking.settings import Settings
from adapters.google_booking.slots import services_of

JSON = "application/json"
TYPE = "type.googleapis.com/google.rpc."
INVALID = 400
MOST_VIOLATIONS = 100

# Refusals that are the business's, by the code of the gateway's problem. Any other is an error of the request or ours.
_OF_THE_BUSINESS = frozenset({"conflict", "illegal-transition"})

Members = dict[str, Any]


def written(event: str, document: Members, status: int = 200) -> Rendered:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Rendered(body=body, media_type=JSON, event=event, status=status)


def answer(receipt: Receipt, settings: Settings) -> Rendered:
    """A request is one question, or one booking made or changed; known or new, the answer is the same."""
    if receipt.replies:
        reply = receipt.replies[0]
        method = _echo(reply)["method"]
        return written(method, _REPLIES[method](reply, receipt.at, settings))
    outcome = receipt.outcomes[0]
    method = "CreateBooking" if isinstance(outcome.intent, PlaceOrder) else "UpdateBooking"
    if _unknown_service(outcome):
        problem = Problem(pointer="/slot/service_id", code="unknown_service", detail="This is not a service of ours.")
        return error(method, INVALID, "The slot has no service of ours.", [problem], receipt.message_id)
    return written(method, _done(outcome, settings))


# --- bookings ----------------------------------------------------------------------------------------------------


def _unknown_service(outcome: Outcome) -> bool:
    """Google calls that an invalid argument, no failure of a booking."""
    made = isinstance(outcome.intent, PlaceOrder)
    return made and any(job.reason is not None and job.reason.code == "unknown_service" for job in outcome.jobs)


def _done(outcome: Outcome, settings: Settings) -> Members:
    rejected = isinstance(outcome.intent, PlaceOrder) and all(job.state is JobState.REJECTED for job in outcome.jobs)
    if outcome.result == "refused" or outcome.order is None or outcome.problems or rejected:
        return _failure(outcome.intent, outcome.problems, outcome.jobs)
    return {"booking": booking(outcome.order_id or "", outcome.order, outcome.jobs, settings)}


def _failure(intent: Document | None, problems: Sequence[Problem], jobs: Sequence[Job] = ()) -> Members:
    """`description` is for people who look for the cause; it never says what was sent."""
    if any(problem.code == NO_PAYMENT for problem in problems):
        cause = PAYMENT_ERROR
    elif any(job.state is JobState.CANCELLED for job in jobs):
        cause = ALREADY_CANCELLED
    else:
        cause = NOT_CANCELLABLE if isinstance(intent, CancelOrder) else SLOT_UNAVAILABLE
    said = dict.fromkeys(problem.detail for problem in problems) or {"The booking cannot be taken.": None}
    return {"booking_failure": {"cause": cause, "description": " ".join(said)}}


def booking(order_id: str, order: SupportOrder, jobs: Sequence[Job], settings: Settings) -> Members:
    """An order as Google's Booking: one visit. Its address is not repeated, nobody needs it."""
    told: Members = {"booking_id": order_id, "slot": slot(order, jobs[0] if jobs else None, settings)}
    told["user_information"] = _user(order)
    if jobs:
        told["status"] = stands(jobs[0])
    if order.echo.get("prepayment_status"):
        told["payment_information"] = {"prepayment_status": order.echo["prepayment_status"]}
    return told


def ids(order: SupportOrder, settings: Settings) -> Members:
    """Merchant and service as our feeds call them; from our side where the booking was not made through Google."""
    known = order.echo.get("slot", {})
    return {
        "merchant_id": settings.merchant_id,
        "service_id": settings.service_id(order.lines[0].sku or order.lines[0].service or ""),
        **known,
    }


def slot(order: SupportOrder, job: Job | None, settings: Settings) -> Members:
    """At the time at which the visit is now."""
    told = ids(order, settings)
    window = job.window if job is not None else None
    window = window or next(iter(order.lines[0].requested_windows), None)
    if window is not None:
        told["start_sec"] = str(int(window.start.timestamp()))
        told["duration_sec"] = str(int((window.end - window.start).total_seconds()))
    return told


def _user(order: SupportOrder) -> Members:
    person = order.customer
    told = {
        "user_id": order.echo.get("customer"),
        "given_name": person.given_name,
        "family_name": person.family_name,
        "telephone": person.phone,
        "email": person.email,
        "language_code": person.language,
    }
    return {name: item for name, item in told.items() if item is not None}


# --- questions ---------------------------------------------------------------------------------------------------


def _echo(reply: Reply) -> Mapping[str, Any]:
    assert isinstance(reply.intent, Query)
    return reply.intent.echo


def _healthy(reply: Reply, at: datetime, settings: Settings) -> Members:
    return {"status": "SERVING"}


def _batch(reply: Reply, at: datetime, settings: Settings) -> Members:
    asked = _echo(reply)["slots"]
    free = _free(reply, asked)
    return {"slot_time_availability": [{"slot_time": one, "available": free(one)} for one in asked]}


def _check(reply: Reply, at: datetime, settings: Settings) -> Members:
    asked = _echo(reply)["slots"]
    free = _free(reply, asked)
    return {"slot": asked[0], "count_available": int(free(asked[0]))}


def _free(reply: Reply, asked: list[Members]) -> Callable[[Members], bool]:
    """Whether there is a window exactly where a slot is; of a slot that names no duration, one that starts with it."""
    known = {
        (service, int(window.start.timestamp()), seconds)
        for service, windows in zip(services_of(asked), reply.slots, strict=True)
        for window in windows
        for seconds in (0, int((window.end - window.start).total_seconds()))
    }
    return lambda one: (one["service_id"], int(one["start_sec"]), int(one.get("duration_sec", 0))) in known


def _status(reply: Reply, at: datetime, settings: Settings) -> Members:
    found = reply.found[0]
    told: Members = {"booking_id": found.order_id}
    if found.jobs:
        told["booking_status"] = stands(found.jobs[0])
    if found.order.echo.get("prepayment_status"):
        told["prepayment_status"] = found.order.echo["prepayment_status"]
    return told


def _list(reply: Reply, at: datetime, settings: Settings) -> Members:
    """Only what is still to come: Google wants no past bookings, and no cancelled ones."""
    coming = [found for found in reply.found if _to_come(found, at)]
    return {"bookings": [booking(found.order_id, found.order, found.jobs, settings) for found in coming]}


def _to_come(found: Found, at: datetime) -> bool:
    return any(job.state not in OVER and (job.window is None or job.window.end > at) for job in found.jobs)


_REPLIES: Mapping[str, Callable[[Reply, datetime, Settings], Members]] = {
    "HealthCheck": _healthy,
    "BatchAvailabilityLookup": _batch,
    "CheckAvailability": _check,
    "GetBookingStatus": _status,
    "ListBookings": _list,
}


# --- refusals ----------------------------------------------------------------------------------------------------


def refusal(why: Refusal) -> Rendered:
    """A `booking_failure` for what the business does not allow, else an error as all APIs of Google say it."""
    intent = next((one for one in why.intents if isinstance(one, Document)), None)
    if why.code == "unsupported" or (intent is not None and why.code in _OF_THE_BUSINESS):
        return written("booking_failure", _failure(intent, why.problems))
    status = INVALID if why.code == "invalid" else why.status
    return error("error", status, why.detail, why.problems, why.message_id)


def error(event: str, status: int, message: str, problems: Sequence[Problem], request_id: str) -> Rendered:
    """google.rpc.Status in JSON, https://google.aip.dev/193, with every fault in its BadRequest."""
    faults = [
        {"field": problem.pointer, "description": problem.detail, "reason": problem.code.upper()}
        for problem in problems[:MOST_VIOLATIONS]
    ]
    details: list[Members] = [{"@type": f"{TYPE}RequestInfo", "requestId": request_id}]
    if faults:
        details.append({"@type": f"{TYPE}BadRequest", "fieldViolations": faults})
    told = {"code": status, "message": message, "status": ERRORS.get(status, "INTERNAL"), "details": details}
    return written(event, {"error": told}, status)
