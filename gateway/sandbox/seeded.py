"""Ids that come out the same every time, and ids that are remembered."""

from collections import Counter
from datetime import datetime
from hashlib import sha256

from ulid import ULID

from gateway.ids import NewId, new_id

SAME = frozenset({"SBX", "ord", "job", "evt"})
"""The kinds that come out the same. What carries them (documents, messages) is new each time, and kept from then on."""


def seeded(*scope: str, today: datetime) -> NewId:
    """Makes the same ids for the same scope and moments, each kind counted for itself; others are made `today`.

    A scope is used up once: whoever names in it the partner, the job and its sequence never makes an id twice.
    """
    counted: Counter[str] = Counter()

    def make(prefix: str, now: datetime) -> str:
        if prefix not in SAME:
            return new_id(prefix, today)
        counted[prefix] += 1
        digest = sha256("\x1f".join((*scope, prefix, str(counted[prefix]))).encode()).digest()
        moment = int(now.timestamp() * 1000).to_bytes(6, "big")
        return f"{prefix}_{ULID.from_bytes(moment + digest[:10])}"

    return make


class Noted:
    """Makes ids another way, and keeps which it made: what a step caused is found by them."""

    def __init__(self, make: NewId) -> None:
        self._make = make
        self._made: list[str] = []

    def __call__(self, prefix: str, now: datetime) -> str:
        made = self._make(prefix, now)
        self._made.append(made)
        return made

    def of(self, prefix: str) -> list[str]:
        """Those of one kind, in the order of their making."""
        return [one for one in self._made if one.startswith(f"{prefix}_")]
