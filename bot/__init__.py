"""The running programme: everything with side effects."""
