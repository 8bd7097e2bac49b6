"""What Amazon's answers make of our calls. Their texts are never looked at: they hold no-break spaces, and change."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from adapters import values
from adapters.amazon_services.codes import ACTIVE, ADD, ASSIGN, CANCEL, CANCELLED, COMPLETE, COMPLETED, RESCHEDULE
from adapters.amazon_services.reader import errors
from adapters.amazon_services.writer import APPOINTMENT
from adapters.contract import Answer, Rendered, Verdict
from adapters.errors import TranslationError
from adapters.objects import minified
from adapters.reading import Unfit, strict_json

# They would be refused again, whenever they are made; anything else may have another end next time.
FOR_GOOD = frozenset({400, 404, 405, 413, 415, 422})


def judge(answer: Answer) -> Verdict:
    if 200 <= answer.status < 300:
        return "failed" if errors(_json(answer.body)) else "delivered"
    return "failed" if answer.status in FOR_GOOD else "retry"


def probed(call: Rendered, answer: Answer) -> Rendered | Verdict:
    """The call, now that we know how the job stands."""
    told = _json(answer.body)
    job = told.get("payload") if isinstance(told, dict) else None
    if not isinstance(job, dict):
        return "retry"
    status, ready = job.get("serviceJobStatus"), replace(call, probe=None)
    if call.event in (CANCEL, COMPLETE):
        done, lost = (CANCELLED, COMPLETED) if call.event == CANCEL else (COMPLETED, CANCELLED)
        return "delivered" if status == done else "failed" if status == lost else ready
    if status in (CANCELLED, COMPLETED):
        return "failed"
    active = _active(job)
    if call.event == ADD:
        return _appointment(ready, active)
    if call.event == ASSIGN and json.loads(call.body) == {"resources": [{}]}:
        return "delivered"
    return _filled(ready, active) if active else "failed"


def _appointment(call: Rendered, active: dict[str, Any] | None) -> Rendered | Verdict:
    document = json.loads(call.body)
    if active is None:
        first = {"appointmentTime": document["appointmentTime"]}
        return replace(call, body=minified(first), path=call.path.removesuffix(f"/{APPOINTMENT}"))
    there = _when(active.get("appointmentTime"))
    if there is not None and there == _when(document["appointmentTime"]):
        return "delivered"
    return replace(_filled(call, active), event=RESCHEDULE)


def _filled(call: Rendered, active: dict[str, Any]) -> Rendered:
    return replace(call, path=call.path.replace(APPOINTMENT, quote(active["appointmentId"], safe="")))


def _active(job: dict[str, Any]) -> dict[str, Any] | None:
    found = job.get("appointments")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and one.get("appointmentStatus") == ACTIVE:
            name = one.get("appointmentId")
            return one if isinstance(name, str) and name else None
    return None


def _when(time: Any) -> tuple[Any, timedelta] | None:
    """Start and length, however they are written; None for what is no such time."""
    try:
        return values.instant(time["startTime"]), timedelta(minutes=int(time["durationInMinutes"]))
    except (Unfit, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _json(body: bytes) -> Any:
    try:
        return strict_json(body)
    except TranslationError:
        return None
