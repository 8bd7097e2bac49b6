"""what an order was before it was changed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("support_order", sa.Column("placed", postgresql.JSONB(none_as_null=True), nullable=True))
