"""`stecker connection`: doors without OAuth."""

import json
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from gateway.cli import Refused, data_dir_option
from gateway.cli.layout import moment, table
from gateway.cli.session import transaction
from gateway.connections import service
from gateway.connections.service import NewConnection
from gateway.connections.tables import Connection
from gateway.partners import service as partners
from gateway.partners.tables import Partner
from gateway.polling.tables import PollCursor
from gateway.tenant import Tenant

UNKNOWN = "There is no such connection; see `stecker connection list`."

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
secret_option = click.option(
    "--secret-file", type=click.File("r"), help="Read the secret from here; - is standard input. Never an argument."
)


@click.group()
def command() -> None:
    """Doors without OAuth: a user and a password, a shop's signature, a poll, a drop folder."""


@command.command()
@click.option("--partner", "slug", required=True, metavar="SLUG")
@click.option("--environment", type=click.Choice(["sandbox", "live"]), required=True)
@click.option("--door", type=click.Choice(sorted(service.DOORS)), required=True)
@click.option("--name", required=True, help="A user name, a shop's domain, a folder's name: nobody else has it.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the door; repeatable.")
@secret_option
@as_json_option
@data_dir_option
def add(slug: str, environment: str, secret_file: Any, as_json: bool, data_dir: Path, **fields: Any) -> None:
    """A new connection. A password that we make up is shown this once."""
    given = secret_file.read().strip() if secret_file else None
    secret = service.new_password() if given is None and fields["door"] == "google" else given
    options = dict(option.partition("=")[::2] for option in fields.pop("options"))
    with transaction(data_dir) as (runtime, session):
        partner = _partner(session, slug)
        new = NewConnection(tenant=Tenant(partner.id, environment), secret=secret, options=options, **fields)
        try:
            made = service.add(session, runtime.vault, new, partner.adapter, runtime.clock())
        except service.InvalidConnection as error:
            raise Refused("Not added: " + "; ".join(error.faults) + ".") from error
    _print(made, secret if given is None else None, as_json)


@command.command("list")
@as_json_option
@data_dir_option
def show_all(as_json: bool, data_dir: Path) -> None:
    """All connections, without their secrets."""
    with transaction(data_dir) as (_, session):
        rows = [
            (one, session.get_one(Partner, one.partner_id).slug, session.get(PollCursor, one.id))
            for one in service.every(session)
        ]
    records: list[dict[str, Any]] = [
        {
            "id": c.id,
            "partner": slug,
            "environment": c.environment,
            "door": c.door,
            "name": c.name,
            "options": c.options,
            "old_secret": c.previous is not None,
            "created_at": moment(c.created_at),
            "polled": _polled(polled) if polled else None,
        }
        for c, slug, polled in rows
    ]
    if as_json:
        return click.echo(json.dumps(records, indent=2))
    if not records:
        return click.echo("There is no connection.")
    names = ("id", "partner", "environment", "door", "name", "created_at")
    table((*names, "polled"), [(*(one[name] for name in names), _polled_words(one["polled"])) for one in records])


def _polled(row: PollCursor) -> dict[str, Any]:
    return {
        "last_ok_at": moment(row.last_ok_at) if row.last_ok_at else None,
        "failures": row.failures,
        "error": row.error,
    }


def _polled_words(polled: dict[str, Any] | None) -> str:
    if polled is None:
        return ""
    if polled["failures"]:
        return f"{polled['failures']} failures: {polled['error']}"
    return f"good at {polled['last_ok_at']}"


@command.command()
@click.argument("connection_id", metavar="ID")
@secret_option
@as_json_option
@data_dir_option
def rotate(connection_id: str, secret_file: Any, as_json: bool, data_dir: Path) -> None:
    """Another secret. The old one goes on being taken until `settle`."""
    given = secret_file.read().strip() if secret_file else None
    secret = given or service.new_password()
    with transaction(data_dir) as (runtime, session):
        connection = _get(session, connection_id)
        if given is None and connection.door != "google":
            raise Refused("This door's secret is made by the other side; give it with --secret-file.")
        if connection.door == "poll" and (faults := list(service.scheme_faults(secret))):
            raise Refused("Not changed: " + "; ".join(faults) + ".")
        service.renew(runtime.vault, connection, secret)
    _print(connection, secret if given is None else None, as_json)


@command.command()
@click.argument("connection_id", metavar="ID")
@data_dir_option
def settle(connection_id: str, data_dir: Path) -> None:
    """Take the old secret no more."""
    with transaction(data_dir) as (_, session):
        service.settle(_get(session, connection_id))
    click.echo(f"{connection_id} has one secret.")


@command.command()
@click.argument("connection_id", metavar="ID")
@data_dir_option
def remove(connection_id: str, data_dir: Path) -> None:
    """Close the door. Its secrets are forgotten."""
    with transaction(data_dir) as (_, session):
        service.remove(_get(session, connection_id))
    click.echo(f"{connection_id} is removed.")


def _partner(session: Session, slug: str) -> Partner:
    try:
        return partners.get(session, slug)
    except partners.NoSuchPartner as error:
        raise Refused("There is no such partner; see `stecker partner list`.") from error


def _get(session: Session, connection_id: str) -> Connection:
    connection = service.get(session, connection_id)
    if connection is None:
        raise Refused(UNKNOWN)
    return connection


def _print(connection: Connection, secret: str | None, as_json: bool) -> None:
    shown = {"id": connection.id, "door": connection.door, "name": connection.name}
    if secret is not None:
        shown["secret"] = secret
    if as_json:
        return click.echo(json.dumps(shown))
    for name, value in shown.items():
        click.echo(f"{name:<8}{value}{'   (shown this once)' if name == 'secret' else ''}")
