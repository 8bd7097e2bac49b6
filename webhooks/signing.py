"""Standard Webhooks 1.0.0, `v1`: HMAC-SHA-256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)


class InvalidSignature(Exception):
    """The message is not what the holder of the secret sent, or not of now."""


def key(secret: str) -> bytes:
    """The key inside `whsec_…`: 24 to 64 bytes. Raises ValueError."""
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is not base64") from error
    if not 24 <= len(found) <= 64:
        raise ValueError("the secret is not between 24 and 64 bytes long")
    return found


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for the bytes as they are sent; `timestamp` in Unix seconds."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, sha256)
    return "v1," + base64.b64encode(digest).decode()


def verify(key: bytes, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Check a received message, as its receiver would. Raises `InvalidSignature`."""
    low = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, signatures = (low[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise InvalidSignature(f"the header {error.args[0]} is missing") from error
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        raise InvalidSignature("webhook-timestamp is not a number of seconds")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise InvalidSignature("webhook-timestamp is more than five minutes away from now")
    expected = sign(key, message_id, int(stamp), body).encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures.split()):
        raise InvalidSignature("no signature is of this secret, id, timestamp and body")
