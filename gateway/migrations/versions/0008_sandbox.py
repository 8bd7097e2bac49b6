"""the sandbox: keys of engineers, runs, and payloads that can be removed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("oauth_client", sa.Column("label", sa.Text(), nullable=True))
    op.add_column("oauth_client", sa.Column("idle_days", sa.Integer(), nullable=True))
    op.add_column("oauth_client", sa.Column("last_used_at", MOMENT, nullable=True))
    op.create_index(op.f("ix_webhook_message_payload_id"), "webhook_message", ["payload_id"])
    op.create_table(
        "sandbox_run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=True),
        sa.Column("plan", JSONB, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("taken", JSONB, nullable=False),
        sa.Column("messages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("remaining", sa.Double(), nullable=True),
        sa.Column("problem", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("environment = 'sandbox'", name=op.f("ck_sandbox_run_environment")),
        sa.CheckConstraint(
            "status IN ('running', 'paused', 'done', 'stopped', 'failed')", name=op.f("ck_sandbox_run_status")
        ),
        sa.CheckConstraint("pace IN ('instant', 'x60', 'realtime')", name=op.f("ck_sandbox_run_pace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_run")),
    )
    op.create_index(
        op.f("ix_sandbox_run_partner_id_environment_id"), "sandbox_run", ["partner_id", "environment", "id"]
    )
    op.create_index("ix_sandbox_run_due", "sandbox_run", ["due_at"], postgresql_where=sa.text("status = 'running'"))
    op.create_index(
        "uq_sandbox_run_order",
        "sandbox_run",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('running', 'paused')"),
    )
