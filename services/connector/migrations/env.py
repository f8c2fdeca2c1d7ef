"""Alembic runs migrations on the connection it is handed (`connector.adapters.sql.migrate`)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
