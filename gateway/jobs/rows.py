"""Between table rows and the canonical job."""

from dataclasses import asdict
from typing import Any

from adapters.canonical import Job, JobState, Reason, Technician, Window
from gateway.jobs import tables
from gateway.jobs.lifecycle import lifecycle


def job_of(row: tables.Job, *actors: str) -> Job:
    """The job as these actors see it: their legal actions, each event once."""
    state = JobState(row.state)
    actions = {action.event: action for actor in actors for action in lifecycle().actions(state, actor)}
    return Job(
        id=row.id,
        order_id=row.order_id,
        partner_order_id=row.partner_order_id,
        environment=row.environment,
        line_id=row.line_id,
        unit=row.unit,
        service=row.service,
        sku=row.sku,
        state=state,
        status=lifecycle().statuses[state],
        sequence=row.sequence,
        state_since=row.state_since,
        timezone=row.timezone,
        window=Window(start=row.window_start, end=row.window_end) if row.window_start and row.window_end else None,
        eta=row.eta,
        technician=Technician(**row.technician) if row.technician else None,
        reason=Reason(**row.reason) if row.reason else None,
        actions=tuple(actions.values()),
    )


def changing(job: Job) -> dict[str, Any]:
    """The columns that a step may change."""
    return {
        "state": job.state,
        "sequence": job.sequence,
        "state_since": job.state_since,
        "window_start": job.window.start if job.window else None,
        "window_end": job.window.end if job.window else None,
        "eta": job.eta,
        "technician": asdict(job.technician) if job.technician else None,
        "reason": asdict(job.reason) if job.reason else None,
    }


def fixed(job: Job) -> dict[str, Any]:
    """The columns that never change."""
    return {
        "id": job.id,
        "environment": job.environment,
        "order_id": job.order_id,
        "partner_order_id": job.partner_order_id,
        "line_id": job.line_id,
        "unit": job.unit,
        "service": job.service,
        "sku": job.sku,
        "timezone": job.timezone,
    }
