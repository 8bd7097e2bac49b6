"""Past SQLAlchemy: the statements that every order and every step run, on the driver's own cursor.

The ORM takes four times, and a bare SQLAlchemy connection twice the time that such a statement takes. Everything else
is read and written as usual; both share one transaction. Errors are psycopg's own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor
from psycopg.errors import UniqueViolation
from sqlalchemy.orm import Session, sessionmaker

from gateway.db import Base

_CONNECTION = "driver's connection"  # in a session's `info`, while it is in `together`


class Taken(Exception):
    """What was to be new is here already."""


@contextmanager
def together(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A transaction whose statements travel together: none waits for what the database says to the one before.

    Reading a result waits for it, and for all before it; every other error comes with the commit at the end. Only
    `execute` works within, and nothing may follow in this session. Raises `Taken` where a row is not unique; then
    nothing has happened.
    """
    with sessions() as session:
        connection: Any = session.connection().connection.dbapi_connection
        session.info[_CONNECTION] = connection
        # BEGIN and COMMIT travel with the others. The driver would wait for a BEGIN of its own.
        connection.autocommit = True
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                yield session
                connection.execute("COMMIT")
        except UniqueViolation:
            raise Taken from None
        finally:
            connection.rollback()
            connection.autocommit = False


def execute(session: Session, statement: str, values: Mapping[str, Any]) -> Cursor[Any]:
    """Run it in the session's transaction. `statement` names its values as `%(name)s`."""
    connection: Any = session.info.get(_CONNECTION) or session.connection().connection
    ran: Cursor[Any] = connection.cursor().execute(statement, values)
    return ran


def columns(table: type[Base]) -> str:
    """The columns that are written, separated by commas; those that the database fills in are not."""
    return ", ".join(
        column.name for column in table.metadata.tables[table.__tablename__].columns if not _is_given(column)
    )


def _is_given(column: Any) -> bool:
    return column.server_default is not None or column.identity is not None


def rows(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as one parameter, for `json_populate_recordset(NULL::table, …)`."""
    return json.dumps(list(records), default=_as_json)


def _as_json(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime) and value.tzinfo is not None:
        # Python knows offsets of almost a day, PostgreSQL of not quite sixteen hours.
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"a column cannot hold {type(value).__name__} of this kind")
