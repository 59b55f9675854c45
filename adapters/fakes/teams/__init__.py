"""The fake Teams: a core without I/O, and a server that carries it."""
