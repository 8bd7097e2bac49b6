"""How orders, jobs and events are asked for. Each query names its tenant, or fulfilment's environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, text, tuple_
from sqlalchemy.orm import Session

from gateway import paging
from gateway.crypto import Vault
from gateway.jobs.tables import Job, JobEvent, Order
from gateway.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; None is no narrowing. `state` is a job's state, or an order's status."""

    partner_order_id: str | None = None
    state: str | None = None
    updated_after: datetime | None = None


def owned(table: type[Job] | type[Order], tenant: Tenant) -> ColumnElement[bool]:
    return and_(table.partner_id == tenant.partner_id, table.environment == tenant.environment)


def jobs(session: Session, where: ColumnElement[bool], narrow: Filter, after: str | None, limit: int) -> Sequence[Job]:
    """A page of jobs, oldest first, at most `limit` + 1 of them: the one too many says that there is more."""
    query = _narrowed(select(Job).where(where), Job, Job.state, narrow, after)
    return session.scalars(query.limit(limit + 1)).all()


def orders(session: Session, tenant: Tenant, narrow: Filter, after: str | None, limit: int) -> Sequence[Order]:
    """A page of orders, as `jobs` does it."""
    query = _narrowed(select(Order).where(owned(Order, tenant)), Order, Order.status, narrow, after)
    return session.scalars(query.limit(limit + 1)).all()


def _narrowed(
    query: Select[Any], table: type[Job] | type[Order], state: Any, narrow: Filter, after: str | None
) -> Select[Any]:
    conditions = [
        (narrow.partner_order_id, table.partner_order_id == narrow.partner_order_id),
        (narrow.state, state == narrow.state),
        (narrow.updated_after, table.updated_at > narrow.updated_after if narrow.updated_after else None),
        (after, table.id > after if after else None),
    ]
    for wanted, condition in conditions:
        if wanted is not None:
            query = query.where(condition)
    return query.order_by(table.id)


def jobs_of(session: Session, order_ids: Sequence[str]) -> Sequence[Job]:
    """All jobs of these orders, in the order of their ids."""
    return session.scalars(select(Job).where(Job.order_id.in_(order_ids)).order_by(Job.id)).all()


def job_events(session: Session, tenant: Tenant, job_id: str, after: int, limit: int) -> Sequence[JobEvent]:
    """The events of one job after a sequence, at most `limit` + 1."""
    return session.scalars(
        select(JobEvent)
        .where(
            JobEvent.partner_id == tenant.partner_id,
            JobEvent.environment == tenant.environment,
            JobEvent.job_id == job_id,
            JobEvent.sequence > after,
        )
        .order_by(JobEvent.sequence)
        .limit(limit + 1)
    ).all()


def event(session: Session, tenant: Tenant, event_id: str) -> bytes | None:
    """The bytes of one event."""
    return session.scalar(
        select(JobEvent.body).where(
            JobEvent.id == event_id,
            JobEvent.partner_id == tenant.partner_id,
            JobEvent.environment == tenant.environment,
        )
    )


# The oldest transaction that still runs. Below it everything has been decided, so nothing can appear there later;
# a serial id alone would be skipped for ever when its transaction commits after a higher one was read.
SETTLED = text("job_event.tx < pg_snapshot_xmin(pg_current_snapshot())")


def feed(session: Session, tenant: Tenant, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, bytes]]:
    """Settled events after `(tx, position)`: their place in the feed, and their bytes; at most `limit`."""
    rows = session.execute(
        select(JobEvent.tx, JobEvent.position, JobEvent.body)
        .where(
            JobEvent.partner_id == tenant.partner_id,
            JobEvent.environment == tenant.environment,
            tuple_(JobEvent.tx, JobEvent.position) > text("(CAST(:tx AS xid8), :position)"),
            SETTLED,
        )
        .order_by(JobEvent.tx, JobEvent.position)
        .limit(limit),
        {"tx": str(after[0]), "position": after[1]},
    )
    return [(int(tx), position, body) for tx, position, body in rows]


def feed_cursor(vault: Vault, tenant: Tenant, tx: int, position: int) -> str:
    """A place in the feed, as clients hold it."""
    return paging.seal(vault, f"{tenant}:events", f"{tx}.{position}")


def place_in_feed(vault: Vault, tenant: Tenant, cursor: str | None) -> tuple[int, int] | None:
    """The place in a cursor; None without one. Raises `Problem` for one of another list."""
    place = paging.unseal(vault, f"{tenant}:events", cursor)
    if place is None:
        return None
    tx, position = place.split(".")
    return int(tx), int(position)
