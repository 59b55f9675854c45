"""A request for support, from asking to forgetting."""
