"""The fulfilment API: jobs of all partners of the caller's environment, and their steps."""

from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from adapters.canonical import JobState, Technician, Window
from adapters.plain.reader import stored_order
from adapters.plain.writer import job_json, order_json
from adapters.values import instant
from gateway import clocks, idempotency, paging
from gateway.call import Call, as_json
from gateway.jobs import queries, service
from gateway.jobs.api import DEFAULT_LIMIT, not_found, take
from gateway.jobs.moving import Move
from gateway.jobs.rows import job_of
from gateway.jobs.tables import Job, Order
from gateway.partners.tables import Partner

# Whom this side may speak for. Never for a partner, never for the system.
ACTORS = ("technician", "customer", "dispatch")
# What a technician needs at the door; nothing of the partner's prices.
VISIT_FIELDS = ("customer", "service_address", "notes")


def list_fulfilment_jobs(call: Call) -> Response:
    """`GET /fulfilment/v1/jobs`."""
    state, limit = call.query.get("state"), call.query.get("limit", DEFAULT_LIMIT)
    bound = f"{call.tenant.environment}:fulfilment:{state}"
    after = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        rows = queries.jobs(session, _visible(call), queries.Filter(state=state), after, limit)
        shown, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
        return as_json(paging.answer([job_json(job_of(row, *ACTORS)) for row in shown], following))


def get_fulfilment_job(call: Call, job_id: str) -> Response:
    """`GET /fulfilment/v1/jobs/{job_id}`."""
    with call.runtime.sessions() as session:
        found = session.execute(
            select(Job, Order).join(Order, Order.id == Job.order_id).where(Job.id == job_id, _visible(call))
        ).one_or_none()
        if found is None:
            raise not_found("job")
        return as_json(_visit(session, *found))


def transition_job(call: Call, job_id: str) -> Response:
    """`POST /fulfilment/v1/jobs/{job_id}/transitions`."""
    move = _move(call.document)

    def act(session: Session) -> Response:
        try:
            located = service.locate(session, job_id, _visible(call))
        except service.NoSuchJob:
            raise not_found("job") from None
        # In the time of the job's partner, whatever that of whoever tells it.
        take(session, located, move, clocks.now_of(session, located.tenant, call.runtime.clock()))
        return as_json(_visit(session, located.row, located.order))

    return idempotency.once(call, "transition_job", act)


def _visible(call: Call) -> ColumnElement[bool]:
    return Job.environment == call.tenant.environment


def _visit(session: Session, job: Job, order: Order) -> dict[str, Any]:
    """The job, and what only whoever makes the visit may see."""
    content = order_json(stored_order(order.content), echo=False)
    line = next(line for line in content["lines"] if line["line_id"] == job.line_id)
    partner = session.scalars(select(Partner.name).where(Partner.id == order.partner_id)).one()
    return {
        **job_json(job_of(job, *ACTORS)),
        "partner": partner,
        **{name: content.get(name) for name in VISIT_FIELDS},
        "product": line.get("product"),
    }


def _move(wish: dict[str, Any]) -> Move:
    window, technician = wish.get("window"), wish.get("technician")
    return Move(
        to=JobState(wish["to"]),
        actor=wish["actor"],
        reason=wish.get("reason"),
        text=wish.get("text"),
        at=_moment(wish.get("at")),
        eta=_moment(wish.get("eta")),
        window=Window(start=instant(window["start"]), end=instant(window["end"])) if window else None,
        technician=Technician(**technician) if technician else None,
        proof=tuple(wish.get("proof") or ()),
        note=wish.get("note"),
    )


def _moment(text: str | None) -> datetime | None:
    return instant(text) if text else None
