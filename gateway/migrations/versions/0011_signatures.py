"""what an endpoint's messages are signed with"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_endpoint", sa.Column("signature", sa.Text(), server_default="v1", nullable=False))
