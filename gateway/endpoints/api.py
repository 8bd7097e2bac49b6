"""Webhook endpoints as partners manage them."""

import secrets
from functools import partial
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from adapters.plain.writer import API_VERSION, minified
from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.endpoints.secrets import sealer
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.jobs.api import DEFAULT_LIMIT, not_found
from gateway.partners.dialect import adapter_of
from webhooks import egress, endpoints, outbox
from webhooks.endpoints import Changes, Delivery, NewEndpoint
from webhooks.tables import Attempt, Endpoint
from webhooks.tenant import Tenant as Owner

# What webhooks.egress says of a URL: for people.
URL_WORDS = {
    "too_long": "The URL is too long.",
    "malformed": "This is not a URL that can be called.",
    "not_https": "Webhooks are sent over https only.",
    "userinfo": "A URL with a user or a password in it is not taken.",
    "fragment": "A URL has no fragment when it is called.",
    "host_is_address": "The host must be a name, not an address.",
    "host_invalid": "The host is not a valid name.",
    "host_not_qualified": "The host must be a full name with a dot in it.",
    "port_not_allowed": "The port must be 443 or 8443.",
}


def list_webhook_endpoints(call: Call) -> Response:
    """`GET /v1/webhook-endpoints`."""
    bound, limit = f"{call.tenant}:webhook-endpoints", call.query.get("limit", DEFAULT_LIMIT)
    after = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        rows = endpoints.page(session, _owner(call), after=after, limit=limit + 1)
        shown, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
        return as_json(paging.answer([document(row) for row in shown], following))


def create_webhook_endpoint(call: Call) -> Response:
    """`POST /v1/webhook-endpoints`."""
    wish = call.document
    _check_url(call, wish["url"])
    new = NewEndpoint(
        id=new_id("whep", call.now),
        url=wish["url"],
        event_types=tuple(wish.get("event_types") or ("*",)),
        format=wish.get("format", "plain"),
        description=wish.get("description"),
        secret_bytes=secrets.token_bytes(32),
    )

    def act(session: Session) -> Response:
        _check_count(session, call)
        _check_format(session, call, new.format)
        endpoint, secret = endpoints.create(session, _owner(call), new, seal=sealer(call.runtime.vault), now=call.now)
        _greet(session, call, endpoint)
        location = {"Location": f"/v1/webhook-endpoints/{endpoint.id}"}
        return as_json({**document(endpoint), "secret": secret}, 201, location)

    return idempotency.once(call, "create_webhook_endpoint", act)


