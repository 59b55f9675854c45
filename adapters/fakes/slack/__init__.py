"""The fake Slack: a core without I/O, and a server that carries it."""
