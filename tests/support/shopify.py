"""Shopify's side: orders as its webhooks tell them, and its Admin API, as far as our calls use it."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from adapters.canonical import ChangeOrder, Intent, JobState, Query, Reason, StatusUpdate
from adapters.contract import Answer, RawMessage, Rendered
from adapters.errors import InvalidOrder
from adapters.shopify.adapter import ShopifyAdapter
from adapters.shopify.graphql import (
    ACCEPT,
    ACCEPT_CANCELLATION,
    CLOSE,
    FULFILL,
    REJECT,
    REJECT_CANCELLATION,
    TELL,
    UNDO,
)
from tests.support.documents import make_job, make_order, make_update
from tests.support.graphql import Schema, check

ORDER, INSTALL, NETWORK, CAMERA = 5501234567890, 14501112, 14501113, 14501111
NOTHING = [Query(about="nothing")]
T1, T2 = "2026-01-14T14:32:12.100000000Z", "2026-01-14T15:00:00.000000Z"

HOME = {
    "first_name": "Sandra",
    "last_name": "Keller",
    "name": "Sandra Keller",
    "company": None,
    "address1": "Langstrasse 120",
    "address2": "3. Stock links",
    "zip": "8004",
    "city": "Zürich",
    "province": None,
    "country": "Switzerland",
    "country_code": "CH",
    "phone": "079 123 45 67",
}


def line(id_: int = INSTALL, quantity: int = 1, left: int | None = None, **other: Any) -> dict[str, Any]:
    """A service line of which `left` are left, all of them unless it is said otherwise."""
    return {
        "id": id_,
        "sku": "SVC-TV-WALL-65",
        "title": "Installation vor Ort",
        "vendor": "Mila",
        "quantity": quantity,
        "current_quantity": quantity if left is None else left,
        "price": "149.00",
        "requires_shipping": False,
        "fulfillment_service": "manual",
        "properties": [],
        **other,
    }


def goods(id_: int = CAMERA, **other: Any) -> dict[str, Any]:
    return line(id_, sku="960-001339", title="Rally Bar Mini", vendor="Logitech", **other)


def order(*lines: dict[str, Any], **other: Any) -> dict[str, Any]:
    """An order of a camera and its installation, unless it is said otherwise."""
    return {
        "id": ORDER,
        "name": "#LOGI1042",
        "created_at": "2026-01-14T15:32:10+01:00",
        "updated_at": "2026-01-14T15:32:12+01:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "CHF",
        "taxes_included": True,
        "test": False,
        "email": "sandra.keller@example.ch",
        "phone": None,
        "customer_locale": "de-CH",
        "customer": {"id": 207119551, "email": "bob.norman@example.org"},
        "shipping_address": HOME,
        "billing_address": HOME,
        "note": None,
        "note_attributes": [],
        "line_items": list(lines) or [goods(), line()],
        **other,
    }


def refund(*parts: tuple[dict[str, Any], int], at: str = "2026-01-15T09:00:00+01:00", **other: Any) -> dict[str, Any]:
    """So many of these lines are refunded; what a line says is how it stands after it."""
    items = [{"id": 1, "line_item_id": item["id"], "quantity": count, "line_item": item} for item, count in parts]
    return {"id": 509562969, "order_id": ORDER, "created_at": at, "refund_line_items": items, **other}


def fields(**named: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in named.items()]


def delivery(document: Any, topic: str | None = None, at: str | None = None, **headers: str) -> RawMessage:
    """A webhook as the door hands it on; `at` is when it was triggered."""
    told = {"x-shopify-topic": topic, "x-shopify-triggered-at": at}
    named = {f"x-shopify-{name.replace('_', '-')}": value for name, value in headers.items()}
    return RawMessage(
        body=document if isinstance(document, bytes) else json.dumps(document).encode(),
        media_type="application/json",
        headers={**{name: value for name, value in told.items() if value is not None}, **named},
        path="/inbound/logitech",
    )


def parse(document: Any, topic: str | None = None, at: str | None = None, **options: Any) -> list[Intent]:
    return ShopifyAdapter(options).parse(delivery(document, topic, at))


def change(document: Any, at: str | None = None, **options: Any) -> ChangeOrder:
    (found,) = parse(document, "orders/updated", at, **options)
    assert isinstance(found, ChangeOrder)
    return found


def problems(document: Any, topic: str | None = None, at: str | None = None, **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidOrder) as refused:
        parse(document, topic, at, **options)
    return {problem.pointer: problem.code for problem in refused.value.problems}


def gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}"


# Of https://shopify.dev/docs/api/admin-graphql/2026-01, what we ask for.
_REQUEST = ("RequestPayload", frozenset({"id", "message"}))
SCHEMA: Schema = {
    "query": {"order": ("Order", frozenset({"id"}))},
    "Order": {
        "cancelledAt": (None, frozenset()),
        "fulfillments": ("Fulfillment", frozenset({"first", "query"})),
        "fulfillmentOrders": ("FulfillmentOrders", frozenset({"first", "after", "reverse", "displayable", "query"})),
    },
    "Fulfillment": {
        "id": (None, frozenset()),
        "status": (None, frozenset()),
        "trackingInfo": ("TrackingInfo", frozenset({"first"})),
        "events": ("Events", frozenset({"first", "after", "reverse", "sortKey"})),
    },
    "TrackingInfo": {name: (None, frozenset()) for name in ("company", "number", "url")},
    "Events": {"nodes": ("Event", frozenset())},
    "Event": {name: (None, frozenset()) for name in ("id", "status", "happenedAt", "message")},
    "FulfillmentOrders": {"nodes": ("FulfillmentOrder", frozenset())},
    "FulfillmentOrder": {
        **{name: (None, frozenset()) for name in ("id", "status", "requestStatus")},
        "lineItems": ("FulfillmentOrderLines", frozenset({"first", "after", "reverse"})),
    },
    "FulfillmentOrderLines": {"nodes": ("FulfillmentOrderLine", frozenset())},
    "FulfillmentOrderLine": {
        "id": (None, frozenset()),
        "remainingQuantity": (None, frozenset()),
        "lineItem": ("LineItem", frozenset()),
    },
    "LineItem": {"id": (None, frozenset())},
    "mutation": {
        ACCEPT: _REQUEST,
        REJECT: ("RequestPayload", frozenset({"id", "message", "reason", "lineItems"})),
        ACCEPT_CANCELLATION: _REQUEST,
        REJECT_CANCELLATION: _REQUEST,
        CLOSE: _REQUEST,
        FULFILL: ("RequestPayload", frozenset({"fulfillment", "message"})),
        TELL: ("RequestPayload", frozenset({"fulfillmentEvent"})),
        UNDO: ("RequestPayload", frozenset({"id"})),
    },
    "RequestPayload": {"userErrors": ("UserError", frozenset())},
    "UserError": {"field": (None, frozenset()), "message": (None, frozenset())},
}

UNHAPPY = Reason(code="unknown_service", group="intake", fault="partner")


def update(state: JobState, line: int = INSTALL, unit: int = 1, **other: Any) -> StatusUpdate:
    reason = UNHAPPY if state is JobState.REJECTED else other.pop("reason", None)
    job = make_job(
        state, id=f"job_{line}_{unit}", partner_order_id=str(ORDER), line_id=str(line), unit=unit, reason=reason
    )
    return make_update(state, job=replace(job, **other), order=make_order(partner_order_id=str(ORDER)), reason=reason)


@dataclass
class Shop:
    """Fulfillment orders with their lines (id → left), and the fulfillments made of them.

    `calls` are the mutations that changed something. `refusing` is what a mutation answers as its user error.
    """

    requests: list[dict[str, Any]] = field(default_factory=list)
    fulfillments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    cancelled_at: str | None = None
    refusing: str | None = None

    def add(self, lines: dict[int, int], request: str = "SUBMITTED", status: str = "OPEN") -> dict[str, Any]:
        number = len(self.requests) + 1
        made = {"id": gid("FulfillmentOrder", number), "status": status, "requestStatus": request, "lines": lines}
        self.requests.append(made)
        return made

    def answer(self, call: Rendered) -> Answer:
        assert (call.method, call.media_type) == ("POST", "application/json")
        document = json.loads(call.body)
        assert set(document) == {"query", "variables"}
        check(document["query"], document["variables"], SCHEMA)
        kind, name = re.match(r"(query|mutation) (\w+)", document["query"]).groups()  # type: ignore[union-attr]
        data: Any = {"order": self._order("events(" in document["query"])} if kind == "query" else self._made(document)
        assert kind == "query" or name == call.event
        return Answer(status=200, body=json.dumps({"data": data}).encode())

    def _order(self, events: bool) -> dict[str, Any]:
        left_out = {"parts"} if events else {"parts", "events"}
        return {
            "cancelledAt": self.cancelled_at,
            "fulfillments": [{name: one[name] for name in one if name not in left_out} for one in self.fulfillments],
            "fulfillmentOrders": {"nodes": [self._request(one) for one in reversed(self.requests)]},
        }

    def _request(self, one: dict[str, Any]) -> dict[str, Any]:
        nodes = [
            {
                "id": gid("FulfillmentOrderLineItem", f"{one['id'].rpartition('/')[2]}-{number}"),
                "remainingQuantity": left,
                "lineItem": {"id": gid("LineItem", number)},
            }
            for number, left in one["lines"].items()
        ]
        told = {name: one[name] for name in ("id", "status", "requestStatus")}
        return {**told, "lineItems": {"nodes": nodes}}

    def _made(self, document: dict[str, Any]) -> dict[str, Any]:
        names = re.findall(r"(\w+)\(\w+: \$", document["query"])
        if self.refusing is not None:
            return {name: {"userErrors": [{"field": ["id"], "message": self.refusing}]} for name in names}
        for name in names:
            self.calls.append(name)
            getattr(self, name)(document["variables"])
        return {name: {"userErrors": []} for name in names}

    def _named(self, variables: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in self.requests if one["id"] == variables["id"])

    def fulfillmentOrderAcceptFulfillmentRequest(self, variables: dict[str, Any]) -> None:
        self._named(variables).update(requestStatus="ACCEPTED", status="IN_PROGRESS")

    def fulfillmentOrderRejectFulfillmentRequest(self, variables: dict[str, Any]) -> None:
        self._named(variables).update(requestStatus="REJECTED")

    def fulfillmentOrderAcceptCancellationRequest(self, variables: dict[str, Any]) -> None:
        self._named(variables).update(requestStatus="CANCELLATION_ACCEPTED", status="CANCELLED")

    def fulfillmentOrderRejectCancellationRequest(self, variables: dict[str, Any]) -> None:
        self._named(variables).update(requestStatus="CANCELLATION_REJECTED")

    def fulfillmentOrderClose(self, variables: dict[str, Any]) -> None:
        self._named(variables).update(requestStatus="CLOSED", status="INCOMPLETE")

    def fulfillmentCreate(self, variables: dict[str, Any]) -> None:
        made = variables["fulfillment"]
        for part in made["lineItemsByFulfillmentOrder"]:
            one = next(one for one in self.requests if one["id"] == part["fulfillmentOrderId"])
            for item in part["fulfillmentOrderLineItems"]:
                number = int(item["id"].rpartition("-")[2])
                assert one["lines"][number] >= item["quantity"]
                one["lines"][number] -= item["quantity"]
            if not any(one["lines"].values()):
                one["status"] = "CLOSED"
        number = len(self.fulfillments) + 1
        self.fulfillments.append(
            {
                "id": gid("Fulfillment", number),
                "status": "SUCCESS",
                "parts": made["lineItemsByFulfillmentOrder"],
                "trackingInfo": [{"number": made["trackingInfo"]["number"]}],
                "events": {"nodes": []},
            }
        )

    def fulfillmentCancel(self, variables: dict[str, Any]) -> None:
        """What was fulfilled is left again: in its request, or where that was closed by it, in a new one."""
        there = next(one for one in self.fulfillments if one["id"] == variables["id"])
        there["status"] = "CANCELLED"
        for part in there["parts"]:
            one = next(one for one in self.requests if one["id"] == part["fulfillmentOrderId"])
            counts = {
                int(item["id"].rpartition("-")[2]): item["quantity"] for item in part["fulfillmentOrderLineItems"]
            }
            if one["status"] == "CLOSED":
                self.add(counts, request="UNSUBMITTED")
                continue
            for number, count in counts.items():
                one["lines"][number] += count

    def fulfillmentEventCreate(self, variables: dict[str, Any]) -> None:
        event = variables["fulfillmentEvent"]
        there = next(one for one in self.fulfillments if one["id"] == event["fulfillmentId"])
        there["events"]["nodes"].insert(0, {"status": event["status"], "happenedAt": event["happenedAt"]})

    def told(self) -> list[str]:
        """The events of all fulfillments, the oldest first."""
        return [event["status"] for one in self.fulfillments for event in reversed(one["events"]["nodes"])]
