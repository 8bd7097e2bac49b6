"""Check webhooks that are signed as Standard Webhooks 1.0.0 says. Python 3.9 or later is all it needs: copy this file.

    message_id = verify("whsec_…", request.headers, request.get_data())

Give it the bytes as they came: JSON that was read and written again has another signature. While a secret is being
replaced, give it both. A public key, `whpk_…`, checks signatures by ed25519; that alone needs the package
`cryptography`. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

try:
    from cryptography.exceptions import InvalidSignature as _Wrong
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # pragma: no cover
    Ed25519PublicKey = None  # type: ignore[assignment,misc]

SECRET = "whsec_"
PUBLIC = "whpk_"
TOLERANCE = 300
"""Seconds that a message may be away from now, before or after."""


class InvalidSignature(Exception):
    """The message is not what the holder of the secret sent, or not of now."""


def verify(
    secrets: str | bytes | Iterable[str | bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance: float = TOLERANCE,
) -> str:
    """The id of a message that one of these secrets or public keys signed; a message that is repeated has the same.

    Bytes are a secret without its `whsec_` and base64. `now` is in Unix seconds. Raises `InvalidSignature`, and
    ValueError where a secret cannot be used.
    """
    checks = [_check(one) for one in ([secrets] if isinstance(secrets, (str, bytes)) else secrets)]
    if not checks:
        raise ValueError("there is no secret to check with")
    low = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, listed = (low["webhook-" + name] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise InvalidSignature(f"the header {error.args[0]} is missing") from error
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        raise InvalidSignature("webhook-timestamp is not a number of seconds")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        raise InvalidSignature(f"webhook-timestamp is more than {_span(tolerance)} away from now")
    content = signed(message_id, stamp, body)
    for version, signature in _signatures(listed):
        if any(check(version, signature, content) for check in checks):
            return message_id
    raise InvalidSignature("no signature is of this secret, id, timestamp and body")


def signed(message_id: str, timestamp: int | str, body: bytes) -> bytes:
    """What the signatures are over."""
    return f"{message_id}.{timestamp}.".encode(errors="replace") + body


def secret_bytes(secret: str) -> bytes:
    """What is in `whsec_…`: 24 to 64 bytes. Raises ValueError."""
    found = _decoded(secret[len(SECRET) :] if secret.startswith(SECRET) else secret, "the secret")
    if not 24 <= len(found) <= 64:
        raise ValueError("the secret is not between 24 and 64 bytes long")
    return found


def public_bytes(key: str) -> bytes:
    """What is in `whpk_…`: 32 bytes. Raises ValueError."""
    found = _decoded(key[len(PUBLIC) :], "the public key")
    if len(found) != 32:
        raise ValueError("the public key is not 32 bytes long")
    return found


def _check(secret: str | bytes) -> Callable[[str, bytes, bytes], bool]:
    """What says whether (version, signature, content) is of this secret."""
    if isinstance(secret, str) and secret.startswith(PUBLIC):
        return _ed25519(public_bytes(secret))
    key = secret if isinstance(secret, bytes) else secret_bytes(secret)

    def check(version: str, signature: bytes, content: bytes) -> bool:
        return version == "v1" and hmac.compare_digest(hmac.digest(key, content, "sha256"), signature)

    return check


def _ed25519(raw: bytes) -> Callable[[str, bytes, bytes], bool]:
    if Ed25519PublicKey is None:
        raise ValueError("a public key needs the Python package cryptography")
    key = Ed25519PublicKey.from_public_bytes(raw)

    def check(version: str, signature: bytes, content: bytes) -> bool:
        if version != "v1a":
            return False
        try:
            key.verify(signature, content)
        except _Wrong:
            return False
        return True

    return check


def _signatures(listed: str) -> Iterator[tuple[str, bytes]]:
    """(version, signature) of each entry that can be read; the others may be of a version to come."""
    for one in listed.split():
        version, _, text = one.partition(",")
        try:
            yield version, base64.b64decode(text, validate=True)
        except ValueError:
            continue


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{what} is not base64") from error


def _span(seconds: float) -> str:
    return "five minutes" if seconds == TOLERANCE else f"{seconds:g} seconds"
