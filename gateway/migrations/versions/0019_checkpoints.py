"""checkpoints of sandboxes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_checkpoint",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_checkpoint_environment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_checkpoint")),
    )
    op.create_index(
        op.f("ix_sandbox_checkpoint_partner_id_environment_id"),
        "sandbox_checkpoint",
        ["partner_id", "environment", "id"],
    )
    op.create_index(op.f("ix_sandbox_checkpoint_created_at"), "sandbox_checkpoint", ["created_at"])
