"""Recoveries go on: what has failed is sent again, and what a partner never got is written from the feed.

A missing event is one of the feed for which the endpoint has no message. It is looked for by its id: the message of an
event is made in its transaction, at the same time, and ids begin with the time. The id of a message that is written
here has that time, too, and the rest of it follows from endpoint and event. So each is written once, whoever is killed
in between, however often it is recovered.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.endpoints import shapes
from gateway.ids import new_id
from gateway.runtime import Runtime
from webhooks import clocks, outbox, recovery, retention
from webhooks.outbox import OutgoingEvent, Subscription
from webhooks.recovery import Recovery
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner

SCAN = 500
"""Events looked at in one step."""

SETTLE = timedelta(minutes=1)
"""No transaction lives that long: an event that is as old is in the feed, in its place."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Event(NamedTuple):
    tx: int
    position: int
    id: str
    job_id: str
    sequence: int
    type: str
    body: bytes
    known: bool


def go(runtime: Runtime) -> None:
    """A step of each recovery that can go on, each in a transaction. One that fails is raised behind all others."""
    with runtime.sessions() as session:
        ids = recovery.running(session)
    failed: Exception | None = None
    for recovery_id in ids:
        try:
            _go_on(runtime, recovery_id)
        except Exception as error:
            failed = error
    if failed is not None:
        raise failed


def _go_on(runtime: Runtime, recovery_id: str) -> None:
    now = runtime.clock()
    with runtime.sessions.begin() as session:
        found = recovery.take(session, recovery_id)
        most = recovery.allowed(session, found, now=now) if found is not None else 0
        if found is None or not most:
            return
        # As many a second as are wanted, of real ones; what they are made due by is their owner's time.
        now = clocks.now_of(session, Owner(found.owner, found.environment), now)
        if found.stage == "missing":
            _write(session, found, most, now)
        else:
            recovery.step(session, found, most, now=now)


def _write(session: Session, found: Recovery, most: int, now: datetime) -> None:
    """Up to `most` missing events, in the order of the feed."""
    endpoint = session.get_one(Endpoint, found.endpoint_id)
    types = found.event_types or endpoint.event_types
    first, last = (retention.floor("evt", at) for at in (found.since, found.until))
    place = _begin(session, found) if found.place is None else tuple(map(int, found.place.split(":")))
    looked, wanted = list[Event](), list[Event]()
    events = _events(session, found, place)
    for event in events:
        if len(wanted) == most:
            break
        looked.append(event)
        if first <= event.id < last and not event.known and _hears(endpoint, types, event):
            wanted.append(event)
    if wanted:
        _enqueue(session, endpoint, wanted, now)
    tx, position = (looked[-1].tx, looked[-1].position) if looked else place
    after = bool(looked) and looked[-1].id >= retention.floor("evt", found.until + SETTLE)
    ended = len(looked) == len(events) < SCAN and now >= found.until + SETTLE
    share = _share(found, looked[-1].id) if looked else 1.0
    recovery.wrote(found, len(wanted), f"{tx}:{position}", share, over=after or ended, now=now)


def _hears(endpoint: Endpoint, types: Sequence[str], event: Event) -> bool:
    if "*" not in types and event.type not in types:
        return False
    return endpoint.services is None or shapes.service(event.body) in endpoint.services


def _enqueue(session: Session, endpoint: Endpoint, wanted: Sequence[Event], now: datetime) -> None:
    owner = Owner(endpoint.owner, endpoint.environment)
    subscription = Subscription(endpoint.id, endpoint.format, ("*",), endpoint.ordered, endpoint.content)
    shape = subscription.shape
    said = [
        OutgoingEvent(
            subject=one.job_id,
            event_id=one.id,
            event_type=one.type,
            sequence=one.sequence,
            payloads={shape: (shapes.shaped(one.body, shape),)},
        )
        for one in wanted
    ]
    ids = iter([message_id(endpoint.id, one.id) for one in wanted])
    make: Callable[[str], str] = lambda prefix: next(ids) if prefix == "whm" else new_id(prefix, now)  # noqa: E731
    outbox.enqueue(outbox.writing(session), owner, said, [subscription], new_id=make, now=now)


def message_id(endpoint_id: str, event_id: str) -> str:
    """The id of the message of this event for this endpoint, where it is written after the event."""
    digest = int.from_bytes(hashlib.sha256(f"{endpoint_id} {event_id}".encode()).digest()[:10])
    return f"whm_{event_id[4:14]}" + "".join(ALPHABET[digest >> 5 * place & 31] for place in range(16))


def _share(found: Recovery, event_id: str) -> float:
    """How much of the time between since and until lies before this event."""
    seconds = sum(ALPHABET.index(letter) << 5 * place for place, letter in enumerate(reversed(event_id[4:14]))) / 1000
    begin, end = found.since.timestamp(), found.until.timestamp()
    return (seconds - begin) / max(end - begin, 1.0)


def _begin(session: Session, found: Recovery) -> tuple[int, int]:
    """The place in the feed before the first event that may be in the time: transactions are in its order, nearly.

    Halved until it is found, as an event's time has no index with its tenant.
    """
    whose = {"owner": found.owner, "environment": found.environment}
    before = retention.floor("evt", found.since - SETTLE)
    low, high = session.execute(_ENDS, whose).one()
    while low < high:
        middle = (low + high) // 2
        tx, event_id = session.execute(_AT, whose | {"tx": str(middle)}).one()
        low, high = (tx + 1, high) if event_id < before else (low, middle)
    return low, 0


def _events(session: Session, found: Recovery, place: tuple[int, ...]) -> list[Event]:
    where = {"owner": found.owner, "environment": found.environment, "endpoint_id": found.endpoint_id}
    bounds: dict[str, Any] = {"tx": str(place[0]), "position": place[1], "most": SCAN}
    return [Event(*row) for row in session.execute(_EVENTS, where | bounds)]


_ENDS = text("""
    SELECT coalesce((SELECT tx::text::bigint FROM job_event
                      WHERE partner_id = :owner AND environment = :environment ORDER BY tx, position LIMIT 1), 0),
           coalesce((SELECT tx::text::bigint FROM job_event
                      WHERE partner_id = :owner AND environment = :environment
                      ORDER BY tx DESC, position DESC LIMIT 1), 0)
""")

_AT = text("""
    SELECT tx::text::bigint, id FROM job_event
     WHERE partner_id = :owner AND environment = :environment AND tx >= CAST(:tx AS xid8)
     ORDER BY tx, position LIMIT 1
""")

_EVENTS = text("""
    SELECT e.tx::text::bigint, e.position, e.id, e.job_id, e.sequence, e.type, e.body, EXISTS (
               SELECT FROM webhook_message m
                WHERE m.id BETWEEN 'whm_' || substr(e.id, 5, 10) || repeat('0', 16)
                               AND 'whm_' || substr(e.id, 5, 10) || repeat('Z', 16)
                  AND m.endpoint_id = :endpoint_id AND m.event_id = e.id)
      FROM job_event e
     WHERE e.partner_id = :owner AND e.environment = :environment
       AND (e.tx, e.position) > (CAST(:tx AS xid8), :position)
       AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY e.tx, e.position LIMIT :most
""")
