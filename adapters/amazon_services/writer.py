"""How a job goes on, as calls of Amazon's API, and what its answers make of them.

There is no idempotency key: before each call the job is read, and what is so already is not said again.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from adapters.amazon_services.codes import ENDED, FULFIL, JOBS, JSON, READ, STATES
from adapters.amazon_services.settings import Settings
from adapters.canonical import JobState, Receipt, StatusUpdate, Window
from adapters.contract import Rendered
from adapters.objects import minified

APPOINTMENT = "{appointmentId}"
"""A hole in a path, for the appointment that is active there when the call is made."""


def job_path(job_id: str) -> str:
    return f"{JOBS}/{quote(job_id, safe='')}"


def calls(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """Amazon's job has one appointment and one end: of several visits the first open one speaks for all, and the end is
    said when all have ended. It is completion as soon as one of them was completed."""
    state = update.job.state
    if STATES[state] is None:
        return []
    others = [job.state for job in update.siblings if job.state not in ENDED]
    if state in ENDED:
        if others:
            return []
        done = JobState.COMPLETED in (state, *(job.state for job in update.siblings))
        state = JobState.COMPLETED if done else state
    elif any(job.unit < update.job.unit for job in update.siblings if job.state not in ENDED):
        return []
    return _CALLS[state](update, settings)


def _call(update: StatusUpdate, event: str, method: str, path: str, document: Mapping[str, Any]) -> Rendered:
    whole = job_path(update.job.partner_order_id)
    probe = Rendered(body=b"", media_type=JSON, event=READ, method="GET", path=whole)
    return Rendered(
        body=minified(document), media_type=JSON, event=event, method=method, path=f"{whole}/{path}", probe=probe
    )


def _appointment(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """Another appointment with its reason, or, as the probe will show, the first one without."""
    window = update.job.window
    if window is None:
        return []
    minutes = int((window.end - window.start).total_seconds()) // 60
    document = {
        "appointmentTime": {"startTime": utc(window.start), "durationInMinutes": max(minutes, 1)},
        "rescheduleReasonCode": settings.rescheduling(update.reason),
    }
    return [_call(update, _word(update), "POST", f"appointments/{APPOINTMENT}", document)]


def _resources(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """Who comes; `{}` is somebody whom Amazon does not know, and then the probe is all."""
    resource = settings.resource(update.job.technician)
    named = {"resourceId": resource} if resource else {}
    return [_call(update, _word(update), "PUT", f"appointments/{APPOINTMENT}/resources", {"resources": [named]})]


def _arrival(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """When the technician will be there: from the ETA on, or within the window."""
    eta, window = update.job.eta, update.job.window
    if eta is not None:
        window = Window(start=eta, end=eta + timedelta(minutes=settings.arrival_minutes))
    return [_fulfilment(update, settings, "estimatedArrivalTime", window)] if window else []


def _completion(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """When the work was done and by whom, where we know, and that it is."""
    told = [_fulfilment(update, settings, "fulfillmentTime", update.work)] if update.work else []
    return [*told, _call(update, STATES[JobState.COMPLETED] or "", "PUT", "completions", {})]


def _fulfilment(update: StatusUpdate, settings: Settings, name: str, time: Window) -> Rendered:
    resource = settings.resource(update.job.technician)
    document = {
        name: {"startTime": utc(time.start), "endTime": utc(time.end)},
        **({"appointmentResources": [{"resourceId": resource}]} if resource else {}),
    }
    return _call(update, FULFIL, "PUT", f"appointments/{APPOINTMENT}/fulfillment", document)


def _cancellation(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    code = settings.cancellation(update.reason or update.job.reason)
    return [_call(update, _word(update), "PUT", f"cancellations?cancellationReasonCode={code}", {})]


def _word(update: StatusUpdate) -> str:
    return STATES[update.job.state] or ""


_CALLS: Mapping[JobState, Callable[[StatusUpdate, Settings], list[Rendered]]] = {
    JobState.REJECTED: _cancellation,
    JobState.SCHEDULED: _appointment,
    JobState.ASSIGNED: _resources,
    JobState.EN_ROUTE: _arrival,
    JobState.COMPLETED: _completion,
    JobState.FAILED: _cancellation,
    JobState.CANCELLED: _cancellation,
}


def utc(at: datetime) -> str:
    """The one form that Amazon takes: UTC with `Z`, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer(receipt: Receipt) -> Rendered:
    """For whoever brings a job by hand: Amazon itself waits for no answer."""
    outcomes = receipt.outcomes
    jobs = [
        {"serviceJobId": _number(outcome.intent), "orderId": outcome.order_id, "result": outcome.result}
        for outcome in outcomes
    ]
    errors = [
        {"code": problem.code, "message": problem.detail, "details": problem.pointer}
        for outcome in outcomes
        for problem in outcome.problems
    ]
    new = any(outcome.result == "accepted" for outcome in outcomes)
    document = {"payload": {"jobs": jobs}, **({"errors": errors} if errors else {})}
    return Rendered(body=minified(document), media_type=JSON, event=READ, status=201 if new else 200)


def _number(intent: Any) -> str:
    """Of an order that came through another door, too."""
    found: str = getattr(intent, "order", intent).partner_order_id
    return found
