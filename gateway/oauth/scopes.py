"""Scopes: which there are, and which a kind of partner may have."""

from collections.abc import Iterable, Mapping

FULFILMENT = ("fulfilment:write", "fulfilment:read")
RETAILER = ("orders:write", "orders:read", "catalogue:read", "webhooks:manage", "events:read", "sandbox")
SCOPES = (*RETAILER, *FULFILMENT, "ops")

# What a client gets where nobody says which scopes.
DEFAULTS: Mapping[str, tuple[str, ...]] = {"retailer": RETAILER, "dispatch": FULFILMENT}

# A retailer never gets more: `fulfilment:read` shows the jobs of all partners.
GRANTABLE: Mapping[str, tuple[str, ...]] = {"retailer": RETAILER, "dispatch": (*FULFILMENT, "ops")}


def requested(text: str | None, granted: Iterable[str]) -> str | None:
    """The scope of a token (RFC 6749 §3.3): all that is granted where none is asked for, None where it is refused.

    Refused is every word outside `granted`: unknown to us, not this client's, or no word at all.
    """
    granted = tuple(granted)
    if text is None:
        return " ".join(granted)
    words = dict.fromkeys(text.split(" "))
    return " ".join(words) if all(word in granted for word in words) else None
