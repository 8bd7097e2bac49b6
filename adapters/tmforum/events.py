"""Steps of a job as the standard's events, each to the path of its kind below the registered callback."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.canonical import EMPTY, JobState, StatusUpdate
from adapters.contract import Rendered
from adapters.objects import minified
from adapters.tmforum import resources
from adapters.tmforum.codes import INFORMATION, MILESTONES, ORDERING, SCHEDULING, VISITS
from adapters.tmforum.resources import Members, instant, item_state, shown
from adapters.tmforum.settings import PER_EVENT, Settings

JSON = "application/json"

STATE, ATTRIBUTE = "ServiceOrderStateChangeEvent", "ServiceOrderAttributeValueChangeEvent"
MILESTONE, JEOPARDY = "ServiceOrderMilestoneEvent", "ServiceOrderJeopardyEvent"
INFORMATION_REQUIRED = "ServiceOrderInformationRequiredEvent"
APPOINTED, MOVED = "AppointmentCreateEvent", "AppointmentAttributeValueChangeEvent"
APPOINTMENT_STATE = "AppointmentStateChangeEvent"

# What there is to be told at the hub of each interface.
KINDS: Mapping[str, tuple[str, ...]] = {
    ORDERING: (STATE, ATTRIBUTE, MILESTONE, JEOPARDY, INFORMATION_REQUIRED),
    SCHEDULING: (APPOINTED, MOVED, APPOINTMENT_STATE),
}

# What belongs to the customer or never changes is not repeated with every step.
_LEFT_OUT = ("relatedParty", "note")


@dataclass(frozen=True, slots=True)
class Said:
    """One event: its kind, what it adds to the resource, and what it says beside it."""

    kind: str
    adds: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    beside: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


def render(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """All that a step says: of the order first, then of the appointment."""
    order, visit = _order(update), resources.visit(update.job.order_id, [update.job, *update.siblings])
    events = [(ORDERING, {"serviceOrder": {**order, **said.adds}}, said) for said in _of_the_order(update)]
    if visit is not None:
        events += [(SCHEDULING, {"appointment": visit}, said) for said in _of_the_visit(update)]
    return [_event(update, place, *event, settings) for place, event in enumerate(events)]


def _event(update: StatusUpdate, place: int, api: str, resource: Members, said: Said, settings: Settings) -> Rendered:
    """Each event has an id of its own; a step that says several numbers the further ones."""
    document = {
        "eventId": f"{update.event_id}.{place}" if place else update.event_id,
        "eventTime": instant(update.at),
        "eventType": said.kind,
        "correlationId": update.order.partner_order_id,
        "domain": api,
        "title": said.kind,
        "description": update.note or update.type,
        "timeOcurred": instant(update.at),  # so spelt in the standard
        **said.beside,
        "event": resource,
    }
    path = f"/listener/{said.kind[0].lower()}{said.kind[1:]}" if settings.listener == PER_EVENT else ""
    return Rendered(body=minified(document), media_type=JSON, event=said.kind, path=path)


def _order(update: StatusUpdate) -> Members:
    jobs = (update.job, *update.siblings, *update.others)
    whole = resources.service_order(shown(update.job.order_id, update.order, jobs))
    return {name: value for name, value in whole.items() if name not in _LEFT_OUT}


def _of_the_order(update: StatusUpdate) -> Iterator[Said]:
    """Another word for the item, what is reached or in danger, what is missing; else that something is otherwise."""
    quiet = True
    for said in (_state(update), _milestone(update), _jeopardy(update), _missing(update)):
        if said is not None:
            quiet = False
            yield said
    if quiet:
        yield Said(ATTRIBUTE, beside={"fieldPath": "serviceOrderItem"})


def _state(update: StatusUpdate) -> Said | None:
    others = [job.state for job in update.siblings]
    before, after = update.previous_state, item_state([update.job.state, *others])
    known = before is not None and item_state([before, *others]) == after
    return None if known else Said(STATE)


def _milestone(update: StatusUpdate) -> Said | None:
    name = MILESTONES.get(update.job.state)
    if name is None or update.type == "job.eta_changed":
        return None
    window = update.job.window
    told = {
        "id": update.event_id,
        "name": name,
        "status": "reached",
        "milestoneDate": instant(update.at),
        "serviceOrderItem": [_item(update)],
    }
    if window is not None and update.job.state is JobState.SCHEDULED:
        told["message"] = f"{instant(window.start)}/{instant(window.end)}"
    elif update.job.eta is not None and update.job.state is JobState.EN_ROUTE:
        told["message"] = f"Arrival expected at {instant(update.job.eta)}"
    return Said(MILESTONE, {"milestone": [told]})


def _jeopardy(update: StatusUpdate) -> Said | None:
    """The visit is in danger: nobody takes it, whoever took it does not come, or will be late."""
    job = update.job
    late = job.eta is not None and job.window is not None and job.eta > job.window.end
    if job.state is JobState.UNASSIGNABLE:
        name, exception = "noTechnician", "No technician has taken the visit yet."
    elif update.type == "job.unassigned":
        name, exception = "technicianLost", "The technician does not come; another one is looked for."
    elif job.state is JobState.EN_ROUTE and late:
        name, exception = "delay", "The technician will be late."
    else:
        return None
    told = {
        "id": update.event_id,
        "name": name,
        "jeopardyType": "Normal",
        "exception": exception,
        "alertDate": instant(update.at),
        "serviceOrderItem": [_item(update)],
    }
    if job.eta is not None and name == "delay":
        told["message"] = f"Arrival expected at {instant(job.eta)}"
    return Said(JEOPARDY, {"jeopardyAlert": [told]})


def _missing(update: StatusUpdate) -> Said | None:
    job = update.job
    waits = job.state in (JobState.ON_HOLD, JobState.PAUSED) and job.reason is not None
    path = INFORMATION.get(job.reason.code) if waits and job.reason else None
    return Said(INFORMATION_REQUIRED, beside={"fieldPath": path}) if path else None


def _item(update: StatusUpdate) -> Members:
    """The standard requires `id`, and describes `itemId`."""
    return {"id": update.job.line_id, "itemId": update.job.line_id, "serviceOrderId": update.job.order_id}


def _of_the_visit(update: StatusUpdate) -> Iterator[Said]:
    before, after = update.previous_state, update.job.state
    if before is None or VISITS[before] != VISITS[after]:
        first = VISITS[after] == "confirmed" and (before is None or VISITS[before] == "initialized")
        yield Said(APPOINTED if first else APPOINTMENT_STATE)
    elif update.type == "job.rescheduled":
        yield Said(MOVED, beside={"fieldPath": "validFor"})
