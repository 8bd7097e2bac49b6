"""The database: one engine a process, the base of the gateway's tables, and how times are kept."""

from datetime import datetime
from select import POLLIN, poll
from typing import Any, ClassVar

from psycopg import Connection
from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from webhooks.tables import NAMING, UtcDateTime

# lock_timeout is also how long a second request with one Idempotency-Key waits for the first.
OPTIONS = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 -c timezone=UTC "
    "-c random_page_cost=1.1"
)

REMEMBERED = "remembered"  # in the `info` of all sessions of an engine: what `driver.recall` was told


class Base(DeclarativeBase):
    """The base of every table of the gateway. `webhooks` has a base of its own."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime}


def connect(url: str, *, pool_size: int = 10, **options: Any) -> Engine:
    """An engine with every timeout set: connect 3 s, statement 5 s, lock 2 s, waiting for a pooled connection 5 s."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,  # an error's text never carries what was to be stored
        connect_args={"connect_timeout": 3, "options": OPTIONS, "application_name": "stecker"},
        **options,
    )
    event.listen(engine, "checkout", _check)
    return engine


def _check(connection: Connection[Any], *_: object) -> None:
    """Have the pool replace a connection that the server has ended.

    The server says nothing on an idle connection but that it is over, so looking is enough; asking it, as
    `pool_pre_ping` does, is a round trip more for every transaction.
    """
    looking = poll()
    if not connection.closed:
        looking.register(connection.fileno(), POLLIN)
    if connection.closed or looking.poll(0):
        raise DisconnectionError


def one_at_a_time(session: Session, place: str) -> None:
    """Have everybody else who names this place wait until this transaction is over: what is counted stays true."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"), {"place": place})


def sessions(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False, info={REMEMBERED: {}})
