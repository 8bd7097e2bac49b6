"""OTTO and Amazon: they do not call. Their API has the orders, and takes what became of them."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from gateway.demo.parts.house import House, Reply, as_json

TOKEN = "Atza-demo"


def _connect(house: House, slug: str, scheme: Mapping[str, str]) -> None:
    """The same credentials twice: for what we read, and for what we write."""
    wish = ("--partner", slug, "--environment", "sandbox", "--door", "poll", "--name", slug, "--secret-file", "-")
    options = ("--option", f"base_url={house.theirs.url}", "--option", "every=1")
    house.stecker("connection", "add", *wish, *options, given=json.dumps(scheme))
    house.endpoint(authentication=dict(scheme))


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Otto:
    """Orders by their number, as GET /v4/orders tells them."""

    slug: str = "otto"
    words: str = "OTTO Market: orders v4, shipments v1"
    orders: dict[str, Any] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def connect(self, house: House) -> None:
        self.clock, house.theirs.answers = house.clock, self._answer
        scheme = {"scheme": "oauth2", "client_id": "stecker", "client_secret": "demo", "scope": "orders shipments"}
        _connect(house, self.slug, {**scheme, "token_url": f"{house.theirs.url}/v1/token"})

    def order(self, house: House, number: str) -> None:
        now = _utc(house.clock())
        self.orders[number] = {
            "salesOrderId": str(uuid.uuid4()),
            "orderNumber": number,
            "orderDate": now,
            "lastModifiedDate": now,
            "orderLifecycleInformation": {"lifecycleChangeDate": now},
            "deliveryAddress": {
                "salutation": "MS",
                "firstName": "Anna",
                "lastName": "Schäfer",
                "street": "Hauptstraße",
                "houseNumber": "12a",
                "addition": "Hinterhaus",
                "zipCode": "10827",
                "city": "Berlin",
                "countryCode": "DEU",
                "phoneNumber": "030 5550199",
            },
            "positionItems": [
                {
                    "positionItemId": str(uuid.uuid4()),
                    "fulfillmentStatus": "PROCESSABLE",
                    "itemValueGrossPrice": {"amount": 149.0, "currency": "EUR"},
                    "product": {"sku": "SVC-TV-WALL-65", "productTitle": "TV-Wandmontage bis 65 Zoll", "vatRate": 19.0},
                }
            ],
        }

    def cancel(self, house: House, number: str) -> None:
        house.settled()
        self._now_is(self.orders[number], "CANCELLED_BY_MARKETPLACE")

    def _now_is(self, order: Any, status: str) -> None:
        now = _utc(self.clock())
        order["positionItems"][0]["fulfillmentStatus"] = status
        order["lastModifiedDate"] = order["orderLifecycleInformation"]["lifecycleChangeDate"] = now

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        parts = urlsplit(path).path.strip("/").split("/")
        if parts == ["v1", "token"]:
            return as_json({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 1800})
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return as_json({"errors": [{"title": "UNAUTHORIZED"}]}, 401)
        if parts == ["v4", "orders"]:
            return as_json({"resources": list(self.orders.values()), "links": []})
        if parts == ["v1", "shipments"]:
            [item] = json.loads(body)["positionItems"]
            self._now_is(self._found(item["salesOrderId"]), "SENT")
            return as_json({"shipmentId": str(uuid.uuid4())}, 201)
        order = self._found(parts[2])
        if parts[-1] == "cancellation":
            self._now_is(order, "CANCELLED_BY_PARTNER")
            return Reply(204)
        return as_json(order)

    def _found(self, sales_order: str) -> Any:
        return next(order for order in self.orders.values() if order["salesOrderId"] == sales_order)


@dataclass
class Amazon:
    """Service jobs by their number, as GET /service/v1/serviceJobs tells them."""

    slug: str = "amazon_de"
    words: str = "SP-API: Services v1"
    jobs: dict[str, Any] = field(default_factory=dict)

    def connect(self, house: House) -> None:
        house.theirs.answers = self._answer
        scheme = {"scheme": "lwa", "client_id": "amzn1.demo", "client_secret": "demo", "refresh_token": "Atzr-demo"}
        _connect(house, self.slug, {**scheme, "token_url": f"{house.theirs.url}/auth/o2/token"})

    def order(self, house: House, number: str) -> None:
        now = house.clock()
        self.jobs[number] = {
            "createTime": _utc(now),
            "serviceJobId": number,
            "serviceOrderId": "028-1234567-1234567",
            "serviceJobStatus": "PENDING_SCHEDULE",
            "marketplaceId": "A1PA6795UKMFR9",
            "scopeOfWork": {"asin": "SVC-TV-WALL-65", "title": "TV-Wandmontage bis 65 Zoll", "quantity": 1},
            "preferredAppointmentTimes": [
                {"startTime": _utc(now.replace(minute=0) + timedelta(days=7)), "durationInMinutes": 240}
            ],
            "appointments": [],
            "buyer": {"buyerId": "A1BUYER", "name": "Anna Schäfer", "phone": "+49 30 5550199", "isPrimeMember": True},
            "serviceLocation": {
                "serviceLocationType": "IN_HOME",
                "address": {
                    "name": "Anna Schäfer",
                    "addressLine1": "Hauptstraße 12a",
                    "addressLine2": "Hinterhaus",
                    "city": "Berlin",
                    "postalCode": "10827",
                    "countryCode": "DE",
                    "phone": "+49 30 5550199",
                },
            },
        }

    def cancel(self, house: House, number: str) -> None:
        house.settled()
        self.jobs[number]["serviceJobStatus"] = "CANCELLED"

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        where = urlsplit(path).path
        if where == "/auth/o2/token":
            return as_json({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600})
        if headers.get("x-amz-access-token") != TOKEN:
            return as_json({"errors": [{"code": "Unauthorized", "message": "Access denied"}]}, 403)
        if where == "/service/v1/serviceJobs":
            page = {"totalResultSize": len(self.jobs), "jobs": list(self.jobs.values())}
            return as_json({"payload": page})
        number, *step = where.removeprefix("/service/v1/serviceJobs/").split("/")
        return self._called(self.jobs[number], method, step, body)

    def _called(self, job: Any, method: str, step: list[str], body: bytes) -> Reply:
        if not step:
            return as_json({"payload": job})
        if step == ["appointments"]:
            wish = json.loads(body)["appointmentTime"]
            start = datetime.fromisoformat(wish["startTime"])
            time = {**wish, "endTime": _utc(start + timedelta(minutes=wish["durationInMinutes"]))}
            one = {"appointmentId": f"amzn1.apt.{len(job['appointments'])}", "appointmentStatus": "ACTIVE"}
            job["appointments"].append({**one, "appointmentTime": time})
            return as_json({"appointmentId": one["appointmentId"]})
        if step == ["completions"]:
            job["serviceJobStatus"] = "COMPLETED"
        elif re.fullmatch("cancellations.*", step[0]):
            job["serviceJobStatus"] = "CANCELLED"
        return Reply(204) if step[-1] == "fulfillment" else as_json({})
