"""test clocks of sandboxes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_clock",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("stands_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        # The library knows of no environments; of ours, only one has such clocks.
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_webhook_clock_environment")),
        sa.PrimaryKeyConstraint("owner", "environment", name=op.f("pk_webhook_clock")),
    )
    op.create_table(
        "sandbox_advance",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fired", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fired_count", sa.Integer(), nullable=False),
        sa.Column("noted", sa.BigInteger(), nullable=False),
        sa.Column("waited_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_advance_environment")),
        sa.CheckConstraint("status IN ('running', 'done', 'stopped')", name=op.f("ck_sandbox_advance_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_advance")),
    )
    op.create_index(
        op.f("ix_sandbox_advance_partner_id_environment_id"), "sandbox_advance", ["partner_id", "environment", "id"]
    )
    op.create_index(
        "uq_sandbox_advance_running",
        "sandbox_advance",
        ["partner_id", "environment"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.add_column("webhook_attempt", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("request_log", sa.Column("clock", sa.DateTime(timezone=True), nullable=True))
