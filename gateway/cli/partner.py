"""`stecker partner`: who may talk to us."""

import json
from pathlib import Path
from typing import Any

import click

from adapters import ADAPTERS
from gateway.cli import Refused, data_dir_option
from gateway.cli.session import transaction
from gateway.partners import service
from gateway.partners.tables import Partner

UNKNOWN = "There is no such partner; see `stecker partner list`."

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Who may talk to us, in which dialect."""


@command.command("list")
@as_json_option
@data_dir_option
def show_all(as_json: bool, data_dir: Path) -> None:
    """All partners."""
    with transaction(data_dir) as (_, session):
        partners = [_record(partner) for partner in service.every(session)]
    if as_json:
        return click.echo(json.dumps(partners, indent=2))
    for partner in partners:
        dialect = partner["adapter"] or "no dialect yet"
        click.echo(
            f"{partner['slug']:<16} {partner['kind']:<9} {partner['status']:<10} {dialect:<15} {partner['name']}"
        )


@command.command()
@click.argument("slug")
@as_json_option
@data_dir_option
def show(slug: str, as_json: bool, data_dir: Path) -> None:
    """One partner."""
    with transaction(data_dir) as (_, session):
        try:
            record = _record(service.get(session, slug))
        except service.NoSuchPartner as error:
            raise Refused(UNKNOWN) from error
    _print(record, as_json)


@command.command()
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice(["retailer", "dispatch"]), default="retailer", show_default=True)
@click.option("--adapter", help="A dialect's name; see `stecker adapter list`.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Of the dialect; VALUE: JSON or a word.")
@as_json_option
@data_dir_option
def add(slug: str, as_json: bool, data_dir: Path, options: tuple[str, ...], **fields: Any) -> None:
    """Add a partner."""
    new = service.NewPartner(slug=slug, options=dict(_option(text) for text in options), **fields)
    dialects = {adapter.profile.name: adapter.profile for adapter in ADAPTERS}
    with transaction(data_dir) as (runtime, session):
        try:
            record = _record(service.add(session, new, dialects, runtime.clock()))
        except service.InvalidPartner as error:
            raise Refused("\n".join(error.faults)) from error
    _print(record, as_json)


@command.command()
@click.argument("slug")
@data_dir_option
def suspend(slug: str, data_dir: Path) -> None:
    """Refuse all clients of a partner, and their tokens, from the next second on."""
    _set_status(slug, "suspended", data_dir)


@command.command()
@click.argument("slug")
@data_dir_option
def resume(slug: str, data_dir: Path) -> None:
    """Let a suspended partner in again."""
    _set_status(slug, "active", data_dir)


def _set_status(slug: str, status: str, data_dir: Path) -> None:
    with transaction(data_dir) as (_, session):
        try:
            service.set_status(session, slug, status)
        except service.NoSuchPartner as error:
            raise Refused(UNKNOWN) from error
    click.echo(f"{slug} is {status}.")


def _option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise Refused("An option is written NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _record(partner: Partner) -> dict[str, Any]:
    return {
        "id": partner.id,
        "slug": partner.slug,
        "name": partner.name,
        "kind": partner.kind,
        "adapter": partner.adapter,
        "options": partner.options,
        "status": partner.status,
        "created_at": partner.created_at.isoformat(),
    }


def _print(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return click.echo(json.dumps(record, indent=2))
    for name, value in record.items():
        click.echo(f"{name:<11} {value}")
