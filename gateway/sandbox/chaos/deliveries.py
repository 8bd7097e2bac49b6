"""Chaos on webhooks: what the courier does in the place of an attempt, where a key of the partner's asked for it."""

import threading
from datetime import datetime

from gateway import driver
from gateway.endpoints.dialect import AWAY
from gateway.runtime import Runtime
from gateway.sandbox.chaos import plans
from gateway.sandbox.chaos.plans import Case
from gateway.sandbox.chaos.service import Taken
from webhooks import chaos
from webhooks.calling import NotNow
from webhooks.chaos import Disturb, Plan
from webhooks.delivery import Claimed
from webhooks.schemes import Scheme

SANDBOX = "sandbox"


def disturber(runtime: Runtime) -> Disturb:
    """One look for each attempt in the sandbox, and none for the others."""
    lock = threading.Lock()

    def disturb(claimed: Claimed, scheme: Scheme, at: datetime) -> Plan | None:
        if claimed.environment != SANDBOX or not (kinds := plans.fitting(claimed, scheme, at)):
            return None
        try:
            # One at a time: a worker has few connections.
            with lock:
                found = _take(runtime, claimed, kinds)
                if found is None:
                    return None
                taken, again = found
                following = _following(runtime, claimed) if taken.kind in plans.OVERTAKING else None
        except AWAY as error:
            raise NotNow from error
        return plans.plan(Case(taken=taken, claimed=claimed, scheme=scheme, at=at, again=again, following=following))

    return disturb


def _take(runtime: Runtime, claimed: Claimed, kinds: set[str]) -> tuple[Taken, bool] | None:
    """One time of what fits, or what the message was held back for before: then it is used up already.

    Nothing is held back beyond the end: retries are hours away where the sandbox's clock stands.
    """
    asked = {
        "partner_id": claimed.owner,
        "endpoint_id": claimed.endpoint_id,
        "message_id": claimed.message_id,
        "kinds": sorted(kinds),
        "retried": claimed.attempts > 0,
        "now": runtime.clock(),
    }
    with driver.together(runtime.sessions) as session:
        row = driver.execute(session, _TAKE, asked).fetchone()
    return None if row is None else (Taken._make(row[:3]), row[3])


def _following(runtime: Runtime, claimed: Claimed) -> Claimed | None:
    with runtime.sessions() as session:
        return chaos.following(session, claimed)


_TAKE = """
    WITH held AS MATERIALIZED (
        SELECT c.id, c.kind, c.numbers
          FROM (SELECT chaos FROM webhook_attempt
                 WHERE %(retried)s AND message_id = %(message_id)s ORDER BY id DESC LIMIT 1) latest
          JOIN sandbox_chaos c ON c.id = latest.chaos->>'id'
         WHERE latest.chaos->'waits' = 'true' AND c.partner_id = %(partner_id)s AND c.stopped_at IS NULL
           AND c.until > %(now)s),
    taken AS (
        UPDATE sandbox_chaos SET remaining = remaining - 1, used_at = %(now)s
         WHERE id = (
               SELECT id FROM sandbox_chaos
                WHERE partner_id = %(partner_id)s AND environment = 'sandbox' AND kind = ANY(%(kinds)s)
                  AND remaining > 0 AND stopped_at IS NULL AND until > %(now)s AND NOT EXISTS (TABLE held)
                  AND (endpoint_id IS NULL OR endpoint_id = %(endpoint_id)s)
                  AND (event_types IS NULL OR '*' = ANY(event_types) OR event_types @> ARRAY(
                       SELECT event_type FROM webhook_message WHERE id = %(message_id)s))
                ORDER BY id LIMIT 1 FOR UPDATE)
        RETURNING id, kind, numbers)
    SELECT id, kind, numbers, true FROM held UNION ALL SELECT id, kind, numbers, false FROM taken
"""
