"""Whose drop folder it is: an endpoint writes into its own partner's, and into no other."""

import threading
from pathlib import Path

from sqlalchemy.orm import Session

from gateway.connections import service as connections
from gateway.endpoints.dialect import AWAY
from gateway.runtime import Runtime
from webhooks.calling import FindFolder, NotNow
from webhooks.tenant import Tenant as Owner


def is_theirs(session: Session, owner: Owner, name: str) -> bool:
    """Whether this partner has a folder of this name in this environment."""
    wanted = owner.owner, owner.environment, name
    return any(wanted == (one.partner_id, one.environment, one.name) for one in connections.active(session, "folder"))


def finder(runtime: Runtime) -> FindFolder:
    """Looks again at each delivery: a folder's name may have gone to somebody else."""
    root, lock = runtime.settings.folders, threading.Lock()

    def find(owner: Owner, name: str) -> bool:
        # One at a time: a worker has few connections.
        with lock, runtime.sessions() as session:
            return is_theirs(session, owner, name)

    def folder(owner: Owner, name: str) -> Path | None:
        try:
            return root if root is not None and find(owner, name) else None
        except AWAY as error:
            raise NotNow from error

    return folder
