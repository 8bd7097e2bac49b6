"""A step is said: its event row, and a frozen message to every place that wants to hear of it."""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import insert
from sqlalchemy.orm import Session

from adapters.canonical import StatusUpdate
from adapters.contract import Adapter
from adapters.plain.writer import event_bytes
from gateway.ids import new_id
from gateway.jobs.moving import Move
from gateway.jobs.tables import JobEvent
from gateway.partners.dialect import adapter_of
from gateway.tenant import Tenant
from webhooks import outbox
from webhooks.tenant import Tenant as Owner

log = logging.getLogger(__name__)

JSON = "application/json"


def announce(
    session: Session, tenant: Tenant, updates: Sequence[StatusUpdate], now: datetime, move: Move | None = None
) -> None:
    """Write the events and enqueue the webhooks of these updates, all in this transaction."""
    bodies = {update.event_id: event_bytes(update) for update in updates}
    session.execute(insert(JobEvent), [_event_row(tenant, update, bodies[update.event_id], move) for update in updates])
    owner = Owner(tenant.partner_id, tenant.environment)
    subscriptions = outbox.subscribed(session, owner)
    if not subscriptions:
        return
    dialect = adapter_of(session, tenant.partner_id) if any(s.format == "dialect" for s in subscriptions) else None
    outbox.enqueue(
        session,
        owner,
        [_outgoing(update, bodies[update.event_id], dialect) for update in updates],
        subscriptions,
        new_id=partial(new_id, now=now),
        now=now,
    )


def _event_row(tenant: Tenant, update: StatusUpdate, body: bytes, move: Move | None) -> dict[str, object]:
    return {
        "id": update.event_id,
        "partner_id": tenant.partner_id,
        "environment": tenant.environment,
        "job_id": update.job.id,
        "sequence": update.job.sequence,
        "type": update.type,
        "actor": update.actor,
        "at": update.at,
        "body": body,
        "note": move.note if move else None,
        "proof": list(move.proof) if move and move.proof else None,
    }


def _outgoing(update: StatusUpdate, plain: bytes, dialect: Adapter | None) -> outbox.OutgoingEvent:
    payloads: dict[str, tuple[outbox.Payload, ...] | outbox.RenderFailure] = {
        "plain": (outbox.Payload(body=plain, media_type=JSON),)
    }
    if dialect is not None:
        payloads["dialect"] = _rendered(dialect, update)
    return outbox.OutgoingEvent(
        event_id=update.event_id,
        event_type=update.type,
        subject=update.job.id,
        sequence=update.job.sequence,
        payloads=payloads,
    )


def _rendered(dialect: Adapter, update: StatusUpdate) -> tuple[outbox.Payload, ...] | outbox.RenderFailure:
    try:
        documents = dialect.render(update)
        return tuple(
            outbox.Payload(body=d.body, media_type=d.media_type, method=d.method, path=d.path, headers=dict(d.headers))
            for d in documents
        )
    except Exception as error:
        # A partner's document that cannot be written never stops the job: the message parks, and somebody is told.
        log.exception("render_failed", extra={"event_id": update.event_id, "dialect": dialect.profile.name})
        return outbox.RenderFailure(f"render_failed: {type(error).__name__}")
