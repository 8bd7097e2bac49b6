"""Which of the requests that we accepted the merchant wants back: no webhook of theirs names the order of one."""

from adapters import values
from adapters.canonical import CancelOrder, Intent, LineChange
from adapters.contract import Page, PageRequest, RawMessage
from adapters.errors import MalformedMessage, Problem
from adapters.objects import Object, minified
from adapters.reading import Unfit, strict_json
from adapters.shopify.codes import JSON
from adapters.shopify.graphql import CANCELLATIONS
from adapters.shopify.orders import INT64, MAX_ITEMS, NOTHING, count, moment
from adapters.shopify.settings import Settings

REQUEST = "fulfillmentOrder"


def request(cursor: str | None, settings: Settings) -> PageRequest:
    """Each round asks for all of them: one that is answered is no longer among them."""
    body = {"query": CANCELLATIONS, "variables": {"after": cursor or None}}
    headers = {"content-type": JSON, "accept": JSON}
    return PageRequest(path=settings.api_path, method="POST", headers=headers, body=minified(body))


def read(response: RawMessage) -> Page:
    """Each fulfillment order as a document of its own. Raises `MalformedMessage` where this is no page of them."""
    told = strict_json(response.body, INT64)
    data = told.get("data") if isinstance(told, dict) else None
    found = data.get("assignedFulfillmentOrders") if isinstance(data, dict) else None
    nodes, info = (found.get("nodes"), found.get("pageInfo")) if isinstance(found, dict) else (None, None)
    if not isinstance(nodes, list) or not isinstance(info, dict):
        detail = "This is not a page of fulfillment orders."
        raise MalformedMessage([Problem(pointer="/data/assignedFulfillmentOrders", code="no_page", detail=detail)])
    cursor = str(info.get("endCursor") or "") if info.get("hasNextPage") else ""
    documents = (RawMessage(body=minified({REQUEST: node}), media_type=JSON) for node in nodes)
    return Page(documents=tuple(documents), cursor=cursor, more=bool(cursor))


def wanted_back(document: Object) -> list[Intent]:
    """What is left of each of its lines is cancelled: all of it, or nothing."""
    asked = document.child(REQUEST)
    parts = asked.child("lineItems").all("nodes", MAX_ITEMS)
    changed, order = asked.needed("updatedAt", values.instant), asked.child("order").needed("id", _number, "Order")
    lines = []
    for part in parts:
        left = count(part, "remainingQuantity", 0)
        line_id = part.child("lineItem").needed("id", _number, "LineItem")
        if left:
            lines.append(LineChange(pointer=part.pointer, line_id=line_id, quantity=left))
    if not lines or changed is None:
        return [NOTHING]
    return [
        CancelOrder(partner_order_id=order or "", change_id=moment(changed), lines=tuple(lines), pointer=asked.pointer)
    ]


def _number(text: str, kind: str) -> str:
    """Of `gid://shopify/Order/1`."""
    prefix, _, number = text.rpartition("/")
    if prefix != f"gid://shopify/{kind}" or not (number.isascii() and number.isdecimal() and len(number) < 20):
        raise Unfit("not_an_id", "This is not an id of Shopify's.")
    return number
