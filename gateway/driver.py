"""Past SQLAlchemy: the statements that every order and every step run, on the driver's own cursor.

The ORM takes four times, and a bare SQLAlchemy connection twice the time that such a statement takes. Everything else
is read and written as usual; both share one transaction. Errors are psycopg's own.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from psycopg import Cursor
from psycopg.errors import UniqueViolation
from sqlalchemy.orm import Session, sessionmaker

from gateway.db import Base

_TOGETHER = "what travels together"  # in a session's `info`, while it is in `together`
_NAME = re.compile(r"%\((\w+)\)s")


class Taken(Exception):
    """What was to be new is here already."""


@dataclass(slots=True)
class _Together:
    """The driver's connection, and what is to be written at the end: as the statements came, with their values."""

    connection: Any
    statements: list[tuple[str, ...]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, statements: tuple[str, ...], values: Mapping[str, Any]) -> None:
        place = len(self.statements)
        self.statements.append(statements)
        self.values |= {f"{name}_{place}": value for name, value in values.items()}


@lru_cache(maxsize=256)
def _as_one(*groups: tuple[str, ...]) -> str:
    """One statement of all of them; each group's names carry its place, as its values' do."""
    parts = [_NAME.sub(rf"%(\1_{place})s", one) for place, group in enumerate(groups) for one in group]
    return f"WITH {', '.join(f'w{number} AS ({part})' for number, part in enumerate(parts))} SELECT"


@contextmanager
def together(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A transaction of one statement, which is all that `write` is given within; what is read before stands outside.

    One way to the database instead of ten, and nothing to take back. Only `execute` to read and `write` work within,
    and nothing may follow in this session. Raises `Taken` where a row is not unique; then nothing has happened.
    """
    with sessions() as session:
        connection: Any = session.connection().connection.dbapi_connection
        travelling = session.info[_TOGETHER] = _Together(connection)
        connection.autocommit = True
        try:
            yield session
            if travelling.statements:
                connection.execute(_as_one(*travelling.statements), travelling.values)
        except UniqueViolation:
            raise Taken from None
        finally:
            connection.rollback()
            connection.autocommit = False


def execute(session: Session, statement: str, values: Mapping[str, Any]) -> Cursor[Any]:
    """Run it in the session's transaction. `statement` names its values as `%(name)s`."""
    travelling = session.info.get(_TOGETHER)
    connection: Any = travelling.connection if travelling else session.connection().connection
    ran: Cursor[Any] = connection.cursor().execute(statement, values)
    return ran


def write(session: Session, statements: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """Run these statements as one, which has no result; within `together` as part of the one at its end.

    None of them sees what another one writes.
    """
    travelling = session.info.get(_TOGETHER)
    if travelling is not None:
        travelling.add(statements, values)
        return
    alone = _Together(None)
    alone.add(statements, values)
    execute(session, _as_one(statements), alone.values)


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
