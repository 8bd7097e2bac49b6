"""The dialect of TM Forum's open APIs."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.canonical import Intent, Receipt, Refusal, StatusUpdate
from adapters.contract import Profile, RawMessage, Rendered
from adapters.tmforum import answers, events, reader
from adapters.tmforum.codes import STATES
from adapters.tmforum.settings import Options, Settings


class TmForumAdapter:
    """Partners call the standard's operations; we call the listeners that they registered."""

    profile: ClassVar[Profile] = Profile(
        name="tmforum",
        title="TM Forum TMF641 and TMF646",
        media_types=(events.JSON,),
        intents=("PlaceOrder", "ChangeOrder", "CancelOrder", "Query", "HoldSlot", "Subscribe"),
        states=STATES,
        options=Options,
        inbound_auth=("oauth2",),
        outbound_auth=("standard-webhooks", "oauth2"),
        max_bytes=1024 * 1024,
        spec_url="https://www.tmforum.org/oda/open-apis/table/",
        maturity="beta",
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(message, self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        return answers.answer(receipt)

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered:
        return answers.refusal(message, refusal)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        return events.render(update, self.settings)
