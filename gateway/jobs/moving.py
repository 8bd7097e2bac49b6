"""How a job moves on: from a wish to its next event, or to the reason why not. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adapters.canonical import Job, JobState, Technician, Window
from gateway.jobs.lifecycle import IllegalTransition, Step, lifecycle

# Back before the visit: whoever was assigned is not any more.
UNASSIGNED = frozenset({JobState.UNSCHEDULED, JobState.SCHEDULED, JobState.OFFERED, JobState.UNASSIGNABLE})
# These events give the job another date than it had.
REDATING = frozenset({"job.rescheduled", "job.revisit", "job.rework", "job.follow_up"})
CLOCK_SKEW = timedelta(minutes=5)
# How long a technician's telephone may have been without a network.
OFFLINE = timedelta(days=7)


class InvalidMove(Exception):
    """The move says too little, or something impossible; `pointer` and `code` say what."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        self.pointer, self.code, self.detail = pointer, code, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A wish to take a job somewhere. `at` is when it happened at the customer's place; now, where it is left out."""

    to: JobState
    actor: str
    reason: str | None = None
    text: str | None = None
    at: datetime | None = None
    eta: datetime | None = None
    window: Window | None = None
    technician: Technician | None = None
    proof: tuple[Any, ...] = ()
    note: str | None = None


def says_nothing_new(job: Job, move: Move) -> bool:
    """The job is already there, and the move tells nothing that the job does not know."""
    return (
        move.to is job.state
        and move.eta in (None, job.eta)
        and move.window in (None, job.window)
        and move.technician in (None, job.technician)
    )


def moved(job: Job, move: Move, now: datetime) -> tuple[Step, Job]:
    """The step and the job after it. Raises `IllegalTransition`, `WrongReason` or `InvalidMove`."""
    step = lifecycle().step(job.state, move.to, move.actor)
    if step.source is step.target and move.technician not in (None, job.technician):
        raise IllegalTransition(job.state, lifecycle().legal(job.state, move.actor))
    reason = lifecycle().reason(step, move.reason, move.text)
    at = _moment(move, now)
    keeps = move.to not in UNASSIGNED
    return step, replace(
        job,
        state=move.to,
        status=lifecycle().statuses[move.to],
        sequence=job.sequence + 1,
        state_since=job.state_since if step.source is step.target else at,
        reason=reason,
        window=_window(job, move, step, now),
        technician=(move.technician or job.technician) if keeps else None,
        eta=(move.eta or job.eta) if move.to is JobState.EN_ROUTE else None,
        actions=lifecycle().actions(move.to, "partner"),
    )


def _moment(move: Move, now: datetime) -> datetime:
    if move.at is not None and move.at > now + CLOCK_SKEW:
        raise InvalidMove("/at", "in_the_future", "This has not happened yet.")
    if move.at is not None and move.at < now - OFFLINE:
        raise InvalidMove("/at", "too_long_ago", f"A step is told within {OFFLINE.days} days.")
    return move.at or now


def _window(job: Job, move: Move, step: Step, now: datetime) -> Window | None:
    window = move.window or (None if step.event in REDATING else job.window)
    if move.to is JobState.UNSCHEDULED:
        return None
    if move.to is JobState.SCHEDULED and window is None:
        raise InvalidMove("/window", "required", "A scheduled job needs its window.")
    if move.to is not JobState.SCHEDULED and move.window not in (None, job.window):
        raise InvalidMove("/window", "not_taken", "Only a step to scheduled sets a window.")
    if move.window and move.window.start >= move.window.end:
        raise InvalidMove("/window/end", "not_after_start", "The window ends before it starts.")
    if window and move.to is JobState.SCHEDULED and window.end <= now:
        raise InvalidMove("/window", "in_the_past", "The window has passed already.")
    return window
