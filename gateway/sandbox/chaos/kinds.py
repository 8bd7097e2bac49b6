"""The disturbances there are, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webhooks import policy

Place = Literal["webhooks", "requests"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be, and what it is where nobody says so."""

    least: int
    most: int
    usual: int


TIMES = Bounds(1, 100, 1)
LASTS = Bounds(1, 24 * 60 * 60, 10 * 60)
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where it happens, and the numbers that it takes besides."""

    place: Place
    numbers: Mapping[str, Bounds] = field(default_factory=dict)


_RETRY_AFTER = {"retry_after": Bounds(0, 60, 2)}

KINDS: Mapping[str, Kind] = {
    "duplicate": Kind("webhooks", {"copies": Bounds(1, 10, 1)}),
    "reorder": Kind("webhooks"),
    "sequence_gap": Kind("webhooks"),
    # No longer than the sandbox's schedule waits for whoever asks for it.
    "delay": Kind("webhooks", {"delay_seconds": Bounds(2, int(policy.SANDBOX.longest.total_seconds()), 10)}),
    # The last attempt is never dropped.
    "drop_first": Kind("webhooks", {"attempts": Bounds(1, len(policy.SANDBOX.delays), 1)}),
    "wrong_signature": Kind("webhooks"),
    "old_secret": Kind("webhooks"),
    "slow_body": Kind("webhooks", {"body_seconds": Bounds(1, 10, 5)}),
    "redirect": Kind("webhooks"),
    "unknown_field": Kind("webhooks"),
    "unknown_enum": Kind("webhooks"),
    "lost_answer": Kind("requests"),
    "too_many_requests": Kind("requests", _RETRY_AFTER),
    "unavailable": Kind("requests", _RETRY_AFTER),
}

NUMBERS: Mapping[str, Bounds] = {
    "times": TIMES,
    "lasts_seconds": LASTS,
    **{name: bounds for kind in KINDS.values() for name, bounds in kind.numbers.items()},
}

NARROWING: Mapping[Place, tuple[str, ...]] = {
    "webhooks": ("endpoint_id", "event_types"),
    "requests": ("method", "path"),
}
"""The members with which somebody says what is not to be disturbed."""

NEVER = ("/v1/sandbox/chaos", "/v1/sandbox/clock", "/v1/sandbox/reset", "/v1/sandbox/requests")
"""Paths with which everybody gets out again, and sees what happened."""
