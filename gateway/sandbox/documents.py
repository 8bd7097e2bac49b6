"""Steps, runs and keys as partners see them."""

from typing import Any

from adapters.canonical import JobState
from gateway.errors import Problem
from gateway.jobs.lifecycle import Step, lifecycle
from gateway.oauth.tables import Client
from gateway.sandbox import planning
from gateway.sandbox.tables import SandboxRun


def step_document(edge: Step) -> dict[str, Any]:
    """A step that is legal now; where `reasons` are listed, it needs one of them."""
    return {
        "event": edge.event,
        "to": edge.target,
        "actors": planning.actors(edge),
        "reasons": list(lifecycle().document["reasons"].get(edge.reasons, ())),
    }


def illegal(state: JobState, detail: str) -> Problem:
    """The problem that says what would be legal."""
    legal = [step_document(edge) for edge in planning.legal(state)]
    return Problem(code="illegal-transition", detail=detail, extra={"state": state, "legal": legal})


def run_summary(run: SandboxRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "status": run.status,
        "scenario": run.scenario,
        "until": run.until,
        "pace": run.pace,
        "seed": run.seed,
        "order_id": run.order_id,
        "steps_taken": run.position,
        "steps_total": len(run.plan),
        "next_step_at": run.due_at.isoformat() if run.status == "running" else None,
        "problem": run.problem,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def run_document(run: SandboxRun) -> dict[str, Any]:
    """With all its steps; those that were taken have their `event_id` and their time."""
    waiting = len(run.plan) - len(run.taken)
    blank = {"event_id": None, "at": None}
    pairs = zip(run.plan, [*run.taken, *[blank] * waiting], strict=True)
    return {**run_summary(run), "steps": [_planned(planned) | taken for planned, taken in pairs]}


def _planned(planned: dict[str, Any]) -> dict[str, Any]:
    told = {name: planned[name] for name in ("job_id", "line_id", "event", "to", "actor", "reason")}
    return {**told, "after_seconds": planned["after"]}


def key_document(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "label": client.label,
        "scopes": list(client.scopes),
        "created_at": client.created_at.isoformat(),
        "last_used_at": client.last_used_at.isoformat() if client.last_used_at else None,
        "expires_at": client.expires_at.isoformat() if client.expires_at else None,
    }
