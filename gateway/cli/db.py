"""`stecker db`: bring the database to the newest schema, or say what it lacks."""

from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from gateway import seed
from gateway.cli import Refused, data_dir_option, owner_url_for, settings_for
from gateway.config import Settings
from gateway.embedded.data import DataDir, write_json
from gateway.migrations import migrate
from gateway.runtime import build


@click.group()
def command() -> None:
    """Migrate the database, or check it."""


@command.command()
@data_dir_option
@click.option("--quiet", is_flag=True, help="Say nothing when all went well.")
@click.option("--seed", "with_seed", is_flag=True, hidden=True)
def upgrade(data_dir: Path, quiet: bool, with_seed: bool) -> None:
    """Bring the schema to its newest revision; safe to run twice, and at the same time."""
    try:
        migrate.upgrade(owner_url_for(data_dir))
    except DBAPIError as error:
        raise Refused(_reason(error)) from error
    if with_seed:
        plant(settings_for(data_dir), DataDir(data_dir.resolve()))
    if not quiet:
        click.echo(f"The database is at revision {migrate.head()}.")


def plant(settings: Settings, data: DataDir) -> None:
    """Seed the embedded database; its sandbox keys are made once, and lie in the data folder for their owner's eyes."""
    runtime = build(settings)
    seed.seed(runtime)
    if not data.sandbox_keys.exists():
        keys = seed.sandbox_keys(runtime)
        write_json(data.sandbox_keys, {slug: asdict(issued) for slug, issued in keys.items()})
    runtime.close()


@command.command()
@data_dir_option
def check(data_dir: Path) -> None:
    """Exit 1 with the differences where the database is not what the code expects."""
    try:
        differences = migrate.differences(owner_url_for(data_dir))
    except DBAPIError as error:
        raise Refused(_reason(error)) from error
    for difference in differences:
        click.echo(difference)
    if differences:
        raise SystemExit(1)
    click.echo(f"The database is at revision {migrate.head()}, as the code expects.")


def _reason(error: DBAPIError) -> str:
    reason = str(error.orig).strip().splitlines()[0]
    return f"The database does not do what it should ({reason}); check STECKER_DATABASE_URL and its role's rights."
