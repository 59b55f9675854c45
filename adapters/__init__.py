"""The chat platforms: how a card is shown, and how an interaction is received. No platform imports another."""
