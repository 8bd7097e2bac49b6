"""Where a document in a partner's own language comes in, and the answer in it goes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from flask import Response
from psycopg.errors import UniqueViolation
from sqlalchemy import select

from adapters.canonical import Intent, Query, Refusal
from adapters.contract import Adapter, Numbered, RawMessage, Refusing, Rendered
from adapters.errors import MalformedMessage, TranslationError, Unsupported
from adapters.errors import Problem as Fault
from gateway import tracing
from gateway.call import Call
from gateway.errors import Problem
from gateway.front import Handler
from gateway.ids import new_id
from gateway.intake import service
from gateway.intake.arrival import Arrival
from gateway.oauth.security import METHODS
from gateway.partners.dialect import adapter
from gateway.partners.tables import Partner

# What a document was refused for; kept with it. Everything else (no token, no key) is not about the document.
KEPT = frozenset({"malformed", "invalid", "unsupported", "order-differs", "change-differs", "conflict", "not-found"})
SECRET_HEADERS = ("authorization", "cookie", "x-shopify-hmac-sha256")


def receive(call: Call, partner: str) -> Response:
    """`POST /inbound/{partner}`: the partner's dialect in, its acknowledgement out."""
    row = _partner(call)
    dialect = adapter(row.adapter, row.options) if row.slug == partner else None
    if dialect is None:
        raise Problem(code="not-found", detail="There is no such door for this token.")
    _check_media_type(call, dialect)
    return _response(take(dialect, arrival(call, f"/inbound/{partner}")))


def receive_notification(call: Call, partner: str) -> Response:
    """`POST /inbound/{partner}/fulfillment_order_notification`: Shopify appends this to the address it was given."""
    return receive(call, partner)


def conversations(document: Mapping[str, Any]) -> Mapping[str, Handler]:
    """A handler for each operation that the specification marks `x-dialect`: the paths of a standard."""
    operations = [item[method] for item in document["paths"].values() for method in METHODS if method in item]
    return {one["operationId"]: _conversation(one["x-dialect"]) for one in operations if "x-dialect" in one}


def _conversation(name: str) -> Handler:
    def converse(call: Call, **_: str) -> Response:
        row = _partner(call)
        dialect = adapter(row.adapter, row.options) if row.adapter == name else None
        if dialect is None:
            raise Problem(code="not-found", detail="There is no such door for this partner.")
        _check_size(call, dialect)
        return _response(take(dialect, arrival(call, call.scope["path"])))

    return converse


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer in the dialect's words, None where it has none; `problem` says why nothing was taken."""

    answer: Rendered | None
    problem: Problem | None = None


def take(dialect: Adapter, arrival: Arrival) -> Rendered:
    """Do what the document asks for; the answer in its words. Raises `Problem` where the dialect has none for it."""
    if isinstance(dialect, Numbered):
        arrival = replace(arrival, number=dialect.number(arrival.message))
    found = taken(dialect, arrival)
    if found.answer is None:
        assert found.problem is not None
        raise found.problem
    return found.answer


def taken(dialect: Adapter, arrival: Arrival) -> Taken:
    """Do what the document asks for.

    What is refused is kept all the same, with every fault, and can be replayed. Raises only what is not about the
    document.
    """
    intents: list[Intent] = []
    with tracing.taking(arrival.tenant.partner_id, arrival.door):
        try:
            intents = translated(dialect, arrival.message)
            return Taken(_done(dialect, arrival, intents))
        except Problem as problem:
            if problem.code not in KEPT:
                raise
            return Taken(_refused(dialect, arrival, intents, problem), problem)


def _done(dialect: Adapter, arrival: Arrival, intents: list[Intent]) -> Rendered:
    try:
        return _acknowledged(dialect, arrival, intents)
    except UniqueViolation:  # the same message, or one of its changes, twice at once: by now it is known
        return _acknowledged(dialect, arrival, intents)


def _acknowledged(dialect: Adapter, arrival: Arrival, intents: list[Intent]) -> Rendered:
    with arrival.runtime.sessions.begin() as session:
        return dialect.acknowledge(service.accept(session, arrival, intents))


def translated(dialect: Adapter, message: RawMessage) -> list[Intent]:
    """Raises `Problem` with everything that is wrong."""
    try:
        return dialect.parse(message)
    except TranslationError as error:
        code = {MalformedMessage: "malformed", Unsupported: "unsupported"}.get(type(error), "invalid")
        detail = f"The document cannot be taken as {dialect.profile.title}."
        raise Problem(code=code, detail=detail, faults=error.problems) from None


def keep_refused(arrival: Arrival, problem: Problem) -> str:
    """The message's id."""
    with arrival.runtime.sessions.begin() as session:
        return service.keep(session, arrival, outcome="refused", faults=faults_of(problem))


def _refused(dialect: Adapter, arrival: Arrival, intents: list[Intent], problem: Problem) -> Rendered | None:
    questions = bool(intents) and all(isinstance(intent, Query) for intent in intents)
    message_id = new_id("msg", arrival.now) if questions else keep_refused(arrival, problem)
    if not isinstance(dialect, Refusing):
        return None
    refusal = Refusal(
        message_id=message_id,
        at=arrival.now,
        code=problem.code,
        status=problem.status,
        detail=problem.detail,
        problems=faults_of(problem),
        intents=tuple(intents),
        culprit=problem.culprit,
    )
    return dialect.refuse(arrival.message, refusal)


def faults_of(problem: Problem) -> tuple[Fault, ...]:
    """Its faults; the problem itself where it has none."""
    return problem.faults or (Fault(pointer="", code=problem.code.replace("-", "_"), detail=problem.detail),)


def arrival(call: Call, door: str) -> Arrival:
    """The request as a message at a door. Who sent it is known; what proves it is not handed on."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.scope["headers"]}
    message = RawMessage(
        body=call.body,
        media_type=call.header("content-type") or "",
        headers={name: value for name, value in headers.items() if name not in SECRET_HEADERS},
        path=call.scope["path"],
        method=call.scope["method"],
        query=dict(parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True)),
    )
    return Arrival(runtime=call.runtime, tenant=call.tenant, door=door, message=message, now=call.now)


def _partner(call: Call) -> Any:
    with call.runtime.sessions() as session:
        return session.execute(
            select(Partner.slug, Partner.adapter, Partner.options).where(Partner.id == call.tenant.partner_id)
        ).one()


def _check_media_type(call: Call, dialect: Adapter) -> None:
    takes = dialect.profile.media_types
    if call.media_type not in takes:
        raise Problem(code="unsupported-media-type", detail=f"This door takes {', '.join(takes)}.")
    _check_size(call, dialect)


def _check_size(call: Call, dialect: Adapter) -> None:
    if len(call.body) > dialect.profile.max_bytes:
        raise Problem(code="too-large", detail=f"A document may have {dialect.profile.max_bytes} bytes.")


def _response(answer: Rendered) -> Response:
    return Response(answer.body, status=answer.status, content_type=answer.media_type, headers=dict(answer.headers))
