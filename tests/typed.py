"""What is typed, read as the bot reads it where nothing is set."""

from __future__ import annotations

from functools import partial
from typing import Final

from bot.config import crisis_words
from conversations import front_door

parse_word: Final = partial(front_door.parse_word, listener=crisis_words.listener())
