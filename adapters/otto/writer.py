"""Calls of OTTO's API: a position item was sent, or will not be."""

import json
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from adapters.canonical import StatusUpdate
from adapters.contract import Answer, Rendered, Verdict
from adapters.countries import THREE_LETTERS
from adapters.errors import TranslationError
from adapters.objects import minified
from adapters.otto.codes import BEFORE, CANCELLED, CARRIER, SENT, SENT_BEFORE
from adapters.otto.settings import Settings
from adapters.reading import strict_json

JSON = "application/json"


def call(update: StatusUpdate, word: str, settings: Settings) -> Rendered:
    """What says `word` of the job's position item. The item is looked at first: neither call may be made twice."""
    sales_order = str(update.order.echo.get("salesOrderId") or update.job.partner_order_id)
    item, order = update.job.line_id, f"/v4/orders/{quote(sales_order, safe='')}"
    body: dict[str, object] = {}
    path = f"{order}/positionItems/{quote(item, safe='')}/cancellation"
    if word == SENT:
        path = "/v1/shipments"
        body = {
            "trackingKey": {"carrier": CARRIER, "trackingNumber": update.job.id},
            "shipDate": _utc(update.at),
            "shipFromAddress": _ship_from(update, settings),
            "positionItems": [{"positionItemId": item, "salesOrderId": sales_order}],
        }
    look = Rendered(body=b"", media_type=JSON, event=word, method="GET", path=order, headers={"accept": JSON})
    return Rendered(body=minified(body), media_type=JSON, event=word, path=path, headers={"accept": JSON}, probe=look)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _ship_from(update: StatusUpdate, settings: Settings) -> dict[str, str]:
    """A visit comes from our house where one was agreed, else from where it was made."""
    home = update.order.service_address
    city, zip_code, country = home.city[:60], home.postcode[:10], home.country
    if settings.ship_from_country is not None:
        city, zip_code, country = settings.ship_from_city, settings.ship_from_zip_code, settings.ship_from_country
    return {"city": city, "zipCode": zip_code, "countryCode": THREE_LETTERS[country]}


def probed(call: Rendered, answer: Answer) -> Rendered | Verdict:
    """Whether the item stands where the call would bring it, or can never get there; else the call."""
    try:
        order = strict_json(answer.body)
    except TranslationError:
        return call  # a very long order is cut off; they say no where no is meant
    items = order.get("positionItems") if isinstance(order, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("positionItemId") == _item(call):
            return BEFORE[call.event].get(str(item.get("fulfillmentStatus")), call)
    return "failed"


def _item(call: Rendered) -> str:
    if call.event == CANCELLED:
        return unquote(call.path.split("/")[-2])
    return str(json.loads(call.body)["positionItems"][0]["positionItemId"])


# Someone else's turn, a token that ran out, or trouble of theirs: later it may go.
_LATER = frozenset({401, 403, 408, 425, 429})


def judge(call: Rendered, answer: Answer) -> Verdict:
    """A conflict over a cancellation means that the item has moved on meanwhile: the next look decides."""
    status = answer.status
    if 200 <= status < 300:
        return "delivered"
    if status in _LATER or status >= 500 or status < 400:
        return "retry"
    if status == 409 and call.event == CANCELLED:
        return "retry"
    return "delivered" if status == 409 and _titles(answer.body) & SENT_BEFORE else "failed"


def _titles(body: bytes) -> set[str]:
    try:
        document = strict_json(body)
    except TranslationError:
        return set()
    errors = document.get("errors") if isinstance(document, dict) else None
    # The specification says one object here, and its examples a list of them.
    told = errors if isinstance(errors, list) else [errors]
    return {str(error.get("title")) for error in told if isinstance(error, dict)}
