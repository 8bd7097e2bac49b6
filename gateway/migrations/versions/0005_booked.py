"""the slots of an order are found by it"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_slot_hold_order_id"), "slot_hold", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL")
    )
