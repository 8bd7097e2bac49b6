"""What signs an endpoint's messages: its secret, beside it a private key where it wants one, and those before.

Standard Webhooks 1.0.0: `v1` is HMAC-SHA-256, `v1a` is ed25519. How a receiver checks them is in `webhooks.verify`.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from webhooks import verify as verifying
from webhooks.verify import PUBLIC, SECRET, InvalidSignature, signed
from webhooks.verify import secret_bytes as key

__all__ = ["Generation", "InvalidSignature", "Signer", "key", "load", "sign", "signers", "store", "value", "verify"]

HINT = len(SECRET) + 4
"""So much of a secret may be shown: enough to tell it from the one before."""


class Signer(NamedTuple):
    """Makes one entry of `webhook-signature` out of what is signed, for messages before `until` (Unix seconds)."""

    sign: Callable[[bytes], str]
    until: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One secret of an endpoint, `whsec_…`, with the 32 bytes of a private key where it signs by ed25519, too.

    It signs from `since` (None: from the endpoint's beginning) and, where another has replaced it, before `until`.
    """

    secret: str = field(repr=False)
    seed: bytes | None = field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None

    @property
    def hint(self) -> str:
        return self.secret[:HINT]

    @property
    def public_key(self) -> str | None:
        """`whpk_…`"""
        return None if self.seed is None else _public(self.seed)

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@lru_cache(maxsize=1024)
def _public(seed: bytes) -> str:
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return PUBLIC + base64.b64encode(raw).decode()


def new(secret: bytes, seed: bytes | None, since: datetime | None = None) -> Generation:
    """A generation of random bytes: 32 for the secret, 32 more for the private key."""
    return Generation(secret=SECRET + base64.b64encode(secret).decode(), seed=seed, since=since)


def store(generations: Sequence[Generation]) -> bytes:
    """The generations as they are sealed, the newest first."""
    return json.dumps([_record(one) for one in generations]).encode()


def load(text: bytes) -> tuple[Generation, ...]:
    """What `store` wrote; or a secret alone."""
    if not text.startswith(b"["):
        return (Generation(secret=text.decode()),)
    return tuple(_generation(one) for one in json.loads(text))


def _record(one: Generation) -> dict[str, str | None]:
    moments = {"since": one.since, "until": one.until}
    return {
        "secret": one.secret,
        "seed": None if one.seed is None else one.seed.hex(),
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }


def _generation(record: Mapping[str, Any]) -> Generation:
    seed, since, until = record["seed"], record["since"], record["until"]
    return Generation(
        secret=record["secret"],
        seed=None if seed is None else bytes.fromhex(seed),
        since=None if since is None else datetime.fromisoformat(since),
        until=None if until is None else datetime.fromisoformat(until),
    )


def signers(generations: Sequence[Generation]) -> tuple[Signer, ...]:
    """The signatures of a message: those by secrets before those by private keys, the newest first."""
    untils = [math.inf if one.until is None else one.until.timestamp() for one in generations]
    found = [Signer(_v1(key(one.secret)), until) for one, until in zip(generations, untils, strict=True)]
    return (*found, *(Signer(_v1a(one.seed), end) for one, end in zip(generations, untils, strict=True) if one.seed))


def value(signers: Sequence[Signer], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for the bytes as they are sent; `timestamp` in Unix seconds."""
    content = signed(message_id, timestamp, body)
    return " ".join([one.sign(content) for one in signers if timestamp < one.until])


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The same by one secret."""
    return _v1(key)(signed(message_id, timestamp, body))


def _v1(key: bytes) -> Callable[[bytes], str]:
    return lambda content: "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _v1a(seed: bytes) -> Callable[[bytes], str]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return lambda content: "v1a," + base64.b64encode(private.sign(content)).decode()


def verify(key: bytes | str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Check a received message, as its receiver would. Raises `InvalidSignature`."""
    verifying.verify(key, headers, body, now=now.timestamp())
