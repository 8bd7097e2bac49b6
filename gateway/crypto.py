"""Keys out of the one secret key, and encryption at rest.

One `STECKER_SECRET_KEY` (at least 32 random bytes) becomes one key per purpose by HKDF-SHA-256 (RFC 5869), so that
what leaks of one purpose says nothing of another.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Purpose = Literal["pepper", "data", "cursor", "session"]

KEY_VERSION = b"\x01"
NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The ciphertext is not of this key, this row or this column."""


def derive(secret: bytes, purpose: Purpose) -> bytes:
    """32 bytes for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stecker/" + purpose.encode()).derive(secret)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext lives. It is authenticated with it, so that rows cannot be swapped."""

    owner: str
    table: str
    row: str
    column: str

    def aad(self) -> bytes:
        return "\x1f".join((self.owner, self.table, self.row, self.column)).encode()


class Vault:
    """Encrypts and decrypts columns (AES-256-GCM; version byte, nonce, ciphertext) and fingerprints secrets."""

    def __init__(self, secret: bytes) -> None:
        self._data = AESGCM(derive(secret, "data"))
        self._pepper = derive(secret, "pepper")
        self._cursor = derive(secret, "cursor")

    def encrypt(self, plain: bytes, place: Place) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return KEY_VERSION + nonce + self._data.encrypt(nonce, plain, place.aad())

    def decrypt(self, sealed: bytes, place: Place) -> bytes:
        """Raises `CannotDecrypt`, which says nothing of the content."""
        if sealed[:1] != KEY_VERSION:
            raise CannotDecrypt(f"{place.table}.{place.column}: unknown key version")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._data.decrypt(nonce, body, place.aad())
        except InvalidTag as error:
            raise CannotDecrypt(f"{place.table}.{place.column}: wrong key or moved row") from error

    def fingerprint(self, secret: str) -> bytes:
        """A keyed hash for machine-made secrets: 256 bits of entropy need no slow hash (RFC 6819 §5.1.4.1.3)."""
        return hmac.digest(self._pepper, secret.encode(), sha256)

    def seal_cursor(self, text: bytes) -> bytes:
        """A short authentication tag for a page cursor."""
        return hmac.digest(self._cursor, text, sha256)[:12]
