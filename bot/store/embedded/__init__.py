"""The embedded store: TinyDB over a sealed, append-only journal; one process."""
