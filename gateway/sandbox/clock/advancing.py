"""A clock on its way: to the next time that something waits for, again and again, until it stands where it shall.

Each step is a transaction under the clock's row, and says itself what is left to do. So whoever takes it, a request or
the worker's round, may be killed anywhere: nothing fires twice, and nothing is passed over.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.front import DATABASE_AWAY
from gateway.runtime import Runtime
from gateway.sandbox import runs
from gateway.sandbox.clock import service
from gateway.sandbox.clock.tables import Advance
from gateway.sandbox.tables import SandboxRun
from gateway.tenant import Tenant
from webhooks import clocks
from webhooks.tenant import Tenant as Owner

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=60)
"""Real time for which the clock waits while nothing is sent of what is due: there is no worker, perhaps."""

LISTED = 500
"""Of what has fired, so many are listed; the others are counted."""

LOOK_EVERY = 0.05
TURN_SECONDS = 1.0

Progress = Literal["moved", "waiting", "over"]


def go(runtime: Runtime) -> None:
    """One round: every clock that stands goes on, for a bounded time, where there is anything to do."""
    with runtime.sessions.begin() as session:
        clocks.settle(session, runtime.clock())
        tenants = [Tenant(*row) for row in session.execute(_TO_DO)]
    for tenant in tenants:
        end = time.monotonic() + TURN_SECONDS
        try:
            while step(runtime, tenant) == "moved" and time.monotonic() < end:
                runtime.wake()
        except DATABASE_AWAY as error:
            log.warning("the database is away from a clock: %s", type(error).__name__)
        except Exception as error:  # the outermost frame of a clock: the others go on
            log.exception("clock_failed: %s", type(error).__name__)


def drive(runtime: Runtime, tenant: Tenant, seconds: float) -> None:
    """Take the clock on its way for so long at most, waiting for what is being sent."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (progress := step(runtime, tenant)) != "over":
        runtime.wake()
        if progress == "waiting":
            time.sleep(LOOK_EVERY)


def step(runtime: Runtime, tenant: Tenant) -> Progress:
    """One step: a run's step that is due, or the clock to the next time. `waiting` while something is being sent."""
    real = runtime.clock()
    with runtime.sessions.begin() as session:
        owner = Owner(tenant.partner_id, tenant.environment)
        at = clocks.stands_at(session, owner, lock=True)
        if at is None:
            return "over"
        advance = service.running(session, tenant)
        run = runs.take_due(session, tenant, at)
        if run is not None:
            if advance is not None:
                _note(advance, [_step_fired(run, at)])
                advance.waited_since = real
            return "moved"
        return "over" if advance is None else _go_on(session, tenant, advance, at, real)


def _go_on(session: Session, tenant: Tenant, advance: Advance, at: datetime, real: datetime) -> Progress:
    owner = Owner(tenant.partner_id, tenant.environment)
    # First: where nothing is under way any more, all attempts are there to be noted.
    latest = session.scalar(service.LATEST)
    busy = clocks.busy(session, owner)
    tried = list(_attempts(session, advance))
    _note(advance, tried)
    if not busy:
        # Those of others in between, who may be many, are not read again.
        advance.noted = max(advance.noted, latest)
    if tried or not busy:
        advance.waited_since = real
    if busy and real - advance.waited_since < PATIENCE:
        return "waiting"
    if at >= advance.target:
        _note(advance, [_fired(at, "webhook", one, "waiting") for one in clocks.overdue(session, owner, LISTED)])
        advance.status, advance.finished_at = "done", real
        return "over"
    due = service.next_due(session, tenant, at)
    following = advance.target if due is None else min(due.at, advance.target)
    ended = service.over(session, tenant, at, following)
    _note(advance, [_fired(hold.until, "hold_expired", hold.id, "expired") for hold in ended])
    clocks.stand(session, owner, following)
    return "moved"


def _attempts(session: Session, advance: Advance) -> Iterator[dict[str, Any]]:
    """The attempts to deliver that were made since the last look."""
    bounds = {"noted": advance.noted, "owner": advance.partner_id, "environment": advance.environment}
    for row in session.execute(_ATTEMPTS, bounds):
        advance.noted = row.id
        yield {**_fired(row.at, "webhook", row.message_id, row.verdict), "attempt": row.number}


def _step_fired(run: SandboxRun, at: datetime) -> dict[str, Any]:
    if run.status == "failed":
        return _fired(at, "run_step", run.id, "failed")
    return _fired(at, "run_step", run.id, run.plan[run.position - 1]["event"])


def _fired(at: datetime, kind: str, its_id: str, outcome: str) -> dict[str, Any]:
    return {"at": at.isoformat(), "kind": kind, "id": its_id, "outcome": outcome}


def _note(advance: Advance, fired: list[dict[str, Any]]) -> None:
    if fired:
        # A list of its own each time: SQLAlchemy sees a new value, not a change within one.
        advance.fired = [*advance.fired, *fired][:LISTED]
        advance.fired_count += len(fired)


_TO_DO = text("""
    SELECT c.owner, c.environment FROM webhook_clock c
     WHERE c.stands_at IS NOT NULL AND (
           EXISTS (SELECT FROM sandbox_advance a
                    WHERE a.partner_id = c.owner AND a.environment = c.environment AND a.status = 'running')
           OR EXISTS (SELECT FROM sandbox_run r
                       WHERE r.partner_id = c.owner AND r.environment = c.environment AND r.status = 'running'
                         AND r.due_at <= c.stands_at))
     ORDER BY c.owner
""")

_ATTEMPTS = text("""
    SELECT a.id, a.message_id, a.at, a.verdict,
           (SELECT count(*) FROM webhook_attempt t WHERE t.message_id = a.message_id AND t.id <= a.id) AS number
      FROM webhook_attempt a
     WHERE a.id > :noted AND a.owner = :owner AND a.environment = :environment
     ORDER BY a.id
""")
