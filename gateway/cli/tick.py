"""`stecker tick`: the process that looks every second for what is due."""

import sys
from pathlib import Path

import click

from gateway import log
from gateway.cli import data_dir_option, settings_for, stop_with_parent_option
from gateway.worker import tick


@click.command()
@data_dir_option
@stop_with_parent_option
def command(data_dir: Path) -> None:
    """Ring the workers each second when something is due."""
    settings = settings_for(data_dir)
    log.configure(settings.log_level, sys.stderr, settings.log_format)
    tick.run(settings)
