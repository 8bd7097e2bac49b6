"""Recoveries and dead letters, as partners ask for them."""

from datetime import datetime, timedelta

from flask import Response
from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from adapters.values import instant
from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.endpoints.documents import delivery_document, recovery_document
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.jobs.api import DEFAULT_LIMIT, not_found
from webhooks import endpoints, recovery
from webhooks.recovery import NewRecovery, Recovery
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner

AHEAD = timedelta(minutes=5)
"""By which another's clock may be ahead of ours."""


def recover_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`POST /v1/webhook-endpoints/{endpoint_id}/recover`."""

    def act(session: Session) -> Response:
        endpoint = _own(session, call, endpoint_id, lock=True)
        begun = recovery.start(session, _owner(call), _wish(call, endpoint), now=call.runtime.clock())
        if begun is None:
            raise Problem(code="conflict", detail="A recovery of this endpoint is running: wait for it, or cancel it.")
        location = {"Location": f"/v1/webhook-endpoints/{endpoint_id}/recoveries/{begun.id}"}
        return as_json(recovery_document(begun), 202, location)

    return idempotency.once(call, "recover_webhook_endpoint", act)


def _wish(call: Call, endpoint: Endpoint) -> NewRecovery:
    said = call.document
    since, until = instant(said["since"]), instant(said["until"]) if said.get("until") else call.now
    missing = said.get("missing", False)
    if found := faults(endpoint, since, until, call.now, missing=missing):
        raise Problem(code="invalid", detail="The recovery has faults.", faults=found)
    return NewRecovery(
        id=new_id("whr", call.now),
        endpoint_id=endpoint.id,
        since=since,
        until=min(until, call.now),
        event_types=tuple(said["event_types"]) if said.get("event_types") else None,
        missing=missing,
        rate_per_second=said.get("rate_per_second", recovery.RATE),
    )


def faults(endpoint: Endpoint, since: datetime, until: datetime, now: datetime, *, missing: bool) -> tuple[Fault, ...]:
    """Everything that speaks against a recovery of this endpoint."""
    found: list[Fault] = []
    if not (since < until and since <= now and until <= now + AHEAD):
        detail = "This must be before until, and neither of them may lie ahead."
        found.append(Fault(pointer="/since", code="not_before", detail=detail))
    if missing and endpoint.format == "dialect":
        detail = "Not for a dialect: what it would have said of an event is not kept."
        found.append(Fault(pointer="/missing", code="not_plain", detail=detail))
    return tuple(found)


def list_recoveries(call: Call, endpoint_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}/recoveries`, newest first."""
    bound, limit = f"{call.tenant}:recoveries:{endpoint_id}", call.query.get("limit", DEFAULT_LIMIT)
    before = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        _own(session, call, endpoint_id)
        rows = recovery.page(session, _owner(call), endpoint_id, before=before, limit=limit + 1)
    shown, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
    return as_json(paging.answer([recovery_document(row) for row in shown], following))


def get_recovery(call: Call, endpoint_id: str, recovery_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}/recoveries/{recovery_id}`."""
    with call.runtime.sessions() as session:
        return as_json(recovery_document(_recovery(session, call, endpoint_id, recovery_id)))


def cancel_recovery(call: Call, endpoint_id: str, recovery_id: str) -> Response:
    """`POST /v1/webhook-endpoints/{endpoint_id}/recoveries/{recovery_id}/cancel`."""

    def act(session: Session) -> Response:
        found = _recovery(session, call, endpoint_id, recovery_id, lock=True)
        if not recovery.cancel(found, now=call.runtime.clock()) and found.status != "cancelled":
            raise Problem(code="conflict", detail="The recovery is over.")
        return as_json(recovery_document(found))

    return idempotency.once(call, "cancel_recovery", act)


def list_dead_letters(call: Call, endpoint_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}/dead-letters`, newest first."""
    bound, limit = f"{call.tenant}:dead-letters:{endpoint_id}", call.query.get("limit", DEFAULT_LIMIT)
    place = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        _own(session, call, endpoint_id)
        before = int(place) if place else None
        rows = endpoints.dead_letters(session, _owner(call), endpoint_id, before=before, limit=limit + 1)
    shown, following = paging.page(
        rows, limit, lambda row: paging.seal(call.runtime.vault, bound, str(row.message.position))
    )
    return as_json(paging.answer([delivery_document(row) for row in shown], following))


def _owner(call: Call) -> Owner:
    return Owner(call.tenant.partner_id, call.tenant.environment)


def _own(session: Session, call: Call, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    row = endpoints.get(session, _owner(call), endpoint_id, lock=lock)
    if row is None:
        raise not_found("webhook endpoint")
    return row


def _recovery(session: Session, call: Call, endpoint_id: str, recovery_id: str, *, lock: bool = False) -> Recovery:
    _own(session, call, endpoint_id)
    row = recovery.get(session, _owner(call), endpoint_id, recovery_id, lock=lock)
    if row is None:
        raise not_found("recovery")
    return row
