"""The privacy lens: for anything on a screen, and for the whole room, who can read it and why. From the one table."""

from __future__ import annotations

from typing import Any, Final

from adapters.base import Card
from adapters.fakes.screens import Json, ScreenItem
from bot.playground.tracing import TracedCard, as_read
from bot.rendering import PLATFORMS as LABELS
from bot.rendering import Renderer
from conversations import privacy

OWN_LINES: Final = (  # said by the bot itself, and by no conversation
    *("old-button", "noted", "not-here", "being-updated", "still-open", "door-see-chat", "relay-not-passed-on"),
)
WINDOW: Final = "window"  # where Slack shows something and keeps no message of it


def thing(shown: ScreenItem[Json], card: Card, said: TracedCard | None, words: Renderer) -> str | None:
    """What this card is about, as the table names it here; None where it cannot be told."""
    if said is None and as_read(card) not in {" ".join(words.text(each).split()) for each in OWN_LINES}:
        return None
    about = privacy.thing_of("", said.text, said.slot) if said else "refusal"
    passing = shown.platform == "slack" and shown.kind in {"aside", "form", "home"}
    return _named(about, WINDOW if passing else shown.platform)


def typed(shown: ScreenItem[Json]) -> str:
    """The same for what a person typed; Slack's command is no message."""
    command = shown.platform == "slack" and shown.body["text"].startswith("/peersupport")
    return _named("typed", WINDOW if command else shown.platform)


def table(words: Renderer) -> dict[str, Any]:
    """The whole of it, as a page shows it. Slack, Teams and Slack's windows differ in what an export holds."""
    return {
        "readers": [{"id": reader, "says": words.text(privacy.reader_key(reader))} for reader in privacy.READERS],
        "things": {
            _named(each, place): {"says": words.text(privacy.thing_key(each)), "reads": _reads(each, place, words)}
            for each in privacy.THINGS
            for place in (*LABELS, WINDOW)
        },
        "room": [_named(each, next(iter(LABELS))) for each in privacy.THINGS],
    }


def _reads(each: str, place: str, words: Renderer) -> dict[str, Any]:
    platform = "slack" if place == WINDOW else place
    found = dict(privacy.verdicts(each, words.programme, platform))
    if place == WINDOW and found["export"].can:
        found["export"] = privacy.Verdict(can=False, why=privacy.why_key("fleeting"))
    named = LABELS[platform]
    return {
        reader: {"can": verdict.can, "why": words.text(verdict.why, platform=named)}
        for reader, verdict in found.items()
    }


def _named(each: str, place: str) -> str:
    return f"{each}@{place}"
