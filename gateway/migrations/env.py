"""What Alembic runs: the given connection, in one transaction."""

from alembic import context
from sqlalchemy import Connection

from gateway import schema

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=list(schema.METADATA), compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
