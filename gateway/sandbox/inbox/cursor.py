"""Places in an inbox, as clients hold them."""

from gateway import paging
from gateway.crypto import Vault


def sealed(vault: Vault, partner_id: str, position: int) -> str:
    return paging.seal(vault, _bound(partner_id), str(position))


def unsealed(vault: Vault, partner_id: str, cursor: str | None, name: str = "after") -> int | None:
    """The position; None without a cursor. Raises `Problem` for one of another list."""
    place = paging.unseal(vault, _bound(partner_id), cursor, name)
    return None if place is None else int(place)


def _bound(partner_id: str) -> str:
    return f"{partner_id}:sandbox-inbox"
