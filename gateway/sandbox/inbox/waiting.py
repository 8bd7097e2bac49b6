"""What somebody waits for who waits for the inbox."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy.orm import Session

from gateway.crypto import Vault
from gateway.guard import Scope
from gateway.sandbox.inbox import service
from gateway.sandbox.inbox.cursor import unsealed


class Behind(NamedTuple):
    """Something behind this position."""

    partner_id: str
    position: int


def seek(vault: Vault, scope: Scope) -> Behind:
    partner_id = scope["stecker.caller"].partner_id
    return Behind(partner_id, unsealed(vault, partner_id, scope["stecker.query"].get("after")) or 0)


def found(session: Session, sought: Collection[Behind]) -> Collection[Behind]:
    lasts = service.lasts(session, {one.partner_id for one in sought})
    return {one for one in sought if lasts.get(one.partner_id, 0) > one.position}
