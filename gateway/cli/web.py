"""`stecker web`: one web process."""

import sys
from pathlib import Path

import click

from gateway import asgi, log
from gateway.cli import Refused, data_dir_option, settings_for, stop_with_parent_option
from gateway.config import ConfigurationError
from gateway.ops import listener


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 is everywhere.")
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8080, show_default=True)
@data_dir_option
@stop_with_parent_option
def command(host: str, port: int, data_dir: Path) -> None:
    """Serve the API."""
    settings = settings_for(data_dir)
    log.configure(settings.log_level, sys.stderr, settings.log_format)
    try:
        with listener.listening(settings):
            asgi.serve(settings, host, port)
    except ConfigurationError as error:
        raise Refused(str(error)) from error
