"""What is to happen to a job: the steps of a scenario, or the way to a state. Pure.

A step says what such a step says in earnest: who comes, when, and at what hour, where nobody else has said so.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from adapters.canonical import Job, JobState, Technician, Window
from gateway.jobs.lifecycle import Step as Edge
from gateway.jobs.lifecycle import lifecycle
from gateway.jobs.moving import REDATING, Move
from gateway.sandbox.scenarios import Scenario

# The way of a job when nothing goes wrong; the way to a state keeps to it as long as it can.
TRUNK = (
    JobState.RECEIVED,
    JobState.UNSCHEDULED,
    JobState.SCHEDULED,
    JobState.OFFERED,
    JobState.ASSIGNED,
    JobState.CONFIRMED,
    JobState.EN_ROUTE,
    JobState.ON_SITE,
    JobState.IN_PROGRESS,
    JobState.WORK_DONE,
    JobState.COMPLETED,
)
ON_TRUNK = frozenset(pairwise(TRUNK))
# Before anybody has been asked to come, a scenario may first bring a job to where it begins.
EARLY = frozenset({JobState.RECEIVED, JobState.ON_HOLD, JobState.UNSCHEDULED})
ASIDE = 10
PAUSE = 300
"""Seconds between two steps on the way to a state."""

TECHNICIANS = (Technician(id="sandbox-1", name="Robin Muster"), Technician(id="sandbox-2", name="Kim Beispiel"))
DRIVE, LATER = timedelta(minutes=30), timedelta(minutes=15)


class NoWay(Exception):
    """The lifecycle does not lead there from this state."""

    def __init__(self, state: JobState) -> None:
        self.state = state
        super().__init__(f"no way from {state}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One step of one job, as it is kept in a run; `after` so many seconds."""

    job_id: str
    line_id: str
    event: str
    to: str
    actor: str
    after: int
    reason: str | None = None
    text: str | None = None
    note: str | None = None
    days: int = 1
    technician: int = 1

    def record(self) -> dict[str, Any]:
        return asdict(self)


def of_scenario(scenario: Scenario, jobs: Mapping[str, str]) -> list[Planned]:
    """Its steps; `jobs` are their ids by their lines."""
    return [
        Planned(
            job_id=jobs[step.line],
            line_id=step.line,
            event=step.event,
            to=step.to,
            actor=step.actor,
            after=step.after,
            reason=step.reason,
            note=step.note,
            days=step.days,
            technician=step.technician,
        )
        for step in scenario.steps
    ]


def joined(scenario: Scenario, job: Job) -> list[Planned]:
    """The steps of a scenario of one line for a job that is there already. Raises `NoWay` from its state.

    A job that waits to be dated is brought first to where the scenario begins.
    """
    steps = of_scenario(scenario, {scenario.lines[0].line_id: job.id})
    steps = [replace(step, line_id=job.line_id) for step in steps]
    if scenario.lines[0].wished_in is not None and job.state in EARLY:
        return until(job, JobState.SCHEDULED) + steps
    if _is_legal(job.state, steps[0]):
        return steps
    raise NoWay(job.state)


def until(job: Job, state: JobState, reason: str | None = None) -> list[Planned]:
    """The way to a state; nothing where the job is there. `reason` is for the last step. Raises `NoWay`."""
    edges = _way(job.state, state)
    steps = [_planned(job, edge) for edge in edges]
    if steps and reason is not None:
        steps[-1] = replace(steps[-1], reason=reason)
    return steps


def _way(source: JobState, target: JobState) -> list[Edge]:
    """Dijkstra's: a step along the trunk costs one, a step aside ten."""
    numbers = count()
    waiting: list[tuple[int, int, JobState, list[Edge]]] = [(0, next(numbers), source, [])]
    seen: set[JobState] = set()
    while waiting:
        cost, _, state, way = heapq.heappop(waiting)
        if state is target:
            return way
        if state in seen:
            continue
        seen.add(state)
        for edge in lifecycle().steps:
            if edge.source is state and edge.target not in seen:
                price = 1 if (edge.source, edge.target) in ON_TRUNK else ASIDE
                heapq.heappush(waiting, (cost + price, next(numbers), edge.target, [*way, edge]))
    raise NoWay(source)


def _planned(job: Job, edge: Edge) -> Planned:
    reasons = lifecycle().document["reasons"].get(edge.reasons, {})
    return Planned(
        job_id=job.id,
        line_id=job.line_id,
        event=edge.event,
        to=edge.target,
        actor=actors(edge)[0],
        after=PAUSE,
        reason=next(iter(reasons), None),
    )


def _is_legal(state: JobState, step: Planned) -> bool:
    return any(edge.target == step.to and edge.event == step.event for edge in lifecycle().legal(state, step.actor))


def actors(edge: Edge) -> list[str]:
    """Who may take it, in the order of the lifecycle."""
    return [actor for actor in lifecycle().actors if actor in edge.by]


def legal(state: JobState) -> Sequence[Edge]:
    return [edge for edge in lifecycle().steps if edge.source is state]


def move(step: Planned, job: Job, now: datetime) -> Move:
    """The step as a wish, with what such a step says."""
    return told(
        Move(to=JobState(step.to), actor=step.actor, reason=step.reason, text=step.text, note=step.note),
        step.event,
        job,
        now,
        days=step.days,
        technician=TECHNICIANS[step.technician - 1],
    )


def told(
    wish: Move, event: str, job: Job, now: datetime, *, days: int = 1, technician: Technician = TECHNICIANS[0]
) -> Move:
    """The wish, with a window, a technician and an hour of arrival where the step needs one and it says none."""
    if wish.to is JobState.SCHEDULED and wish.window is None:
        old = job.window if job.window and job.window.end > now else None
        if event in REDATING or old is None:
            wish = replace(wish, window=_window(job, now, days))
    if wish.to is JobState.ASSIGNED and wish.technician is None:
        wish = replace(wish, technician=technician)
    if wish.to is JobState.EN_ROUTE and wish.eta is None:
        wish = replace(wish, eta=job.eta + LATER if job.eta else now + DRIVE)
    return wish


def _window(job: Job, now: datetime, days: int) -> Window:
    """The old one so many days later, in the time of the place; else the morning of the day."""
    zone = ZoneInfo(job.timezone)
    if job.window and job.window.end + timedelta(days=days) > now:
        start, end = (at.astimezone(zone) + timedelta(days=days) for at in (job.window.start, job.window.end))
    else:
        day = now.astimezone(zone) + timedelta(days=days)
        start, end = (day.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (8, 12))
    return Window(start=start, end=end)
