"""What Teams refuses in Adaptive Cards, and what our bot may not use there, as the sentences a test prints."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from adapters.fakes.rates import Allowance

VERSION = "1.5"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
LARGEST = 25 * 1024  # bytes of a whole activity; Teams itself stops at about 28 KB
MOST_ACTIONS = 6  # on one card; Teams shows no more
IN_A_CHAT: Final = (Allowance(7, 1), Allowance(8, 2), Allowance(60, 30), Allowance(1_800, 3_600))
IN_A_TENANT: Final = Allowance(50, 1)
"""Calls of the bot. https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""
PEOPLE = {"type": "Data.Query", "dataset": "graph.microsoft.com/users"}

Part = dict[str, Any]
Check = Callable[[Any], bool]

# ---------------------------------------------------------------- the shapes


class Shape(NamedTuple):
    """The properties something must have and those it may have, each with what its value must be."""

    must: dict[str, Check]
    may: dict[str, Check]


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _map(value: Any) -> bool:
    return isinstance(value, dict)


def _length(value: Any) -> bool:
    return type(value) is int and value > 0


def _one_of(*allowed: Any) -> Check:
    return lambda value: any(type(value) is type(each) and value == each for each in allowed)


_SPACED = {
    "id": _said,
    "isVisible": _flag,
    "separator": _flag,
    "spacing": _one_of("default", "none", "small", "medium", "large", "extraLarge", "padding"),
}
_WRITTEN = {
    "color": _one_of("default", "dark", "light", "accent", "good", "warning", "attention"),
    "fontType": _one_of("default", "monospace"),
    "isSubtle": _flag,
    "size": _one_of("default", "small", "medium", "large", "extraLarge"),
    "weight": _one_of("default", "lighter", "bolder"),
}
_ASKED = _SPACED | {"isRequired": _flag, "errorMessage": _said, "placeholder": _said, "value": _text}
_PRESSED = {"id": _said, "tooltip": _said, "style": _one_of("default", "positive", "destructive")}
_INPUTS = {"associatedInputs": _one_of("auto", "none")}

SHAPES = {
    "AdaptiveCard": Shape(
        {"version": _one_of(VERSION), "body": _list, "fallbackText": _said},
        {"actions": _list, "lang": _said, "rtl": _flag, "$schema": _said, "msteams": _map},
    ),
    "TextBlock": Shape(
        {"text": _said, "wrap": _one_of(True)},
        _SPACED | _WRITTEN | {"style": _one_of("default", "heading"), "maxLines": _length},
    ),
    "RichTextBlock": Shape({"inlines": _list}, _SPACED),
    "TextRun": Shape(
        {"text": _said}, _WRITTEN | {"italic": _flag, "underline": _flag, "highlight": _flag, "strikethrough": _flag}
    ),
    "Container": Shape(
        {"items": _list},
        _SPACED
        | {"style": _one_of("default", "emphasis", "good", "attention", "warning", "accent"), "bleed": _flag}
        | {"minHeight": _said},
    ),
    "ActionSet": Shape({"actions": _list}, _SPACED),
    "Input.Text": Shape(
        {"id": _said, "label": _said},
        _ASKED | {"isMultiline": _flag, "maxLength": _length, "style": _one_of("text", "tel", "url", "email")},
    ),
    "Input.ChoiceSet": Shape(
        {"id": _said, "label": _said},
        _ASKED
        | {"choices": lambda value: isinstance(value, list), "choices.data": _one_of(PEOPLE)}
        | {"isMultiSelect": _flag, "wrap": _flag, "style": _one_of("compact", "expanded")},
    ),
    "Action.Execute": Shape({"title": _said, "verb": _said, "data": _map, "fallback": _map}, _PRESSED | _INPUTS),
    "Action.Submit": Shape({"title": _said, "data": _map}, _PRESSED | _INPUTS),
    "Action.OpenUrl": Shape(
        {"title": _said, "url": lambda value: _said(value) and value.startswith("https://")}, _PRESSED
    ),
}
_ELEMENTS = {"TextBlock", "RichTextBlock", "Container", "ActionSet", "Input.Text", "Input.ChoiceSet"}
_PLACES = {
    "body": _ELEMENTS,
    "items": _ELEMENTS,
    "inlines": {"TextRun"},
    "actions": {"Action.Execute", "Action.OpenUrl"},
    "fallback": {"Action.Submit"},
}

# ---------------------------------------------------------------- what is wrong


