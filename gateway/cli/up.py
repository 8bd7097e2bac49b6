"""`stecker up`: everything on one machine, until Ctrl-C."""

import os
from pathlib import Path

import click

from gateway import up
from gateway.cli import Refused, data_dir_option
from gateway.config import ConfigurationError
from gateway.embedded.data import CannotStart, DataDir
from gateway.up import apps


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8080, show_default=True)
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True, help="Worker processes.")
@data_dir_option
def command(port: int, workers: int, data_dir: Path) -> None:
    """Start PostgreSQL, Redis, web, workers and tick on this machine; Ctrl-C stops them all.

    Where STECKER_DATABASE_URL or STECKER_REDIS_URL is set, that server is used instead.
    """
    plan = up.Plan(
        data=DataDir(data_dir.resolve()),
        port=port,
        environ=os.environ,
        prepare=(*apps.STECKER, "db", "upgrade", "--quiet"),
        apps=apps.ours(workers),
        say=click.echo,
    )
    try:
        up.run(plan)
    except (CannotStart, ConfigurationError) as error:
        raise Refused(str(error)) from error
