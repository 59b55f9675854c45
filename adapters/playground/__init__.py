"""A pretend Slack and Teams, in memory: for dialogues and for trying things out."""
