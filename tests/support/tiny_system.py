"""`stecker up` with tiny processes in place of ours: `tiny_system.py DATA_DIR PORT [WORKER]`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway import up
from gateway.config import ConfigurationError
from gateway.embedded.data import CannotStart, DataDir
from gateway.embedded.process import Spec
from gateway.up.apps import app, healthy
from gateway.up.servers import Environ

APP = (sys.executable, str(Path(__file__).with_name("tiny_app.py")))
# Notes how it was called, in place of migrating.
PREPARE = (
    sys.executable,
    "-c",
    "import os, sys; open(os.environ['STECKER_DATA_DIR'] + '/prepared', 'w').write(str(sys.argv[1:]))",
)


def main(data_dir: str, port: str, worker: str = "worker") -> None:
    def apps(environ: Environ, port: int) -> Sequence[Spec]:
        return (
            app("web", (*APP, "web", str(port)), environ, rank=0, ready=lambda pid: healthy(port)),
            app("worker", (*APP, worker), environ, rank=1),
        )

    plan = up.Plan(
        data=DataDir(Path(data_dir)),
        port=int(port),
        environ=os.environ,
        prepare=PREPARE,
        apps=apps,
        say=click.echo,
    )
    try:
        up.run(plan)
    except (CannotStart, ConfigurationError) as error:
        sys.exit(f"refused: {error}")


main(*sys.argv[1:])
