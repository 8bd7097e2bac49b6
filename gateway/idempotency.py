"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): the same request twice acts once.

The row is written in the transaction of the effect, and first, unless the whole of it is one statement. A second
request with the key waits for the first one's end, at most as long as a lock may wait; a crash takes row and effect
away together, so there is nothing to expire.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from flask import Response
from psycopg.errors import LockNotAvailable
from sqlalchemy import LargeBinary, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.errors import Problem as Fault
from gateway import driver
from gateway.call import Call
from gateway.crypto import Place
from gateway.db import Base
from gateway.errors import Problem

KEY = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e][\x21-\x7e]{0,254})')
REPLAYED = ("Location",)


class IdempotencyRecord(Base):
    """The answer to a key. `body` is encrypted, since an answer may hold a secret that is shown once."""

    __tablename__ = "idempotency_record"

    partner_id: Mapped[str] = mapped_column(Text, primary_key=True)
    environment: Mapped[str] = mapped_column(Text, primary_key=True)
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


Act = Callable[[Session], Response]


def once(call: Call, operation: str, act: Act, first: Act | None = None) -> Response:
    """Run `act` in one transaction under the request's key, or replay what it answered before.

    `first` is a quicker `act` for what nobody has asked for yet, within `driver.together`; where it has been, `act`
    is run after all.

    A `Problem` that `act` raises rolls everything back, the key included: it can be tried again. Raises `Problem`
    without a usable key (400), for another request under the key (422), or while the first still runs (409).
    """
    record = _Record(call, operation, key_of(call))
    return (_first(record, first) if first else None) or _once(record, act)


def _once(record: "_Record", act: Act) -> Response:
    with record.call.runtime.sessions.begin() as session:
        with _while_the_first_runs():
            stored = record.claim(session)
        if stored is not None:
            return record.replay(stored)
        response = act(session)
        record.keep(session, response)
        return response


def _first(record: "_Record", act: Act) -> Response | None:
    """What `act` answers; None where the key, or what it makes, is here already.

    Here the key is written last, with its answer: two at once both act, and the later one is taken back as a whole.
    """
    try:
        with _while_the_first_runs(), driver.together(record.call.runtime.sessions) as session:
            response = act(session)
            record.write(session, response)
        return response
    except driver.Taken:
        return None


@contextmanager
def _while_the_first_runs() -> Iterator[None]:
    try:
        yield
    except LockNotAvailable:
        detail = "The first request with this key is still running; ask again in a moment."
        raise Problem(code="request-in-progress", detail=detail, headers={"Retry-After": "1"}) from None


def key_of(call: Call) -> str:
    """The request's key, or the problem with it."""
    given = call.header("idempotency-key")
    if given is None:
        detail = "Send an Idempotency-Key of your own making, for example a UUID, and the same one when you try again."
        raise Problem(code="idempotency-key-missing", detail=detail)
    match = KEY.fullmatch(given)
    if match is None:
        fault = Fault(
            pointer="Idempotency-Key", code="bad_format", detail="1 to 255 visible ASCII characters, quoted or bare."
        )
        raise Problem(code="bad-request", detail="The Idempotency-Key cannot be used.", faults=(fault,))
    return match[1] or match[2]


@dataclass(frozen=True)
class _Record:
    call: Call
    operation: str
    key: str

    def claim(self, session: Session) -> IdempotencyRecord | None:
        """None when the key is ours now; else what it stands for."""
        if driver.execute(session, f"{_CLAIM} ON CONFLICT DO NOTHING", self._asked()).rowcount:
            return None
        return session.scalars(select(IdempotencyRecord).filter_by(**self._mine())).one()

    def keep(self, session: Session, response: Response) -> None:
        driver.execute(session, _KEEP, {**self._mine(), **self._answered(response)})

    def write(self, session: Session, response: Response) -> None:
        """Claim and keep in one."""
        driver.write(session, (_WRITE,), {**self._asked(), **self._answered(response)})

    def replay(self, stored: IdempotencyRecord) -> Response:
        if stored.fingerprint != self._fingerprint():
            raise Problem(code="idempotency-key-reused", detail="This key came with another request before.")
        body = self.call.runtime.vault.decrypt(stored.body or b"", self._place())
        headers = {**(stored.headers or {}), "Idempotency-Replayed": "true"}
        return Response(body, status=stored.status, headers=headers)

    @staticmethod
    def _kept(response: Response) -> dict[str, str]:
        return {name: response.headers[name] for name in REPLAYED if name in response.headers}

    def _fingerprint(self) -> bytes:
        scope = self.call.scope
        parts = (scope["method"].encode(), scope["path"].encode(), self.call.media_type.encode(), self.call.body)
        return sha256(b"\x1f".join(parts)).digest()

    def _place(self) -> Place:
        return Place(self.call.tenant.partner_id, "idempotency_record", f"{self.operation}\x1e{self.key}", "body")

    def _asked(self) -> dict[str, Any]:
        return {**self._mine(), "fingerprint": self._fingerprint(), "created_at": self.call.now}

    def _answered(self, response: Response) -> dict[str, Any]:
        return {
            "status": response.status_code,
            "headers": json.dumps({"Content-Type": response.content_type} | self._kept(response)),
            "body": self.call.runtime.vault.encrypt(response.get_data(), self._place()),
        }

    def _mine(self) -> dict[str, str]:
        tenant = self.call.tenant
        return {
            "partner_id": tenant.partner_id,
            "environment": tenant.environment,
            "operation": self.operation,
            "key": self.key,
        }


_CLAIM = """
    INSERT INTO idempotency_record (partner_id, environment, operation, key, fingerprint, created_at)
    VALUES (%(partner_id)s, %(environment)s, %(operation)s, %(key)s, %(fingerprint)s, %(created_at)s)
"""

_WRITE = """
    INSERT INTO idempotency_record
           (partner_id, environment, operation, key, fingerprint, created_at, status, headers, body)
    VALUES (%(partner_id)s, %(environment)s, %(operation)s, %(key)s, %(fingerprint)s, %(created_at)s,
            %(status)s, %(headers)s, %(body)s)
"""

_KEEP = """
    UPDATE idempotency_record SET status = %(status)s, headers = %(headers)s, body = %(body)s
     WHERE partner_id = %(partner_id)s AND environment = %(environment)s AND operation = %(operation)s
       AND key = %(key)s
"""
