"""A message becomes jobs: raw bytes, order, jobs, events and webhooks in one transaction, or nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adapters.canonical import (
    CancelOrder,
    Document,
    Intent,
    JobState,
    Outcome,
    PlaceOrder,
    Query,
    Receipt,
    Request,
    StatusUpdate,
    SupportOrder,
)
from adapters.contract import RawMessage
from adapters.errors import Problem as Fault
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from gateway import driver
from gateway.catalogue import service as catalogue
from gateway.crypto import Place
from gateway.errors import Problem, as_json
from gateway.intake import changes, requests
from gateway.intake.arrival import Arrival
from gateway.intake.tables import InboundMessage
from gateway.jobs import opening, tables
from gateway.jobs import service as jobs
from gateway.jobs.queries import jobs_of
from gateway.jobs.rows import job_of
from gateway.sandbox import magic
from gateway.scheduling import service as scheduling
from gateway.tenant import Tenant


def accept(session: Session, arrival: Arrival, intents: Sequence[Intent], *, fresh: bool = False) -> Receipt:
    """Do what the document asks for, in this transaction. Raises `Problem`, and then nothing of it has happened.

    `fresh` orders are taken for new without a look, for `driver.together`: it says so where one is not. Questions
    are answered and not kept.
    """
    magic.provoke(arrival.tenant, intents)
    if arrival.number is not None and _is_known(session, arrival):
        return _told_again(session, arrival, intents)
    replies = tuple(requests.answer(session, arrival, one) for one in intents if isinstance(one, Request))
    if replies and all(isinstance(one, Query) for one in intents):
        return Receipt(message_id=arrival.new_id("msg", arrival.now), at=arrival.now, outcomes=(), replies=replies)
    outcomes = tuple(_accept(session, arrival, one, fresh) for one in intents if not isinstance(one, Request))
    taken = [outcome for outcome in outcomes if outcome.result == "accepted"]
    made: list[changes.Change | None] = [o.intent for o in taken if not isinstance(o.intent, PlaceOrder)]
    # One row a change: each of a file's changes is known again by its own number, and the file by that of the first.
    message_ids = [
        keep(
            session,
            replace(arrival, number=None) if place else arrival,
            outcome="accepted" if taken or not outcomes else outcomes[0].result,
            faults=[fault for outcome in outcomes for fault in outcome.problems],
            order_id=outcomes[0].order_id if outcomes else None,
            change=change,
        )
        for place, change in enumerate(made or [None])
    ]
    return Receipt(message_id=message_ids[0], at=arrival.now, outcomes=outcomes, replies=replies)


def _is_known(session: Session, arrival: Arrival) -> bool:
    """Whether a message of this number was taken before."""
    taken = select(InboundMessage.id).where(
        InboundMessage.partner_id == arrival.tenant.partner_id,
        InboundMessage.environment == arrival.tenant.environment,
        InboundMessage.number == arrival.number,
        InboundMessage.outcome == "accepted",
    )
    return session.scalar(taken) is not None


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
    message_id = arrival.new_id("msg", arrival.now)
    place = Place(arrival.tenant.partner_id, "inbound_message", message_id, "body")
    row = {
        "id": message_id,
        **asdict(arrival.tenant),
        "door": arrival.door,
        "media_type": arrival.message.media_type,
        "body": arrival.runtime.vault.encrypt(arrival.message.body, place),
        "digest": sha256(arrival.message.body).digest(),
        "document": changes.document_key(change) if change else None,
        "fingerprint": changes.fingerprint(change) if change and change.change_id else None,
        "outcome": outcome,
        "problems": as_json(faults) or None,
        "order_id": order_id,
        "number": arrival.number,
        "envelope": envelope(arrival.message),
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


def envelope(message: RawMessage) -> dict[str, Any] | None:
    """What stands around the bytes and belongs to them, for reading them again; nothing where nobody looks at it."""
    headers = {name: value for name, value in message.headers.items() if name.startswith("x-shopify-")}
    if not (headers or message.query or message.method != "POST"):
        return None
    return {"method": message.method, "path": message.path, "query": dict(message.query), "headers": headers}


def _told_again(session: Session, arrival: Arrival, intents: Sequence[Intent]) -> Receipt:
    """The answer to a message that was taken before: nothing happens, and nothing is compared."""
    outcomes = tuple(_as_it_is(session, arrival, one) for one in intents if not isinstance(one, Request))
    return Receipt(message_id=arrival.new_id("msg", arrival.now), at=arrival.now, outcomes=outcomes)


def _as_it_is(session: Session, arrival: Arrival, intent: Document) -> Outcome:
    row = _find(session, arrival.tenant, intent)
    if row is None:
        return Outcome(intent=intent, result="duplicate", environment=arrival.tenant.environment)
    told = None if isinstance(intent, PlaceOrder) else changes.answered_before(session, arrival.tenant, intent)
    return _as_it_stands(session, row, intent, "duplicate", stored_order(row.content), told or ())


def _accept(session: Session, arrival: Arrival, intent: Document, fresh: bool) -> Outcome:
    try:
        if isinstance(intent, PlaceOrder):
            return _place(session, arrival, intent, fresh)
        return _change(session, arrival, intent)
    except Problem as problem:
        problem.culprit = intent
        raise


def _place(session: Session, arrival: Arrival, intent: PlaceOrder, fresh: bool) -> Outcome:
    order, tenant, now = intent.order, arrival.tenant, arrival.now
    order_id = arrival.new_id("ord", now)
    holds, walk = any(line.hold_id for line in order.lines), magic.scenario(tenant, order)
    if (holds or walk) and fresh:
        raise driver.Taken  # not for one statement: let somebody look
    kept = scheduling.held(session, tenant, order, now) if holds else order
    updates = _opened(session, arrival, kept, order_id)
    if holds:
        updates = [replace(update, order=order) for update in updates]
        scheduling.use(session, tenant, order, order_id)
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
    if not jobs.place(session, tenant, row, updates, fresh=fresh, new_id=arrival.new_id):
        return _again(session, tenant, intent)
    if intent.books_slots:
        scheduling.book(session, tenant, order_id, changes.slots(order), now)
    if walk:
        magic.walk(session, tenant, walk, opened, now)
    return Outcome(
        intent=intent,
        result="accepted",
        order_id=order_id,
        environment=tenant.environment,
        order=order,
        status=status,
        jobs=opened,
    )


def _opened(session: Session, arrival: Arrival, order: SupportOrder, order_id: str) -> list[StatusUpdate]:
    """The jobs of these lines with their first events, not stored yet."""
    tenant, now = arrival.tenant, arrival.now
    services = catalogue.resolve(session, tenant.partner_id, tenant.environment, order.lines)
    blank = opening.blank(order, order_id, tenant.environment, now)
    return opening.open_jobs(
        order, blank, services, partial(arrival.new_id, now=now), refusals=magic.refusals(tenant, order)
    )


def _again(session: Session, tenant: Tenant, intent: PlaceOrder) -> Outcome:
    """An order of this number is here already: the same content is the same order, anything else is a problem."""
    existing = _find(session, tenant, intent)
    assert existing is not None
    stored = stored_order(existing.content)
    placed = stored_order(existing.placed) if existing.placed else stored
    differing = differences(order_json(placed, echo=False), order_json(intent.order, echo=False))
    if differing:
        faults = tuple(
            Fault(pointer=pointer, code="differs", detail="This was otherwise when the order was placed.")
            for pointer in differing
        )
        detail = "An order with this number was placed before, with other content."
        raise Problem(code="order-differs", detail=detail, faults=faults, extra={"order_id": existing.id})
    return _as_it_stands(session, existing, intent, "duplicate", stored)


def _change(session: Session, arrival: Arrival, intent: changes.Change) -> Outcome:
    tenant, now = arrival.tenant, arrival.now
    existing = _find(session, tenant, intent, lock=True)
    if existing is None:
        return _first_seen(session, arrival, intent)
    told = changes.answered_before(session, tenant, intent)
    if told is not None:
        return _as_it_stands(session, existing, intent, "duplicate", stored_order(existing.content), told)
    before = stored_order(existing.content)
    faults = changes.apply(session, existing, intent, now)
    order = stored_order(existing.content)
    added = changes.added_lines(before, intent)
    if added:
        updates = _opened(session, arrival, replace(order, lines=added), existing.id)
        jobs.extend(session, existing, [replace(update, order=order) for update in updates], now)
    return _as_it_stands(session, existing, intent, "accepted", order, faults)


def _first_seen(session: Session, arrival: Arrival, intent: changes.Change) -> Outcome:
    """A change of an order that is not here: of a whole one it is the first that we hear. Raises `Problem`."""
    if isinstance(intent, CancelOrder) or intent.whole is None:
        fault = Fault(pointer=intent.pointer, code="unknown_order", detail="There is no order with this number.")
        raise Problem(code="invalid", detail="The change is for an order that is not here.", faults=(fault,))
    placed = _place(session, arrival, PlaceOrder(order=intent.whole, books_slots=intent.books_slots), fresh=False)
    if placed.result != "accepted":
        raise Problem(code="conflict", detail="The order came in twice at once. Send it again.")
    numbered = update(tables.Order).where(tables.Order.id == placed.order_id)
    session.execute(numbered.values(last_change=intent.change_id or None))
    return replace(placed, intent=intent)


def _find(session: Session, tenant: Tenant, intent: Document, lock: bool = False) -> tables.Order | None:
    """By our number where the document says it, else by theirs."""
    if isinstance(intent, PlaceOrder):
        named = tables.Order.partner_order_id == intent.order.partner_order_id
    elif intent.order_id:
        named = tables.Order.id == intent.order_id
    else:
        named = tables.Order.partner_order_id == intent.partner_order_id
    query = select(tables.Order).where(
        tables.Order.partner_id == tenant.partner_id, tables.Order.environment == tenant.environment, named
    )
    return session.scalar(query.with_for_update() if lock else query)


def _as_it_stands(
    session: Session,
    row: tables.Order,
    intent: Document,
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
