"""Alembic's folder: each change of the tables, once made never changed."""
