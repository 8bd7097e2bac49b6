"""disturbances that sandbox keys ask for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_chaos",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("numbers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=True),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_chaos_environment")),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_sandbox_chaos_remaining")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_chaos")),
    )
    op.create_index(op.f("ix_sandbox_chaos_client_id_id"), "sandbox_chaos", ["client_id", "id"])
    op.create_index(
        "ix_sandbox_chaos_active",
        "sandbox_chaos",
        ["partner_id", "id"],
        postgresql_where=sa.text("remaining > 0 AND stopped_at IS NULL"),
    )
    op.add_column("request_log", sa.Column("chaos", sa.Text(), nullable=True))
    op.add_column("webhook_attempt", sa.Column("chaos", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
