"""What a test sees and does behind the system's back, in its database."""

from collections.abc import Collection, Sequence

from tests.faults.shop import Acknowledged, Inbox
from tests.support.system import System, eventually

STALE = "25 seconds"
"""What is left of a lease of 30 s after five: our receivers answer at once, so nobody is at work there any more."""


def end_leases(system: System, jobs: Collection[str]) -> None:
    """Half a minute passes for the mailboxes of these jobs."""
    query = "UPDATE webhook_mailbox SET due_at = now() WHERE leased AND subject = ANY(%s)"
    with system.owner() as owner:
        assert owner.execute(query, [list(jobs)]).rowcount == len(jobs)


def settle(system: System, inbox: Inbox, orders: Sequence[Acknowledged]) -> None:
    """Wait until every step of these orders has come; nobody sits through the leases of the dead."""
    query = "UPDATE webhook_mailbox SET due_at = now() WHERE leased AND due_at < now() + %s::interval"

    def has_come() -> bool:
        with system.owner() as owner:
            owner.execute(query, [STALE])
        return not inbox.missing(orders)

    eventually(has_come, "every webhook has come")


def ticking(system: System) -> int | None:
    """The database process of whoever holds the tick's lock."""
    query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with system.owner() as owner:
        row = owner.execute(query).fetchone()
    return row[0] if row else None
