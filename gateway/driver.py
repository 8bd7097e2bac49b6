"""Past SQLAlchemy: the statements that every order and every step run, on the driver's own cursor.

The ORM takes four times, and a bare SQLAlchemy connection twice the time that such a statement takes. Everything else
is read and written as usual; both share one transaction. Errors are psycopg's own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from psycopg import Cursor
from psycopg.errors import DivisionByZero, UniqueViolation
from sqlalchemy.orm import Session, sessionmaker

from gateway.db import REMEMBERED, Base

_TOGETHER = "what travels together"  # in a session's `info`, while it is in `together`
MEMORY = 10_000  # answers that a process remembers
_NAME = re.compile(r"%\((\w+)\)s")


class Taken(Exception):
    """What was to be new is here already, or what was remembered is so no more."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as the database writes it down, and its rows."""

    text: str
    rows: list[tuple[Any, ...]]


@dataclass(slots=True)
class _Together:
    """The driver's connection, and what is to be said at its end, with all values.

    `writes` are statements as they came, `recalled` the questions that were answered from memory, as it knows them.
    """

    connection: Any
    writes: list[tuple[str, ...]] = field(default_factory=list)
    recalled: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def write(self, statements: tuple[str, ...], values: Mapping[str, Any]) -> None:
        self._add(str(len(self.writes)), values)
        self.writes.append(statements)

    def recall(self, asked: tuple[str, str], values: Mapping[str, Any], answer: str) -> None:
        self._add(f"q{len(self.recalled)}", {**values, "answer": answer})
        self.recalled.append(asked)

    def _add(self, place: str, values: Mapping[str, Any]) -> None:
        self.values |= {f"{name}_{place}": value for name, value in values.items()}

    def run(self) -> None:
        if self.writes:
            statement = _as_one(tuple(self.writes), tuple(question for question, _ in self.recalled))
            self.connection.execute(statement, self.values)


@lru_cache(maxsize=256)
def _as_one(writes: tuple[tuple[str, ...], ...], questions: tuple[str, ...] = ()) -> str:
    """One statement of all of them; each one's names carry its place, as its values' do.

    It fails with a division by zero where a question has another answer than the one it comes with.
    """
    parts = [_placed(one, str(place)) for place, group in enumerate(writes) for one in group]
    still = [_placed(f"%(answer)s = ({_as_text(one)})", f"q{place}") for place, one in enumerate(questions)]
    checked = f" 1 / ({' AND '.join(still)})::int" if still else ""
    return f"WITH {', '.join(f'w{number} AS ({part})' for number, part in enumerate(parts))} SELECT{checked}"


def _placed(statement: str, place: str) -> str:
    return _NAME.sub(rf"%(\1_{place})s", statement)


def _as_text(question: str) -> str:
    """The question with all of its answer in one text, which can be compared."""
    return f"SELECT coalesce(json_agg(answer)::text, '[]') FROM ({question}) answer"


@contextmanager
def together(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A transaction of one statement, which is all that `write` is given within; what is read before stands outside.

    One way to the database instead of ten, and nothing to take back. Only `recall`, `execute` to read and `write` work
    within, and nothing may follow in this session. Raises `Taken` where a row is not unique, or where something is not
    as remembered; then nothing has happened.
    """
    session = sessions()
    engine: Any = session.get_bind()
    with closing(engine.raw_connection()) as lent:
        connection = lent.dbapi_connection
        travelling = session.info[_TOGETHER] = _Together(connection)
        connection.autocommit = True
        try:
            yield session
            travelling.run()
        except UniqueViolation:
            raise Taken from None
        except DivisionByZero:
            for asked in travelling.recalled:
                session.info[REMEMBERED].pop(asked, None)
            raise Taken from None
        finally:
            if connection.closed:
                lent.invalidate()
            else:
                connection.autocommit = False


def execute(session: Session, statement: str, values: Mapping[str, Any]) -> Cursor[Any]:
    """Run it in the session's transaction. `statement` names its values as `%(name)s`."""
    travelling = session.info.get(_TOGETHER)
    connection: Any = travelling.connection if travelling else session.connection().connection
    ran: Cursor[Any] = connection.cursor().execute(statement, values)
    return ran


def recall(session: Session, question: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """The rows of a question whose answer seldom changes: text, or lists of it, always in one order.

    Within `together` the answer comes from memory, and the statement at its end sees to it that it is still the same.
    """
    travelling = session.info.get(_TOGETHER)
    if travelling is None:
        return execute(session, question, values).fetchall()
    memory: dict[tuple[str, str], _Answer] = session.info[REMEMBERED]
    asked = question, repr(values)
    known = memory.get(asked)
    if known is None:
        known = _answer(travelling.connection.execute(_as_text(question), values).fetchone()[0])
        if len(memory) >= MEMORY:
            memory.clear()
        memory[asked] = known
    travelling.recall(asked, values, known.text)
    return known.rows


def _answer(text: str) -> _Answer:
    return _Answer(text, [tuple(row.values()) for row in orjson.loads(text)])


def write(session: Session, statements: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """Run these statements as one, which has no result; within `together` as part of the one at its end.

    None of them sees what another one writes.
    """
    travelling = session.info.get(_TOGETHER)
    if travelling is not None:
        travelling.write(statements, values)
        return
    alone = _Together(None)
    alone.write(statements, values)
    execute(session, _as_one((statements,)), alone.values)


def columns(table: type[Base]) -> str:
    """The columns that are written, separated by commas; those that the database fills in are not."""
    return ", ".join(
        column.name for column in table.metadata.tables[table.__tablename__].columns if not _is_given(column)
    )


def _is_given(column: Any) -> bool:
    return column.server_default is not None or column.identity is not None


def rows(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as one parameter, for `json_populate_recordset(NULL::table, …)`."""
    return orjson.dumps(list(records), default=_as_json, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _as_json(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime) and value.tzinfo is not None:
        # Python knows offsets of almost a day, PostgreSQL of not quite sixteen hours.
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"a column cannot hold {type(value).__name__} of this kind")
