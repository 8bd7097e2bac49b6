"""limits of endpoints and their circuits; who was tried before goes behind"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("webhook_endpoint", sa.Column("ordered", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("webhook_endpoint", sa.Column("concurrency", sa.Integer(), nullable=True))
    op.add_column("webhook_endpoint", sa.Column("rate_per_second", sa.Float(), nullable=True))
    op.add_column("webhook_mailbox", sa.Column("retrying", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("ix_webhook_mailbox_due", "webhook_mailbox")
    op.create_index(
        "ix_webhook_mailbox_due",
        "webhook_mailbox",
        ["endpoint_id", "retrying", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "webhook_gate",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=True),
        sa.Column("filled_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trips", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_until", MOMENT, nullable=True),
        sa.Column("probing", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_webhook_gate")),
    )
