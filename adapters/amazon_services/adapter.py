"""The dialect of Amazon's Services API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from adapters.amazon_services import answers, pages, reader, writer
from adapters.amazon_services.codes import JSON, STATES
from adapters.amazon_services.settings import Options, Settings
from adapters.canonical import Intent, Receipt, StatusUpdate
from adapters.contract import Answer, Page, PageRequest, Profile, RawMessage, Rendered, Verdict


class AmazonServicesAdapter:
    """`parse` reads a service job of GET /service/v1/serviceJobs; nobody waits for an answer to it."""

    profile: ClassVar[Profile] = Profile(
        name="amazon_services",
        title="Amazon Services API",
        media_types=(JSON,),
        intents=("ChangeOrder", "CancelOrder"),
        states=STATES,
        options=Options,
        inbound_auth=(),
        outbound_auth=("lwa",),
        max_bytes=1024 * 1024,
        spec_url="https://developer-docs.amazon.com/sp-api/docs/services-api-v1-reference",
        maturity="beta",
        acknowledges=False,
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(message)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        return writer.answer(receipt)

    def render(self, update: StatusUpdate) -> list[Rendered]:
        return writer.calls(update, self.settings)

    def probed(self, call: Rendered, answer: Answer) -> Rendered | Verdict:
        return answers.probed(call, answer)

    def judge(self, call: Rendered, answer: Answer) -> Verdict:
        return answers.judge(answer)

    def page_request(self, cursor: str | None, now: datetime) -> PageRequest:
        return pages.request(cursor, now, self.settings)

    def read_page(self, response: RawMessage, cursor: str | None, now: datetime) -> Page:
        return pages.read(response, cursor, now, self.settings)
