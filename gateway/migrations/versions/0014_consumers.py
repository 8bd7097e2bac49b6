"""who reads the feed by a name, and how far they have come"""

import sqlalchemy as sa
from alembic import op

from gateway.jobs.tables import Xid8

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_consumer",
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tx", Xid8(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "environment", "name", name=op.f("pk_event_consumer")),
    )
