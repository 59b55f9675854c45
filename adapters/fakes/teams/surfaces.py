"""What a person sees in the fake Teams, read by its labels, and what pressing a button there sends along."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.teams.limits import CARD_TYPE, Part, inputs, parts

_MARKED = re.compile(r"\\([!-/:-@\[-`{-~])|(&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);)")


@dataclass(frozen=True, slots=True)
class TeamsCard:
    """One message of the bot's, as it was when it was read. Pressed later, it is a stale card.

    where  message, or view: what a press was answered with, or whisper: what only one person saw for a moment
    push   the notification, and the line in the list of chats
    said   text outside of any card
    id     of the activity
    """

    where: str
    push: str
    said: str
    card: Part = field(repr=False)
    id: str = ""

    @property
    def text(self) -> str:
        """Everything it says as it is read, without labels of inputs and buttons."""
        texts = [_read(part) for _, part in parts(self.card) if part["type"] in {"TextBlock", "RichTextBlock"}]
        return "\n".join([self.said, *texts] if self.said else texts)

    @property
    def buttons(self) -> list[str]:
        """The labels that can be pressed, in order."""
        return [part["title"] for part in self._actions()]

    @property
    def questions(self) -> list[str]:
        """The labels of the inputs."""
        return [part["label"] for part in inputs(self.card)]

    @property
    def title(self) -> str:
        """The first heading."""
        return next((_read(part) for _, part in parts(self.card) if part.get("style") == "heading"), "")

    def button(self, label: str) -> Part | None:
        """The action with this label."""
        return next((part for part in self._actions() if part["title"] == label), None)

    def _actions(self) -> list[Part]:
        return [part for place, part in parts(self.card) if place == "actions"]

    def sends(self, action: Part, answers: Mapping[str, Any], name: Callable[[str], str]) -> Part:
        """The data of an action, merged with what every input holds: ticked beforehand, or answered now.

        `name` turns a handle into what the people picker holds. What was left empty is not sent.
        """
        if action.get("associatedInputs") == "none":
            if answers:
                raise AssertionError(f"{action['title']!r} sends no answers")
            return dict(action["data"])
        filled = input_values(self.card, answers, name)
        for asked in inputs(self.card):
            if asked.get("isRequired") and not filled.get(asked["id"]):
                raise AssertionError(f"Teams asks to answer {asked['label']!r} first")
        return dict(action["data"]) | filled


def input_values(card: Part, answers: Mapping[str, Any], name: Callable[[str], str] = str) -> Part:
    """What every input of a card holds: ticked beforehand, or answered now. What is left empty is not sent.

    `answers` are keyed by a question's id or label; `name` turns a handle into what the people picker holds.
    """
    values: Part = {}
    unused = set(answers)
    for asked in inputs(card):
        names = _names(asked) & set(answers)
        unused -= names
        value = _chosen(asked, answers[names.pop()], name) if names else asked.get("value", "")
        values |= {asked["id"]: value} if value else {}
    if unused:
        raise AssertionError(f"no question asks for {sorted(unused)}")
    return values


def _names(asked: Part) -> set[str]:
    """What an input may be called by."""
    return {asked["id"], asked["id"].rpartition(":")[2], asked["label"]}


def read(shown: ScreenItem[Json]) -> TeamsCard:
    """What a person reads there now."""
    if shown.overlay is not None:
        return TeamsCard("view", shown.body.get("summary") or "", "", card_of(shown.overlay) or {}, shown.place)
    return seen_in(shown.body, "whisper" if shown.kind == "aside" else "message", shown.place)


def seen_in(activity: Part, where: str, id: str) -> TeamsCard:
    """What an activity looks like to the person it reaches."""
    said = activity.get("text") or ""
    return TeamsCard(where, activity.get("summary") or said, said, card_of(activity) or {}, id)


def card_of(body: Json) -> Json | None:
    """The card in a message, if there is one."""
    cards = [each.get("content") for each in body.get("attachments") or [] if each.get("contentType") == CARD_TYPE]
    return cards[0] if cards and isinstance(cards[0], dict) else None


def actions(body: Json) -> list[Json]:
    """Every button of a message's card, in order."""
    return list((card_of(body) or {}).get("actions", []))


def message_with(body: Json, card: Json) -> Json:
    """A message that shows another card."""
    return body | {"attachments": [{"contentType": CARD_TYPE, "content": card}]}


def _read(part: Part) -> str:
    """As it is rendered: in a TextBlock, escaped Markdown and entities are plain characters; in runs all is plain."""
    if part["type"] == "RichTextBlock":
        return "".join(run["text"] for _, run in parts(part))
    return _MARKED.sub(lambda found: found[1] or html.unescape(found[2]), part["text"])


def _chosen(asked: Part, given: Any, name: Callable[[str], str]) -> str:
    if asked["type"] == "Input.Text":
        return str(given)

    def pick(wanted: str) -> str:
        return name(wanted) if "choices.data" in asked else _choice(asked["choices"], wanted)

    return ",".join(pick(each) for each in given) if asked.get("isMultiSelect") else pick(given)


def _choice(choices: list[Part], wanted: str) -> str:
    for choice in choices:
        if wanted in {choice["value"], choice["title"]}:
            return str(choice["value"])
    raise AssertionError(f"no choice {wanted!r}, only {[choice['title'] for choice in choices]}")
