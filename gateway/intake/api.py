"""The door for orders in our own JSON."""

from collections.abc import Callable
from functools import partial

from flask import Response
from sqlalchemy.orm import Session

from adapters.canonical import Intent, Receipt
from adapters.errors import TranslationError
from adapters.plain import reader as plain
from adapters.plain.writer import outcome_json
from gateway import idempotency
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.intake import doors, service
from gateway.intake.arrival import Arrival


def create_order(call: Call) -> Response:
    """`POST /v1/orders`."""
    arrival = doors.arrival(call, "/v1/orders")
    idempotency.key_of(call)

    def act() -> Response:
        intents = _merged(call)

        def place(session: Session, fresh: bool) -> Response:
            return _placed(service.accept(session, arrival, intents, fresh=fresh))

        return idempotency.once(call, "create_order", partial(place, fresh=False), partial(place, fresh=True))

    return _kept(arrival, act)


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


def _kept(arrival: Arrival, act: Callable[[], Response]) -> Response:
    """Run it; an order that is refused is kept all the same, with every fault, and can be replayed."""
    try:
        return act()
    except Problem as problem:
        if problem.code in doors.KEPT:
            doors.keep_refused(arrival, problem)
        raise
