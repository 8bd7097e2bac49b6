"""Swisscom in the words of the TM Forum: looks for a time, keeps it, orders, and hears of it at its listener."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.demo.parts.house import House, as_json

ORDERING, APPOINTMENTS = "/tmf-api/serviceOrdering/v4", "/tmf-api/appointment/v4"
JSON = "application/json;charset=utf-8"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class Telco:
    """`orders` are our ids of its orders, by its own."""

    slug: str = "swisscom"
    words: str = "TM Forum: TMF641 4.1 and TMF646 4.0"
    orders: dict[str, str] = field(default_factory=dict)

    def connect(self, house: House) -> None:
        house.theirs.answers = lambda method, path, headers, body: as_json({}, 201)
        self._post(house, f"{ORDERING}/hub", {"callback": house.theirs.url})

    def order(self, house: House, number: str) -> None:
        place = {
            "role": "installationAddress",
            "@type": "GeographicAddress",
            "streetName": "Langstrasse",
            "streetNr": "120",
            "postcode": "8004",
            "city": "Zürich",
            "country": "CH",
        }
        who = {"id": "cust-77812", "name": "Sandra Keller", "role": "customer", "@type": "RelatedParty"}
        who["@referredType"] = "Individual"
        appointment = self._appointment(house, place, who)
        item = {
            "id": "1",
            "action": "add",
            "quantity": 1,
            "appointment": {"id": appointment["id"]},
            "service": {"serviceSpecification": {"id": "SVC-TV-WALL-65"}, "place": [place], "relatedParty": [who]},
        }
        wish = {
            "externalId": number,
            "category": "HomeInstallation",
            "relatedParty": [who],
            "note": [{"text": "Hauseingang im Hof"}],
            "serviceOrderItem": [item],
        }
        self.orders[number] = self._post(house, f"{ORDERING}/serviceOrder", wish)["id"]

    def cancel(self, house: House, number: str) -> None:
        wish = {"cancellationReason": "customerWish", "serviceOrder": {"id": self.orders[number]}}
        self._post(house, f"{ORDERING}/cancelServiceOrder", wish)

    def _appointment(self, house: House, place: Any, who: Any) -> Any:
        start = house.clock() + timedelta(days=7)
        period = {"startDateTime": _utc(start), "endDateTime": _utc(start + timedelta(days=3))}
        asked = {"requestedTimeSlot": [{"validFor": period}], "relatedPlace": place}
        found = self._post(house, f"{APPOINTMENTS}/searchTimeSlot", asked)["availableTimeSlot"][0]
        wish = {"validFor": found["validFor"], "relatedPlace": place, "relatedParty": [who]}
        return self._post(house, f"{APPOINTMENTS}/appointment", wish)

    def _post(self, house: House, path: str, document: Any) -> Any:
        body = json.dumps(document, ensure_ascii=False).encode()
        return json.loads(house.ask("POST", path, body, JSON, 201).answer)
