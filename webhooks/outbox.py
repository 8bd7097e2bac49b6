"""What is to be said, written down in the transaction of whoever says it."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any

import orjson
from sqlalchemy.orm import Session

from webhooks.tenant import Tenant

Write = Callable[[tuple[str, ...], Mapping[str, Any]], object]
"""Runs statements as one. None of them reads what another one writes; they name their values as `%(name)s`."""


Read = Callable[[str, Mapping[str, Any]], Iterable[tuple[Any, ...]]]
"""Runs a question and gives its rows. It names its values as `%(name)s`."""


APART = "/"
"""Between the subject and the id of a message that has a mailbox of its own."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An endpoint that hears these event types (`*` is all) of these services (None is all) in this format.

    `content` is `full`, or another one that the format has. Where it is not `ordered`, no message waits for another
    one.
    """

    endpoint_id: str
    format: str
    event_types: tuple[str, ...]
    ordered: bool = True
    content: str = "full"
    services: tuple[str, ...] | None = None

    @property
    def shape(self) -> str:
        """Which of an event's payloads it takes: `plain`, or `plain.thin` where the content is not full."""
        return self.format if self.content == "full" else f"{self.format}.{self.content}"

    def wants(self, event_type: str) -> bool:
        return "*" in self.event_types or event_type in self.event_types

    def serves(self, service: str | None) -> bool:
        return self.services is None or service in self.services


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The request to send: bytes as they are signed. `path` (with its query) is appended to the endpoint's URL.

    `kind` is what a dialect calls it. `probe` is a request to make first; it has none itself.
    """

    body: bytes
    media_type: str
    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    probe: "Payload | None" = None

    def record(self) -> dict[str, Any]:
        """As JSON, as a probe is kept."""
        return {
            "body": base64.b64encode(self.body).decode(),
            "media_type": self.media_type,
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "kind": self.kind,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Payload":
        return cls(**{**record, "body": base64.b64decode(record["body"])})


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """The event could not be put into words. `code` is shown to people: a fault's name, never content."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """One event and its words by `Subscription.shape`. An empty tuple: there is no word for it, nothing is sent.

    `service` is what it is about, for those who want to hear of some services only. `trace` are the headers of the
    trace that it belongs to (`webhooks.tracing`): they go with each attempt.
    """

    subject: str
    event_id: str
    event_type: str
    sequence: int
    payloads: Mapping[str, tuple[Payload, ...] | RenderFailure]
    service: str | None = None
    trace: Mapping[str, str] = field(default_factory=dict)


def about(subject: str) -> str:
    """What a message is about, by its mailbox's subject."""
    return subject.partition(APART)[0]


def subscribed(read: Read, tenant: Tenant) -> list[Subscription]:
    """Every endpoint that is not deleted, in the order of their making.

    Disabled ones are among them: what happens meanwhile waits for them, in order, until they are enabled again.
    """
    rows = read(_SUBSCRIBED, {"owner": tenant.owner, "environment": tenant.environment})
    return [
        Subscription(endpoint, form, tuple(event_types), ordered, content, services and tuple(services))
        for endpoint, form, event_types, ordered, content, services in rows
    ]


def reading(session: Session) -> Read:
    """Reads in the session's transaction."""
    return partial(_execute, session)


def writing(session: Session) -> Write:
    """Writes at once, in the session's transaction."""

    def write(statements: tuple[str, ...], values: Mapping[str, Any]) -> object:
        *others, last = statements
        parts = ", ".join(f"part_{place} AS ({other})" for place, other in enumerate(others))
        return _execute(session, f"WITH {parts} {last}" if parts else last, values)

    return write


def enqueue(
    write: Write,
    tenant: Tenant,
    events: Sequence[OutgoingEvent],
    subscriptions: Sequence[Subscription],
    *,
    new_id: Callable[[str], str],
    now: datetime,
) -> int:
    """Write the messages of these events for every subscription that wants them.

    One `write`, whatever their number. Events of one subject come in their order, from whoever holds the lock of
    that subject. Returns how many messages were written. `new_id` makes an id from a prefix.
    """
    words = [word for event in events for word in _words(event, new_id)]
    wanted = [(word, one) for word, one in product(words, subscriptions) if _matches(word, one)]
    if not wanted:
        return 0
    if now.tzinfo is None:
        raise ValueError("a time without an offset cannot be stored")
    messages = [_message_row(new_id("whm"), word, one) for word, one in wanted]
    rows = {
        "payloads": [
            _payload_row(word) for word in {word.payload_id: word for word, _ in wanted}.values() if word.payload
        ],
        "messages": messages,
        "mailboxes": _mailbox_rows(messages),
    }
    here = {"owner": tenant.owner, "environment": tenant.environment, "now": now}
    write(_ENQUEUE, here | {name: orjson.dumps(found).decode() for name, found in rows.items()})
    return len(wanted)


