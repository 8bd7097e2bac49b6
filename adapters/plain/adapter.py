"""The plain dialect: Stecker's own JSON."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema

from adapters.canonical import Intent, Receipt, StatusUpdate
from adapters.contract import Profile, RawMessage, Rendered
from adapters.errors import Problem
from adapters.objects import minified
from adapters.plain import reader, writer
from adapters.plain.codes import STATES
from adapters.reading import strict_json

JSON = "application/json"
PROBLEM = "application/problem+json"


class Options(Schema):
    """There is nothing to choose."""


class PlainAdapter:
    profile: ClassVar[Profile] = Profile(
        name="plain",
        title="Stecker JSON",
        media_types=(JSON,),
        intents=("PlaceOrder",),
        states=STATES,
        options=Options,
        inbound_auth=("oauth2",),
        outbound_auth=("standard-webhooks",),
        max_bytes=1024 * 1024,
        spec_url="/docs",
        maturity="beta",
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Takes no options."""

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(strict_json(message.body))

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """201 when something is new, 200 when all was known, 422 as a problem when nothing was taken."""
        results = {outcome.result for outcome in receipt.outcomes}
        faults = [_fault(problem) for outcome in receipt.outcomes for problem in outcome.problems]
        if results <= {"refused"}:
            title = "The order cannot be taken."
            problem = {"type": "about:blank", "title": title, "status": 422, "errors": faults}
            return Rendered(body=minified(problem), media_type=PROBLEM, event="order.refused", status=422)
        document = {
            "message_id": receipt.message_id,
            "orders": [writer.outcome_json(o) for o in receipt.outcomes if o.result != "refused"],
            "problems": faults,
        }
        status = 201 if "accepted" in results else 200
        return Rendered(body=minified(document), media_type=JSON, event="order.received", status=status)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        return [Rendered(body=writer.event_bytes(update), media_type=JSON, event=update.type)]


def _fault(problem: Problem) -> dict[str, str]:
    return {"pointer": problem.pointer, "code": problem.code, "detail": problem.detail}
