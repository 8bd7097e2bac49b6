"""A message becomes jobs: raw bytes, order, jobs, events and webhooks in one transaction, or nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import Intent, JobState, Outcome, PlaceOrder, Receipt, SupportOrder
from adapters.contract import RawMessage
from adapters.errors import Problem as Fault
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from gateway import driver
from gateway.catalogue import service as catalogue
from gateway.crypto import Place, Vault
from gateway.errors import Problem, as_json
from gateway.ids import new_id
from gateway.intake import changes
from gateway.intake.tables import InboundMessage
from gateway.jobs import opening, tables
from gateway.jobs import service as jobs
from gateway.jobs.queries import jobs_of
from gateway.jobs.rows import job_of
from gateway.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One document at one door."""

    tenant: Tenant
    door: str
    message: RawMessage
    now: datetime
    vault: Vault


def accept(session: Session, arrival: Arrival, intents: Sequence[Intent], *, fresh: bool = False) -> Receipt:
    """Do what the document asks for, in this transaction. Raises `Problem`, and then nothing of it has happened.

    `fresh` orders are taken for new without a look, for `driver.together`: it says so where one is not.
    """
    outcomes = tuple(_accept(session, arrival, intent, fresh) for intent in intents)
    taken = [outcome for outcome in outcomes if outcome.result == "accepted"]
    made: list[changes.Change | None] = [o.intent for o in taken if not isinstance(o.intent, PlaceOrder)]
    # One row a change: each of a file's changes is known again by its own number.
    message_ids = [
        keep(
            session,
            arrival,
            outcome="accepted" if taken else outcomes[0].result,
            faults=[fault for outcome in outcomes for fault in outcome.problems],
            order_id=outcomes[0].order_id,
            change=change,
        )
        for change in made or [None]
    ]
    return Receipt(message_id=message_ids[0], at=arrival.now, outcomes=outcomes)


def keep(
    session: Session,
    arrival: Arrival,
    *,
    outcome: str,
    faults: Sequence[Fault] = (),
    order_id: str | None = None,
    change: changes.Change | None = None,
) -> str:
    """Store the document, encrypted, with what became of it. Returns its id."""
    message_id = new_id("msg", arrival.now)
    place = Place(arrival.tenant.partner_id, "inbound_message", message_id, "body")
    row = {
        "id": message_id,
        **asdict(arrival.tenant),
        "door": arrival.door,
        "media_type": arrival.message.media_type,
        "body": arrival.vault.encrypt(arrival.message.body, place),
        "digest": sha256(arrival.message.body).digest(),
        "document": changes.document_key(change) if change else None,
        "fingerprint": changes.fingerprint(change) if change else None,
        "outcome": outcome,
        "problems": as_json(faults) or None,
        "order_id": order_id,
        "received_at": arrival.now,
    }
    driver.write(session, _KEEP, {"messages": driver.rows([row])})
    return message_id


_MESSAGE = driver.columns(InboundMessage)
_KEEP = (
    f"""
    INSERT INTO inbound_message ({_MESSAGE})
    SELECT {_MESSAGE} FROM json_populate_recordset(NULL::inbound_message, %(messages)s)
    """,
)


def _accept(session: Session, arrival: Arrival, intent: Intent, fresh: bool) -> Outcome:
    if isinstance(intent, PlaceOrder):
        return _place(session, arrival, intent, fresh)
    return _change(session, arrival, intent)


def _place(session: Session, arrival: Arrival, intent: PlaceOrder, fresh: bool) -> Outcome:
    order, tenant, now = intent.order, arrival.tenant, arrival.now
    services = catalogue.resolve(session, tenant.partner_id, tenant.environment, order.lines)
    order_id = new_id("ord", now)
    blank = opening.blank(order, order_id, tenant.environment, now)
    updates = opening.open_jobs(order, blank, services, partial(new_id, now=now))
    opened = tuple(update.job for update in updates[1::2])
    status = opening.order_status(job.state for job in opened)
    row = {
        "id": order_id,
        **asdict(tenant),
        "partner_order_id": order.partner_order_id,
        "content": order_json(order),
        "status": status,
        "created_at": now,
        "updated_at": now,
    }
    if not jobs.place(session, tenant, row, updates, fresh=fresh):
        return _again(session, tenant, intent)
    return Outcome(
        intent=intent,
        result="accepted",
        order_id=order_id,
        environment=tenant.environment,
        order=order,
        status=status,
        jobs=opened,
    )


def _again(session: Session, tenant: Tenant, intent: PlaceOrder) -> Outcome:
    """An order of this number is here already: the same content is the same order, anything else is a problem."""
    existing = _find(session, tenant, intent.order.partner_order_id)
    assert existing is not None
    stored = stored_order(existing.content)
    differing = differences(order_json(stored, echo=False), order_json(intent.order, echo=False))
    if differing:
        faults = tuple(
            Fault(pointer=pointer, code="differs", detail="This was otherwise when the order was placed.")
            for pointer in differing
        )
        detail = "An order with this number was placed before, with other content."
        raise Problem(code="order-differs", detail=detail, faults=faults, extra={"order_id": existing.id})
    return _as_it_stands(session, existing, intent, "duplicate", stored)


def _change(session: Session, arrival: Arrival, intent: changes.Change) -> Outcome:
    existing = _find(session, arrival.tenant, intent.partner_order_id, lock=True)
    if existing is None:
        fault = Fault(pointer=intent.pointer, code="unknown_order", detail="There is no order with this number.")
        raise Problem(code="invalid", detail="The change is for an order that is not here.", faults=(fault,))
    told = changes.answered_before(session, arrival.tenant, intent)
    if told is not None:
        return _as_it_stands(session, existing, intent, "duplicate", stored_order(existing.content), told)
    faults = changes.apply(session, existing, intent, arrival.now)
    return _as_it_stands(session, existing, intent, "accepted", stored_order(existing.content), faults)


def _find(session: Session, tenant: Tenant, partner_order_id: str, lock: bool = False) -> tables.Order | None:
    query = select(tables.Order).where(
        tables.Order.partner_id == tenant.partner_id,
        tables.Order.environment == tenant.environment,
        tables.Order.partner_order_id == partner_order_id,
    )
    return session.scalar(query.with_for_update() if lock else query)


def _as_it_stands(
    session: Session,
    row: tables.Order,
    intent: Intent,
    result: Any,
    order: SupportOrder,
    problems: tuple[Fault, ...] = (),
) -> Outcome:
    lines = [line.line_id for line in order.lines]
    found = sorted(jobs_of(session, [row.id]), key=lambda job: (lines.index(job.line_id), job.unit))
    return Outcome(
        intent=intent,
        result=result,
        order_id=row.id,
        environment=row.environment,
        order=order,
        status=opening.order_status(JobState(job.state) for job in found),
        jobs=tuple(job_of(job, "partner") for job in found),
        problems=problems,
    )


def differences(before: Any, after: Any, pointer: str = "") -> list[str]:
    """The JSON pointers at which two documents differ; absent and null are the same."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = dict.fromkeys([*before, *after])
        return [p for name in names for p in differences(before.get(name), after.get(name), f"{pointer}/{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [p for place, (old, new) in pairs for p in differences(old, new, f"{pointer}/{place}")]
    return [] if before == after else [pointer]
