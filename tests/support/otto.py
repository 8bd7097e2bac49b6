"""OTTO's side: orders as its API tells them, and the API itself, as far as anybody outside knows it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

SALES_ORDER = "bf43e748-e13d-49ca-8117-93acd15c9704"
TV, WIFI = "b01b8ad2-a49c-47fc-8ade-8629ec000020", "b01b8ad2-a49c-47fc-8ade-8629ec000021"

HOME = {
    "salutation": "MS",
    "firstName": "Anna",
    "lastName": "Beispiel",
    "street": "Hauptstraße",
    "houseNumber": "12a",
    "addition": "Hinterhaus",
    "zipCode": "10827",
    "city": "Berlin",
    "countryCode": "DEU",
    "phoneNumber": "030 5550199",
    "email": "anna@example.de",
}


def item(id_: str = TV, status: str = "PROCESSABLE", sku: str = "SVC-TV-WALL-65", **other: Any) -> dict[str, Any]:
    return {
        "positionItemId": id_,
        "fulfillmentStatus": status,
        "itemValueGrossPrice": {"amount": 149.0, "currency": "EUR"},
        "product": {"sku": sku, "articleNumber": "M00A1B2C3", "productTitle": "TV-Wandmontage", "vatRate": 19.0},
        **other,
    }


def order(*items: dict[str, Any], changed: str = "2026-01-14T14:32:00.000+0000", **other: Any) -> dict[str, Any]:
    """An order of one PROCESSABLE item, unless it is said otherwise."""
    return {
        "salesOrderId": SALES_ORDER,
        "orderNumber": "b56c7k2m9x",
        "orderDate": "2026-01-14T14:30:00.000+0000",
        "lastModifiedDate": changed,
        "orderLifecycleInformation": {"lifecycleChangeDate": changed},
        "deliveryAddress": HOME,
        "positionItems": list(items) or [item()],
        **other,
    }


def page(*orders: Any, further: str | None = None) -> dict[str, Any]:
    links = [{"href": f"/v4/orders?nextcursor={further}", "rel": "next"}] if further else []
    return {"resources": list(orders), "links": links}


@dataclass
class Otto:
    """Keeps orders and shipments; `calls` are those that changed something."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    shipments: dict[str, list[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def add(self, *orders: dict[str, Any]) -> None:
        self.orders |= {one["salesOrderId"]: one for one in orders}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        for pattern, does in _ROUTES.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                status, told = does(self, found, json.loads(body) if body else None)
                return status, json.dumps(told).encode()
        return 404, b"{}"

    def _ship(self, found: re.Match[str], wanted: Any) -> tuple[int, Any]:
        key = wanted["trackingKey"]["trackingNumber"]
        items = [one["positionItemId"] for one in wanted["positionItems"]]
        if key in self.shipments:
            return 409, _errors("DUPLICATE_TRACKING_KEY")
        if any(one in sent for sent in self.shipments.values() for one in items):
            return 409, _errors("POSITION_ITEM_INCLUDED_IN_OTHER_SHIPMENT")
        self.shipments[key] = items
        self._set(items, "SENT")
        return 201, {"shipmentId": "1"}

    def _cancel(self, found: re.Match[str], wanted: object) -> tuple[int, Any]:
        """All of the items or none: 409 where one of them is neither open nor cancelled by us already."""
        items = found["items"].split(",")
        there = [one for one in self.orders[found["order"]]["positionItems"] if one["positionItemId"] in items]
        if any(one["fulfillmentStatus"] not in {"PROCESSABLE", "CANCELLED_BY_PARTNER"} for one in there):
            return 409, _errors("CONFLICT")
        self._set(items, "CANCELLED_BY_PARTNER")
        return 200, {}

    def _read(self, found: re.Match[str], wanted: object) -> tuple[int, Any]:
        return (200, self.orders[found["order"]]) if found["order"] in self.orders else (404, {})

    def _list(self, found: re.Match[str], wanted: object) -> tuple[int, Any]:
        return 200, page(*self.orders.values())

    def _set(self, items: list[str], status: str) -> None:
        self.calls.append(status)
        for one in (one for order in self.orders.values() for one in order["positionItems"]):
            if one["positionItemId"] in items:
                one["fulfillmentStatus"] = status


def _errors(title: str) -> dict[str, Any]:
    return {"errors": [{"title": title, "path": "/shipments"}]}


_ROUTES = {
    r"POST /v1/shipments": Otto._ship,
    r"POST /v4/orders/(?P<order>[^/]+)/positionItems/(?P<items>[^/]+)/cancellation": Otto._cancel,
    r"GET /v4/orders/(?P<order>[^/?]+)": Otto._read,
    r"GET /v4/orders\?.*": Otto._list,
}
