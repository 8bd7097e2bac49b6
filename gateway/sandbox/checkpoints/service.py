"""A sandbox is kept as it is, and brought back. Nothing of another sandbox, or live, is read or written."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import clocks
from gateway.errors import Problem
from gateway.ids import new_id
from gateway.jobs.api import not_found
from gateway.sandbox.checkpoints import rows
from gateway.sandbox.checkpoints.erasing import KEPT, alone
from gateway.sandbox.checkpoints.tables import Checkpoint
from gateway.tenant import Tenant

MOST = 10
MOST_ORDERS, MOST_ROWS, MOST_BYTES = 200, 20_000, 8_000_000

REVISION = sql("SELECT max(version_num) FROM alembic_version")


def take(session: Session, tenant: Tenant, label: str | None, real: datetime) -> Checkpoint:
    """Keep what the sandbox holds. Raises `Problem` where that is too much, or there are too many already."""
    _check_sandbox(tenant)
    alone(session, tenant)
    if (session.scalar(select(func.count()).select_from(mine(tenant, real).subquery())) or 0) >= MOST:
        raise Problem(code="conflict", detail=f"There are {MOST} checkpoints already: delete one first.")
    _check_size(session, tenant)
    at = clocks.now_of(session, tenant, real)
    new = {"id": new_id("chk", real), "label": label, "at": at, "created_at": real}
    session.execute(rows.TAKE, {**new, "partner_id": tenant.partner_id})
    return session.scalars(select(Checkpoint).where(Checkpoint.id == new["id"])).one()


def mine(tenant: Tenant, real: datetime) -> Select[Checkpoint]:
    return select(Checkpoint).where(
        Checkpoint.partner_id == tenant.partner_id,
        Checkpoint.environment == tenant.environment,
        Checkpoint.created_at >= real - KEPT,
    )


def page(session: Session, tenant: Tenant, real: datetime) -> Sequence[Checkpoint]:
    """All of them, newest first."""
    return session.scalars(mine(tenant, real).order_by(Checkpoint.id.desc())).all()


def locked(session: Session, tenant: Tenant, checkpoint_id: str, real: datetime) -> Checkpoint:
    """One that can be gone back to, and is there until the transaction ends. Raises `Problem`."""
    _check_sandbox(tenant)
    alone(session, tenant)
    query = mine(tenant, real).where(Checkpoint.id == checkpoint_id)
    checkpoint = session.scalar(query.with_for_update(read=True))
    if checkpoint is None:
        raise not_found("checkpoint")
    if checkpoint.revision != session.scalar(REVISION):
        detail = "Stecker keeps other things since this checkpoint was made, and cannot go back to it: make a new one."
        raise Problem(code="conflict", detail=detail)
    return checkpoint


def put_back(session: Session, checkpoint: Checkpoint, real: datetime) -> None:
    """Its rows, into a sandbox that was reset and goes by real time. Raises `Problem` where something came in since."""
    bounds = {"id": checkpoint.id, "partner_id": checkpoint.partner_id, "at": checkpoint.at}
    try:
        with session.begin_nested():
            for statement in (*rows.PUT.values(), *rows.AFTERWARDS):
                session.execute(statement, {**bounds, "shift": real - checkpoint.at})
    except IntegrityError:
        detail = "Something came in meanwhile that the checkpoint has, too: ask again with the same Idempotency-Key."
        raise Problem(code="conflict", detail=detail) from None


def _check_size(session: Session, tenant: Tenant) -> None:
    found = session.execute(rows.SIZE, {"partner_id": tenant.partner_id, "most": MOST_ROWS + 1}).all()
    orders = next(one.rows for one in found if one.name == "support_order")
    total, size = sum(one.rows for one in found), sum(one.bytes for one in found)
    if orders > MOST_ORDERS or total > MOST_ROWS or size > MOST_BYTES:
        detail = (
            f"A checkpoint keeps {MOST_ORDERS} orders, {MOST_ROWS} rows and {MOST_BYTES // 1_000_000} MB at most, and "
            "this sandbox holds more: reset it, and set up what you want to come back to."
        )
        raise Problem(code="conflict", detail=detail)


def _check_sandbox(tenant: Tenant) -> None:
    if tenant.environment != "sandbox":
        raise ValueError("only a sandbox has checkpoints")
