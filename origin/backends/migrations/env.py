"""Run by Alembic with a connection that ``origin.backends.migrate`` put into its configuration."""

from __future__ import annotations

from alembic import context

from origin.backends.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
