"""what sandbox credentials asked"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_log",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("replayed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Double(), nullable=False),
        sa.Column("sent_type", sa.Text(), nullable=True),
        sa.Column("sent_bytes", sa.Integer(), nullable=False),
        sa.Column("sent", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("answered_type", sa.Text(), nullable=True),
        sa.Column("answered_bytes", sa.Integer(), nullable=False),
        sa.Column("answered", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("redacted", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("mentioned", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_request_log_environment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_log")),
    )
    op.create_index(op.f("ix_request_log_client_id_id"), "request_log", ["client_id", "id"])
    op.create_index(
        op.f("ix_request_log_partner_id_environment_id"), "request_log", ["partner_id", "environment", "id"]
    )
    op.create_index(
        op.f("ix_request_log_partner_id_environment_request_id"),
        "request_log",
        ["partner_id", "environment", "request_id"],
    )
