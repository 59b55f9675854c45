"""One card somebody can see in Teams, and what pressing its buttons sends."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from teams_limits import CARD_TYPE, Part, inputs, parts

_MARKED = re.compile(r"\\([!-/:-@\[-`{-~])|(&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);)")


@dataclass(frozen=True)
class Seen:
    """One message of the bot's. It stays what it was when it was read: press on it later, and it is a stale card."""

    where: str  # message | view, which is what an Execute was answered with | whisper
    push: str  # the notification, and the line in the list of chats
    said: str  # text outside of any card
    card: Part
    order: int
    conversation: str = ""
    id: str = ""  # of the activity

    @property
    def text(self) -> str:
        """Everything it says as it is read, without labels of inputs and buttons."""
        read = [_read(part) for _, part in parts(self.card) if part["type"] in {"TextBlock", "RichTextBlock"}]
        return "\n".join([self.said, *read] if self.said else read)

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
        """The data of an action merged with what every input holds: ticked beforehand, or answered now.

        `name` turns a user into what the people picker holds. What was left empty is not sent.
        """
        if action.get("associatedInputs") == "none":
            assert not answers, f"{action['title']!r} sends no answers"
            return dict(action["data"])
        values, unused = {}, set(answers)
        for asked in inputs(self.card):
            names = {asked["id"], asked["id"].rpartition(":")[2], asked["label"]} & set(answers)
            unused -= names
            value = _chosen(asked, answers[names.pop()], name) if names else asked.get("value", "")
            assert value or not asked.get("isRequired"), f"Teams asks to answer {asked['label']!r} first"
            values |= {asked["id"]: value} if value else {}
        assert not unused, f"nobody asked for {sorted(unused)}"
        return action["data"] | values


def seen_in(activity: Part, where: str, order: int, conversation: str, id: str) -> Seen:
    """What an activity looks like to whom it reaches."""
    said = activity.get("text") or ""
    cards = [a["content"] for a in activity.get("attachments") or [] if a.get("contentType") == CARD_TYPE]
    push = activity.get("summary") or said
    return Seen(where, push, said, cards[0] if cards else {}, order, conversation, id)


def _read(part: Part) -> str:
    """As it is rendered: in a TextBlock, escaped Markdown and entities are plain characters; in runs all is plain."""
    if part["type"] == "RichTextBlock":
        return "".join(run["text"] for _, run in parts(part))
    return _MARKED.sub(lambda found: found[1] or html.unescape(found[2]), part["text"])


def _chosen(asked: Part, given: Any, name: Callable[[str], str]) -> str:
    if asked["type"] == "Input.Text":
        return given
    pick = name if "choices.data" in asked else lambda wanted: _choice(asked["choices"], wanted)
    return ",".join(pick(each) for each in given) if asked.get("isMultiSelect") else pick(given)


def _choice(choices: list[Part], wanted: str) -> str:
    for choice in choices:
        if wanted in {choice["value"], choice["title"]}:
            return choice["value"]
    raise AssertionError(f"no choice {wanted!r}, only {[choice['title'] for choice in choices]}")
