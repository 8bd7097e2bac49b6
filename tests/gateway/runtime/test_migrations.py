"""The history of the schema: it leads to the tables as they are declared, and may be walked by several at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gateway.embedded import postgres as embedded_postgres
from gateway.migrations import current, migrate
from tests.support.servers import Servers


@pytest.fixture
def empty_database(running_servers: Servers) -> Iterator[str]:
    """A database without tables, as its owner."""
    running_servers.command("CREATE DATABASE empty")
    yield running_servers.url(embedded_postgres.OWNER, "empty")
    running_servers.command("DROP DATABASE empty WITH (FORCE)")


def test_the_migrations_lead_to_the_tables_as_they_are_declared(empty_database: str) -> None:
    assert migrate.differences(empty_database) == [
        f"the schema is at revision none, the newest is {migrate.head()}: run stecker db upgrade"
    ]
    migrate.upgrade(empty_database)
    assert migrate.differences(empty_database) == []
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE job ADD COLUMN stray int"))
    assert any("stray" in difference for difference in migrate.differences(empty_database))


def test_several_may_migrate_at_once(empty_database: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(migrate.upgrade, empty_database) for _ in range(3)]:
            done.result()
    assert migrate.differences(empty_database) == []


def test_the_quick_question_gives_the_same_answer_as_alembic(empty_database: str) -> None:
    assert current.newest() == migrate.head()
    assert current.current(empty_database) is None
    migrate.upgrade(empty_database)
    assert current.current(empty_database) == migrate.head()


def test_the_application_may_write_rows_and_nothing_else(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        rights = text(
            "SELECT bool_and(has_table_privilege(c.oid, 'SELECT, INSERT')), bool_or(pg_has_role(c.relowner, 'USAGE')),"
            "       has_schema_privilege('public', 'CREATE')"
            "  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        assert tuple(connection.execute(rights).one()) == (True, False, False)