def activity_problems(activity: Part) -> list[str]:
    """Everything wrong with what the bot posts or puts."""
    size = len(json.dumps(activity, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    found = [] if activity.get("type") == "message" else [f"an activity of type {activity.get('type')!r}"]
    found += [f"{size} bytes"] if size > LARGEST else []
    found += [] if activity.get("summary") or activity.get("text") else ["no summary and no text: an empty push"]
    found += _invisible({key: activity.get(key) for key in ("summary", "text")})
    attachments = activity.get("attachments") or []
    found += ["more than one attachment"] if len(attachments) > 1 else []
    for each in attachments:
        is_card = each.get("contentType") == CARD_TYPE
        found += problems(each.get("content")) if is_card else [f"an attachment {each.get('contentType')!r}"]
    return found


def problems(card: Any) -> list[str]:
    """Everything wrong with this card; empty when Teams would take it and we may send it."""
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        return ["no Adaptive Card"]
    every = list(parts(card))
    found = _shape(card)
    for place, part in every:
        fits = _text(part.get("type")) and part["type"] in _PLACES[place]
        found += _shape(part) or _sense(part) if fits else [f"{part.get('type')!r} in {place}"]
    pressed = [part for place, part in every if place == "actions"]
    found += [f"{len(pressed)} actions"] if len(pressed) > MOST_ACTIONS else []
    ids = [part["id"] for _, part in every if _text(part.get("id"))]
    found += [f"the id {id_!r} twice" for id_, times in Counter(ids).items() if times > 1]
    asked = {part["id"] for part in inputs(card) if _text(part.get("id"))}
    for part in (part for _, part in every if _map(part.get("data"))):
        found += [f"an input and the data of a button share the name {name!r}" for name in asked & set(part["data"])]
    return found + _invisible(card)


def parts(card: Part) -> Iterator[tuple[str, Part]]:
    """Everything inside a card from top to bottom, with the property it stands in."""
    for place in _PLACES:
        inner = card.get(place, [])
        for part in inner if isinstance(inner, list) else [inner]:
            if isinstance(part, dict):
                yield place, part
                yield from parts(part)
            elif place == "inlines" and isinstance(part, str):
                yield place, {"type": "TextRun", "text": part}
            else:
                yield place, {"type": repr(part)}


def inputs(card: Part) -> list[Part]:
    """What the card asks, from top to bottom."""
    return [part for _, part in parts(card) if str(part.get("type")).startswith("Input.")]


def _shape(part: Part) -> list[str]:
    kind = part["type"]
    shape = SHAPES[kind]
    known = shape.may | shape.must | {"type": _said}
    found = [f"{kind} without {name}" for name in shape.must if name not in part]
    found += [f"{kind} with {name}" for name in part if name not in known]
    return found + [
        f"{kind} with {name} {part[name]!r}" for name in part if name in known and not known[name](part[name])
    ]


def _sense(part: Part) -> list[str]:
    """What no shape can say."""
    match part["type"]:
        case "Action.Execute":
            fallback = part.get("fallback")
            alike = not isinstance(fallback, dict) or all(
                fallback.get(name) == part.get(name) for name in ("title", "associatedInputs")
            )
            return [] if alike else ["a fallback that differs from its button"]
        case "Input.Text":
            long = len(str(part.get("value", ""))) > part.get("maxLength", LARGEST)
            return _required(part) + (["a value longer than maxLength"] if long else [])
        case "Input.ChoiceSet":
            return _required(part) + _choices(part)
    return []


def _required(part: Part) -> list[str]:
    silent = part.get("isRequired") and "errorMessage" not in part
    return [f"{part.get('id')!r} is required and has no errorMessage"] if silent else []


def _choices(part: Part) -> list[str]:
    choices = part.get("choices") or []
    shaped = all(isinstance(c, dict) and set(c) == {"title", "value"} and all(map(_said, c.values())) for c in choices)
    if not shaped:
        return ["a choice without a title or a value"]
    if "choices.data" not in part and not choices:
        return ["no choices"]
    values = [choice["value"] for choice in choices]
    several = part.get("isMultiSelect", False)
    ticked = part.get("value", "").split(",") if several else [part.get("value", "")]
    found = [f"the choice {value!r} twice" for value, n in Counter(values).items() if n > 1]
    found += [f"a comma in {value!r}, where commas join values" for value in values if several and "," in value]
    if "choices.data" not in part:
        found += [f"{value!r} is ticked and no choice" for value in ticked if value and value not in values]
    return found


def _invisible(value: Any) -> list[str]:
    return [f"an invisible character in {text!r}" for text in _strings(value) if any(map(_unseen, text))]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _unseen(c: str) -> bool:
    return c != "\n" and (c == "\u034f" or unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"})
