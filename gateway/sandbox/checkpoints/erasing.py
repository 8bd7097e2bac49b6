"""Checkpoints are removed: by whoever made them, for a person's sake, and when they are old."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.db import one_at_a_time
from gateway.runtime import Runtime
from gateway.sandbox.checkpoints.tables import Checkpoint
from gateway.tenant import Tenant

KEPT, AT_ONCE = timedelta(days=30), 20


def alone(session: Session, tenant: Tenant) -> None:
    """Of one sandbox, checkpoints are made, removed and gone back to one at a time."""
    one_at_a_time(session, f"checkpoints {tenant.partner_id}")


def drop(session: Session, tenant: Tenant, checkpoint_id: str | None = None) -> bool:
    """Remove one, or all of a sandbox; False where there was none, as in live."""
    if tenant.environment != "sandbox":
        return False
    alone(session, tenant)
    mine = delete(Checkpoint).filter_by(partner_id=tenant.partner_id, environment=tenant.environment)
    found = mine if checkpoint_id is None else mine.where(Checkpoint.id == checkpoint_id)
    return bool(session.scalars(found.returning(Checkpoint.id)).all())


def sweep(runtime: Runtime) -> None:
    """One batch of those that are too old. One that is being gone back to has its turn later."""
    with runtime.sessions.begin() as session:
        old = (
            select(Checkpoint.id).where(Checkpoint.created_at < runtime.clock() - KEPT).order_by(Checkpoint.created_at)
        )
        found = session.scalars(old.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
        session.execute(delete(Checkpoint).where(Checkpoint.id.in_(found)))
