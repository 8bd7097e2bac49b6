"""events of some services only, and thin ones"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_endpoint", sa.Column("content", sa.Text(), server_default="full", nullable=False))
    op.add_column("webhook_endpoint", sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=True))
