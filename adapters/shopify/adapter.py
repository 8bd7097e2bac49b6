"""The Shopify dialect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from adapters.canonical import Intent, Receipt, Refusal, StatusUpdate
from adapters.contract import Answer, Page, PageRequest, Profile, RawMessage, Rendered, Verdict
from adapters.shopify import answers, pages, reader, writer
from adapters.shopify.codes import JSON, STATES, WEBHOOK_ID
from adapters.shopify.settings import Options, Settings


class ShopifyAdapter:
    """Shopify reads nothing of an answer but its status, and ends a subscription that is refused for hours."""

    profile: ClassVar[Profile] = Profile(
        name="shopify",
        title="Shopify",
        media_types=(JSON,),
        intents=("ChangeOrder", "CancelOrder", "PrivacyRequest", "Query"),
        states=STATES,
        options=Options,
        inbound_auth=("shopify",),
        outbound_auth=("header",),
        max_bytes=2 * 1024 * 1024,
        spec_url="https://shopify.dev/docs/api/webhooks",
        maturity="beta",
        acknowledges=False,
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` as `settings.Options` loads them."""
        self.settings = Settings(**options)

    def number(self, message: RawMessage) -> str | None:
        """That of the delivery: it stays the same when it is made again."""
        return message.headers.get(WEBHOOK_ID) or None

    def parse(self, message: RawMessage) -> list[Intent]:
        return reader.read(message, self.settings)

    def acknowledge(self, receipt: Receipt) -> Rendered:
        return _OK

    def refuse(self, message: RawMessage, refusal: Refusal) -> Rendered | None:
        """OK as well, since it is kept and would be refused again: after eight refusals in four hours Shopify ends the
        subscription. Only where two came at once another time helps."""
        return None if all(problem.code == "conflict" for problem in refusal.problems) else _OK

    def render(self, update: StatusUpdate) -> list[Rendered]:
        return writer.calls(update, self.settings)

    def probed(self, call: Rendered, answer: Answer) -> Rendered | Verdict:
        return answers.probed(call, answer)

    def judge(self, call: Rendered, answer: Answer) -> Verdict:
        return answers.judge(call, answer)

    def page_request(self, cursor: str | None, now: datetime) -> PageRequest:
        return pages.request(cursor, self.settings)

    def read_page(self, response: RawMessage, cursor: str | None, now: datetime) -> Page:
        return pages.read(response)


_OK = Rendered(body=b"", media_type=JSON, event="")
