"""Hostile requests by the hundred thousand, at every public route: `make fuzz`."""
