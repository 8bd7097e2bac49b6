"""What a receiver would say of a webhook's signature. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from webhooks import signing
from webhooks.signing import InvalidSignature

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")

# Verdict: what it means. For people.
WORDS: Mapping[str, str] = {
    "good": "It is from us, of now, and nobody has changed it on the way. Take it.",
    "stale": "The signature is good, and the timestamp more than five minutes away from now. Refuse it.",
    "old_secret": "It is signed with a secret that was replaced, and with no other. Refuse it, or renew your secret.",
    "bad": "The signature is not of this id, timestamp, body and secret. Refuse it.",
    "unsigned": "A header of the signature is missing. Refuse it.",
}


def verdict(headers: Mapping[str, str], body: bytes, key: bytes, old: Sequence[bytes], now: datetime) -> str:
    """One of `WORDS`, for header names in lower case. `old` are keys that `key` has replaced."""
    if any(name not in headers for name in SIGNED):
        return "unsigned"
    if _holds(key, headers, body, now):
        return "good"
    sent = sent_at(headers)
    if _holds(key, headers, body, sent):
        return "stale"
    return "old_secret" if any(_holds(one, headers, body, sent) for one in old) else "bad"


def sent_at(headers: Mapping[str, str]) -> datetime:
    """What webhook-timestamp says; the year 1970 where it says nothing that can be read."""
    stamp = headers.get("webhook-timestamp", "")
    usable = stamp.isascii() and stamp.isdecimal() and len(stamp) < 12
    return datetime.fromtimestamp(int(stamp) if usable else 0, UTC)


def signed_bytes(headers: Mapping[str, str], body: bytes) -> bytes:
    """What the signature is over."""
    return f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body


def _holds(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    try:
        signing.verify(key, headers, body, now=now)
    except InvalidSignature:
        return False
    return True
