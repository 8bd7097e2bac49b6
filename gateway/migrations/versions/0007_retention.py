"""how far old bodies have been emptied"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_mark",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("upto", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_webhook_mark")),
    )
