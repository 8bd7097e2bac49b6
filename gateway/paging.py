"""Cursor pages: `{"items": […], "next": …}`. A cursor is opaque, signed, and bound to whose list it pages."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from adapters.errors import Problem as Fault
from gateway.crypto import Vault
from gateway.errors import Problem

Row = TypeVar("Row")
TAG_BYTES = 12
DEFAULT_LIMIT = 50


def seal(vault: Vault, bound_to: str, place: str) -> str:
    """A cursor for this place in the list that `bound_to` names (tenant, list and filters)."""
    text = place.encode()
    return base64.urlsafe_b64encode(vault.seal_cursor(bound_to.encode() + b"\x1f" + text) + text).decode().rstrip("=")


def unseal(vault: Vault, bound_to: str, cursor: str | None, name: str = "after") -> str | None:
    """The place in a cursor of ours; None without one. Another's cursor, or another list's, is a problem."""
    if cursor is None:
        return None
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    tag, text = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
    if not hmac.compare_digest(tag, vault.seal_cursor(bound_to.encode() + b"\x1f" + text)):
        fault = Fault(pointer=f"?{name}", code="bad_cursor", detail="This is not a cursor of this list.")
        raise Problem(code="bad-request", detail="The query cannot be used.", faults=(fault,))
    return text.decode()


def page(rows: Sequence[Row], limit: int, cursor: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """Cut the one row too many, and say where the next page begins: None on the last one."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor(rows[limit - 1])


def answer(items: list[Any], following: str | None) -> dict[str, Any]:
    return {"items": items, "next": following}
