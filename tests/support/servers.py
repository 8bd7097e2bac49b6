"""Real servers for tests: PostgreSQL and Redis of the embedded kind, and databases made from a template."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from gateway import schema
from gateway.embedded import postgres, redis
from gateway.embedded.data import DataDir, runtime_folder
from gateway.migrations import migrate
from gateway.supervisor import Child, Supervisor

# Nobody pulls the plug on a test's database, nor guesses its password.
QUICK = {
    **postgres.SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "scram_iterations": "1",
}
TEMPLATE = "stecker_template"

MEMORY = Path("/dev/shm")
ROOM = 1 << 30  # bytes; the data of one session's servers is a quarter of that
FOLDER = "stecker-tests-"


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL and Redis, running. `postgres` is the owner's URL of the database `stecker`."""

    postgres: str
    redis: str
    data: DataDir
    runtime: Path
    owner: psycopg.Connection[Any]
    client: Redis
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, role: str, database: str) -> str:
        return postgres.url(self.data, self.runtime, role, database)

    @contextmanager
    def database(self) -> Iterator[str]:
        """A database of its own, like the template, reached as the application's role."""
        name = f"test_{next(self.numbers)}"
        self.command(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        try:
            yield self.url(postgres.APP, name)
        finally:
            self.command(f"DROP DATABASE {name} WITH (FORCE)")

    def command(self, statement: str) -> None:
        self.owner.execute(statement.encode())


@contextmanager
def quick_servers() -> Iterator[Servers]:
    """Servers for tests: their data lies in memory where there is room, and is not there afterwards."""
    _clear()
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    with (
        tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-", dir=MEMORY if roomy else None) as folder,
        servers(Path(folder), QUICK) as running,
    ):
        yield running


def _clear() -> None:
    """Remove from memory what a killed run has left there."""
    for left in MEMORY.glob(f"{FOLDER}*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def servers(folder: Path, settings: Mapping[str, str]) -> Iterator[Servers]:
    """Start both, make the template database, and leave nothing behind. `settings` are PostgreSQL's."""
    data, runtime = DataDir(folder / "data"), runtime_folder()
    data.make()
    supervisor = Supervisor(say=lambda line: None, changed=_nobody_asks)
    try:
        supervisor.start([postgres.prepare(data, runtime, settings), redis.prepare(data, runtime)], within=60)
        url = postgres.url(data, runtime, postgres.OWNER)
        with _connected(url) as owner, Redis.from_url(redis.url(runtime)) as client:
            running = Servers(url, redis.url(runtime), data, runtime, owner, client)
            for role in (postgres.OWNER, postgres.APP):  # anew, with the iterations of these settings
                running.command(f"ALTER ROLE {role} PASSWORD '{data.secret(role)}'")
            running.command(f"CREATE DATABASE {TEMPLATE}")
            _fill(running.url(postgres.OWNER, TEMPLATE))
            yield running
    finally:
        supervisor.stop()
        supervisor.close()
        shutil.rmtree(runtime)


def _connected(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _fill(url: str) -> None:
    if migrate.head() is not None:
        migrate.upgrade(url)
        return
    engine = create_engine(url, poolclass=NullPool)
    for metadata in schema.METADATA:
        metadata.create_all(engine)


def _nobody_asks(children: Sequence[Child]) -> None:
    """These servers are not taken over by anyone."""
