"""Real servers for tests: PostgreSQL and Redis of the embedded kind, and databases made from a template."""

import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gateway import schema
from gateway.embedded import postgres, redis
from gateway.embedded.data import DataDir, runtime_folder
from gateway.migrations import migrate
from gateway.supervisor import Child, Supervisor

# Nobody pulls the plug on a test's database.
QUICK = {**postgres.SETTINGS, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TEMPLATE = "stecker_template"


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL and Redis, running. `postgres` is the owner's URL of the database `stecker`."""

    postgres: str
    redis: str
    data: DataDir
    runtime: Path
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
        engine = create_engine(self.postgres, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def servers(folder: Path, settings: Mapping[str, str] = QUICK) -> Iterator[Servers]:
    """Start both, make the template database, and leave nothing behind. `settings` are PostgreSQL's."""
    data, runtime = DataDir(folder / "data"), runtime_folder()
    data.make()
    supervisor = Supervisor(say=lambda line: None, changed=_nobody_asks)
    try:
        supervisor.start([postgres.prepare(data, runtime, settings), redis.prepare(data, runtime)], within=60)
        running = Servers(postgres.url(data, runtime, postgres.OWNER), redis.url(runtime), data, runtime)
        running.command(f"CREATE DATABASE {TEMPLATE}")
        _fill(running.url(postgres.OWNER, TEMPLATE))
        yield running
    finally:
        supervisor.stop()
        supervisor.close()
        shutil.rmtree(runtime)


def _fill(url: str) -> None:
    if migrate.head() is not None:
        migrate.upgrade(url)
        return
    engine = create_engine(url, poolclass=NullPool)
    for metadata in schema.METADATA:
        metadata.create_all(engine)


def _nobody_asks(children: Sequence[Child]) -> None:
    """These servers are not taken over by anyone."""
