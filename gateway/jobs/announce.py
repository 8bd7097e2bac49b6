"""A step is said: its event row, and a frozen message to every place that wants to hear of it."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from adapters.canonical import StatusUpdate
from adapters.contract import Adapter
from adapters.plain.writer import event_bytes
from gateway import driver, tracing
from gateway.endpoints import shapes
from gateway.endpoints.dialect import payload
from gateway.ids import NewId, new_id
from gateway.jobs.moving import Move
from gateway.jobs.tables import JobEvent
from gateway.partners.dialect import adapter_of
from gateway.tenant import Tenant
from webhooks import outbox
from webhooks.tenant import Tenant as Owner
from webhooks.tracing import Trace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A step and its words in plain JSON, which are kept and sent byte for byte."""

    update: StatusUpdate
    body: bytes


def said(updates: Iterable[StatusUpdate]) -> list[Said]:
    return [Said(update, event_bytes(update)) for update in updates]


def tell(session: Session, tenant: Tenant, steps: Sequence[Said], now: datetime, new_id: NewId = new_id) -> None:
    """Enqueue the webhooks of these steps for whoever hears of this tenant's jobs."""
    owner = Owner(tenant.partner_id, tenant.environment)
    subscriptions = outbox.subscribed(partial(driver.recall, session), owner)
    if not subscriptions:
        return
    wanted = {one.shape for one in subscriptions}
    dialect = adapter_of(session, tenant.partner_id) if "dialect" in wanted else None
    trace = tracing.trace_for(tenant.partner_id)
    events = [_outgoing(step, wanted, dialect, trace) for step in steps]
    write = partial(driver.write, session)
    outbox.enqueue(write, owner, events, subscriptions, new_id=partial(new_id, now=now), now=now)


def announce(
    session: Session, tenant: Tenant, update: StatusUpdate, now: datetime, move: Move, new_id: NewId = new_id
) -> None:
    """Write the event of this move and enqueue its webhooks, all in this transaction."""
    steps = said([update])
    driver.execute(session, _EVENTS, {"events": driver.rows(event_row(tenant, step, move) for step in steps)})
    tell(session, tenant, steps, now, new_id)


def event_row(tenant: Tenant, step: Said, move: Move | None = None) -> dict[str, Any]:
    update = step.update
    return {
        "id": update.event_id,
        "partner_id": tenant.partner_id,
        "environment": tenant.environment,
        "job_id": update.job.id,
        "sequence": update.job.sequence,
        "type": update.type,
        "actor": update.actor,
        "at": update.at,
        "body": step.body,
        "note": move.note if move else None,
        "proof": list(move.proof) if move and move.proof else None,
    }


# A transaction that began earlier may have waited for the step before this one: the feed must not tell them the other
# way round. A higher `tx` than one's own keeps it gap-free, since whoever sees that one settled sees ours settled, too.
_EVENTS = f"""
    INSERT INTO job_event ({driver.columns(JobEvent)}, tx)
    SELECT {driver.columns(JobEvent)}, greatest(pg_current_xact_id(), (
               SELECT before.tx FROM job_event before
                WHERE before.job_id = said.job_id AND before.sequence = said.sequence - 1))
      FROM json_populate_recordset(NULL::job_event, %(events)s) said
"""


def _outgoing(step: Said, wanted: Collection[str], dialect: Adapter | None, trace: Trace) -> outbox.OutgoingEvent:
    update = step.update
    payloads: dict[str, tuple[outbox.Payload, ...] | outbox.RenderFailure] = {
        shape: (shapes.shaped(step.body, shape),) for shape in wanted if shape in shapes.SHAPES
    }
    if dialect is not None:
        payloads["dialect"] = _rendered(dialect, update)
    return outbox.OutgoingEvent(
        event_id=update.event_id,
        event_type=update.type,
        subject=update.job.id,
        sequence=update.job.sequence,
        payloads=payloads,
        service=update.job.service,
        trace=trace,
    )


def _rendered(dialect: Adapter, update: StatusUpdate) -> tuple[outbox.Payload, ...] | outbox.RenderFailure:
    try:
        return tuple(payload(document) for document in dialect.render(update))
    except Exception as error:
        # A partner's document that cannot be written never stops the job: the message parks, and somebody is told.
        log.exception("render_failed", extra={"event_id": update.event_id, "dialect": dialect.profile.name})
        return outbox.RenderFailure(f"render_failed: {type(error).__name__}")
