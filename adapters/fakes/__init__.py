"""Where one can try everything: the dialogues' platform in memory, a pretend Slack and Teams, and the page."""
