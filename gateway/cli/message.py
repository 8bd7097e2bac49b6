"""`stecker message`: what partners sent us, and what became of it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Select, select

from gateway.cli import Refused, data_dir_option
from gateway.cli.layout import facts, moment, table
from gateway.cli.session import transaction
from gateway.crypto import CannotDecrypt, Place, Vault
from gateway.errors import Problem
from gateway.errors import as_json as problems_json
from gateway.intake import replay
from gateway.intake.replay import Reading
from gateway.intake.tables import InboundMessage
from gateway.partners.tables import Partner

UNKNOWN = "There is no such message; see `stecker message list`."
OTHER_KEY = "The message cannot be opened: it was stored under another STECKER_SECRET_KEY."

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """What partners sent us, byte for byte."""


@command.command("list")
@click.option("--partner", "slug", metavar="SLUG", help="Of this partner only.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@as_json_option
@data_dir_option
def show_all(slug: str | None, refused: bool, limit: int, as_json: bool, data_dir: Path) -> None:
    """The last messages, newest first."""
    with transaction(data_dir) as (_, session):
        rows = session.execute(_newest(slug, refused).limit(limit)).all()
    found = [_record(message, partner) | {"problems": message.problems or []} for message, partner in rows]
    if as_json:
        return click.echo(json.dumps(found, indent=2))
    if not found:
        return click.echo("There is no such message.")
    table(
        ("message", "partner", "environment", "received", "outcome", "problems", "order"),
        [
            (m["id"], m["partner"], m["environment"], m["received_at"], m["outcome"], _codes(m), m["order_id"])
            for m in found
        ],
    )


@command.command()
@click.argument("message_id", metavar="ID")
@click.option("--body", "body_only", is_flag=True, help="The bytes as they came, and nothing else. Personal data.")
@as_json_option
@data_dir_option
def show(message_id: str, body_only: bool, as_json: bool, data_dir: Path) -> None:
    """One document: where it came in, what became of it, and every problem with it."""
    with transaction(data_dir) as (runtime, session):
        message = session.get(InboundMessage, message_id)
        if message is None:
            raise Refused(UNKNOWN)
        body = _opened(runtime.vault, message)
        partner = session.get_one(Partner, message.partner_id).slug
    record = {**_record(message, partner), "bytes": len(body)}
    if body_only:
        sys.stdout.buffer.write(body)
    elif as_json:
        click.echo(json.dumps(record | {"problems": message.problems or []}, indent=2))
    else:
        facts(record)
        _tell(message.problems or [])


@command.command("replay")
@click.argument("message_id", metavar="ID")
@click.option("--apply", "applies", is_flag=True, help="Take it now, as if it had just come in. The partner hears it.")
@as_json_option
@data_dir_option
def replay_message(message_id: str, applies: bool, as_json: bool, data_dir: Path) -> None:
    """Read a message again with the adapters of today: what it says, and how that differs from what is here.

    Nothing changes without --apply. The differences are personal data. Exit 1 where the message cannot be taken.
    """
    with transaction(data_dir) as (runtime, session):
        message = session.get(InboundMessage, message_id)
        if message is None:
            raise Refused(UNKNOWN)
        dialect = replay.dialect_of(session, message)
        if dialect is None:
            raise Refused("The partner speaks no dialect of ours any more, so nobody can read this.")
        try:
            arriving = replay.arrival(runtime, session, message)
        except CannotDecrypt as error:
            raise Refused(OTHER_KEY) from error
        reading = replay.read(session, dialect, arriving)
        session.rollback()
        problem = reading.problem
        if applies and problem is None:
            problem = replay.apply(dialect, arriving).problem
    _tell_reading(reading, problem, applies, as_json)
    if problem is not None:
        raise click.exceptions.Exit(1)


def _tell_reading(reading: Reading, problem: Problem | None, applied: bool, as_json: bool) -> None:
    faults = problems_json(problem.faults) if problem else []
    if as_json:
        record = {
            "intents": [type(intent).__name__ for intent in reading.intents],
            "new": list(reading.new),
            "differences": [asdict(one) for one in reading.differences],
            "problem": problem.code if problem else None,
            "problems": faults,
            "applied": applied and problem is None,
        }
        return click.echo(json.dumps(record, indent=2, ensure_ascii=False))
    if reading.intents:
        click.echo("It says: " + ", ".join(type(intent).__name__ for intent in reading.intents))
    for number in reading.new:
        click.echo(f"Order {number} is not here yet.")
    for one in reading.differences:
        here, said = _word(one.before), _word(one.after)
        click.echo(f"Order {one.partner_order_id} {one.pointer}: here it is {here}, now it reads {said}.")
    if problem:
        click.echo(f"It cannot be taken: {problem.detail}")
        _tell(faults)
    elif applied:
        click.echo("It was taken.")
    elif reading.intents:
        click.echo("Nothing has changed; to take it: --apply")


def _word(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _newest(slug: str | None, refused: bool) -> Select[InboundMessage, str]:
    query = select(InboundMessage, Partner.slug).join(Partner, Partner.id == InboundMessage.partner_id)
    if slug:
        query = query.where(Partner.slug == slug)
    if refused:
        query = query.where(InboundMessage.outcome == "refused")
    return query.order_by(InboundMessage.id.desc())


def _opened(vault: Vault, message: InboundMessage) -> bytes:
    try:
        return vault.decrypt(message.body, Place(message.partner_id, "inbound_message", message.id, "body"))
    except CannotDecrypt as error:
        raise Refused(OTHER_KEY) from error


def _record(message: InboundMessage, partner: str) -> dict[str, Any]:
    return {
        "id": message.id,
        "partner": partner,
        "environment": message.environment,
        "door": message.door,
        "received_at": moment(message.received_at),
        "media_type": message.media_type,
        "sha256": message.digest.hex(),
        "document": message.document,
        "outcome": message.outcome,
        "order_id": message.order_id,
    }


def _codes(record: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys(problem["code"] for problem in record["problems"]))


def _tell(problems: list[dict[str, str]]) -> None:
    if problems:
        click.echo("\nProblems")
        table(
            ("pointer", "code", "detail"),
            [(problem["pointer"] or "document", problem["code"], problem["detail"]) for problem in problems],
        )