def get_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}`."""
    with call.runtime.sessions() as session:
        return as_json(document(_own(session, call, endpoint_id)))


def change_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`PATCH /v1/webhook-endpoints/{endpoint_id}`."""
    wish = call.document
    if "url" in wish:
        _check_url(call, wish["url"])
    changes = Changes(
        url=wish.get("url"),
        event_types=tuple(wish["event_types"]) if "event_types" in wish else None,
        format=wish.get("format"),
        description=wish.get("description"),
        enabled=wish["status"] == "enabled" if "status" in wish else None,
    )
    with call.runtime.sessions.begin() as session:
        endpoint = _own(session, call, endpoint_id, lock=True)
        _check_format(session, call, wish.get("format"))
        endpoints.change(session, endpoint, changes)
        return as_json(document(endpoint))


def delete_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`DELETE /v1/webhook-endpoints/{endpoint_id}`."""
    with call.runtime.sessions.begin() as session:
        endpoints.delete(session, _own(session, call, endpoint_id, lock=True), now=call.now)
    return Response(status=204)


def list_deliveries(call: Call, endpoint_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}/deliveries`, newest first."""
    bound, limit = f"{call.tenant}:deliveries:{endpoint_id}", call.query.get("limit", DEFAULT_LIMIT)
    place = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        _own(session, call, endpoint_id)
        rows = endpoints.deliveries(
            session, _owner(call), endpoint_id, before=int(place) if place else None, limit=limit + 1
        )
    shown, following = paging.page(
        rows, limit, lambda row: paging.seal(call.runtime.vault, bound, str(row.message.position))
    )
    return as_json(paging.answer([delivery_document(row) for row in shown], following))


def retry_delivery(call: Call, endpoint_id: str, delivery_id: str) -> Response:
    """`POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry`."""

    def act(session: Session) -> Response:
        _own(session, call, endpoint_id)
        rearmed = endpoints.retry(session, _owner(call), endpoint_id, delivery_id, now=call.now)
        found = endpoints.delivery(session, _owner(call), endpoint_id, delivery_id)
        if rearmed is None or found is None:
            raise not_found("delivery")
        if rearmed == "parked":
            raise Problem(code="conflict", detail="This delivery could not be written, so there is nothing to send.")
        return as_json(delivery_document(found), 202)

    return idempotency.once(call, "retry_delivery", act)


def document(row: Endpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "event_types": row.event_types,
        "format": row.format,
        "signature": "v1",
        "description": row.description,
        "environment": row.environment,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "created_at": row.created_at.isoformat(),
    }


def delivery_document(row: Delivery) -> dict[str, Any]:
    message = row.message
    return {
        "id": message.id,
        "event_id": message.event_id,
        "type": message.event_type,
        "status": message.status,
        "next_attempt_at": message.next_attempt_at.isoformat() if message.next_attempt_at else None,
        "error": message.error,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(),
        "status_code": row.status_code,
        "duration_ms": row.duration_ms,
        "error": row.error,
        "response_excerpt": row.response_excerpt,
    }


def _owner(call: Call) -> Owner:
    return Owner(call.tenant.partner_id, call.tenant.environment)


def _own(session: Session, call: Call, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    row = endpoints.get(session, _owner(call), endpoint_id, lock=lock)
    if row is None:
        raise not_found("webhook endpoint")
    return row


def _check_url(call: Call, url: str) -> None:
    codes = egress.check_url(url, call.runtime.settings.egress_allow)
    if codes:
        faults = tuple(Fault(pointer="/url", code=code, detail=URL_WORDS[code]) for code in codes)
        raise Problem(code="invalid", detail="This URL cannot be called.", faults=faults)


def _check_format(session: Session, call: Call, wanted: str | None) -> None:
    if wanted == "dialect" and adapter_of(session, call.tenant.partner_id) is None:
        fault = Fault(pointer="/format", code="no_dialect", detail="There is no dialect for this partner; take plain.")
        raise Problem(code="invalid", detail="The endpoint has faults.", faults=(fault,))


def _check_count(session: Session, call: Call) -> None:
    most = call.runtime.settings.endpoints_per_partner
    if endpoints.count(session, _owner(call)) >= most:
        raise Problem(code="conflict", detail=f"There are {most} webhook endpoints already; delete one first.")


def _greet(session: Session, call: Call, endpoint: Endpoint) -> None:
    """The signed test message. It waits for nothing and nothing waits for it: the endpoint is its own subject."""
    event_id = new_id("evt", call.now)
    said = {
        "id": event_id,
        "type": "webhook_endpoint.created",
        "timestamp": call.now.isoformat(),
        "environment": endpoint.environment,
        "api_version": API_VERSION,
        "data": {"webhook_endpoint": document(endpoint)},
    }
    event = outbox.OutgoingEvent(
        subject=endpoint.id,
        event_id=event_id,
        event_type="webhook_endpoint.created",
        sequence=1,
        payloads={endpoint.format: (outbox.Payload(body=minified(said), media_type="application/json"),)},
    )
    to_itself = outbox.Subscription(endpoint.id, endpoint.format, ("*",))
    make = partial(new_id, now=call.now)
    outbox.enqueue(outbox.writing(session), _owner(call), [event], [to_itself], new_id=make, now=call.now)
