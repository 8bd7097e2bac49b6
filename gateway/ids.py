"""Typed ids: a prefix and a ULID, so that an id says what it names and sorts by the time it was made."""

from datetime import datetime
from typing import Protocol

from ulid import ULID


class NewId(Protocol):
    """Makes ids: `new_id`, wherever nobody hands in another way."""

    def __call__(self, prefix: str, now: datetime) -> str: ...


def new_id(prefix: str, now: datetime) -> str:
    """For example `job_01K9ZK4N2D3W5Y7A8B9C0D1E2F`. No dots: webhook ids are signed as `id.timestamp.body`."""
    return f"{prefix}_{ULID.from_datetime(now)}"
