"""One transaction on the system a command talks to."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gateway import runtime as runtimes
from gateway.cli import Refused, settings_for
from gateway.runtime import Runtime


@contextmanager
def transaction(data_dir: Path) -> Iterator[tuple[Runtime, Session]]:
    """Commits at the end of the block. Raises `Refused` where there is no system, or no database."""
    with (
        reachable(),
        closing(runtimes.build(settings_for(data_dir), pool_size=1)) as runtime,
        runtime.sessions.begin() as session,
    ):
        yield runtime, session


@contextmanager
def reachable() -> Iterator[None]:
    """Turns a database that is away into a sentence."""
    try:
        yield
    except OperationalError as error:
        raise Refused("The database cannot be reached; is the system running? Start it with: stecker up") from error
