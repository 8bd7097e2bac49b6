"""What a message asks for beside orders: questions, holds, subscriptions, a person's data."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from adapters.canonical import Found, HoldSlot, JobState, PrivacyRequest, Query, Reply, Request, Subscribe
from adapters.errors import Problem as Fault
from adapters.plain.reader import stored_order
from gateway.endpoints.secrets import sealer
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.intake.arrival import Arrival
from gateway.jobs import opening, tables
from gateway.jobs.queries import jobs_of, owned
from gateway.jobs.rows import job_of
from gateway.privacy import service as privacy
from gateway.scheduling import service as scheduling
from webhooks import egress, endpoints
from webhooks.tenant import Tenant as Owner

# So many orders at most are told in one answer, whatever was asked for.
MOST = 100


def answer(session: Session, arrival: Arrival, request: Request) -> Reply:
    """Do it, in this transaction. Raises `Problem`."""
    return _ANSWERS[type(request)](session, arrival, request)


def _query(session: Session, arrival: Arrival, query: Query) -> Reply:
    return _QUESTIONS[query.about](session, arrival, query)


def _nothing(session: Session, arrival: Arrival, query: Query) -> Reply:
    return Reply(intent=query)


def _order(session: Session, arrival: Arrival, query: Query) -> Reply:
    named = (
        (tables.Order.id, query.order_id) if query.order_id else (tables.Order.partner_order_id, query.partner_order_id)
    )
    column, number = named
    found = _found(session, [owned(tables.Order, arrival.tenant), column == number], 0, 1)
    if not found:
        raise Problem(code="not-found", detail="There is no such order.", faults=(_unknown(query.pointer),))
    return Reply(intent=query, found=found, total=1)


def _orders(session: Session, arrival: Arrival, query: Query) -> Reply:
    where = [owned(tables.Order, arrival.tenant)]
    customer = tables.Order.content["echo"]["customer"].astext
    for wanted, column in (
        (query.customer, customer),
        (query.partner_order_id, tables.Order.partner_order_id),
    ):
        if wanted is not None:
            where.append(column == wanted)
    if query.statuses:
        where.append(tables.Order.status.in_(query.statuses))
    total = session.scalar(select(func.count()).select_from(tables.Order).where(*where)) or 0
    return Reply(intent=query, found=_found(session, where, query.offset, min(query.limit, MOST)), total=total)


def _found(session: Session, where: Sequence[ColumnElement[bool]], offset: int, limit: int) -> tuple[Found, ...]:
    """Orders with their jobs, newest first."""
    newest = select(tables.Order).where(*where).order_by(tables.Order.id.desc())
    rows = session.scalars(newest.offset(offset).limit(limit)).all()
    jobs = jobs_of(session, [row.id for row in rows])
    return tuple(
        Found(
            order_id=row.id,
            order=stored_order(row.content),
            status=opening.order_status(JobState(job.state) for job in jobs if job.order_id == row.id),
            created_at=row.created_at,
            updated_at=row.updated_at,
            jobs=tuple(job_of(job, "partner") for job in jobs if job.order_id == row.id),
        )
        for row in rows
    )


def _hold(session: Session, arrival: Arrival, query: Query) -> Reply:
    hold = scheduling.get(session, arrival.tenant, query.hold_id or "", arrival.now)
    if hold is None:
        fault = Fault(pointer=query.pointer, code="unknown_hold", detail="There is no such hold.")
        raise Problem(code="not-found", detail="There is no such hold.", faults=(fault,))
    return Reply(intent=query, hold=hold)


def _slots(session: Session, arrival: Arrival, query: Query) -> Reply:
    environment, now = arrival.tenant.environment, arrival.now
    slots = tuple(scheduling.free(session, environment, wish, query.windows, now) for wish in query.wishes)
    return Reply(intent=query, slots=slots)


def _keep(session: Session, arrival: Arrival, wanted: HoldSlot) -> Reply:
    return Reply(intent=wanted, hold=scheduling.hold(session, arrival.tenant, wanted, arrival.now))


def _subscribe(session: Session, arrival: Arrival, wanted: Subscribe) -> Reply:
    owner = Owner(arrival.tenant.partner_id, arrival.tenant.environment)
    if wanted.ends is not None:
        endpoint = endpoints.get(session, owner, wanted.ends, lock=True)
        if endpoint is None or endpoint.format != "dialect":
            raise Problem(code="not-found", detail="There is no such subscription.")
        endpoints.delete(session, endpoint, now=arrival.now)
        return Reply(intent=wanted, subscription_id=wanted.ends)
    _check(session, arrival, owner, wanted)
    new = endpoints.NewEndpoint(
        id=new_id("whep", arrival.now),
        url=wanted.url or "",
        event_types=wanted.event_types,
        format="dialect",
        description=None,
        secret_bytes=secrets.token_bytes(32),
    )
    endpoint, _ = endpoints.create(session, owner, new, seal=sealer(arrival.runtime.vault), now=arrival.now)
    return Reply(intent=wanted, subscription_id=endpoint.id)


def _check(session: Session, arrival: Arrival, owner: Owner, wanted: Subscribe) -> None:
    settings = arrival.runtime.settings
    codes = egress.check_url(wanted.url or "", settings.egress_allow, settings.public_host)
    if codes:
        faults = tuple(
            Fault(pointer=wanted.pointer, code=code, detail="This address cannot be called.") for code in codes
        )
        raise Problem(code="invalid", detail="The address cannot be called.", faults=faults)
    if endpoints.count(session, owner) >= settings.endpoints_per_partner:
        raise Problem(code="conflict", detail="There are too many subscriptions already; end one first.")


def _privacy(session: Session, arrival: Arrival, asked: PrivacyRequest) -> Reply:
    found = privacy.ask(session, arrival.runtime.vault, arrival.tenant, asked, arrival.now)
    return Reply(intent=asked, total=len(found))


def _unknown(pointer: str) -> Fault:
    return Fault(pointer=pointer, code="unknown_order", detail="There is no order with this number.")


Answer = Callable[[Session, Arrival, Any], Reply]
_ANSWERS: Mapping[type[Request], Answer] = {
    Query: _query,
    HoldSlot: _keep,
    Subscribe: _subscribe,
    PrivacyRequest: _privacy,
}
_QUESTIONS: Mapping[str, Answer] = {
    "nothing": _nothing,
    "order": _order,
    "orders": _orders,
    "hold": _hold,
    "slots": _slots,
}
