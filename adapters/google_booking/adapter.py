"""The dialect of Google's Actions Center."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.canonical import Intent, Receipt, Refusal, StatusUpdate
from adapters.contract import Answer, Profile, RawMessage, Rendered, Verdict
from adapters.google_booking import answers, reader, writer
from adapters.google_booking.codes import STATES
from adapters.google_booking.settings import Options, Settings


class GoogleBookingAdapter:
    """Google calls us and waits for the answer; what happens later, we tell it by calls."""

    profile: ClassVar[Profile] = Profile(
        name="google_booking",
        title="Google Actions Center",
        media_types=(answers.JSON,),
        intents=("PlaceOrder", "ChangeOrder", "CancelOrder", "Query"),
        states=STATES,
        options=Options,
        inbound_auth=("basic",),
        outbound_auth=("google",),
        max_bytes=256 * 1024,
        spec_url="https://developers.google.com/actions-center/verticals/local-services/e2e",
        maturity="beta",
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(message, self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        return answers.answer(receipt, self.settings)

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered:
        return answers.refusal(refusal)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        return [writer.call(update, self.settings)] if STATES[update.job.state] else []

    def probed(self, call: Rendered, answer: Answer) -> Rendered:
        """We ask nothing before a call."""
        return call

    def judge(self, call: Rendered, answer: Answer) -> Verdict:
        return writer.judge(call, answer)
