"""How a job begins: from an order line to its first two events. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from adapters.canonical import EMPTY, Job, JobState, OrderLine, StatusUpdate, SupportOrder, Window
from gateway.catalogue.service import TIMEZONES
from gateway.jobs.lifecycle import lifecycle

NewId = Callable[[str], str]
Verdict = tuple[JobState, str | None, Window | None]
"""Where a job goes from `received`, why, and for when."""

# A job in one of these has ended, though a dispute or a rework may open some of them again.
ENDED = frozenset({JobState.REJECTED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.HANDED_OVER})

# The statuses of an order nobody has to go to any more.
OVER = frozenset({*(lifecycle().statuses[state] for state in ENDED), "partial"})


def order_status(states: Iterable[JobState]) -> str:
    """An order's status: that of its least advanced live job; when all have ended, their common end, else `partial`."""
    states = tuple(states)
    life = lifecycle()
    live = [state for state in states if state not in ENDED]
    if live:
        return life.statuses[min(live, key=life.rank.__getitem__)]
    ends = {life.statuses[state] for state in states}
    return ends.pop() if len(ends) == 1 else "partial"


def open_jobs(
    order: SupportOrder,
    blank: Job,
    services: Mapping[str, str | None],
    new_id: NewId,
    refusals: Mapping[str, str] = EMPTY,
) -> list[StatusUpdate]:
    """Two events for each unit of each line; `blank` carries what all jobs of the order share, and the time.

    `refusals` are the reasons of lines that are rejected whatever they name.
    """
    updates = [
        update
        for line in order.lines
        for update in _open_line(
            order, line, replace(blank, service=services[line.line_id]), new_id, refusals.get(line.line_id)
        )
    ]
    if len(order.lines) == 1:
        return updates
    opened = [update.job for update in updates[1::2]]
    return [
        replace(update, others=tuple(job for job in opened if job.line_id != update.job.line_id)) for update in updates
    ]


def blank(order: SupportOrder, order_id: str, environment: str, now: datetime) -> Job:
    """What all jobs of an order have in common on the day it arrives."""
    return Job(
        id="",
        order_id=order_id,
        partner_order_id=order.partner_order_id,
        environment=environment,
        line_id="",
        unit=0,
        service=None,
        sku=None,
        state=JobState.RECEIVED,
        status=lifecycle().statuses[JobState.RECEIVED],
        sequence=1,
        state_since=now,
        timezone=TIMEZONES.get(order.service_address.country, "UTC"),
    )


def _open_line(
    order: SupportOrder, line: OrderLine, base: Job, new_id: NewId, refusal: str | None
) -> list[StatusUpdate]:
    units = range(1, line.quantity + 1)
    verdict = _verdict(order, line, base.service, base.state_since, refusal)
    updates = [update for unit in units for update in _open(order, line, unit, base, new_id, verdict)]
    if line.quantity == 1:
        return updates
    opened = [update.job for update in updates[1::2]]
    return [replace(update, siblings=tuple(job for job in opened if job.id != update.job.id)) for update in updates]


def _open(
    order: SupportOrder, line: OrderLine, unit: int, base: Job, new_id: NewId, verdict: Verdict
) -> tuple[StatusUpdate, ...]:
    received = replace(
        base,
        id=new_id("job"),
        line_id=line.line_id,
        unit=unit,
        sku=line.sku,
        actions=lifecycle().actions(JobState.RECEIVED, "partner"),
    )
    target, reason, window = verdict
    step = lifecycle().step(JobState.RECEIVED, target, "system")
    decided = replace(
        received,
        state=target,
        status=lifecycle().statuses[target],
        sequence=2,
        reason=lifecycle().reason(step, reason, None),
        window=window,
        actions=lifecycle().actions(target, "partner"),
    )
    return (
        _said(order, "job.received", None, received, new_id),
        _said(order, step.event, JobState.RECEIVED, decided, new_id),
    )


def _verdict(order: SupportOrder, line: OrderLine, service: str | None, now: datetime, refusal: str | None) -> Verdict:
    if refusal is not None:
        return JobState.REJECTED, refusal, None
    if service is None:
        return JobState.REJECTED, "unknown_service", None
    if order.service_address.country not in TIMEZONES:
        return JobState.REJECTED, "not_serviceable", None
    ahead = next((window for window in line.requested_windows if window.start > now), None)
    return (JobState.SCHEDULED, None, ahead) if ahead else (JobState.UNSCHEDULED, None, None)


def _said(order: SupportOrder, event: str, previous: JobState | None, job: Job, new_id: NewId) -> StatusUpdate:
    return StatusUpdate(
        event_id=new_id("evt"),
        type=event,
        at=job.state_since,
        actor="system",
        previous_state=previous,
        job=job,
        order=order,
        reason=job.reason,
    )
