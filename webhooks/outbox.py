"""What is to be said, written down in the transaction of whoever says it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webhooks.tables import Endpoint
from webhooks.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Subscription:
    """An endpoint that hears these event types (`*` is all) in this format."""

    endpoint_id: str
    format: str
    event_types: tuple[str, ...]

    def wants(self, event_type: str) -> bool:
        return "*" in self.event_types or event_type in self.event_types


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The request to send: bytes as they are signed. `path` is appended to the endpoint's URL."""

    body: bytes
    media_type: str
    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """The event could not be put into words. `code` is shown to people: a fault's name, never content."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """One event and its words by format. An empty tuple: the format has no word for it, nothing is sent."""

    subject: str
    event_id: str
    event_type: str
    sequence: int
    payloads: Mapping[str, tuple[Payload, ...] | RenderFailure]


def subscribed(session: Session, tenant: Tenant) -> list[Subscription]:
    """Every endpoint that is not deleted, in the order of their making.

    Disabled ones are among them: what happens meanwhile waits for them, in order, until they are enabled again.
    """
    rows = session.execute(
        select(Endpoint.id, Endpoint.format, Endpoint.event_types)
        .where(Endpoint.owner == tenant.owner, Endpoint.environment == tenant.environment)
        .where(Endpoint.deleted_at.is_(None))
        .order_by(Endpoint.id)
    )
    return [Subscription(row.id, row.format, tuple(row.event_types)) for row in rows]


def enqueue(
    session: Session,
    tenant: Tenant,
    events: Sequence[OutgoingEvent],
    subscriptions: Sequence[Subscription],
    *,
    new_id: Callable[[str], str],
    now: datetime,
) -> int:
    """Write the messages of these events for every subscription that wants them.

    Three statements, whatever their number. Events of one subject come in their order, from whoever holds the lock
    of that subject. Returns how many messages were written. `new_id` makes an id from a prefix.
    """
    words = [word for event in events for word in _words(event, new_id)]
    wanted = [(word, one) for word, one in product(words, subscriptions) if _matches(word, one)]
    if not wanted:
        return 0
    here = {"owner": tenant.owner, "environment": tenant.environment, "now": now}
    used = {word.payload_id: word for word, _ in wanted if word.payload is not None}
    if used:
        session.execute(_PAYLOADS, here | _payload_columns(used.values()))
    session.execute(_MESSAGES, here | _message_columns(wanted, new_id))
    session.execute(_MAILBOXES, here | _mailbox_columns(wanted))
    return len(wanted)


@dataclass(frozen=True, slots=True)
class _Word:
    """One payload of one event, or why there is none."""

    event: OutgoingEvent
    format: str
    payload_id: str | None
    payload: Payload | None
    error: str | None


def _words(event: OutgoingEvent, new_id: Callable[[str], str]) -> Iterator[_Word]:
    for form, rendered in event.payloads.items():
        if isinstance(rendered, RenderFailure):
            yield _Word(event, form, None, None, rendered.code)
        else:
            for payload in rendered:
                yield _Word(event, form, new_id("whp"), payload, None)


def _matches(word: _Word, subscription: Subscription) -> bool:
    return word.format == subscription.format and subscription.wants(word.event.event_type)


def _payload_columns(words: Iterable[_Word]) -> dict[str, list[Any]]:
    rows = [
        (
            word.payload_id,
            word.event.event_id,
            word.format,
            word.payload.body,
            word.payload.media_type,
            word.payload.method,
            word.payload.path,
            json.dumps(dict(word.payload.headers)),
        )
        for word in words
        if word.payload is not None
    ]
    names = ("ids", "event_ids", "formats", "bodies", "media_types", "methods", "paths", "headers")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _message_columns(
    wanted: Sequence[tuple[_Word, Subscription]], new_id: Callable[[str], str]
) -> dict[str, list[Any]]:
    rows = [
        (
            new_id("whm"),
            subscription.endpoint_id,
            word.event.subject,
            word.event.event_id,
            word.event.event_type,
            word.event.sequence,
            word.payload_id,
            word.error,
        )
        for word, subscription in wanted
    ]
    names = ("ids", "endpoint_ids", "subjects", "event_ids", "event_types", "sequences", "payload_ids", "errors")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _mailbox_columns(wanted: Sequence[tuple[_Word, Subscription]]) -> dict[str, list[Any]]:
    # Sorted: two transactions that touch the same mailboxes wait for each other in the same order.
    boxes = sorted({(word.event.subject, subscription.endpoint_id) for word, subscription in wanted})
    return {"subjects": [subject for subject, _ in boxes], "endpoint_ids": [endpoint for _, endpoint in boxes]}


_PAYLOADS = text("""
    INSERT INTO webhook_payload
           (id, owner, environment, event_id, format, body, media_type, method, path, headers, created_at)
    SELECT id, :owner, :environment, event_id, format, body, media_type, method, path, headers::jsonb, :now
      FROM unnest(CAST(:ids AS text[]), CAST(:event_ids AS text[]), CAST(:formats AS text[]), CAST(:bodies AS bytea[]),
                  CAST(:media_types AS text[]), CAST(:methods AS text[]), CAST(:paths AS text[]),
                  CAST(:headers AS text[]))
           AS new (id, event_id, format, body, media_type, method, path, headers)
""")

# A sorted subquery: the identity is drawn row by row as they come.
_MESSAGES = text("""
    INSERT INTO webhook_message
           (id, owner, environment, endpoint_id, subject, event_id, event_type, sequence, payload_id, error,
            status, next_attempt_at, created_at)
    SELECT id, :owner, :environment, endpoint_id, subject, event_id, event_type, sequence, payload_id, error,
           CASE WHEN payload_id IS NULL THEN 'parked' ELSE 'pending' END,
           CASE WHEN payload_id IS NULL THEN NULL ELSE CAST(:now AS timestamptz) END, :now
      FROM unnest(CAST(:ids AS text[]), CAST(:endpoint_ids AS text[]), CAST(:subjects AS text[]),
                  CAST(:event_ids AS text[]), CAST(:event_types AS text[]), CAST(:sequences AS int[]),
                  CAST(:payload_ids AS text[]), CAST(:errors AS text[])) WITH ORDINALITY
           AS new (id, endpoint_id, subject, event_id, event_type, sequence, payload_id, error, place)
     ORDER BY place
""")

# The conflicting row is locked even where nothing changes. That lock makes whoever is recording an outcome for this
# mailbox see our message, or us see that the mailbox was emptied.
_MAILBOXES = text("""
    INSERT INTO webhook_mailbox (endpoint_id, subject, owner, environment, due_at)
    SELECT endpoint_id, subject, :owner, :environment, :now
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:subjects AS text[])) AS new (endpoint_id, subject)
        ON CONFLICT (endpoint_id, subject) DO UPDATE SET due_at = EXCLUDED.due_at
     WHERE webhook_mailbox.due_at IS NULL
""")
