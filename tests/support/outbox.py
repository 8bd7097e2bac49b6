"""Endpoints and events for tests of webhook delivery."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from gateway.ids import new_id
from webhooks import endpoints, outbox, schemes
from webhooks.endpoints import NewEndpoint
from webhooks.outbox import OutgoingEvent, Payload, RenderFailure
from webhooks.tenant import Tenant

DEMO = Tenant("ptn_demo", "sandbox")
T = TypeVar("T")


def fresh(prefix: str) -> str:
    return new_id(prefix, datetime.now(UTC))


def add_endpoint(
    sessions: sessionmaker[Session],
    url: str,
    tenant: Tenant = DEMO,
    event_types: Sequence[str] = ("*",),
    authentication: Mapping[str, str] | None = None,
    **limits: Any,
) -> tuple[str, str]:
    """Returns its id and its secret, which is stored as it is. So are the credentials of its authentication.

    `limits` are `ordered`, `concurrency` and `rate_per_second`.
    """
    said = authentication or {"scheme": schemes.STANDARD}
    new = NewEndpoint(
        id=fresh("whep"),
        url=url,
        event_types=tuple(event_types),
        format="plain",
        description=None,
        secret_bytes=os.urandom(32),
        scheme=said["scheme"],
        credentials=json.dumps(schemes.loaded(said)).encode() or None,
        **limits,
    )
    with sessions.begin() as session:
        made, secret = endpoints.create(session, tenant, new, seal=lambda plain, *_: plain, now=datetime.now(UTC))
        return made.id, secret


def event(
    subject: str, sequence: int = 1, words: tuple[Payload, ...] | RenderFailure | None = None, kind: str = "job.x"
) -> OutgoingEvent:
    body = f'{{"subject":"{subject}","sequence":{sequence}}}'.encode()
    return OutgoingEvent(
        subject=subject,
        event_id=fresh("evt"),
        event_type=kind,
        sequence=sequence,
        payloads={"plain": (Payload(body=body, media_type="application/json"),) if words is None else words},
    )


def say(
    sessions: sessionmaker[Session], *events: OutgoingEvent, tenant: Tenant = DEMO, now: datetime | None = None
) -> int:
    """Enqueue and commit."""
    with sessions.begin() as session:
        subscriptions = outbox.subscribed(outbox.reading(session), tenant)
        return outbox.enqueue(
            outbox.writing(session), tenant, events, subscriptions, new_id=fresh, now=now or datetime.now(UTC)
        )


def rows(sessions: sessionmaker[Session], query: str, **values: object) -> list[tuple[object, ...]]:
    with sessions() as session:
        return [tuple(row) for row in session.execute(text(query), values)]


def eventually(look: Callable[[], T], within: float = 10.0) -> T:
    """The first true result; looks every 10 ms."""
    end = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < end, f"still {found!r} after {within} s"
        threading.Event().wait(0.01)
    return found


def statuses(sessions: sessionmaker[Session]) -> list[str]:
    return [str(row[0]) for row in rows(sessions, "SELECT status FROM webhook_message ORDER BY position")]
