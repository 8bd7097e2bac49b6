"""The IDoc dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters import xml
from adapters.canonical import Intent, Outcome, PlaceOrder, Receipt, Refusal, StatusUpdate
from adapters.contract import Profile, RawMessage, Rendered
from adapters.errors import MalformedMessage
from adapters.idoc import reader, writer
from adapters.idoc.codes import STATES
from adapters.idoc.control import control
from adapters.idoc.settings import Options, Settings
from adapters.reading import Problems

XML = "text/xml"


class IdocAdapter:
    profile: ClassVar[Profile] = Profile(
        name="idoc",
        title="SAP IDoc ORDERS05",
        media_types=(XML, "application/xml"),
        intents=("PlaceOrder", "ChangeOrder", "CancelOrder"),
        states=STATES,
        options=Options,
        inbound_auth=("oauth2",),
        outbound_auth=("standard-webhooks",),
        max_bytes=1024 * 1024,
        spec_url="https://help.sap.com",
        maturity="beta",
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(xml.parse(message.body), self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """An IDoc for each of theirs: how all lines of that order stand, or only whether it was taken."""
        status = self.settings.answer == "STATUS"
        root = writer.file("SYSTAT01" if status else "ORDERS05")
        for place, outcome in enumerate(receipt.outcomes):
            letter = self._letter(outcome, receipt, place)
            said = [f"{problem.pointer}: {problem.detail}" for problem in outcome.problems]
            if status:
                writer.status(root, letter, well=outcome.result != "refused", said=said)
            else:
                writer.order_response(root, letter, _as_they_stand(outcome), said)
        new = any(isinstance(one.intent, PlaceOrder) and one.result == "accepted" for one in receipt.outcomes)
        body, event = writer.as_bytes(root), self.settings.answer
        return Rendered(body=body, media_type=XML, event=event, status=201 if new else 200)

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered | None:
        """Where STATUS was agreed, 17 for each IDoc of a file that is one: they are taken together or not at all."""
        if self.settings.answer != "STATUS":
            return None
        try:
            found = reader.idocs(xml.parse(message.body), Problems())
        except MalformedMessage:
            return None
        root = writer.file("SYSTAT01")
        for place, idoc in enumerate(found):
            letter = writer.Letter(
                partner_order_id="",
                order_id=None,
                control=control(idoc, self.settings).echo["control"],
                key=f"{refusal.message_id}/{place}",
                at=refusal.at,
                settings=self.settings,
            )
            mine = [problem for problem in refusal.problems if problem.pointer.startswith(idoc.pointer)]
            said = [f"{problem.pointer}: {problem.detail}" for problem in mine] or [refusal.detail]
            writer.status(root, letter, well=False, said=said)
        body = writer.as_bytes(root)
        return Rendered(body=body, media_type=XML, event="STATUS", status=refusal.status) if found else None

    def render(self, update: StatusUpdate) -> list[Rendered]:
        """How the job's line stands; of a line of several visits, `update.siblings` are the others."""
        word = STATES[update.job.state]
        if word is None:
            return []
        letter = writer.Letter(
            partner_order_id=update.job.partner_order_id,
            order_id=update.job.order_id,
            control=update.order.echo.get("control", {}),
            key=update.event_id,
            at=update.at,
            settings=self.settings,
        )
        line = next(line for line in update.order.lines if line.line_id == update.job.line_id)
        root = writer.file("ORDERS05")
        writer.order_response(root, letter, [(line, (update.job, *update.siblings))])
        return [Rendered(body=writer.as_bytes(root), media_type=XML, event=word)]

    def _letter(self, outcome: Outcome, receipt: Receipt, place: int) -> writer.Letter:
        asked = outcome.intent.order if isinstance(outcome.intent, PlaceOrder) else outcome.intent
        return writer.Letter(
            partner_order_id=asked.partner_order_id,
            order_id=outcome.order_id,
            control=asked.echo.get("control", {}),
            key=f"{receipt.message_id}/{place}",
            at=receipt.at,
            settings=self.settings,
        )


def _as_they_stand(outcome: Outcome) -> list[Any]:
    """Every line of the order with its visits, and nobody else's."""
    intent = outcome.intent
    order = outcome.order or (intent.order if isinstance(intent, PlaceOrder) else None)
    lines = order.lines if order else ()
    return [(line, [job for job in outcome.jobs if job.line_id == line.line_id]) for line in lines]
