"""The time that all processes go by: PostgreSQL's, whatever the clocks of their machines say.

A lease that one machine has taken would be over at once for another whose clock is ahead: all would be sent twice. And
what a machine writes whose clock is ahead would be due only later.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic, time

from sqlalchemy import Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

AWAY = (OperationalError, InterfaceError, NoConnection)


class DatabaseClock:
    """PostgreSQL's time. It is asked every `every` seconds; in between the monotonic clock goes on from there.

    While it is away, what was known goes on; before the first answer that is the machine's own time.
    """

    def __init__(self, engine: Engine, *, every: float = 10.0) -> None:
        self._engine = engine
        self._every = every
        self._asking = threading.Lock()
        self._asked = float("-inf")
        self._ahead = time() - monotonic()

    def __call__(self) -> datetime:
        if monotonic() - self._asked >= self._every and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return datetime.fromtimestamp(monotonic() + self._ahead, UTC)

    @contextmanager
    def followed(self, every: float = 10.0) -> Iterator[None]:
        """Asks in a thread of its own, for those who must not wait for it: they ask once, with `every` infinite."""
        over = threading.Event()

        def ask() -> None:
            while not over.wait(every):
                self._ask()

        thread = threading.Thread(target=ask, name="clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _ask(self) -> None:
        self._asked = monotonic()
        try:
            with self._engine.connect() as connection:
                before = monotonic()
                found = float(connection.scalar(_NOW) or 0.0)
                after = monotonic()
        except AWAY:
            return
        # It looked somewhere between the two: what was known is right as far as it can be.
        self._ahead = min(max(self._ahead, found - after), found - before)


class Setbacks:
    """Notices that PostgreSQL's clock was set back, and has what waits not wait the longer for it. One at a time.

    `least` is what counts as set back; `passing` are seconds that nobody sets.
    """

    def __init__(
        self,
        *,
        least: timedelta = timedelta(seconds=5),
        lease: timedelta = timedelta(seconds=30),
        passing: Callable[[], float] = monotonic,
    ) -> None:
        self._least = least.total_seconds()
        self._lease = lease
        self._passing = passing
        self._ahead: float | None = None

    def look(self, sessions: sessionmaker[Session]) -> timedelta | None:
        """By how much, if it was set back since the last look; what waits has been moved by as much then."""
        with sessions.begin() as session:
            before = self._passing()
            found = float(session.scalar(_NOW) or 0.0)
            # It looked somewhere between the two: only what is certain counts.
            least, most = found - self._passing(), found - before
            if self._ahead is None or self._ahead - most < self._least:
                self._ahead = least
                return None
            back = timedelta(seconds=self._ahead - most)
            session.execute(_LONG)
            session.execute(_MOVE, {"back": back, "lease": self._lease})
        self._ahead = least
        return back


_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")

_LONG = text("SET LOCAL statement_timeout = 0")

# The mailboxes are locked in the order in which `enqueue` does. A lease may belong to somebody who lives: it is not cut
# short, it only ends no later than one that were taken now. What goes by a clock that stands is left alone.
_MOVE = text("""
    WITH waiting AS MATERIALIZED (
        SELECT m.endpoint_id, m.subject, c.stands_at IS NOT NULL AS apart
          FROM webhook_mailbox m
          LEFT JOIN webhook_clock c ON c.owner = m.owner AND c.environment = m.environment
         WHERE m.due_at IS NOT NULL ORDER BY m.subject, m.endpoint_id FOR UPDATE OF m),
    boxes AS (
        UPDATE webhook_mailbox m
           SET due_at = CASE WHEN m.leased THEN least(m.due_at, statement_timestamp() + :lease)
                             ELSE m.due_at - CAST(:back AS interval) END
          FROM waiting
         WHERE m.endpoint_id = waiting.endpoint_id AND m.subject = waiting.subject
           AND m.due_at > statement_timestamp() AND (m.leased OR NOT waiting.apart))
    UPDATE webhook_message x
       SET next_attempt_at = x.next_attempt_at - CAST(:back AS interval)
      FROM waiting
     WHERE x.endpoint_id = waiting.endpoint_id AND x.subject = waiting.subject AND NOT waiting.apart
       AND x.status = 'pending' AND x.next_attempt_at > statement_timestamp()
""")
