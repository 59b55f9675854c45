"""What is typed, read as the bot reads it where nothing is set."""

from __future__ import annotations

from functools import partial
from typing import Final

from bot.config import crisis_words
from conversations.front_door.typed_words import parse_word

parse_word: Final = partial(parse_word, listener=crisis_words.listener())
