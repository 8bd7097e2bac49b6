"""The OTTO Market dialect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from adapters.canonical import Intent, Receipt, StatusUpdate
from adapters.contract import Answer, Page, PageRequest, Profile, RawMessage, Rendered, Verdict
from adapters.otto import pages, reader, writer
from adapters.otto.codes import STATES
from adapters.otto.settings import Options, Settings
from adapters.reading import strict_json


class OttoAdapter:
    """`parse` reads an order of GET /v4/orders; nobody waits for an answer to it."""

    profile: ClassVar[Profile] = Profile(
        name="otto",
        title="OTTO Market",
        media_types=(writer.JSON,),
        intents=("ChangeOrder",),
        states=STATES,
        options=Options,
        inbound_auth=(),
        outbound_auth=("oauth2",),
        max_bytes=1024 * 1024,
        spec_url="https://api.otto.market/docs",
        maturity="beta",
        acknowledges=False,
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(strict_json(message.body))

    def acknowledge(self, receipt: Receipt) -> Rendered:
        """Goes nowhere: we have asked them."""
        new = any(outcome.result == "accepted" for outcome in receipt.outcomes)
        return Rendered(body=b"", media_type=writer.JSON, event="", status=201 if new else 200)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        word = STATES[update.job.state]
        return [writer.call(update, word, self.settings)] if word else []

    def probed(self, call: Rendered, answer: Answer) -> Rendered | Verdict:
        return writer.probed(call, answer)

    def judge(self, call: Rendered, answer: Answer) -> Verdict:
        return writer.judge(call, answer)

    def page_request(self, cursor: str | None, now: datetime) -> PageRequest:
        return pages.request(cursor, now, self.settings)

    def read_page(self, response: RawMessage, cursor: str | None, now: datetime) -> Page:
        return pages.read(response, cursor, now, self.settings)
