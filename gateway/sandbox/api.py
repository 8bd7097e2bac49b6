"""The sandbox as partners drive it: steps, runs, scenarios, reset. The scope `sandbox` lets no live credentials in."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import Job as CanonicalJob
from adapters.canonical import JobState, Technician, Window
from adapters.errors import Problem as Fault
from adapters.plain.writer import job_json
from adapters.values import instant
from gateway import clocks, idempotency, paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.jobs.api import DEFAULT_LIMIT, not_found, take
from gateway.jobs.lifecycle import Step
from gateway.jobs.moving import Move
from gateway.jobs.queries import jobs_of, owned
from gateway.jobs.rows import job_of
from gateway.jobs.tables import Job, JobEvent
from gateway.sandbox import beginning, outcomes, planning, runs
from gateway.sandbox.beginning import Wish
from gateway.sandbox.checkpoints import service as checkpoints
from gateway.sandbox.clock import service as clock
from gateway.sandbox.documents import illegal, run_document, run_summary, step_document
from gateway.sandbox.reset import reset
from gateway.sandbox.scenarios import scenarios, shown
from gateway.sandbox.seeded import Noted
from gateway.sandbox.tables import SandboxRun

WAIT = 3
"""Seconds in which deliveries are waited for, where nobody says otherwise."""


def list_sandbox_steps(call: Call, job_id: str) -> Response:
    """`GET /v1/sandbox/jobs/{job_id}/steps`."""
    with call.runtime.sessions() as session:
        row = session.scalar(select(Job).where(Job.id == job_id, owned(Job, call.tenant)))
        if row is None:
            raise not_found("job")
        steps = [step_document(edge) for edge in planning.legal(JobState(row.state))]
        return as_json({"state": row.state, "sequence": row.sequence, **paging.answer(steps, None)})


def take_sandbox_step(call: Call, job_id: str) -> Response:
    """`POST /v1/sandbox/jobs/{job_id}/steps`."""

    def act(session: Session) -> Response:
        located = runs.located_job(session, call.tenant, job_id)
        job = job_of(located.row, "partner")
        edge, move = _move(call.document, job)
        made = Noted(new_id)
        take(session, located, planning.told(move, edge.event, job, call.now), call.now, made)
        said = select(JobEvent.body).where(JobEvent.id.in_(made.of("evt")), JobEvent.job_id == job.id)
        body = session.scalar(said.where(JobEvent.environment == call.tenant.environment))
        return as_json(
            {
                "job": job_json(job_of(located.row, "partner")),
                "event": json.loads(body) if body else None,
                "messages": made.of("whm"),
            }
        )

    return _with_outcomes(call, idempotency.once(call, "take_sandbox_step", act))


def _move(wish: dict[str, Any], job: CanonicalJob) -> tuple[Step, Move]:
    """The step that is meant, and the wish to take it. Raises `Problem`, which says what would be legal."""
    edge = _edge(wish, job.state)
    window, technician = wish.get("window"), wish.get("technician")
    return edge, Move(
        to=edge.target,
        actor=wish.get("actor") or planning.actors(edge)[0],
        reason=wish.get("reason"),
        text=wish.get("text"),
        eta=instant(wish["eta"]) if wish.get("eta") else None,
        window=Window(start=instant(window["start"]), end=instant(window["end"])) if window else None,
        technician=Technician(**technician) if technician else None,
        note=wish.get("note"),
    )


def _edge(wish: dict[str, Any], state: JobState) -> Step:
    to, actor = wish.get("to"), wish.get("actor")
    found = [
        edge
        for edge in planning.legal(state)
        if edge.event == wish["event"] and to in (None, edge.target) and (actor is None or actor in edge.by)
    ]
    if not found:
        raise illegal(state, f"The job is {state}; this step is none of those that are legal there.")
    if len({edge.target for edge in found}) > 1:
        detail = f"This event leads to {' or to '.join(edge.target for edge in found)}: say which."
        raise Problem(code="invalid", detail=detail, faults=(Fault(pointer="/to", code="required", detail=detail),))
    return found[0]


def _with_outcomes(call: Call, stored: Response) -> Response:
    """The stored answer, and what has become of its messages by now. Nothing of the database is held meanwhile."""
    document = json.loads(stored.get_data())
    messages = document.pop("messages")
    document |= outcomes.told(call.runtime, call.tenant, messages, call.query.get("wait", WAIT))
    headers = {name: stored.headers[name] for name in ("Location", "Idempotency-Replayed") if name in stored.headers}
    return as_json(document, stored.status_code, headers)


def list_sandbox_scenarios(call: Call) -> Response:
    """`GET /v1/sandbox/scenarios`."""
    return as_json(paging.answer([shown(one) for one in scenarios().values()], None))


def run_sandbox_scenario(call: Call, scenario: str) -> Response:
    """`POST /v1/sandbox/scenarios/{scenario}/run`."""
    said = call.document or {}
    wish = Wish(
        scenario=scenario,
        pace=said.get("pace", "instant"),
        seed=said.get("seed"),
        country=said.get("country", "CH"),
        number=said.get("partner_order_id"),
        starts_at=instant(said["starts_at"]) if said.get("starts_at") else None,
    )
    return _run(call, "run_sandbox_scenario", lambda session, here: beginning.with_order(session, here, wish))


def run_sandbox_job(call: Call, job_id: str) -> Response:
    """`POST /v1/sandbox/jobs/{job_id}/run`."""
    said = call.document
    if ("scenario" in said) == ("until" in said):
        detail = "Say either a scenario, or until which state."
        fault = Fault(pointer="/until", code="one_of", detail=detail)
        raise Problem(code="invalid", detail=detail, faults=(fault,))
    wish = Wish(
        scenario=said.get("scenario"),
        until=said.get("until"),
        reason=said.get("reason"),
        pace=said.get("pace", "instant"),
        seed=said.get("seed"),
    )
    return _run(call, "run_sandbox_job", lambda session, here: beginning.for_job(session, here, job_id, wish))


def _run(call: Call, operation: str, begin: Callable[[Session, Call], SandboxRun]) -> Response:
    """Write the run down; an instant one is taken to its end before the answer."""

    def act(session: Session) -> Response:
        run = begin(session, clocks.held(session, call))
        return as_json({"id": run.id}, 201, {"Location": f"/v1/sandbox/runs/{run.id}"})

    stored = idempotency.once(call, operation, act)
    run_id = json.loads(stored.get_data())["id"]
    with call.runtime.sessions() as session:
        run = _own_run(session, call, run_id)
    if run.pace == "instant":
        runs.finish(call.runtime, run_id)
    document = _whole(call, run_id, call.query.get("wait", WAIT))
    headers = {name: stored.headers[name] for name in ("Location", "Idempotency-Replayed") if name in stored.headers}
    return as_json(document, stored.status_code, headers)


def _whole(call: Call, run_id: str, within: float) -> dict[str, Any]:
    """The run, its jobs as they are now, and what has become of its messages."""
    with call.runtime.sessions() as session:
        run = _own_run(session, call, run_id)
        jobs = [job_json(job_of(row, "partner")) for row in jobs_of(session, [run.order_id])]
    told = outcomes.told(call.runtime, call.tenant, run.messages, within)
    return {**run_document(run), "jobs": jobs, **told}


def list_sandbox_runs(call: Call) -> Response:
    """`GET /v1/sandbox/runs`, newest first."""
    bound, limit = f"{call.tenant}:sandbox-runs", call.query.get("limit", DEFAULT_LIMIT)
    before = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    query = runs.mine(call.tenant).order_by(SandboxRun.id.desc()).limit(limit + 1)
    with call.runtime.sessions() as session:
        rows = session.scalars(query if before is None else query.where(SandboxRun.id < before)).all()
    found, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
    return as_json(paging.answer([run_summary(row) for row in found], following))


def get_sandbox_run(call: Call, run_id: str) -> Response:
    """`GET /v1/sandbox/runs/{run_id}`."""
    return as_json(_whole(call, run_id, call.query.get("wait", 0)))


def pause_sandbox_run(call: Call, run_id: str) -> Response:
    """`POST /v1/sandbox/runs/{run_id}/pause`."""
    return _change(call, run_id, "pause_sandbox_run", runs.pause)


def resume_sandbox_run(call: Call, run_id: str) -> Response:
    """`POST /v1/sandbox/runs/{run_id}/resume`."""
    return _change(call, run_id, "resume_sandbox_run", runs.resume)


def stop_sandbox_run(call: Call, run_id: str) -> Response:
    """`POST /v1/sandbox/runs/{run_id}/stop`."""
    return _change(call, run_id, "stop_sandbox_run", runs.stop)


def _change(call: Call, run_id: str, operation: str, change: Callable[[SandboxRun, datetime], None]) -> Response:
    def act(session: Session) -> Response:
        here = clocks.held(session, call)
        run = _own_run(session, call, run_id, lock=True)
        change(run, here.now)
        return as_json(run_summary(run))

    return idempotency.once(call, operation, act)


def _own_run(session: Session, call: Call, run_id: str, *, lock: bool = False) -> SandboxRun:
    query = runs.mine(call.tenant).where(SandboxRun.id == run_id)
    run = session.scalar(query.with_for_update() if lock else query)
    if run is None:
        raise not_found("run")
    return run


def reset_sandbox(call: Call) -> Response:
    """`POST /v1/sandbox/reset`."""

    def act(session: Session) -> Response:
        real = call.runtime.clock()
        wanted = (call.document or {}).get("checkpoint")
        checkpoint = wanted and checkpoints.locked(session, call.tenant, wanted, real)
        removed = reset(call.runtime.sessions, call.tenant, call.now, real)
        clock.leave(session, call.tenant, call.runtime.clock())
        clock.forget(session, call.tenant)
        if checkpoint:
            checkpoints.put_back(session, checkpoint, call.runtime.clock())
        return as_json({"removed": removed})

    return idempotency.once(call, "reset_sandbox", act)
