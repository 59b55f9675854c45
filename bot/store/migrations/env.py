"""What Alembic runs: every migration, in the transaction that `bot.store.postgres.migrate` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
