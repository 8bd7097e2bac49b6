"""`stecker client`: OAuth clients of partners."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy.orm import Session

from gateway.cli import Refused, data_dir_option
from gateway.cli.session import transaction
from gateway.oauth import service
from gateway.oauth.tokens import Realm
from gateway.partners import service as partners
from gateway.runtime import Runtime


@click.group()
def command() -> None:
    """OAuth clients: made, rotated, suspended."""


@command.command()
@click.option("--partner", "slug", required=True, metavar="SLUG")
@click.option("--environment", type=click.Choice(["sandbox", "live"]), required=True)
@click.option("--scope", "scopes", multiple=True, metavar="S", help="A scope; without any, all of the partner's kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def create(slug: str, environment: str, scopes: tuple[str, ...], as_json: bool, data_dir: Path) -> None:
    """A new client. Its secret is shown this once."""
    with _session(data_dir) as (runtime, session):
        try:
            partner = partners.get(session, slug)
        except partners.NoSuchPartner as error:
            raise Refused("There is no such partner; see `stecker partner list`.") from error
        issued = service.create_client(session, runtime.vault, partner, environment, scopes, runtime.clock())
    _print(issued, runtime, as_json)


@command.command()
@click.argument("client_id")
@click.option("--overlap", type=click.IntRange(0, 168), default=24, show_default=True, help="Hours the old one holds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def rotate(client_id: str, overlap: int, as_json: bool, data_dir: Path) -> None:
    """Another secret for a client. It is shown this once."""
    with _session(data_dir) as (runtime, session):
        hours = timedelta(hours=overlap)
        issued = service.rotate_secret(session, runtime.vault, client_id, hours, runtime.clock())
    _print(issued, runtime, as_json)


@command.command()
@click.argument("client_id")
@data_dir_option
def suspend(client_id: str, data_dir: Path) -> None:
    """Refuse a client, and its tokens, from the next second on."""
    _set_status(client_id, "suspended", data_dir)


@command.command()
@click.argument("client_id")
@data_dir_option
def resume(client_id: str, data_dir: Path) -> None:
    """Let a suspended client in again."""
    _set_status(client_id, "active", data_dir)


def _set_status(client_id: str, status: str, data_dir: Path) -> None:
    with _session(data_dir) as (_, session):
        service.set_status(session, client_id, status)
    click.echo(f"{client_id} is {status}.")


@contextmanager
def _session(data_dir: Path) -> Iterator[tuple[Runtime, Session]]:
    try:
        with transaction(data_dir) as opened:
            yield opened
    except service.Refused as error:
        raise Refused(f"Not done: {error}.") from error


def _print(issued: service.Issued, runtime: Runtime, as_json: bool) -> None:
    shown = {
        "client_id": issued.client_id,
        "client_secret": issued.client_secret,
        "scopes": list(issued.scopes),
        "token_url": Realm(runtime.settings.public_url).token_url,
    }
    if as_json:
        return click.echo(json.dumps(shown))
    click.echo(f"client_id      {issued.client_id}")
    click.echo(f"client_secret  {issued.client_secret}   (shown this once)")
    click.echo(f"scopes         {' '.join(issued.scopes)}")
    click.echo(f"token_url      {shown['token_url']}")