@dataclass(frozen=True, slots=True)
class _Word:
    """One payload of one event, or why there is none."""

    event: OutgoingEvent
    shape: str
    payload_id: str | None
    payload: Payload | None
    error: str | None


def _words(event: OutgoingEvent, new_id: Callable[[str], str]) -> Iterator[_Word]:
    for shape, rendered in event.payloads.items():
        if isinstance(rendered, RenderFailure):
            yield _Word(event, shape, None, None, rendered.code)
        else:
            for payload in rendered:
                yield _Word(event, shape, new_id("whp"), payload, None)


def _matches(word: _Word, subscription: Subscription) -> bool:
    """Wanted are events by our names, or by those that their documents have in the format."""
    if word.shape != subscription.shape or not subscription.serves(word.event.service):
        return False
    kind = word.payload.kind if word.payload is not None else None
    return subscription.wants(word.event.event_type) or (kind is not None and subscription.wants(kind))


def _payload_row(word: _Word) -> dict[str, Any]:
    payload = word.payload
    assert payload is not None
    row = {
        "id": word.payload_id,
        "event_id": word.event.event_id,
        "format": word.shape,
        "body": f"\\x{payload.body.hex()}",
        "media_type": payload.media_type,
        "method": payload.method,
        "path": payload.path,
        "headers": {**payload.headers, **word.event.trace},
    }
    # What is not named is NULL, and most payloads have neither.
    if payload.kind is not None:
        row["kind"] = payload.kind
    if payload.probe is not None:
        row["probe"] = payload.probe.record()
    return row


def _message_row(message_id: str, word: _Word, subscription: Subscription) -> dict[str, Any]:
    return {
        "id": message_id,
        "endpoint_id": subscription.endpoint_id,
        "subject": word.event.subject if subscription.ordered else f"{word.event.subject}{APART}{message_id}",
        "event_id": word.event.event_id,
        "event_type": word.event.event_type,
        "sequence": word.event.sequence,
        "payload_id": word.payload_id,
        "error": word.error,
    }


def _mailbox_rows(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    # Sorted: two transactions that touch the same mailboxes wait for each other in the same order.
    boxes = sorted({(message["subject"], message["endpoint_id"]) for message in messages})
    return [{"subject": subject, "endpoint_id": endpoint_id} for subject, endpoint_id in boxes]


def _execute(session: Session, statement: str, values: Mapping[str, Any]) -> Any:
    """Run it on the driver's own cursor (PEP 249): every step of every job comes through here, and SQLAlchemy would
    take twice the time that the statement takes.
    """
    return session.connection().connection.cursor().execute(statement, values)


_SUBSCRIBED = """
    SELECT id, format, event_types, ordered, content, services FROM webhook_endpoint
     WHERE owner = %(owner)s AND environment = %(environment)s AND deleted_at IS NULL
     ORDER BY id
"""

# Rows travel as JSON, one parameter a table: a list of them for each column costs the driver more than all the rest.
# Messages draw their position in the order of the array.
# The mailbox that conflicts is locked even where nothing changes. That lock makes whoever is recording an outcome for
# it see our message, or us see that the mailbox was emptied.
_ENQUEUE = (
    """
    INSERT INTO webhook_payload
           (id, owner, environment, event_id, format, body, media_type, method, path, headers, kind, probe, created_at)
    SELECT id, %(owner)s, %(environment)s, event_id, format, body, media_type, method, path, headers, kind, probe,
           %(now)s
      FROM json_populate_recordset(NULL::webhook_payload, %(payloads)s)
    """,
    """
    INSERT INTO webhook_message
           (id, owner, environment, endpoint_id, subject, event_id, event_type, sequence, payload_id, error,
            status, next_attempt_at, created_at)
    SELECT id, %(owner)s, %(environment)s, endpoint_id, subject, event_id, event_type, sequence, payload_id, error,
           CASE WHEN payload_id IS NULL THEN 'parked' ELSE 'pending' END,
           CASE WHEN payload_id IS NULL THEN NULL ELSE %(now)s::timestamptz END, %(now)s
      FROM json_populate_recordset(NULL::webhook_message, %(messages)s)
    """,
    """
    INSERT INTO webhook_mailbox (endpoint_id, subject, owner, environment, due_at)
    SELECT endpoint_id, subject, %(owner)s, %(environment)s, %(now)s
      FROM json_populate_recordset(NULL::webhook_mailbox, %(mailboxes)s)
        ON CONFLICT (endpoint_id, subject) DO UPDATE SET due_at = EXCLUDED.due_at, retrying = false
     WHERE webhook_mailbox.due_at IS NULL
    """,
)
