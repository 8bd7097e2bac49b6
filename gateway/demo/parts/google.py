"""Google: books at our server while its user waits, and hears the rest by PATCH, authenticated by a service account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.demo.parts.house import House, Reply, as_json

ZONE = ZoneInfo("Europe/Zurich")
SERVICE, MERCHANT = "SVC-TV-WALL-65", "stecker-ch"
SCOPE = "https://www.googleapis.com/auth/mapsbooking"


@dataclass
class Google:
    slug: str = "google"
    words: str = "Actions Center, the booking server of version 3"
    password: tuple[str, str] = ("", "")
    slots: dict[str, Any] = field(default_factory=dict)

    def connect(self, house: House) -> None:
        wish = ("--partner", self.slug, "--environment", "sandbox", "--door", "google", "--name", "actions-center")
        made = house.stecker("connection", "add", *wish)
        self.password = made["name"], made["secret"]
        house.theirs.answers = self._answer
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "scheme": "google",
            "client_email": "stecker@example.iam.gserviceaccount.com",
            "private_key": key.decode(),
            "scope": SCOPE,
            "token_url": f"{house.theirs.url}/token",
        }
        house.endpoint(authentication=account)
        # The connection is known to the servers within a second.
        house.until("The door for Google", lambda: self._knocks(house))

    def order(self, house: House, number: str) -> None:
        slot = self._free(house)
        user = {
            "user_id": "1111111111111111111",
            "given_name": "Sandra",
            "family_name": "Keller",
            "telephone": "+41791234567",
            "email": "sandra.keller@example.ch",
            "language_code": "de-CH",
            "address": {
                "country": "CH",
                "locality": "Zürich",
                "region": "ZH",
                "postal_code": "8004",
                "street_address": "Langstrasse 120, 3. Stock links",
            },
        }
        wish = {
            "idempotency_token": number,
            "slot": {**slot, "merchant_id": MERCHANT, "confirmation_mode": "CONFIRMATION_MODE_SYNCHRONOUS"},
            "user_information": user,
            "payment_information": {"prepayment_status": "PREPAYMENT_NOT_PROVIDED"},
        }
        self.slots[number] = self._post(house, "CreateBooking", wish)["booking"]["booking_id"]

    def cancel(self, house: House, number: str) -> None:
        self._post(house, "UpdateBooking", {"booking": {"booking_id": self.slots[number], "status": "CANCELED"}})

    def _free(self, house: House) -> Any:
        """The first free one of three mornings, of which no more than one is a Sunday."""
        day = house.clock().astimezone(ZONE).date() + timedelta(days=7)
        starts = [datetime.combine(day + timedelta(days=more), time(8), ZONE) for more in range(3)]
        asked = [
            {"start_sec": str(int(start.timestamp())), "duration_sec": "7200", "service_id": SERVICE}
            for start in starts
        ]
        answer = self._post(house, "BatchAvailabilityLookup", {"merchant_id": MERCHANT, "slot_time": asked})
        return next(one["slot_time"] for one in answer["slot_time_availability"] if one["available"])

    def _post(self, house: House, step: str, document: Any) -> Any:
        body = json.dumps(document).encode()
        path = f"/google/v3/{step}/"
        return json.loads(house.ask("POST", path, body, "application/json", 200, auth=self.password).answer)

    def _knocks(self, house: House) -> bool:
        url = f"{house.system.url}/google/v3/HealthCheck"
        return house.partner.session.get(url, auth=self.password, timeout=5).ok

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Google's side: a token for an assertion, and the booking for whoever brings the token."""
        if path == "/token":
            return as_json({"access_token": "ya29.demo", "token_type": "Bearer", "expires_in": 3600})
        if headers.get("authorization") != "Bearer ya29.demo":
            return as_json({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        return Reply(200, body)
