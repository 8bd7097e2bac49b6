"""Bring a database to the newest schema, or say what it lacks. Connects as the owner of the tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.pool import NullPool

from gateway import schema
from gateway.jobs.tables import Xid8

LOCK = 5_873_421_109
"""The advisory lock of migrations: of several that start at once, one migrates and the others find it done."""

# A type that SQLAlchemy does not know when it reads a table back.
ischema_names["xid8"] = Xid8


def head() -> str | None:
    """The newest revision; None while there is none."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(url: str) -> None:
    """Bring the schema to the newest revision. Safe to run twice, and at the same time."""
    with _locked(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def revise(url: str, message: str) -> None:
    """Write the next step: what brings this database, at the newest revision, to the tables as they are declared."""
    with _locked(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True)


def differences(url: str) -> list[str]:
    """What sets this database apart from the newest schema, in words; nothing where it is right."""
    with _connected(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current != head():
            return [f"the schema is at revision {current or 'none'}, the newest is {head()}: run stecker db upgrade"]
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_server_default": True}),
            list(schema.METADATA),  # type: ignore[arg-type]  # Alembic takes several
        )
        return [str(one) for one in found]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    with _connected(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        # From here on: a table that cannot be locked within seconds would hold up everyone behind it.
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    connect_args = {"connect_timeout": 3, "options": "-c timezone=UTC"}
    engine = create_engine(url, poolclass=NullPool, connect_args=connect_args)
    with engine.connect() as connection:
        yield connection
