"""`stecker job`: one job with its whole life, and a step of it by hand."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import JobState, Technician, Window
from adapters.plain.writer import job_json
from gateway import clocks
from gateway.cli import Refused, data_dir_option
from gateway.cli.layout import facts, moment, table
from gateway.cli.session import transaction
from gateway.jobs import service
from gateway.jobs.lifecycle import IllegalTransition, Step, WrongReason, lifecycle
from gateway.jobs.moving import InvalidMove, Move
from gateway.jobs.rows import job_of
from gateway.jobs.tables import Job, JobEvent
from gateway.partners.tables import Partner

UNKNOWN = "There is no such job; its id begins with job_ and stands in the order."
NO_WINDOW = "A window is written START/END, both with an offset: 2026-01-20T08:00+01:00/2026-01-20T12:00+01:00."


@click.group()
def command() -> None:
    """Support jobs: show one, move one on."""


@command.command()
@click.argument("job_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def show(job_id: str, as_json: bool, data_dir: Path) -> None:
    """One job, and everything that has happened to it."""
    with transaction(data_dir) as (_, session):
        row = session.get(Job, job_id)
        if row is None:
            raise Refused(UNKNOWN)
        partner = session.get_one(Partner, row.partner_id).slug
        events = [_event(one) for one in _events(session, job_id)]
    job = {"partner": partner, **job_json(job_of(row, *lifecycle().actors))}
    if as_json:
        return click.echo(json.dumps(job | {"events": events}, indent=2, ensure_ascii=False))
    _tell(job)
    click.echo()
    table(
        ("#", "event", "state", "by", "at", "reason"),
        [(e["sequence"], e["type"], e["state"], e["actor"], e["at"], _because(e["reason"])) for e in events],
    )


@command.command()
@click.argument("job_id", metavar="ID")
@click.argument("state", type=click.Choice([state.value for state in JobState]), metavar="STATE")
@click.option("--actor", required=True, type=click.Choice(lifecycle().actors), help="Who says so.")
@click.option("--reason", metavar="CODE", help="Where the step needs one; without it you are told which there are.")
@click.option("--window", metavar="START/END", help="The new visit window; both times with an offset.")
@click.option("--technician", metavar="ID", help="Who goes.")
@data_dir_option
def advance(job_id: str, state: str, actor: str, data_dir: Path, **wish: str | None) -> None:
    """Take a job one step on, in the name of whoever said so. Its webhooks go out as always."""
    move = Move(
        to=JobState(state),
        actor=actor,
        reason=wish["reason"],
        window=_window(wish["window"]),
        technician=Technician(id=wish["technician"]) if wish["technician"] else None,
        note="stecker job advance",
    )
    with transaction(data_dir) as (runtime, session):
        try:
            located = service.locate(session, job_id)
            before = located.row.state
            moved = service.advance(session, located, move, clocks.now_of(session, located.tenant, runtime.clock()))
        except service.NoSuchJob as error:
            raise Refused(UNKNOWN) from error
        except (IllegalTransition, WrongReason, InvalidMove) as error:
            raise Refused(_why_not(error, state, actor)) from error
    click.echo(f"{job_id}  {before} -> {state}" if moved else f"{job_id} is {state} already; nothing has changed.")


def _why_not(error: IllegalTransition | WrongReason | InvalidMove, state: str, actor: str) -> str:
    if isinstance(error, IllegalTransition):
        return f"The job is {error.state} and the {actor} cannot make it {state}; {_legal(error.legal, actor)}."
    if isinstance(error, WrongReason):
        group = f"needs a --reason of the group {error.group}: {', '.join(error.allowed)}" if error.group else ""
        return f"The step to {state} {group or 'takes no reason; leave --reason out'}."
    return f"{error.detail} ({error.pointer.lstrip('/')})"


def _legal(steps: tuple[Step, ...], actor: str) -> str:
    targets = dict.fromkeys(str(step.target) for step in steps)
    return (
        f"from there the {actor} can make it {', '.join(targets)}" if targets else f"the {actor} can do nothing there"
    )


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    try:
        start, end = (datetime.fromisoformat(part) for part in text.split("/"))
    except ValueError as error:
        raise Refused(NO_WINDOW) from error
    if start.tzinfo is None or end.tzinfo is None:
        raise Refused(NO_WINDOW)
    return Window(start=start, end=end)


def _events(session: Session, job_id: str) -> list[JobEvent]:
    return list(session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.sequence)))


def _event(row: JobEvent) -> dict[str, Any]:
    data = json.loads(row.body)["data"]
    return {
        "id": row.id,
        "sequence": row.sequence,
        "type": row.type,
        "state": data["job"]["state"],
        "actor": row.actor,
        "at": moment(row.at),
        "reason": data["reason"],
        "note": row.note,
    }


def _tell(job: dict[str, Any]) -> None:
    window, technician = job["window"], job["technician"]
    facts(
        {
            "job": job["id"],
            "order": f"{job['order_id']}  ({job['partner']} {job['partner_order_id']}, line {job['line_id']})",
            "environment": job["environment"],
            "service": job["service"] or f"unknown (their number: {job['sku']})",
            "state": f"{job['state']}  (status {job['status']})",
            "reason": _because(job["reason"]),
            "window": f"{window['start']} to {window['end']}" if window else None,
            "technician": " ".join(filter(None, technician.values())) if technician else None,
            "next": ", ".join(action["event"] for action in job["actions"]) or "nothing: this is the end",
        }
    )


def _because(reason: dict[str, Any] | None) -> str | None:
    return f"{reason['code']} (fault: {reason['fault']})" if reason else None
