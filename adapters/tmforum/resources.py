"""What we show: service orders, their items, cancellations, appointments. Times are UTC, to the millisecond."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from adapters.canonical import Hold, Job, JobState, OrderLine, SupportOrder, Window
from adapters.tmforum.codes import BASES, CANCELLED, ENDED, HOLDS, ORDERING, ORDERS, PARTIAL, SCHEDULING, STATES, VISITS

Members = dict[str, Any]

_ALWAYS = ("id", "href")
_GONE = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER})


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def period(window: Window) -> dict[str, str]:
    return {"startDateTime": instant(window.start), "endDateTime": instant(window.end)}


def href(api: str, resource: str, number: str) -> str:
    return f"{BASES[api]}/{resource}/{quote(number, safe='')}"


def selected(resource: Members, echo: Mapping[str, Any]) -> Members:
    """The members that were asked for by `fields`, all without it. The id is always there."""
    fields = echo.get("fields")
    return resource if not fields else {n: value for n, value in resource.items() if n in fields or n in _ALWAYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An order with those of its jobs that are known, by their items; `made` where it is known, too."""

    order_id: str
    order: SupportOrder
    items: Mapping[str, Sequence[Job]]
    made: datetime | None = None

    @property
    def jobs(self) -> list[Job]:
        return [job for jobs in self.items.values() for job in jobs]


def shown(order_id: str | None, order: SupportOrder, jobs: Iterable[Job], made: datetime | None = None) -> Shown:
    items: dict[str, list[Job]] = {}
    for job in jobs:
        items.setdefault(job.line_id, []).append(job)
    return Shown(order_id=order_id or "", order=order, items=items, made=made)


def standing(states: Iterable[JobState]) -> JobState | None:
    """The least advanced state of what goes on; where all has ended, the common end; None where there is none."""
    states = set(states)
    live = states - ENDED
    if live:
        return min(live, key=_RANKS.__getitem__)
    return next(iter(states)) if len(states) == 1 else None


_RANKS = {state: rank for rank, state in enumerate(JobState)}


def item_state(states: Iterable[JobState]) -> str:
    """Of an item's jobs, at least one."""
    state = standing(states)
    return STATES[state] if state else PARTIAL


def order_state(one: Shown) -> str | None:
    """None where not every item's job is known."""
    if not one.items or not all(line.line_id in one.items for line in one.order.lines):
        return None
    state = standing(job.state for job in one.jobs)
    return ORDERS[state] if state else PARTIAL


# --- service orders ----------------------------------------------------------------------------------------------


def service_order(one: Shown) -> Members:
    order, echo = one.order, one.order.echo
    state = order_state(one)
    told: Members = {
        "id": one.order_id,
        "href": href(ORDERING, "serviceOrder", one.order_id),
        "externalId": order.partner_order_id,
        "state": state,
        "orderDate": instant(one.made) if one.made else None,
        **{name: echo.get(name) for name in ("category", "priority", "requestedStartDate", "requestedCompletionDate")},
        "externalReference": echo.get("externalReference"),
        **_dates(one.jobs, state),
        "note": [{"text": order.notes}] if order.notes else None,
        "relatedParty": _parties(order),
        "serviceOrderItem": [_item(one, line) for line in order.lines],
    }
    return present(told)


def present(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}


def _dates(jobs: Sequence[Job], state: str | None) -> Members:
    """When it is expected to be done; or when it was done, or cancelled and why."""
    last = max(jobs, key=lambda job: job.state_since, default=None)
    if last is not None and state == "completed":
        return {"completionDate": instant(last.state_since)}
    if last is not None and state == CANCELLED:
        return {"cancellationDate": instant(last.state_since), "cancellationReason": last.reason and last.reason.code}
    ends = [job.window.end for job in jobs if job.window and job.state not in ENDED]
    return {"expectedCompletionDate": instant(max(ends))} if ends else {}


def _parties(order: SupportOrder) -> list[Members] | None:
    """The customer under the partner's own number; without one the standard has no way to name them."""
    number, person = order.echo.get("customer"), order.customer
    if not number:
        return None
    kind = "Organization" if person.company else "Individual"
    name = person.company or " ".join(filter(None, (person.given_name, person.family_name)))
    return [{"id": number, "name": name, "role": "customer", "@type": "RelatedParty", "@referredType": kind}]


