"""The doors: orders in our own JSON at `/v1/orders`, and every dialect at `/inbound/{partner}`."""

from collections.abc import Callable
from functools import partial

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.canonical import Intent, Receipt
from adapters.contract import Adapter, RawMessage
from adapters.errors import MalformedMessage, TranslationError, Unsupported
from adapters.errors import Problem as Fault
from adapters.plain import reader as plain
from adapters.plain.writer import outcome_json
from gateway import idempotency
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.intake import service
from gateway.partners.dialect import adapter
from gateway.partners.tables import Partner

# What a document was refused for; kept with it. Everything else (no token, no key) is not about the document.
KEPT = frozenset({"malformed", "invalid", "unsupported", "order-differs", "change-differs", "conflict"})


def create_order(call: Call) -> Response:
    """`POST /v1/orders`."""
    arrival = _arrival(call, "/v1/orders")
    idempotency.key_of(call)

    def act() -> Response:
        intents = _merged(call)

        def place(session: Session, fresh: bool) -> Response:
            return _placed(service.accept(session, arrival, intents, fresh=fresh))

        return idempotency.once(call, "create_order", partial(place, fresh=False), partial(place, fresh=True))

    return _kept(call, arrival, act)


def _merged(call: Call) -> list[Intent]:
    """The intents, or one problem with what the schema and the reader found, each place once."""
    faults = {fault.pointer: fault for fault in call.faults}
    try:
        intents = plain.read(call.document)
    except TranslationError as error:
        faults = {fault.pointer: fault for fault in error.problems} | faults
    if faults:
        raise Problem(code="invalid", detail="The order has faults.", faults=tuple(faults.values()))
    return intents


def _placed(receipt: Receipt) -> Response:
    outcome = receipt.outcomes[0]
    status = 201 if outcome.result == "accepted" else 200
    return as_json(outcome_json(outcome), status, {"Location": f"/v1/orders/{outcome.order_id}"})


def receive(call: Call, partner: str) -> Response:
    """`POST /inbound/{partner}`: the partner's dialect in, its acknowledgement out."""
    with call.runtime.sessions() as session:
        row = session.execute(
            select(Partner.adapter, Partner.options).where(
                Partner.id == call.tenant.partner_id, Partner.slug == partner
            )
        ).one_or_none()
    dialect = adapter(row.adapter, row.options) if row else None
    if dialect is None:
        raise Problem(code="not-found", detail="There is no such door for this token.")
    _check_media_type(call, dialect)
    arrival = _arrival(call, f"/inbound/{partner}")

    def act() -> Response:
        intents = _translated(dialect, arrival.message)
        with call.runtime.sessions.begin() as session:
            return _acknowledged(dialect, service.accept(session, arrival, intents))

    return _kept(call, arrival, act)


def _check_media_type(call: Call, dialect: Adapter) -> None:
    takes = dialect.profile.media_types
    if call.media_type not in takes:
        raise Problem(code="unsupported-media-type", detail=f"This door takes {', '.join(takes)}.")
    if len(call.body) > dialect.profile.max_bytes:
        raise Problem(code="too-large", detail=f"A document may have {dialect.profile.max_bytes} bytes.")


def _translated(dialect: Adapter, message: RawMessage) -> list[Intent]:
    try:
        return dialect.parse(message)
    except TranslationError as error:
        code = {MalformedMessage: "malformed", Unsupported: "unsupported"}.get(type(error), "invalid")
        detail = f"The document is not a {dialect.profile.title} message that can be taken."
        raise Problem(code=code, detail=detail, faults=error.problems) from None


def _acknowledged(dialect: Adapter, receipt: Receipt) -> Response:
    answer = dialect.acknowledge(receipt)
    return Response(answer.body, status=answer.status, content_type=answer.media_type, headers=dict(answer.headers))


def _arrival(call: Call, door: str) -> service.Arrival:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.scope["headers"]}
    headers.pop("authorization", None)
    message = RawMessage(body=call.body, media_type=call.header("content-type") or "", headers=headers, path=door)
    return service.Arrival(tenant=call.tenant, door=door, message=message, now=call.now, vault=call.runtime.vault)


def _kept(call: Call, arrival: service.Arrival, act: Callable[[], Response]) -> Response:
    """Run it; a document that is refused is kept all the same, with every fault, and can be replayed."""
    try:
        return act()
    except Problem as problem:
        if problem.code in KEPT:
            faults = problem.faults or (Fault(pointer="", code=problem.code, detail=problem.detail),)
            with call.runtime.sessions.begin() as session:
                service.keep(session, arrival, outcome="refused", faults=faults)
        raise
