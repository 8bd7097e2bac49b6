"""how endpoints are called: schemes with credentials, probes, and what an attempt came to"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhook_endpoint", sa.Column("scheme", sa.Text(), server_default="standard-webhooks", nullable=False)
    )
    op.add_column("webhook_endpoint", sa.Column("credentials", sa.LargeBinary(), nullable=True))
    op.add_column("webhook_payload", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column(
        "webhook_payload",
        sa.Column("probe", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column("webhook_attempt", sa.Column("step", sa.Text(), server_default="call", nullable=False))
    op.add_column("webhook_attempt", sa.Column("verdict", sa.Text(), nullable=True))
    op.execute("UPDATE webhook_attempt SET verdict = CASE WHEN error IS NULL THEN 'delivered' ELSE 'retry' END")
    op.alter_column("webhook_attempt", "verdict", nullable=False)