def _item(one: Shown, line: OrderLine) -> Members:
    jobs, echo = one.items.get(line.line_id, ()), line.echo
    told: Members = {
        "id": line.line_id,
        "action": "add",
        "quantity": line.quantity,
        "state": item_state(job.state for job in jobs) if jobs else None,
        "appointment": echo.get("appointment") or _appointment_ref(one.order_id, line, jobs),
        "errorMessage": _errors(jobs) or None,
        "service": _service(line),
        "serviceOrderItemRelationship": [_relation(*pair) for pair in echo.get("relations", ())] or None,
    }
    return present(told)


def _service(line: OrderLine) -> Members:
    """The service by its specification; that of a gateway's own code where an order came in otherwise."""
    number = line.sku or line.service or line.gtin or ""
    told = {
        "serviceType": line.echo.get("serviceType"),
        "name": line.title,
        "serviceSpecification": {"id": number, **line.echo.get("specification", {})},
    }
    return present(told)


def _relation(kind: str, other: str) -> Members:
    """With both members by which the standard means the other item."""
    return present({"relationshipType": kind or None, "orderItem": {"id": other, "itemId": other}})


def _errors(jobs: Sequence[Job]) -> list[Members]:
    return [
        present(
            {
                "code": job.reason.code,
                "reason": job.reason.code.replace("_", " "),
                "message": job.reason.text,
                "timestamp": instant(job.state_since),
            }
        )
        for job in jobs
        if job.reason is not None
    ]


def is_cancelled(one: Shown) -> bool:
    """Whether an item was cancelled, and none is left; what was rejected never was one."""
    states = {job.state for job in one.jobs}
    return states <= _GONE and states != {JobState.REJECTED} and bool(states)


def cancellation(one: Shown, said: Mapping[str, str]) -> Members:
    """The cancellation of an order, under the number of that order; `said` are the words in which it was asked for.

    The standard wants whole URIs as `href` here, and nowhere else; who we are on the web is not known here.
    """
    dates = _dates(one.jobs, CANCELLED)
    told = {
        "id": one.order_id,
        "cancellationReason": dates.get("cancellationReason"),
        "effectiveCancellationDate": dates.get("cancellationDate"),
        **said,
        "state": "done",
        "serviceOrder": {"id": one.order_id},
    }
    return present(told)


# --- appointments ------------------------------------------------------------------------------------------------


def _appointment_ref(order_id: str, line: OrderLine, jobs: Sequence[Job]) -> Members | None:
    if not any(job.window for job in jobs):
        return None
    return _appointment_id(f"{order_id}.{line.line_id}")


def _appointment_id(number: str) -> Members:
    return {"id": number, "href": href(SCHEDULING, "appointment", number)}


def visit(order_id: str, jobs: Sequence[Job]) -> Members | None:
    """The appointment of an item's first visit that goes on, or was; None while there is no time for it."""
    dated = [job for job in jobs if job.window]
    job = next((job for job in dated if job.state not in _GONE), next(iter(dated), None))
    if job is None or job.window is None:
        return None
    return {
        **_appointment_id(f"{order_id}.{job.line_id}"),
        "status": VISITS[job.state],
        "validFor": period(job.window),
        "relatedEntity": [
            {"id": order_id, "role": "serviceOrder", "@referredType": "ServiceOrder"},
            {"id": job.line_id, "role": "serviceOrderItem", "@referredType": "ServiceOrderItem"},
        ],
    }


def kept(hold: Hold) -> Members:
    """The appointment that is a slot kept for an order to come; it ends by itself, which `description` says."""
    told = {
        **_appointment_id(hold.id),
        "status": HOLDS[hold.state],
        "creationDate": instant(hold.created_at),
        "validFor": period(hold.window),
        "description": f"Kept until {instant(hold.until)}" if hold.state == "held" else None,
        **{name: hold.echo.get(name) for name in ("externalId", "category", "relatedEntity")},
    }
    return present(told)
