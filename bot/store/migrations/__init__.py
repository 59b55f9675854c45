"""Alembic's migrations: each one changes the tables, and is itself never changed after its release."""
