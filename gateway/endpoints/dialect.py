"""Calls as dialects know them and as `webhooks` sends them, and who judges the answers."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from sqlalchemy.orm import Session, sessionmaker

from adapters import contract
from adapters.contract import Calling, Rendered
from gateway.partners.dialect import adapter_of
from webhooks import courier
from webhooks.calling import Judge, NotNow
from webhooks.outbox import Payload
from webhooks.policy import Answer, Ruling

AWAY = (*courier.AWAY, psycopg.OperationalError, psycopg.InterfaceError)
"""The database is away, as SQLAlchemy says it and as the driver does."""

STALE = timedelta(minutes=1)
"""How long another dialect, or another option of it, may go unnoticed."""


def payload(document: Rendered) -> Payload:
    """A document of a dialect, to be sent."""
    return Payload(
        body=document.body,
        media_type=document.media_type,
        method=document.method,
        path=document.path,
        headers=dict(document.headers),
        kind=document.event,
        probe=None if document.probe is None else payload(document.probe),
    )


def rendered(call: Payload) -> Rendered:
    """The same, on its way back."""
    return Rendered(
        body=call.body,
        media_type=call.media_type,
        event=call.kind or "",
        method=call.method,
        path=call.path,
        headers=call.headers,
        probe=None if call.probe is None else rendered(call.probe),
    )


@dataclass(frozen=True, slots=True)
class DialectJudge:
    """A dialect that reads the answers to its calls."""

    dialect: Calling

    def probed(self, call: Payload, answer: Answer) -> Payload | Ruling:
        found = self.dialect.probed(rendered(call), _answer(answer))
        return payload(found) if isinstance(found, Rendered) else found

    def judge(self, call: Payload, answer: Answer) -> Ruling:
        return self.dialect.judge(rendered(call), _answer(answer))


def _answer(answer: Answer) -> contract.Answer:
    assert answer.status_code is not None
    return contract.Answer(status=answer.status_code, body=answer.body, headers=answer.headers)


class Judges:
    """Finds the judge of a partner's calls; looks a partner up once a minute at most."""

    def __init__(self, sessions: sessionmaker[Session], clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, Judge | None]] = {}

    def __call__(self, owner: str, form: str) -> Judge | None:
        if form != "dialect":
            return None
        now = self._clock()
        # One at a time: a worker has few connections.
        with self._lock:
            known = self._known.get(owner)
            if known is None or now - known[0] >= STALE:
                known = self._known[owner] = now, self._look_up(owner)
        return known[1]

    def _look_up(self, owner: str) -> Judge | None:
        try:
            with self._sessions() as session:
                dialect = adapter_of(session, owner)
        except AWAY as error:
            raise NotNow from error
        return DialectJudge(dialect) if isinstance(dialect, Calling) else None
