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


@click.group()
def adapter() -> None:
    """Partners' dialects: list them, try one on a file."""


@adapter.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Every dialect with its whole profile, as JSON.")
def list_adapters(as_json: bool) -> None:
    """Every dialect we speak."""
    profiles = [adapter.profile for adapter in ADAPTERS]
    if as_json:
        click.echo(json.dumps([_profile(profile) for profile in profiles], indent=2))
        return
    for profile in profiles:
        click.echo(f"{profile.name:<12} {profile.title:<16} {profile.maturity:<8} {', '.join(profile.media_types)}")


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
    }
