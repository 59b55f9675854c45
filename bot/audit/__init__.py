"""The audit log: an append-only chain of what coordinators and operators did, kept in the store itself."""
