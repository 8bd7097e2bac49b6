"""Callers for tests of webhook delivery: nothing is sealed, no dialect judges, unless it is said."""

from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from typing import Any

from webhooks.calling import Caller, Schemes
from webhooks.tokens import Tokens
from webhooks.transport import Transport

LOOPBACK = (ip_network("127.0.0.0/8"),)


def caller_over(transport: Transport, **changes: Any) -> Caller:
    """Seals nothing; `changes` are those of `Caller`, or `open_secret` and `clock`."""
    clock = changes.pop("clock", lambda: datetime.now(UTC))
    made = Schemes(
        open_secret=changes.pop("open_secret", lambda sealed, owner, row: sealed),
        open_credentials=lambda sealed, owner, row: sealed,
        ask=partial(Tokens, transport, clock),
    )
    return Caller(transport=transport, schemes=made, **{"user_agent": "Stecker/test"} | changes)
