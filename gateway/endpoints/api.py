"""Webhook endpoints as partners manage them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.db import one_at_a_time
from gateway.endpoints import service, signatures
from gateway.endpoints.documents import delivery_document, document
from gateway.endpoints.secrets import sealed_authentication
from gateway.errors import Problem
from gateway.jobs.api import DEFAULT_LIMIT, not_found
from gateway.partners.dialect import adapter_of
from webhooks import endpoints, rotation
from webhooks.endpoints import Changes
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner


def list_webhook_endpoints(call: Call) -> Response:
    """`GET /v1/webhook-endpoints`."""
    bound, limit = f"{call.tenant}:webhook-endpoints", call.query.get("limit", DEFAULT_LIMIT)
    after = paging.unseal(call.runtime.vault, bound, call.query.get("after"))
    with call.runtime.sessions() as session:
        rows = endpoints.page(session, _owner(call), after=after, limit=limit + 1)
        shown, following = paging.page(rows, limit, lambda row: paging.seal(call.runtime.vault, bound, row.id))
        return as_json(paging.answer(_documents(session, call, shown), following))


def create_webhook_endpoint(call: Call) -> Response:
    """`POST /v1/webhook-endpoints`."""
    said = call.document
    wish = service.Wish(
        url=said["url"],
        authentication=said.get("authentication"),
        event_types=tuple(said.get("event_types") or ("*",)),
        services=tuple(said["services"]) if said.get("services") else None,
        format=said.get("format", "plain"),
        content=said.get("content", "full"),
        signature=said.get("signature", "v1"),
        description=said.get("description"),
        ordered=said.get("ordered", True),
        concurrency=said.get("concurrency"),
        rate_per_second=said.get("rate_per_second"),
    )

    def act(session: Session) -> Response:
        _check_count(session, call)
        _check(session, call, said)
        _check_format(session, call, wish.format, wish.content)
        endpoint, secret = service.add(session, call.runtime.vault, _owner(call), wish, call.runtime.clock())
        location = {"Location": f"/v1/webhook-endpoints/{endpoint.id}"}
        return as_json({**document(endpoint, call.runtime.vault), "secret": secret}, 201, location)

    return idempotency.once(call, "create_webhook_endpoint", act)


def get_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`GET /v1/webhook-endpoints/{endpoint_id}`."""
    with call.runtime.sessions() as session:
        return as_json(_documents(session, call, [_own(session, call, endpoint_id)])[0])


