"""The openTRANS dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters import xml
from adapters.canonical import EMPTY, CancelOrder, ChangeOrder, Intent, Outcome, PlaceOrder, Receipt, StatusUpdate
from adapters.contract import Profile, RawMessage, Rendered
from adapters.opentrans import reader, writer
from adapters.opentrans.codes import STATES
from adapters.opentrans.settings import Options, Settings

XML = "application/xml"


class OpenTransAdapter:
    profile: ClassVar[Profile] = Profile(
        name="opentrans",
        title="openTRANS 2.1",
        media_types=(XML, "text/xml"),
        intents=("PlaceOrder", "ChangeOrder", "CancelOrder"),
        states=STATES,
        options=Options,
        inbound_auth=("oauth2",),
        outbound_auth=("standard-webhooks",),
        max_bytes=1024 * 1024,
        spec_url="https://www.opentrans.de",
        maturity="beta",
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(xml.parse(message.body), self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """The order as it stands, or the yes or no to a CANCELREQUEST. One document has one intent."""
        outcome = receipt.outcomes[0]
        intent = outcome.intent
        asked = intent.order if isinstance(intent, PlaceOrder) else None
        order = outcome.order or asked
        letter = writer.Letter(
            partner_order_id=intent.order.partner_order_id
            if isinstance(intent, PlaceOrder)
            else intent.partner_order_id,
            order_id=outcome.order_id,
            echo=order.echo if order else EMPTY,
            at=receipt.at,
            settings=self.settings,
        )
        if isinstance(intent, CancelOrder):
            return _confirmed(letter, outcome)
        change_id = intent.change_id if isinstance(intent, ChangeOrder) else None
        body = writer.order_response(letter, outcome.jobs, order.lines if order else (), change_id)
        new = isinstance(intent, PlaceOrder) and outcome.result == "accepted"
        return Rendered(body=body, media_type=XML, event="ORDERRESPONSE", status=201 if new else 200)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        """How the job's line stands; what it says of a line of several visits, `update.siblings` must know."""
        word = STATES[update.job.state]
        if word is None:
            return []
        letter = writer.Letter(
            partner_order_id=update.job.partner_order_id,
            order_id=update.job.order_id,
            echo=update.order.echo,
            at=update.at,
            settings=self.settings,
        )
        line = next(line for line in update.order.lines if line.line_id == update.job.line_id)
        visits = (update.job, *update.siblings)
        if word == "DISPATCHNOTIFICATION":
            body = writer.dispatch_notification(letter, update.event_id, line, visits)
        else:
            body = writer.order_response(letter, visits, (line,), None)
        return [Rendered(body=body, media_type=XML, event=word)]


def _confirmed(letter: writer.Letter, outcome: Outcome) -> Rendered:
    accepted = outcome.result != "refused" and not outcome.problems
    comment = "" if accepted else next((p.detail for p in outcome.problems), "This cannot be cancelled any more.")
    body = writer.cancel_confirmation(letter, accepted=accepted, comment=comment)
    return Rendered(body=body, media_type=XML, event="CANCELCONFIRMATION")
