"""how far we have read with partners who do not call us"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "poll_cursor",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_ok_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_poll_cursor")),
    )
    op.create_index(
        op.f("ix_inbound_message_partner_id_environment_digest"),
        "inbound_message",
        ["partner_id", "environment", "digest"],
        unique=False,
        postgresql_where=sa.text("starts_with(door, '/poll/')"),
    )