def change_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`PATCH /v1/webhook-endpoints/{endpoint_id}`."""
    wish = call.document
    with call.runtime.sessions.begin() as session:
        endpoint = _own(session, call, endpoint_id, lock=True)
        _check_place(endpoint, wish)
        _check(session, call, wish)
        if "format" in wish or "content" in wish:
            content = wish.get("content", endpoint.content)
            _check_format(session, call, wish.get("format", endpoint.format), content)
        endpoints.change(session, endpoint, _changes(call, endpoint, wish))
        return as_json(_documents(session, call, [endpoint])[0])


def _changes(call: Call, endpoint: Endpoint, wish: Mapping[str, Any]) -> Changes:
    said = wish.get("authentication")
    return Changes(
        url=wish.get("url"),
        event_types=tuple(wish["event_types"]) if "event_types" in wish else None,
        services=tuple(wish["services"] or ()) if "services" in wish else None,
        format=wish.get("format"),
        content=wish.get("content"),
        description=wish.get("description"),
        enabled=wish["status"] == "enabled" if "status" in wish else None,
        authentication=sealed_authentication(call.runtime.vault, said, endpoint.owner, endpoint.id) if said else None,
        ordered=wish.get("ordered"),
        # Null takes a limit away; what is not named stays.
        concurrency=wish["concurrency"] or 0 if "concurrency" in wish else None,
        rate_per_second=wish["rate_per_second"] or 0 if "rate_per_second" in wish else None,
    )


def rotate_webhook_secret(call: Call, endpoint_id: str) -> Response:
    """`POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret`."""
    said = call.document or {}
    overlap = timedelta(hours=said.get("overlap_hours", rotation.OVERLAP / timedelta(hours=1)))

    def act(session: Session) -> Response:
        endpoint = _own(session, call, endpoint_id, lock=True)
        try:
            now = call.runtime.clock()
            secret = signatures.rotate(session, call.runtime.vault, endpoint, overlap, said.get("signature"), now)
        except signatures.NotSigned as error:
            detail = "The calls of this endpoint are authenticated otherwise, and not signed."
            raise Problem(code="conflict", detail=detail) from error
        except rotation.InRotation as error:
            raise Problem(
                code="conflict",
                detail=f"The secret was replaced not long ago; the one before signs until {error.until.isoformat()}. "
                'If one has leaked, let none overlap: "overlap_hours": 0.',
            ) from error
        (shown,) = _documents(session, call, [endpoint])
        return as_json({**shown, "secret": secret})

    return idempotency.once(call, "rotate_webhook_secret", act)


def get_webhook_keys(call: Call) -> Response:
    """`GET /.well-known/webhook-keys.json`."""
    with call.runtime.sessions() as session:
        keys = signatures.published(session, call.runtime.vault, call.query.get("endpoint_id"), call.runtime.clock())
    age = f"public, max-age={int(signatures.CACHE.total_seconds())}"
    return as_json({"keys": keys}, 200, {"Cache-Control": age})


def delete_webhook_endpoint(call: Call, endpoint_id: str) -> Response:
    """`DELETE /v1/webhook-endpoints/{endpoint_id}`."""
    with call.runtime.sessions.begin() as session:
        endpoints.delete(session, _own(session, call, endpoint_id, lock=True), now=call.runtime.clock())
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
        if rearmed == "expired":
            raise Problem(code="conflict", detail="What this delivery said is not kept any more.")
        return as_json(delivery_document(found), 202)

    return idempotency.once(call, "retry_delivery", act)


def _documents(session: Session, call: Call, rows: Sequence[Endpoint]) -> list[dict[str, Any]]:
    used = rotation.last_signed(session, _owner(call), [row.id for row in rows])
    return [document(row, call.runtime.vault, used.get(row.id)) for row in rows]


def _owner(call: Call) -> Owner:
    return Owner(call.tenant.partner_id, call.tenant.environment)


def _own(session: Session, call: Call, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    row = endpoints.get(session, _owner(call), endpoint_id, lock=lock)
    if row is None:
        raise not_found("webhook endpoint")
    return row


def _check(session: Session, call: Call, wish: Mapping[str, Any]) -> None:
    faults = service.faults(session, _owner(call), wish, call.runtime.settings)
    if faults:
        raise Problem(code="invalid", detail="The endpoint cannot be called like this.", faults=faults)


def _check_place(endpoint: Endpoint, wish: Mapping[str, Any]) -> None:
    place = service.place_of(endpoint.url)
    if (place and "authentication" in wish) or service.place_of(wish.get("url", endpoint.url)) != place:
        detail = "A drop folder stays one, and so do an inbox and a URL: make another endpoint."
        raise Problem(code="conflict", detail=detail)
    if "url" in wish and "authentication" not in wish and not service.keeps_credentials(endpoint, wish["url"]):
        detail = "The URL leads to another host: say again how the calls there are authenticated."
        fault = Fault(pointer="/authentication", code="required", detail=detail)
        raise Problem(code="invalid", detail="The endpoint has faults.", faults=(fault,))


def _check_format(session: Session, call: Call, wanted: str, content: str) -> None:
    faults: list[Fault] = []
    if wanted == "dialect" and adapter_of(session, call.tenant.partner_id) is None:
        detail = "There is no dialect for this partner; take plain."
        faults.append(Fault(pointer="/format", code="no_dialect", detail=detail))
    if wanted == "dialect" and content != "full":
        detail = "A dialect's documents are as they are; thin are our own events only."
        faults.append(Fault(pointer="/content", code="not_of_a_dialect", detail=detail))
    if faults:
        raise Problem(code="invalid", detail="The endpoint has faults.", faults=tuple(faults))


def _check_count(session: Session, call: Call) -> None:
    most = call.runtime.settings.endpoints_per_partner
    one_at_a_time(session, f"webhook endpoints {call.tenant}")
    if endpoints.count(session, _owner(call)) >= most:
        raise Problem(code="conflict", detail=f"There are {most} webhook endpoints already; delete one first.")
