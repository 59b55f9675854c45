"""The loop: load a conversation, decide, write it once, deliver what it said."""
