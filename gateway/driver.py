"""Past SQLAlchemy: the statements that every order and every step run, on the driver's own cursor.

The ORM takes four times, and a bare SQLAlchemy connection twice the time that such a statement takes. Everything else
is read and written as usual; both share one transaction. Errors are psycopg's own.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Cursor
from sqlalchemy.orm import Session

from gateway.db import Base


def execute(session: Session, statement: str, values: Mapping[str, Any]) -> Cursor[Any]:
    """Run it in the session's transaction. `statement` names its values as `%(name)s`."""
    cursor: Any = session.connection().connection.cursor()
    ran: Cursor[Any] = cursor.execute(statement, values)
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
        return value.isoformat()
    raise TypeError(f"a column cannot hold {type(value).__name__} of this kind")
