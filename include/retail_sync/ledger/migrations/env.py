"""Run by Alembic inside `retail_sync.ledger.migrate.upgrade`, on the connection and transaction made there."""

from __future__ import annotations

from alembic import context

from retail_sync.ledger.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
