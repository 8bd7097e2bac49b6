"""The form of client secrets: `stks_test_…` or `stks_live_…`, 256 random bits and a checksum, all in base62.

The fixed form lets secret scanners find a leaked one, and lets us drop random strings without asking the database.
"""

import re
from zlib import crc32

ENTROPY_BYTES = 32
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY_LENGTH, CHECKSUM_LENGTH = 43, 6  # 62^43 > 2^256, 62^6 > 2^32
PATTERN = re.compile(rf"stks_(?:test|live)_[0-9A-Za-z]{{{BODY_LENGTH + CHECKSUM_LENGTH}}}")
CLIENT_ID = re.compile(r"stk_(?:test|live)_[0-9A-HJKMNP-TV-Z]{26}")
MARKS = {"sandbox": "test", "live": "live"}


def make(environment: str, entropy: bytes) -> str:
    """A secret out of `ENTROPY_BYTES` random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a secret is made of {ENTROPY_BYTES} bytes")
    body = f"stks_{MARKS[environment]}_{_base62(int.from_bytes(entropy, 'big'), BODY_LENGTH)}"
    return body + _checksum(body)


def well_formed(text: str) -> bool:
    """A string that `make` could have made."""
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    return PATTERN.fullmatch(text) is not None and _checksum(body) == checksum


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
