"""What Alembic runs: the given connection, in one transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from gateway import schema
from gateway.jobs.tables import Xid8


def plain_types(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write a step in types that will mean the same in years, whatever becomes of our own."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Xid8):
        autogenerate.imports.add("from gateway.jobs.tables import Xid8")
        return "Xid8()"
    return False


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=list(schema.METADATA),
    compare_server_default=True,
    render_item=plain_types,
)
with context.begin_transaction():
    context.run_migrations()
