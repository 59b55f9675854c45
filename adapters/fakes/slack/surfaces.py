"""What a person sees in the fake Slack, read by its labels, and what pressing a button there sends along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.slack.web_api import view_of, words_of

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SlackCard:
    """A message, an aside, a form or a Home tab, as it was when it was read. Pressed later, it is a stale card."""

    shown: ScreenItem[Json] = field(repr=False)
    body: Json = field(repr=False)
    team: str = ""  # whose app showed it

    @property
    def blocks(self) -> Blocks:
        """Its blocks, each with a name."""
        found: Blocks = self.body.get("blocks", [])
        return found

    @property
    def push(self) -> str:
        """What a notification says."""
        return str(self.body.get("text", ""))

    @property
    def channel(self) -> str:
        """Where it stands; "" for a form or a Home tab."""
        channel, _, ts = self.shown.place.partition("/")
        return channel if ts else ""

    @property
    def ts(self) -> str:
        """Its timestamp, by which it is found in its channel."""
        return self.shown.place.partition("/")[2]

    @property
    def view(self) -> Json:
        """A form or a Home tab, as Slack describes it."""
        return view_of(self.shown) | self.body

    @property
    def text(self) -> str:
        """Everything it says, without labels of inputs and buttons. A message without blocks shows its text."""
        if not self.blocks:
            return self.push
        return "\n".join(text for block in self.blocks for text in words_of(block))

    @property
    def title(self) -> str:
        """The title of a form."""
        return str(self.body.get("title", {}).get("text", ""))

    @property
    def submit(self) -> str:
        """The label of the button that sends a form, or ""."""
        return str(self.body.get("submit", {}).get("text", ""))

    @property
    def buttons(self) -> list[str]:
        """The labels that can be pressed, in order; a form's submit comes last."""
        return [*(each["text"]["text"] for each in elements(self.body)), *([self.submit] if self.submit else [])]

    @property
    def questions(self) -> list[str]:
        """The labels of the inputs."""
        return [block["label"]["text"] for block in self.blocks if block["type"] == "input"]

    def button(self, label: str) -> Json | None:
        """The element with this label, and the block it stands in."""
        return next((each for each in elements(self.body) if each["text"]["text"] == label), None)


def elements(body: Json) -> list[Json]:
    """Every button, in order, with the name of its block."""
    actions = [block for block in body.get("blocks", []) if block["type"] == "actions"]
    return [{"block_id": block.get("block_id")} | element for block in actions for element in block["elements"]]


def options(element: Json) -> list[Json]:
    """Everything there is to choose from, in groups or not."""
    grouped = [option for group in element.get("option_groups", []) for option in group["options"]]
    return [*element.get("options", []), *grouped]


def state_values(blocks: Blocks, answers: Mapping[str, Any]) -> Json:
    """`state.values` as Slack builds it: every input of the surface, with what was ticked beforehand or chosen now.

    `answers` are keyed by a question's name or label. https://docs.slack.dev/reference/views#view_state
    """
    values: Json = {}
    unused = set(answers)
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        names = {element["action_id"].partition(":")[2], block["label"]["text"]} & set(answers)
        unused -= names
        given = answers[names.pop()] if names else None
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"]} | _given(element, given)}
    if unused:
        raise AssertionError(f"no question asks for {sorted(unused)}")
    return values


def _given(element: Json, given: Any) -> Json:
    every = options(element)
    match element["type"]:
        case "plain_text_input":
            return {"value": element.get("initial_value") if given is None else given}
        case "multi_users_select":
            return {"selected_users": list(element.get("initial_users", []) if given is None else given)}
        case "radio_buttons" | "static_select":
            return {"selected_option": element.get("initial_option") if given is None else _option(every, given)}
    chosen = element.get("initial_options", []) if given is None else [_option(every, each) for each in given]
    return {"selected_options": chosen}


def _option(every: list[Json], wanted: str) -> Json:
    for option in every:
        if wanted in {option["value"], option["text"]["text"]}:
            return option
    raise AssertionError(f"no option {wanted!r}, only {[option['text']['text'] for option in every]}")
