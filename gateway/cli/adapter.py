"""`stecker adapter`: which dialects there are, and what one makes of a file. No server, no database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from adapters import ADAPTERS, by_name
from adapters.canonical import ChangeOrder, Intent, PlaceOrder, Request
from adapters.contract import Profile, RawMessage
from adapters.errors import TranslationError
from adapters.plain.writer import order_json
from gateway.cli import Refused, matrix, newcomer
from gateway.cli.layout import WIDTH, table

NAME = 17  # columns for the name of a dialect


@click.group()
def adapter() -> None:
    """Partners' dialects: list them, try one on a file."""


@adapter.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Every dialect with its whole profile, as JSON.")
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Write it between the markers of this file, as Markdown: what `make matrix` does with README.md.",
)
def list_adapters(as_json: bool, into: Path | None) -> None:
    """Every dialect we speak: what it reads, what it says, how both sides authenticate."""
    profiles = [adapter.profile for adapter in ADAPTERS]
    if as_json:
        return click.echo(json.dumps([_profile(profile) for profile in profiles], indent=2))
    if into is not None:
        try:
            written = matrix.placed(into.read_text(encoding="utf-8"), matrix.markdown(profiles))
        except ValueError as error:
            raise Refused(f"{into} is as it was: {error}.") from None
        into.write_text(written, encoding="utf-8")
        return click.echo(f"The matrix of {len(profiles)} dialects is in {into}.")
    for profile in profiles:
        for label, fact in zip((profile.name, "", ""), matrix.facts(profile), strict=True):
            click.echo(f"{label:<{NAME}}{fact}")
    for beside in matrix.columns(profiles, WIDTH):
        click.echo()
        table(("", *(profile.name for profile in beside)), list(matrix.rows(beside)))


@adapter.command(name="try")
@click.argument("name", type=click.Choice([adapter.profile.name for adapter in ADAPTERS]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The intents, or the problems, as JSON.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the partner; repeatable.")
def try_adapter(name: str, file: Path, as_json: bool, options: tuple[str, ...]) -> None:
    """The intents of one document, or everything that is wrong with it (exit 1)."""
    kind = by_name(name)
    dialect = kind(_options(kind.profile, options))
    try:
        intents = dialect.parse(RawMessage(body=file.read_bytes(), media_type=kind.profile.media_types[0]))
    except TranslationError as error:
        _tell_problems(error, as_json)
        raise click.exceptions.Exit(1) from None
    told = [_intent(intent) for intent in intents]
    if as_json:
        click.echo(json.dumps({"intents": told}, indent=2, ensure_ascii=False))
        return
    for intent in told:
        number = intent.get("partner_order_id") or intent.get("order_id") or ""
        click.echo(f"{intent.pop('intent')} {number}".rstrip())
        click.echo(json.dumps(intent, indent=2, ensure_ascii=False))


@adapter.command()
@click.argument("name")
def new(name: str) -> None:
    """A new dialect: a package that runs, its tests, and REPLACE wherever only the partner's own words will do."""
    for path in newcomer.write(name):
        click.echo(path)
    click.echo(f'\nWhat is left to do: make test ARGS="tests/adapters -k {name}"; then: make matrix check')


def _options(profile: Profile, options: tuple[str, ...]) -> Any:
    given = dict(option.partition("=")[::2] for option in options)
    try:
        return profile.options().load(given)
    except ValidationError as error:
        raise click.BadParameter(json.dumps(error.messages), param_hint="--option") from None


def _tell_problems(error: TranslationError, as_json: bool) -> None:
    if as_json:
        problems = [{"pointer": p.pointer, "code": p.code, "detail": p.detail} for p in error.problems]
        click.echo(json.dumps({"status": error.status, "problems": problems}, indent=2))
        return
    for problem in error.problems:
        click.echo(f"{problem.pointer or 'document'}: {problem.detail} ({problem.code})")


def _intent(intent: Intent) -> dict[str, Any]:
    name = type(intent).__name__
    if isinstance(intent, PlaceOrder):
        return {"intent": name, **order_json(intent.order)}
    if isinstance(intent, Request):
        return {"intent": name, **json.loads(json.dumps(asdict(intent), default=str))}
    lines = [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "cancelled": line.cancelled,
            **({"added": True} if line.added else {}),
            "requested_windows": [
                {"start": window.start.isoformat(), "end": window.end.isoformat()} for window in line.requested_windows
            ],
        }
        for line in intent.lines
    ]
    whole = intent.whole if isinstance(intent, ChangeOrder) else None
    return {
        "intent": name,
        "partner_order_id": intent.partner_order_id,
        **({"order_id": intent.order_id} if intent.order_id else {}),
        "change_id": intent.change_id,
        "reason": intent.reason,
        "lines": lines,
        **({"whole": order_json(whole)} if whole else {}),
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "maturity": profile.maturity,
        "media_types": list(profile.media_types),
        "intents": list(profile.intents),
        "states": {state.value: word for state, word in profile.states.items()},
        "options": sorted(profile.options().fields),
        "inbound_auth": list(profile.inbound_auth),
        "outbound_auth": list(profile.outbound_auth),
        "max_bytes": profile.max_bytes,
        "spec_url": profile.spec_url,
        "acknowledges": profile.acknowledges,
    }
