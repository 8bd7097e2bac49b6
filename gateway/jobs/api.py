"""Orders, jobs and events as partners ask for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import JobState
from adapters.errors import Problem as Fault
from adapters.plain.reader import stored_order
from adapters.plain.writer import job_json, order_json
from adapters.values import instant
from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.ids import NewId, new_id
from gateway.jobs import queries, service
from gateway.jobs.feed import joined
from gateway.jobs.lifecycle import IllegalTransition, Step, WrongReason, lifecycle
from gateway.jobs.moving import InvalidMove, Move
from gateway.jobs.rows import job_of
from gateway.jobs.tables import Job, Order

DEFAULT_LIMIT = paging.DEFAULT_LIMIT


def get_lifecycle(call: Call) -> Response:
    """`GET /v1/lifecycle`."""
    return as_json(lifecycle().document)


def list_orders(call: Call) -> Response:
    """`GET /v1/orders`."""
    with call.runtime.sessions() as session:
        rows, following = _page(call, "orders", lambda *page: queries.orders(session, call.tenant, *page))
        return as_json(paging.answer(order_documents(session, rows), following))


def get_order(call: Call, order_id: str) -> Response:
    """`GET /v1/orders/{order_id}`."""
    with call.runtime.sessions() as session:
        row = session.scalar(select(Order).where(Order.id == order_id, queries.owned(Order, call.tenant)))
        if row is None:
            raise not_found("order")
        return as_json(order_documents(session, [row])[0])


def order_documents(session: Session, rows: Sequence[Order]) -> list[dict[str, Any]]:
    """Orders with their jobs, as partners see them; two statements for any number of them."""
    jobs: dict[str, list[Job]] = {row.id: [] for row in rows}
    for job in queries.jobs_of(session, list(jobs)):
        jobs[job.order_id].append(job)
    return [_order_document(row, jobs[row.id]) for row in rows]


def _order_document(row: Order, jobs: list[Job]) -> dict[str, Any]:
    order = stored_order(row.content)
    places = {line.line_id: place for place, line in enumerate(order.lines)}
    jobs.sort(key=lambda job: (places[job.line_id], job.unit))
    return {
        "id": row.id,
        **order_json(order, echo=False),
        "environment": row.environment,
        "status": row.status,
        "jobs": [job_json(job_of(job, "partner")) for job in jobs],
    }


def list_jobs(call: Call) -> Response:
    """`GET /v1/jobs`."""
    mine = queries.owned(Job, call.tenant)
    with call.runtime.sessions() as session:
        rows, following = _page(call, "jobs", lambda *page: queries.jobs(session, mine, *page))
        return as_json(paging.answer([job_json(job_of(row, "partner")) for row in rows], following))


def get_job(call: Call, job_id: str) -> Response:
    """`GET /v1/jobs/{job_id}`."""
    with call.runtime.sessions() as session:
        return as_json(job_json(job_of(_own_job(session, call, job_id), "partner")))


def list_job_events(call: Call, job_id: str) -> Response:
    """`GET /v1/jobs/{job_id}/events`."""
    bound = f"{call.tenant}:job-events:{job_id}"
    after = int(paging.unseal(call.runtime.vault, bound, call.query.get("after")) or 0)
    limit = call.query.get("limit", DEFAULT_LIMIT)
    with call.runtime.sessions() as session:
        _own_job(session, call, job_id)
        rows = queries.job_events(session, call.tenant, job_id, after, limit)
    shown, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, str(row.sequence)))
    return joined([row.body for row in shown], following)


def cancel_job(call: Call, job_id: str) -> Response:
    """`POST /v1/jobs/{job_id}/cancellation`."""
    wish = call.document
    move = Move(to=JobState.CANCELLED, actor="partner", reason=wish["reason"], text=wish.get("text"))

    def act(session: Session) -> Response:
        located = _located(session, call, job_id)
        take(session, located, move, call.now)
        return as_json(job_json(job_of(located.row, "partner")))

    return idempotency.once(call, "cancel_job", act)


def take(session: Session, located: service.Located, move: Move, now: datetime, new_id: NewId = new_id) -> None:
    """Advance a job, or say as a problem why not."""
    try:
        service.advance(session, located, move, now, new_id)
    except IllegalTransition as error:
        raise Problem(
            code="illegal-transition",
            detail=f"The job is {error.state}; from there this caller cannot take it to {move.to}.",
            extra={"state": error.state, "legal": [_legal(step) for step in error.legal]},
        ) from None
    except WrongReason as error:
        needs = f"needs a reason of the group {error.group}" if error.group else "takes no reason"
        fault = Fault(pointer="/reason", code="wrong_reason", detail=f"This step {needs}.")
        raise Problem(
            code="invalid",
            detail=f"This step {needs}.",
            faults=(fault,),
            extra={"allowed_reasons": error.allowed},
        ) from None
    except InvalidMove as error:
        fault = Fault(pointer=error.pointer, code=error.code, detail=error.detail)
        raise Problem(code="invalid", detail="The step has faults.", faults=(fault,)) from None


def _legal(step: Step) -> dict[str, Any]:
    return {"to": step.target, "event": step.event, "actors": sorted(step.by), "reasons": step.reasons}


def _located(session: Session, call: Call, job_id: str) -> service.Located:
    try:
        return service.locate(session, job_id, queries.owned(Job, call.tenant))
    except service.NoSuchJob:
        raise not_found("job") from None


def _own_job(session: Session, call: Call, job_id: str) -> Job:
    row = session.scalar(select(Job).where(Job.id == job_id, queries.owned(Job, call.tenant)))
    if row is None:
        raise not_found("job")
    return row


def not_found(what: str) -> Problem:
    return Problem(code="not-found", detail=f"There is no such {what}.")


def _page(call: Call, name: str, fetch: Any) -> tuple[Sequence[Any], str | None]:
    """One page of a list with the filters of `queries.Filter`; the cursor is bound to tenant and filters."""
    query = call.query
    updated_after = query.get("updated_after")
    narrow = queries.Filter(
        partner_order_id=query.get("partner_order_id"),
        state=query.get("state"),
        updated_after=instant(updated_after) if updated_after else None,
    )
    bound = f"{call.tenant}:{name}:{narrow}"
    limit = query.get("limit", DEFAULT_LIMIT)
    rows = fetch(narrow, paging.unseal(call.runtime.vault, bound, query.get("after")), limit)
    return paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
