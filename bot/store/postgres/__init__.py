"""The store that replicas share: PostgreSQL, with Procrastinate to wake one of them."""
