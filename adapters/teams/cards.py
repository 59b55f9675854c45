"""A card as an Adaptive Card 1.5. Pure; every limit Teams states is kept by construction.

Every word of a text stands in a run of text, which is never markup, never a mention and never a link.

https://adaptivecards.io/explorer and platforms.md (Teams, 9). `choices.data`, by which Teams lets somebody pick people,
is Teams' own and newer than the published schema of 1.5.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from adapters.base import Button, Card, Field
from adapters.plain import clean, short

Json = dict[str, Any]  # on its way to Teams; nothing but this package reads it

TYPE: Final = "application/vnd.microsoft.card.adaptive"
TOKEN: Final = "token"  # noqa: S105  in a button's data: what it carries
ASKED: Final = "asked"  # in a button's data: the questions of several answers, of which none may be ticked
ONCE: Final = "once"  # in a button's data: of a form, which is sent once

LARGEST: Final = 25 * 1024  # bytes of a whole activity, as Teams counts
ACTIONS: Final = 6

_TEXT = 4000
_LABEL = 75
_TYPED = 2000
_RADIOS = 5  # more than these read better as a drop-down
_TICKS = 10
_STYLES: Final = {"plain": {}, "primary": {"style": "positive"}, "danger": {"style": "destructive"}}


def to_card(card: Card, chat: str = "") -> Json:
    """The card, top to bottom. `chat` is the address that its link opens, where there is one."""
    actions = [_button(card, button, first=number == 0) for number, button in enumerate(card.buttons)]
    if card.link is not None and chat:
        actions.append({"type": "Action.OpenUrl", "title": short(clean(card.link.label), _LABEL), "url": chat})
    if len(actions) > ACTIONS:
        message = f"Teams takes {ACTIONS} actions, this card has {len(actions)}"
        raise ValueError(message)
    made = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": short(clean(card.push), _TEXT),
        "body": [*_title(card), *_lines(card.text), *_quote(card.quote), *map(_input, card.fields)],
    } | ({"actions": actions} if actions else {})
    if len(json.dumps(made, ensure_ascii=False).encode()) > LARGEST - 1024:
        raise ValueError("Teams takes no card of that size")
    return made


def chat_with(name: str) -> str:
    """The address that opens a private chat; `name` is the user principal name. The bot is not in that chat."""
    return f"https://teams.microsoft.com/l/chat/0/0?users={quote(name, safe='@.')}" if name else ""


# ---------------------------------------------------------------- words


def _title(card: Card) -> list[Json]:
    if not card.title.strip():
        return []
    return [
        {
            "type": "TextBlock",
            "text": _unmarked(short(clean(card.title), _LABEL)),
            "style": "heading",
            "size": "medium",
            "weight": "bolder",
            "wrap": True,
        }
    ]


def _lines(text: str) -> list[Json]:
    lines = [line for line in short(clean(text), _TEXT).split("\n") if line.strip()]
    return [_run(line, {"spacing": "small"} if number else {}) for number, line in enumerate(lines)]


def _quote(words: str) -> list[Json]:
    """What somebody wrote, set apart from what we say."""
    if not clean(words).strip():
        return []
    said = [line for line in short(clean(words), _TYPED).split("\n") if line.strip()]
    return [{"type": "Container", "style": "emphasis", "items": [_run(line, {}) for line in said]}]


def _run(line: str, more: Json) -> Json:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]} | more


def _unmarked(text: str) -> str:
    """For the one element that reads Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]()#~<>|!" else c for c in text)


# ---------------------------------------------------------------- questions


def _input(asked: Field) -> Json:
    name = {"id": f"{asked.kind}:{asked.name}", "label": short(clean(asked.label), _LABEL)}
    ticked = {"value": ",".join(asked.initial)} if asked.initial else {}
    match asked.kind:
        case "text":
            return name | {"type": "Input.Text", "isMultiline": True, "maxLength": _TYPED} | ticked
        case "people":
            people = {"type": "Data.Query", "dataset": "graph.microsoft.com/users"}
            kind = {"type": "Input.ChoiceSet", "choices": [], "choices.data": people, "isMultiSelect": True}
            return name | kind | ticked
        case "several":
            ticks = {"type": "Input.ChoiceSet", "isMultiSelect": True, "style": _style(asked, _TICKS), "wrap": True}
            return name | ticks | {"choices": _choices(asked)} | ticked
        case "choice":
            one = {"type": "Input.ChoiceSet", "style": _style(asked, _RADIOS), "wrap": True}
            return name | one | {"choices": _choices(asked)} | ticked


def _style(asked: Field, most: int) -> str:
    return "expanded" if len(asked.options) <= most else "compact"


def _choices(asked: Field) -> list[Json]:
    return [{"title": short(clean(option.label), _LABEL), "value": option.value} for option in asked.options]


# ---------------------------------------------------------------- buttons


def _button(card: Card, button: Button, *, first: bool) -> Json:
    """A press. Only the first button of a card with questions takes the answers along."""
    submits = first and bool(card.fields)
    several = [f"{asked.kind}:{asked.name}" for asked in card.fields if asked.kind in {"several", "people"}]
    data: Json = {TOKEN: button.token}
    data |= {ASKED: several} if submits and several else {}
    data |= {ONCE: True} if card.title else {}
    press = {
        "title": short(clean(button.label), _LABEL),
        "data": data,
        "associatedInputs": "auto" if submits else "none",
    } | _STYLES[button.style]
    return press | {"type": "Action.Execute", "verb": "press", "fallback": press | {"type": "Action.Submit"}}
