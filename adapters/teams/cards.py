"""Renders a card as an Adaptive Card 1.5. Pure; every limit that Teams states is kept by construction.

Every word of a text stands in a TextRun, which is never markup, a mention or a link.

https://adaptivecards.io/explorer and
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format. `choices.data`, by which
people are picked, is Teams' own and newer than the published schema of 1.5:
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/people-picker
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from adapters.base import Card, Field
from adapters.text import TYPED_LIMIT, clean, fit

Json = dict[str, Any]  # on its way to Teams; nothing but this package reads it

TYPE: Final = "application/vnd.microsoft.card.adaptive"
"""The content type of the attachment."""

CHATS: Final = "https://teams.microsoft.com/"
TOKEN: Final = "token"  # noqa: S105
"""In a button's data: its token."""

ASKED: Final = "asked"
"""In a button's data: the questions with several answers, because Teams says nothing of those left empty."""

ONCE: Final = "once"
"""In a button's data: that it submits a form, which counts once."""

LARGEST: Final = 25 * 1024
"""The longest activity, in bytes, as Teams counts."""

ACTIONS: Final = 6
"""How many buttons Teams shows."""

_TEXT = 4000
_LABEL = 75
_RADIOS = 5  # more than these read better as a drop-down
_TICKS = 10
_STYLES: Final = {"plain": {}, "primary": {"style": "positive"}, "danger": {"style": "destructive"}}


def to_card(card: Card, chat: str = "") -> Json:
    """Return the card, top to bottom. `chat` is the address that its link opens; "" leaves the link out."""
    actions = _buttons(card)
    if card.link is not None and chat:
        actions.append({"type": "Action.OpenUrl", "title": fit(card.link.label, _LABEL), "url": chat})
    if len(actions) > ACTIONS:
        message = f"Teams takes {ACTIONS} actions, this card has {len(actions)}"
        raise ValueError(message)
    made = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": fit(card.push, _TEXT),
        "body": [*_title(card), *_lines(card.text), *_quote(card.quote), *_inputs(card.fields)],
    } | ({"actions": actions} if actions else {})
    if len(json.dumps(made, ensure_ascii=False).encode()) > LARGEST - 1024:
        raise ValueError("Teams takes no card of that size")
    return made


def chat_with(name: str, teams: str = CHATS) -> str:
    """Return the deep link to a private chat without the bot.

    Args:
        name: The other person's user principal name.
        teams: The address of their cloud's Teams.

    https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/deep-link-teams
    """
    return f"{teams}l/chat/0/0?users={quote(name, safe='@.')}" if name else ""


# ---------------------------------------------------------------- words


def _title(card: Card) -> list[Json]:
    if not card.title.strip():
        return []
    return [
        {
            "type": "TextBlock",
            "text": _unmarked(fit(card.title, _LABEL)),
            "style": "heading",
            "size": "medium",
            "weight": "bolder",
            "wrap": True,
        }
    ]


def _lines(text: str) -> list[Json]:
    lines = [line for line in fit(text, _TEXT).split("\n") if line.strip()]
    return [_run(line, {"spacing": "small"} if number else {}) for number, line in enumerate(lines)]


def _quote(words: str) -> list[Json]:
    """Show a person's own words, set apart from the bot's."""
    if not clean(words).strip():
        return []
    lines = [line for line in fit(words, TYPED_LIMIT).split("\n") if line.strip()]
    return [{"type": "Container", "style": "emphasis", "items": [_run(line, {}) for line in lines]}]


def _run(line: str, more: Json) -> Json:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]} | more


def _unmarked(text: str) -> str:
    """Escape Markdown, for the one element that reads it."""
    return "".join(f"\\{c}" if c in "\\`*_[]()#~<>|!&" else c for c in text)


# ---------------------------------------------------------------- questions


def _inputs(asked: tuple[Field, ...]) -> list[Json]:
    """Return an input for each question. One without options asks nothing and is left out."""
    named = {_name(each): each for each in asked if each.options or each.kind in {"text", "people"}}
    return [_input(name, each) for name, each in named.items()]


def _name(asked: Field) -> str:
    return f"{asked.kind}:{asked.name}"


def _input(name: str, asked: Field) -> Json:
    shown: Json = {"id": name, "label": fit(asked.label, _LABEL)}
    match asked.kind:
        case "text":
            written = clean("".join(asked.initial[:1]))[:TYPED_LIMIT]
            typed = {"type": "Input.Text", "isMultiline": True, "maxLength": TYPED_LIMIT}
            return shown | typed | ({"value": written} if written else {})
        case "people":
            directory = {"type": "Data.Query", "dataset": "graph.microsoft.com/users"}
            picker = {"type": "Input.ChoiceSet", "choices": [], "choices.data": directory, "isMultiSelect": True}
            return shown | picker | _ticked(asked.initial)
        case "several":
            return shown | {"isMultiSelect": True} | _choices(asked, asked.initial, _TICKS)
        case "choice":
            return shown | _choices(asked, asked.initial[:1], _RADIOS)


def _choices(asked: Field, initial: tuple[str, ...], most: int) -> Json:
    """Return the choices of a question. Teams joins what was selected by commas, so no value may hold one."""
    different = {_value(option.value): option.label for option in asked.options}
    titles = [{"title": fit(label, _LABEL), "value": value} for value, label in different.items()]
    style = "expanded" if len(titles) <= most else "compact"
    ticked = tuple(value for value in initial if value in different)
    return {"type": "Input.ChoiceSet", "style": style, "wrap": True, "choices": titles} | _ticked(ticked)


def _value(value: str) -> str:
    if not value or "," in value or clean(value) != value or value != value.strip():
        raise ValueError("Teams takes a visible value without commas here")
    return value


def _ticked(values: tuple[str, ...]) -> Json:
    return {"value": ",".join(values)} if values else {}


# ---------------------------------------------------------------- buttons


def _buttons(card: Card) -> list[Json]:
    """Return the buttons. Only the first one of a card with questions submits the answers."""
    titles = [fit(button.label, _LABEL) for button in card.buttons]
    several = [_name(asked) for asked in card.fields if asked.kind in {"several", "people"}]
    once = {ONCE: True} if card.title else {}
    made: list[Json] = []
    for button, title in zip(card.buttons, titles, strict=True):
        submits = not made and bool(card.fields)
        data = {TOKEN: button.token} | ({ASKED: several} if submits and several else {}) | once
        made.append(_button(title, data, _STYLES[button.style], submits=submits))
    return made


def _button(title: str, data: Json, style: Json, *, submits: bool) -> Json:
    action = {"title": title, "data": data, "associatedInputs": "auto" if submits else "none"} | style
    return action | {"type": "Action.Execute", "verb": "press", "fallback": action | {"type": "Action.Submit"}}
