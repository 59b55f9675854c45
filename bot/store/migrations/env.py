"""What Alembic runs: every migration in the one transaction that bot.store.schema has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
