"""What anyone may type: the words we know, and where each of them is answered."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from conversations.crisis.listener import Listener
from conversations.vocabulary import Word

ABOUT_A_PEER: Final = frozenset(
    (Word.PEER, Word.PAUSE, Word.RESUME, Word.ON_DUTY, Word.SHIFTS, Word.CHANGE, Word.LEAVE, Word.LINK)
)

ABOUT_A_REQUEST: Final = frozenset((Word.NONE, Word.HELP, Word.STATUS, Word.STOP, Word.NOT_SAFE, Word.WORRIED))

ABOUT_A_WALK: Final = frozenset((Word.HELP, Word.STATUS, Word.WORRIED))
"""Words by which a peer asks for the cards of the colleague they walk with."""

_WORDS: Final = {word.value: word for word in Word} | {"enroll": Word.ENROL}
"""What is typed for each word."""

WELCOME: Final = (Word.SOON, Word.TODAY, Word.NO_RUSH, Word.NUMBERS, Word.PEER, Word.PRIVACY)


def parse_word(typed: str, listener: Listener) -> Word:
    """The word that was typed, whatever its case, marks or leading command; `Word.NONE` for everything else.

    Nothing else of what was typed leaves this function.

    Args:
        typed: What was typed.
        listener: What hears that someone is not safe; then the word is `Word.NOT_SAFE`.
    """
    plain = unicodedata.normalize("NFKC", typed).casefold().replace("\u2019", "'")
    plain = re.sub(r"^\s*/?peersupport\b", "", plain)
    plain = re.sub(r"[^\w' -]+", " ", plain)
    plain = " ".join(plain.split())
    if plain in _WORDS:
        return _WORDS[plain]
    return Word.NOT_SAFE if listener.hears(typed) else Word.NONE
