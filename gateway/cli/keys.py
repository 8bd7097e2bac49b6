"""`stecker keys`: the keys that sign access tokens."""

from pathlib import Path

import click

from gateway.cli import data_dir_option
from gateway.cli.session import transaction
from gateway.oauth import keys


@click.group()
def command() -> None:
    """The keys that sign access tokens. Those of webhooks are each endpoint's own: `stecker webhook rotate`."""


@command.command()
@data_dir_option
def rotate(data_dir: Path) -> None:
    """A new signing key: published at once, signing in a few minutes; no token that is out is refused."""
    with transaction(data_dir) as (runtime, session):
        kid = keys.rotate(session, runtime.vault, runtime.clock())
    click.echo(f"{kid} is published, and signs in {keys.CACHE.seconds // 60} minutes.")
