"""How a platform shows a card, and how it tells us what was pressed. No platform knows another."""
