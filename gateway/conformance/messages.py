"""The messages of the checks: an event like any other, and what is wrong with it on purpose. Pure."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from adapters.plain.writer import API_VERSION
from gateway.ids import new_id
from webhooks import signing
from webhooks.policy import NOTHING
from webhooks.transport import Request

USER_AGENT = "Stecker/1 (+conformance)"
LARGE = 64 * 1024
"""More than three times what a webhook of ours should ever be."""

FIRST = 6
"""The sequence of a usual job on its way."""

UNKNOWN = "sandbox_only"

Expected = Literal["taken", "refused", "unhurt"]
"""A 2xx; a 4xx that is not 410; any answer that is neither a crash nor 410."""

Signer = Literal["yours", "another"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request. It is signed with `id` and `body` and by each of `signers`, `age` ago, and sent as `sent` says.

    `beside` stands before the signatures. `signature` takes the place of all; where it is empty, the header is left
    out. `bare`: none of our headers.
    """

    label: str
    id: str
    body: bytes
    expected: Expected = "taken"
    age: timedelta = timedelta(0)
    signers: tuple[Signer, ...] = ("yours",)
    beside: str = ""
    signature: str | None = None
    bare: bool = False
    sent_id: str | None = None
    sent_body: bytes | None = None
    method: str = "POST"

    def request(self, url: str, keys: Mapping[Signer, bytes], now: datetime) -> Request:
        body = self.body if self.sent_body is None else self.sent_body
        ours = NOTHING if self.bare else self._signed(keys, now)
        headers = {"user-agent": USER_AGENT, **({"content-type": "application/json"} if body else {}), **ours}
        return Request(method=self.method, url=url, headers=headers, body=body)

    def _signed(self, keys: Mapping[Signer, bytes], now: datetime) -> dict[str, str]:
        stamp = int((now - self.age).timestamp())
        made = [signing.sign(keys[signer], self.id, stamp, self.body) for signer in self.signers]
        signature = " ".join(filter(None, [self.beside, *made])) if self.signature is None else self.signature
        headers = {"webhook-id": self.sent_id or self.id, "webhook-timestamp": str(stamp)}
        return headers | ({"webhook-signature": signature} if signature else {})


class Maker:
    """Makes shots with ids of their own."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._job = self._id("job")

    def shot(self, label: str, body: bytes | None = None, **more: Any) -> Shot:
        """A new message; without a `body` about a job of its own."""
        return Shot(label=label, id=self.id(), body=minified(self.event()) if body is None else body, **more)

    def id(self) -> str:
        """A `webhook-id` that was not used yet."""
        return self._id("whm")

    def event(self, sequence: int | None = None) -> dict[str, Any]:
        """A step of a job that nobody has ordered; those with a `sequence` are all of the same one."""
        event: dict[str, Any] = deepcopy(_EVENT)
        event["id"], event["timestamp"] = self._id("evt"), self._now.isoformat()
        event["data"]["sequence"] = event["data"]["job"]["sequence"] = sequence or FIRST
        event["data"]["job"] |= {
            "id": self._job if sequence else self._id("job"),
            "order_id": self._id("ord"),
            "state_since": self._now.isoformat(),
        }
        return event

    def _id(self, prefix: str) -> str:
        return new_id(prefix, self._now)


def add_unknown(event: dict[str, Any]) -> None:
    """Fields of a later version."""
    event["data"]["job"]["sandbox_only"] = event["sandbox_only"] = {"of": ["a", "later", "version"]}


def turn_unknown(event: dict[str, Any]) -> None:
    """A state of a later version."""
    event["data"]["job"]["state"] = event["data"]["job"]["status"] = UNKNOWN


def minified(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def spaced(event: Mapping[str, Any]) -> bytes:
    """The same event as a stranger may write it: spaces, escapes, a line break at the end."""
    return json.dumps(event, ensure_ascii=True, indent=3).replace("/", "\\/").encode() + b"\r\n"


_EVENT: dict[str, Any] = {
    "id": "",
    "type": "job.en_route",
    "timestamp": "",
    "environment": "sandbox",
    "api_version": API_VERSION,
    "data": {
        "sequence": 0,
        "previous_state": "confirmed",
        "actor": "technician",
        "reason": None,
        "note": "Zürich, 3. Stock – bitte läuten",
        "job": {
            "id": "",
            "order_id": "",
            "partner_order_id": "CONFORMANCE",
            "environment": "sandbox",
            "line_id": "10",
            "unit": 1,
            "service": "tv.wall_mount_l",
            "sku": "SVC-TV-WALL-65",
            "state": "en_route",
            "status": "en_route",
            "sequence": 0,
            "window": None,
            "eta": None,
            "technician": {"id": "sandbox-1", "name": "Robin Muster"},
            "reason": None,
            "state_since": "",
            "actions": [],
        },
    },
}
