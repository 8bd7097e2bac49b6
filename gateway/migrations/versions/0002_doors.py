"""connections, holds, privacy, and what stands around a message"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("environment IN ('sandbox', 'live')", name=op.f("ck_connection_environment")),
        sa.CheckConstraint("door IN ('google', 'shopify', 'poll', 'folder')", name=op.f("ck_connection_door")),
        sa.CheckConstraint("status IN ('active', 'removed')", name=op.f("ck_connection_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
    )
    op.create_index(
        "uq_connection_name",
        "connection",
        ["door", "name"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "slot_hold",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("echo", JSONB, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("environment IN ('sandbox', 'live')", name=op.f("ck_slot_hold_environment")),
        sa.CheckConstraint("state IN ('held', 'used', 'released')", name=op.f("ck_slot_hold_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_hold")),
    )
    op.create_index(op.f("ix_slot_hold_partner_id_environment_id"), "slot_hold", ["partner_id", "environment", "id"])
    op.create_index(
        "ix_slot_hold_taken",
        "slot_hold",
        ["environment", "area", "window_start"],
        postgresql_where=sa.text("state <> 'released'"),
    )
    op.create_table(
        "privacy_wish",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("partner_order_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_wish")),
        sa.UniqueConstraint(
            "partner_id", "environment", "request_id", name=op.f("uq_privacy_wish_partner_id_environment_request_id")
        ),
    )
    op.create_index("ix_privacy_wish_open", "privacy_wish", ["id"], postgresql_where=sa.text("done_at IS NULL"))
    op.add_column("inbound_message", sa.Column("number", sa.Text(), nullable=True))
    op.add_column("inbound_message", sa.Column("envelope", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_index(
        "uq_inbound_message_number",
        "inbound_message",
        ["partner_id", "environment", "number"],
        unique=True,
        postgresql_where=sa.text("number IS NOT NULL AND outcome = 'accepted'"),
    )
    op.create_index(
        op.f("ix_inbound_message_order_id"),
        "inbound_message",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
