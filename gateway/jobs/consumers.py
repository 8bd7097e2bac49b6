"""Who reads the feed by a name: we remember how far they have come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from gateway.crypto import Vault
from gateway.db import one_at_a_time
from gateway.guard import Scope
from gateway.jobs import queries
from gateway.jobs.tables import EventConsumer
from gateway.tenant import Tenant

MOST = 20
"""Consumers of one tenant."""


class Behind(NamedTuple):
    """Something settled behind this place of the feed; without one, behind what the consumer has acknowledged."""

    tenant: Tenant
    place: tuple[int, int] | None
    consumer: str | None


def seek(vault: Vault, scope: Scope) -> Behind:
    """What a request waits for."""
    caller, query = scope["stecker.caller"], scope["stecker.query"]
    tenant = Tenant(caller.partner_id, caller.environment)
    return Behind(tenant, queries.place_in_feed(vault, tenant, query.get("after")), query.get("consumer"))


def found(session: Session, sought: Collection[Behind]) -> Collection[Behind]:
    """For which of them something is there."""
    asked = list(sought)
    places = [one.place or (None, None) for one in asked]
    values = {
        "partner_ids": [one.tenant.partner_id for one in asked],
        "environments": [one.tenant.environment for one in asked],
        "consumers": [one.consumer for one in asked],
        "txs": [None if tx is None else str(tx) for tx, _ in places],
        "positions": [position for _, position in places],
    }
    return {asked[number - 1] for number in session.scalars(_FOUND, values)}


def get(session: Session, tenant: Tenant, name: str) -> EventConsumer | None:
    return session.get(EventConsumer, (tenant.partner_id, tenant.environment, name))


def of_tenant(session: Session, tenant: Tenant) -> Sequence[EventConsumer]:
    """All of them, by their names."""
    return session.scalars(
        select(EventConsumer)
        .where(EventConsumer.partner_id == tenant.partner_id, EventConsumer.environment == tenant.environment)
        .order_by(EventConsumer.name)
    ).all()


def acknowledge(
    session: Session, tenant: Tenant, name: str, place: tuple[int, int], now: datetime
) -> EventConsumer | None:
    """Remember that everything up to this place was read. It never goes back: a late or repeated one changes nothing.

    None where there are `MOST` others already.
    """
    if get(session, tenant, name) is None:
        one_at_a_time(session, f"event consumers {tenant}")
    values = {"partner_id": tenant.partner_id, "environment": tenant.environment, "name": name, "now": now}
    session.execute(_ACKNOWLEDGE, {**values, "tx": str(place[0]), "position": place[1], "most": MOST})
    return get(session, tenant, name)


def forget(session: Session, tenant: Tenant, name: str) -> bool:
    """Whether there was one."""
    gone = session.execute(
        delete(EventConsumer)
        .where(EventConsumer.partner_id == tenant.partner_id, EventConsumer.environment == tenant.environment)
        .where(EventConsumer.name == name)
        .returning(EventConsumer.name)
    )
    return gone.first() is not None


_ACKNOWLEDGE = text("""
    INSERT INTO event_consumer (partner_id, environment, name, tx, position, acknowledged_at)
    SELECT :partner_id, :environment, :name, CAST(:tx AS xid8), :position, :now
     WHERE (SELECT count(*) FROM event_consumer other
             WHERE other.partner_id = :partner_id AND other.environment = :environment AND other.name <> :name) < :most
        ON CONFLICT (partner_id, environment, name) DO UPDATE
       SET tx = EXCLUDED.tx, position = EXCLUDED.position, acknowledged_at = EXCLUDED.acknowledged_at
     WHERE (event_consumer.tx, event_consumer.position) < (EXCLUDED.tx, EXCLUDED.position)
""")

_FOUND = text("""
    SELECT sought.number
      FROM unnest(CAST(:partner_ids AS text[]), CAST(:environments AS text[]), CAST(:consumers AS text[]),
                  CAST(:txs AS text[]), CAST(:positions AS bigint[]))
           WITH ORDINALITY AS sought (partner_id, environment, consumer, tx, position, number)
      LEFT JOIN event_consumer known
        ON known.partner_id = sought.partner_id AND known.environment = sought.environment
       AND known.name = sought.consumer
     WHERE EXISTS (
           SELECT FROM job_event
            WHERE job_event.partner_id = sought.partner_id AND job_event.environment = sought.environment
              AND (job_event.tx, job_event.position)
                  > (coalesce(sought.tx::xid8, known.tx, '0'::xid8), coalesce(sought.position, known.position, 0))
              AND job_event.tx < pg_snapshot_xmin(pg_current_snapshot()))
""")
