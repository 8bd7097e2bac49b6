"""How a run begins: for a job that is there, or with an order that is placed as the partner would place it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from adapters.canonical import Job, JobState
from adapters.contract import RawMessage
from adapters.errors import Problem as Fault
from adapters.plain import reader as plain
from gateway.call import Call
from gateway.errors import Problem
from gateway.intake import service as intake
from gateway.intake.arrival import Arrival
from gateway.jobs.rows import job_of
from gateway.sandbox import planning, runs, samples
from gateway.sandbox.documents import illegal
from gateway.sandbox.planning import NoWay
from gateway.sandbox.runs import NewRun
from gateway.sandbox.scenarios import Scenario, scenarios
from gateway.sandbox.seeded import Noted
from gateway.sandbox.tables import SandboxRun

SEEDED_START = datetime(2026, 1, 12, 7, 0, tzinfo=UTC)
"""When a seeded run with an order begins, where nobody says otherwise: always the same, and long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for; `country`, `starts_at` and `number` are for runs that place an order."""

    pace: str
    seed: str | None
    scenario: str | None = None
    until: str | None = None
    reason: str | None = None
    country: str = "CH"
    starts_at: datetime | None = None
    number: str | None = None


def named(name: str, pointer: str | None = None) -> Scenario:
    """Raises `Problem`, which lists those that there are: 422 where it was named in a body at the pointer, else 404."""
    found = scenarios().get(name)
    if found is None:
        detail = "There is no such scenario; `scenarios` lists those that there are."
        faults = (Fault(pointer=pointer, code="unknown_scenario", detail=detail),) if pointer else ()
        code = "invalid" if pointer else "not-found"
        raise Problem(code=code, detail=detail, faults=faults, extra={"scenarios": sorted(scenarios())})
    return found


def with_order(session: Session, call: Call, wish: Wish) -> SandboxRun:
    """Place the order of the scenario and begin to walk its jobs. Raises `Problem`."""
    scenario = named(wish.scenario or "")
    at = _begins(call, wish)
    made = Noted(runs.ids(call.tenant, wish.seed, scenario.name, today=call.now))
    number = wish.number or made("SBX", at)
    body = json.dumps(samples.order(scenario, wish.country, number, at), ensure_ascii=False).encode()
    arrival = Arrival(
        runtime=call.runtime,
        tenant=call.tenant,
        door=f"/v1/sandbox/scenarios/{scenario.name}/run",
        message=RawMessage(body=body, media_type="application/json"),
        now=at,
        new_id=made,
    )
    [outcome] = intake.accept(session, arrival, plain.read(json.loads(body))).outcomes
    if outcome.result != "accepted" or outcome.order_id is None:
        detail = "This order is here already: reset the sandbox, or take another seed or partner_order_id."
        raise Problem(code="conflict", detail=detail, extra={"order_id": outcome.order_id})
    steps = planning.of_scenario(scenario, {job.line_id: job.id for job in outcome.jobs})
    new = NewRun(
        order_id=outcome.order_id,
        scenario=scenario.name,
        until=None,
        pace=wish.pace,
        seed=wish.seed,
        at=at if wish.seed is not None else None,
        plan=steps,
        messages=made.of("whm"),
    )
    return runs.begin(session, call.tenant, new, call.now)


def for_job(session: Session, call: Call, job_id: str, wish: Wish) -> SandboxRun:
    """Begin to walk a job that is there. Raises `Problem`."""
    row = runs.located_job(session, call.tenant, job_id).row
    new = NewRun(
        order_id=row.order_id,
        scenario=wish.scenario,
        until=wish.until,
        pace=wish.pace,
        seed=wish.seed,
        at=row.state_since if wish.seed is not None else None,
        plan=_plan(job_of(row, "partner"), wish),
    )
    return runs.begin(session, call.tenant, new, call.now)


def _plan(job: Job, wish: Wish) -> list[planning.Planned]:
    try:
        if wish.scenario is None:
            return planning.until(job, JobState(wish.until or ""), wish.reason)
        scenario = named(wish.scenario, "/scenario")
        if len(scenario.lines) > 1:
            detail = "This scenario needs an order of its own: run it at /v1/sandbox/scenarios/{name}/run."
            raise Problem(code="conflict", detail=detail)
        return planning.joined(scenario, job)
    except NoWay as error:
        detail = f"The job is {error.state}; from there the lifecycle does not lead where this run would take it."
        raise illegal(error.state, detail) from None


def _begins(call: Call, wish: Wish) -> datetime:
    if wish.starts_at is None:
        return call.now if wish.seed is None else min(SEEDED_START, call.now)
    if wish.seed is None or wish.starts_at > call.now:
        code, detail = ("needs_seed", "Only a run with a seed has a time of its own.")
        if wish.seed is not None:
            code, detail = ("in_the_future", "A run begins now, or at a time that has passed.")
        raise Problem(code="invalid", detail=detail, faults=(Fault(pointer="/starts_at", code=code, detail=detail),))
    return wish.starts_at
