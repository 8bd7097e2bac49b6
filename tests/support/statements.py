"""What an engine says to the database, noted at the driver, where nothing gets past."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, event


@contextmanager
def noted(engine: Engine) -> Iterator[list[str]]:
    """Every statement of connections taken while this lasts; BEGIN, COMMIT and the pool's pings are not among them."""
    statements: list[str] = []

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            if query not in ("BEGIN", "COMMIT"):
                statements.append(str(query))
            return super().execute(query, *args, **kwargs)

        def executemany(self, query: Any, params_seq: Any, **kwargs: Any) -> Any:
            rows = list(params_seq)
            statements.extend([str(query)] * len(rows))
            return super().executemany(query, rows, **kwargs)

    def note(connection: psycopg.Connection[Any], *args: object) -> None:
        connection.cursor_factory = Noting

    def forget(connection: psycopg.Connection[Any], *args: object) -> None:
        connection.cursor_factory = psycopg.Cursor

    event.listen(engine, "checkout", note)
    event.listen(engine, "checkin", forget)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", note)
        event.remove(engine, "checkin", forget)
