"""Logitech's shop at Shopify: signed webhooks in, and calls of its Admin API back."""

import base64
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from gateway.demo.parts.house import House, Reply, as_json

SHOP, SECRET, TOKEN = "logitech-ch.myshopify.com", "shpss_demo", "shpat_demo"
GID = "gid://shopify/"


@dataclass
class Shop:
    """Orders by their number, each with its one fulfillment order, as the Admin API tells them."""

    slug: str = "logitech"
    words: str = "Shopify: webhooks, and the Admin GraphQL API"
    orders: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def connect(self, house: House) -> None:
        wish = ("--partner", self.slug, "--environment", "sandbox", "--door", "shopify", "--name", SHOP)
        house.stecker("connection", "add", *wish, "--secret-file", "-", given=SECRET)
        house.theirs.answers = self._answer
        token = {"scheme": "header", "name": "X-Shopify-Access-Token", "value": TOKEN}
        house.endpoint(authentication=token)
        house.until("The door for the shop", lambda: self._knocks(house))

    def order(self, house: House, number: str) -> None:
        now = house.clock()
        line = int(number) * 10
        self.orders[number] = {
            "id": int(number),
            "name": f"#LOGI{number[-4:]}",
            "created_at": now.isoformat(timespec="seconds"),
            "updated_at": now.isoformat(timespec="seconds"),
            "cancelled_at": None,
            "currency": "CHF",
            "taxes_included": True,
            "email": "sandra.keller@example.ch",
            "note_attributes": [
                {"name": "preferred_date", "value": f"{now + timedelta(days=7):%Y-%m-%d}"},
                {"name": "preferred_window", "value": "08:00-12:00"},
            ],
            "shipping_address": {
                "first_name": "Sandra",
                "last_name": "Keller",
                "address1": "Langstrasse 120",
                "address2": "3. Stock links",
                "zip": "8004",
                "city": "Zürich",
                "country_code": "CH",
                "phone": "079 123 45 67",
            },
            "line_items": [
                {
                    "id": line,
                    "title": "Installation vor Ort",
                    "sku": "SVC-NET-SETUP",
                    "quantity": 1,
                    "current_quantity": 1,
                    "price": "149.00",
                }
            ],
        }
        part = {
            "id": f"{GID}FulfillmentOrder/{number}",
            "status": "OPEN",
            "requestStatus": "SUBMITTED",
            "lineItems": {
                "nodes": [
                    {
                        "id": f"{GID}FulfillmentOrderLineItem/{number}",
                        "remainingQuantity": 1,
                        "lineItem": {"id": f"{GID}LineItem/{line}"},
                    }
                ]
            },
        }
        self.told[number] = {"cancelledAt": None, "fulfillments": [], "fulfillmentOrders": {"nodes": [part]}}
        self._post(house, "orders/create", self.orders[number])

    def cancel(self, house: House, number: str) -> None:
        now = house.clock().isoformat(timespec="seconds")
        order = self.orders[number] | {"cancelled_at": now, "updated_at": now, "cancel_reason": "customer"}
        self._post(house, "orders/cancelled", order)

    def _post(self, house: House, topic: str, document: Any) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {
            **self._signed(body),
            "X-Shopify-Topic": topic,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Triggered-At": house.clock().isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        house.ask("POST", f"/inbound/{self.slug}", body, "application/json", 200, headers=headers, auth=_nobody)

    def _signed(self, body: bytes) -> dict[str, str]:
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, sha256)).decode()
        return {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Shop-Domain": SHOP}

    def _knocks(self, house: House) -> bool:
        body, headers = b"{}", {**self._signed(b"{}"), "Content-Type": "application/json"}
        url = f"{house.system.url}/inbound/{self.slug}"
        answer = house.partner.session.post(url, data=body, headers=headers, auth=_nobody, timeout=5)
        return answer.status_code != 401

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if headers.get("x-shopify-access-token") != TOKEN:
            return as_json({"errors": "[API] Invalid API key or access token"}, 401)
        asked = json.loads(body)
        query, variables = asked["query"], asked["variables"]
        if query.startswith("query"):
            return as_json({"data": {"order": self.told[variables["order"].rpartition("/")[2]]}})
        name = query.removeprefix("mutation ").partition("(")[0]
        self._do(name, variables)
        return as_json({"data": {name: {"userErrors": []}}})

    def _do(self, name: str, variables: Any) -> None:
        if name == "fulfillmentEventCreate":
            return
        if name == "fulfillmentCreate":
            wish = variables["fulfillment"]
            [line] = wish["lineItemsByFulfillmentOrder"]
            order = self.told[line["fulfillmentOrderId"].rpartition("/")[2]]
            made = {"id": f"{GID}Fulfillment/1", "status": "SUCCESS", "trackingInfo": [wish["trackingInfo"]]}
            order["fulfillments"].append({**made, "events": {"nodes": []}})
            order["fulfillmentOrders"]["nodes"][0] |= {"status": "CLOSED"}
            return
        [part] = self.told[variables["id"].rpartition("/")[2]]["fulfillmentOrders"]["nodes"]
        accepted = name == "fulfillmentOrderAcceptFulfillmentRequest"
        part |= {"status": "IN_PROGRESS", "requestStatus": "ACCEPTED"} if accepted else {"status": "CLOSED"}


def _nobody(request: Any) -> Any:
    """Sent without our access token: the signature says who it is."""
    request.headers.pop("Authorization", None)
    return request
