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
        "body": [*_title(card), *_lines(card.text), *_quote(card.quote), *_inputs(card.fields)],
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
    return "".join(f"\\{c}" if c in "\\`*_[]()#~<>|!&" else c for c in text)


# ---------------------------------------------------------------- questions


def _inputs(asked: tuple[Field, ...]) -> list[Json]:
    """Each question once; one of which nothing can be picked asks nothing."""
    named = {_name(each): each for each in asked if each.options or each.kind in {"text", "people"}}
    return [_input(name, each) for name, each in named.items()]


def _name(asked: Field) -> str:
    return f"{asked.kind}:{asked.name}"


def _input(name: str, asked: Field) -> Json:
    shown: Json = {"id": name, "label": short(clean(asked.label), _LABEL)}
    match asked.kind:
        case "text":
            written = clean("".join(asked.initial[:1]))[:_TYPED]
            typed = {"type": "Input.Text", "isMultiline": True, "maxLength": _TYPED}
            return shown | typed | ({"value": written} if written else {})
        case "people":
            everybody = {"type": "Data.Query", "dataset": "graph.microsoft.com/users"}
            picker = {"type": "Input.ChoiceSet", "choices": [], "choices.data": everybody, "isMultiSelect": True}
            return shown | picker | _ticked(asked.initial)
        case "several":
            return shown | {"isMultiSelect": True} | _choices(asked, asked.initial, _TICKS)
        case "choice":
            return shown | _choices(asked, asked.initial[:1], _RADIOS)


def _choices(asked: Field, initial: tuple[str, ...], most: int) -> Json:
    """A comma parts what was ticked, so no value may hold one."""
    different = {_value(option.value): option.label for option in asked.options}
    titles = [{"title": short(clean(label), _LABEL), "value": value} for value, label in different.items()]
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


def _button(card: Card, button: Button, *, first: bool) -> Json:
    """A press. Only the first button of a card with questions takes the answers along."""
    submits = first and bool(card.fields)
    several = [_name(asked) for asked in card.fields if asked.kind in {"several", "people"}]
    data: Json = {TOKEN: button.token}
    data |= {ASKED: several} if submits and several else {}
    data |= {ONCE: True} if card.title else {}
    press = {
        "title": short(clean(button.label), _LABEL),
        "data": data,
        "associatedInputs": "auto" if submits else "none",
    } | _STYLES[button.style]
    return press | {"type": "Action.Execute", "verb": "press", "fallback": press | {"type": "Action.Submit"}}
