"""The EDIFACT dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.canonical import Intent, Receipt, Refusal, StatusUpdate
from adapters.contract import Profile, RawMessage, Rendered
from adapters.edifact import answers, envelope, reader, writer
from adapters.edifact.codes import CHANGE, ORDRSP
from adapters.edifact.guidelines import INTERDISCOUNT, LUMIMART, Guideline
from adapters.edifact.letters import Letter, interchange
from adapters.edifact.settings import Options, Settings
from adapters.edifact.syntax import MAX_BYTES

EDIFACT = "application/edifact"


def _profile(guideline: Guideline) -> Profile:
    return Profile(
        name="edifact",
        title="UN/EDIFACT",
        media_types=(EDIFACT, "text/plain"),
        intents=("PlaceOrder", "ChangeOrder", "CancelOrder"),
        states=guideline.states,
        options=Options,
        inbound_auth=("oauth2",),
        outbound_auth=("standard-webhooks",),
        max_bytes=MAX_BYTES,
        spec_url="https://unece.org/trade/uncefact/introducing-unedifact",
        maturity="beta",
    )


class EdifactAdapter:
    """By the guideline that the options name, Interdiscount's without: each has a profile and states of its own."""

    profile: ClassVar[Profile] = _profile(INTERDISCOUNT)

    def __new__(cls, options: Mapping[str, Any]) -> "EdifactAdapter":
        return super().__new__(_SPEAKERS.get(options.get("guideline", ""), cls))

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(message.body, self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """For each interchange of theirs one of ours: the CONTRL, and an ORDRSP for each order as it now stands.

        422 where nothing was taken, 201 where an order is new, else 200.
        """
        return Rendered(
            body=answers.answer(receipt, self.settings),
            media_type=EDIFACT,
            event=ORDRSP,
            status=answers.status_of(receipt),
        )

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered | None:
        """CONTRL 4 for what could not be read; CONTRL 7 with an APERAK or ORDRSP for each order that could not be done.
        None where nobody can be told, or a CONTRL is refused."""
        body = answers.refusal(message.body, refusal, self.settings)
        return Rendered(body=body, media_type=EDIFACT, event="CONTRL", status=refusal.status) if body else None

    def number(self, message: RawMessage) -> str | None:
        return envelope.number(message.body)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        """The job's line as it stands, in an ORDRSP, or how the visit is getting on, in an OSTRPT."""
        word = self.profile.states[update.job.state]
        if word is None:
            return []
        guideline = self.settings.spoken
        letter = Letter(
            source=update.event_id,
            at=update.at,
            test=update.job.environment == answers.SANDBOX,
            theirs=update.order.echo.get("interchange", {}),
            settings=self.settings,
        )
        line = next(line for line in update.order.lines if line.line_id == update.job.line_id)
        document, _, status = word.partition(" ")
        if document == ORDRSP:
            job, order = update.job, update.order
            response = writer.Response(
                partner_order_id=job.partner_order_id, function=CHANGE, order_id=job.order_id, order=order
            )
            standing = writer.Standing(line=line, visits=(job, *update.siblings))
            inner = writer.ordrsp(letter, guideline, response, [standing])
        else:
            inner = writer.ostrpt(letter, guideline, update, line, status)
        body = interchange(letter, [(guideline.writes[document], inner)])
        return [Rendered(body=body, media_type=EDIFACT, event=document)]


class LumimartAdapter(EdifactAdapter):
    profile: ClassVar[Profile] = _profile(LUMIMART)


_SPEAKERS: Mapping[str, type[EdifactAdapter]] = {LUMIMART.name: LumimartAdapter}
