"""What every request's credential is held against: the published keys, the connections, and who is refused.

In memory, a second old.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

from joserfc.jwk import ECKey
from sqlalchemy import or_, select, union_all
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from gateway.connections.tables import Connection
from gateway.oauth.keys import header_segment, published
from gateway.oauth.tables import Client
from gateway.partners.tables import Partner

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
# With the database away this long, a suspended client may be among those who call: nobody gets in.
TRUSTED_SECONDS = 10.0

# The doors at which somebody knocks with a secret.
CALLED = select(Connection).where(Connection.door.in_(("google", "shopify")), Connection.status == "active")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """`keys` by the header of the tokens they sign; `refused` are ids of clients and partners. `at`: monotonic.

    `connections` by their door and name, where a secret lets somebody in.
    """

    keys: Mapping[bytes, ECKey]
    refused: frozenset[str]
    connections: Mapping[tuple[str, str], Connection]
    at: float


class Standing:
    """Reads what is known from PostgreSQL in a thread of its own; requests only look at it."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions, self._clock, self._monotonic = sessions, clock, monotonic
        self._known: Knowledge | None = None
        self._imported: dict[bytes, ECKey] = {}
        self._stopping = Event()
        self._thread: Thread | None = None

    def known(self) -> Knowledge | None:
        """The present knowledge; None where there is none, or none that can be trusted any more."""
        known = self._known
        return known if known and self._monotonic() - known.at < TRUSTED_SECONDS else None

    def refresh(self) -> None:
        """Read it now. Raises `SQLAlchemyError`."""
        at = self._monotonic()
        now = self._clock()
        ended = or_(Client.status != "active", Client.expires_at <= now)
        refused = union_all(select(Client.id).where(ended), select(Partner.id).where(Partner.status != "active"))
        with self._sessions() as session:
            rows = {header_segment(key.kid): key.public_jwk for key in published(session, now)}
            out = frozenset(session.scalars(refused))
            connections = {(one.door, one.name): one for one in session.scalars(CALLED)}
        self._imported = {head: self._imported.get(head) or ECKey.import_key(jwk) for head, jwk in rows.items()}
        self._known = Knowledge(keys=self._imported, refused=out, connections=connections, at=at)

    def start(self) -> None:
        """Read once, then every half second until `stop`. Raises `SQLAlchemyError` where the first read fails."""
        self.refresh()
        self._thread = Thread(target=self._keep, name="standing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def _keep(self) -> None:
        away = False
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                self.refresh()
                away = False
            except SQLAlchemyError:
                if not away:
                    log.warning("database_away: tokens are checked against what was last known")
                away = True
