"""How a card is said again that a platform refused: plainly with its buttons, and then as bare text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adapters.base import Card


def versions(card: Card, without_buttons: Callable[[], str]) -> Iterator[Card]:
    """Yield the ways to say a card, the best first; each is made only where the platform refused the one before.

    They are the card itself; its words in one plain block with its buttons in one row; and bare text.

    Args:
        card: The card as it was made.
        without_buttons: Returns the bare text, which says what to type where no button can be pressed.
    """
    yield card
    words = "\n".join(part for part in (card.title, card.text, card.quote) if part.strip())
    yield Card(card.id, words, card.push, buttons=card.buttons, pace=card.pace)
    yield Card(card.id, without_buttons(), card.push, pace=card.pace, is_bare=True)
