"""The commands: one Typer sub-app a module; each loads only what it needs."""
