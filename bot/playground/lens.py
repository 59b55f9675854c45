"""The privacy lens: for anything on a screen, and for the whole room, who can read it and why. From the one table."""

from __future__ import annotations

from typing import Any, Final

from adapters.base import Card
from bot.playground.watching import Said, as_read
from bot.texts import PLATFORMS as LABELS
from bot.texts import Words
from conversations import privacy

NOBODYS: Final = "refusal"  # what was said without any conversation


def thing(card: Card, said: Said | None, platform: str) -> str:
    """What this card is about, as `shown` names it."""
    return _named(privacy.thing_of("", said.text, said.slot) if said and as_read(card) else NOBODYS, platform)


def typed(platform: str) -> str:
    """The same for what somebody typed."""
    return _named("typed", platform)


def shown(words: Words) -> dict[str, Any]:
    """The whole table, as a page shows it. Slack and Teams differ in what an export holds."""
    return {
        "readers": [{"id": reader, "says": words.say(privacy.reader_key(reader))} for reader in privacy.READERS],
        "things": {
            _named(each, platform): {"says": words.say(privacy.thing_key(each)), "reads": _reads(each, platform, words)}
            for each in privacy.THINGS
            for platform in LABELS
        },
        "room": [_named(each, next(iter(LABELS))) for each in privacy.THINGS],
    }


def _reads(each: str, platform: str, words: Words) -> dict[str, Any]:
    found = privacy.verdicts(each, words.programme, platform)
    named = LABELS[platform]
    return {
        reader: {"can": verdict.can, "why": words.say(verdict.why, platform=named)} for reader, verdict in found.items()
    }


def _named(each: str, platform: str) -> str:
    return f"{each}@{platform}"
