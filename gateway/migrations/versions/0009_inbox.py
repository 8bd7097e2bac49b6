"""the sandbox's own webhook receiver"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_inbox",
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_inbox_environment")),
        sa.PrimaryKeyConstraint("partner_id", "environment", name=op.f("pk_sandbox_inbox")),
    )
    op.create_table(
        "sandbox_inbox_message",
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_inbox_message_environment")),
        sa.PrimaryKeyConstraint("partner_id", "environment", "position", name=op.f("pk_sandbox_inbox_message")),
    )
    op.create_index(
        op.f("ix_sandbox_inbox_message_received_at"), "sandbox_inbox_message", ["received_at"], unique=False
    )
