"""Durable records: the Store interface, its two implementations, the erasure log, and whole-store copies."""
