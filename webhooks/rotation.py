"""Another secret for an endpoint: for a while both sign, so that its receiver can change whenever it likes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks import signing
from webhooks.calling import Open
from webhooks.endpoints import Seal
from webhooks.signing import Generation
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant

OVERLAP = timedelta(hours=24)
LONGEST = timedelta(days=7)


class InRotation(Exception):
    """The secret was replaced a short while ago, and the one before still signs until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the secret before signs until {until.isoformat()}")
        self.until = until


def rotate(
    endpoint: Endpoint, newest: Generation, *, overlap: timedelta, open_secret: Open, seal: Seal
) -> tuple[Generation, ...]:
    """Sign with the newest from its `since` on, and for the overlap with the one before as well.

    Without any overlap nothing older signs from now on: for a secret that leaked. The endpoint is locked by the caller
    (`endpoints.get`). Raises `InRotation` where a third one would have to sign, too.
    """
    assert newest.since is not None
    before = generations(endpoint, open_secret)
    if overlap and (still := [one.until for one in before if one.until and one.holds(newest.since)]):
        raise InRotation(still[0])
    kept = (newest, replace(before[0], until=newest.since + overlap)) if overlap else (newest,)
    endpoint.secret = seal(signing.store(kept), endpoint.owner, endpoint.id)
    endpoint.signature = "v1a" if any(one.seed for one in kept) else "v1"
    return kept


def generations(endpoint: Endpoint, open_secret: Open) -> tuple[Generation, ...]:
    """What signs, or has signed last, for this endpoint; the newest first."""
    first, *older = signing.load(open_secret(endpoint.secret, endpoint.owner, endpoint.id))
    found = (first, *older)
    return tuple(one if one.since else replace(one, since=endpoint.created_at) for one in found)


def last_signed(session: Session, tenant: Tenant, endpoint_ids: Sequence[str]) -> dict[str, datetime]:
    """When each endpoint was called last: as it is counted (`webhooks.health`), or its last messages show it sooner."""
    rows = session.execute(
        _LAST, {"owner": tenant.owner, "environment": tenant.environment, "ids": list(endpoint_ids), "most": LOOKED_AT}
    )
    return {row.endpoint_id: row.at for row in rows if row.at is not None}


LOOKED_AT = 20

_LAST = text("""
    SELECT e.id AS endpoint_id, greatest(h.last_success_at, h.last_failure_at, (
        SELECT max(a.at) FROM (
            SELECT m.id FROM webhook_message m WHERE m.endpoint_id = e.id ORDER BY m.position DESC LIMIT :most) recent
          JOIN webhook_attempt a ON a.message_id = recent.id)) AS at
      FROM webhook_endpoint e
      LEFT JOIN webhook_health h ON h.endpoint_id = e.id
     WHERE e.id = ANY(:ids) AND e.owner = :owner AND e.environment = :environment
""")
