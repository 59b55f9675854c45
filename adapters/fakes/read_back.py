"""Reads a platform's JSON back as the card it was made from, and fills in its inputs. What is not drawn is not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.base import Button, Card, Field, Link, Option
from adapters.fakes.screens import Json
from adapters.fakes.slack.surfaces import elements, options, state_values
from adapters.fakes.slack.workspaces import TEAM
from adapters.fakes.teams.core import TENANT
from adapters.fakes.teams.limits import inputs
from adapters.fakes.teams.surfaces import actions as actions_of
from adapters.fakes.teams.surfaces import card_of, input_values
from conversations.model import Answers, Person, Value

SEND: Final = "send"  # the token of a form's own button

NameOf = Callable[[object], str]
_Kind = Literal["choice", "several", "people", "text"]

_SLACK_KINDS: Mapping[str, _Kind] = {
    "radio_buttons": "choice",
    "static_select": "choice",
    "checkboxes": "several",
    "multi_static_select": "several",
    "multi_users_select": "people",
    "plain_text_input": "text",
}

# ---------------------------------------------------------------- what is read


def on_slack(id: str, body: Json, name_of: NameOf) -> Card:
    """A message, a form or a Home tab. A button's token is its place among the buttons; a form's own is "send"."""
    blocks = body.get("blocks", [])
    buttons = [
        Button(each["text"]["text"], str(place)) for place, each in enumerate(elements(body)) if not each.get("url")
    ]
    if "submit" in body:
        buttons.insert(0, Button(body["submit"]["text"], SEND))
    links = [each for each in elements(body) if each.get("url")]
    return Card(
        id=id,
        text="\n".join(block["text"]["text"] for block in blocks if block["type"] == "section")
        or body.get("text", "") * (not blocks),
        push=body.get("text", ""),
        quote="".join(_quoted(block) for block in blocks if block["type"] == "rich_text"),
        fields=tuple(_slack_field(block) for block in blocks if block["type"] == "input"),
        buttons=tuple(buttons),
        link=_slack_link(links[0], name_of) if links else None,
    )


def on_teams(id: str, body: Json, name_of: NameOf) -> Card:
    """A message with a card, or a plain line."""
    card = card_of(body)
    if card is None:
        return Card(id=id, text=body.get("text", ""), push=body.get("text", ""))
    parts = card.get("body", [])
    actions = list(enumerate(actions_of(body)))
    links = [action for _, action in actions if action["type"] == "Action.OpenUrl"]
    pressed = [(place, action) for place, action in actions if action["type"] == "Action.Execute"]
    return Card(
        id=id,
        text="\n".join(_run(part) for part in parts if part["type"] == "RichTextBlock"),
        push=body.get("summary", ""),
        quote="\n".join(_run(run) for part in parts if part["type"] == "Container" for run in part["items"]),
        fields=tuple(_teams_field(part) for part in parts if part["type"].startswith("Input.")),
        buttons=tuple(Button(action["title"], str(place)) for place, action in pressed),
        link=_teams_link(links[0], name_of) if links else None,
    )


def _quoted(block: Json) -> str:
    return "".join(text["text"] for part in block["elements"] for text in part["elements"])


def _slack_name(block: Json) -> str:
    """Which question an input block asks."""
    return str(block["element"]["action_id"]).partition(":")[2]


def _slack_field(block: Json) -> Field:
    element = block["element"]
    ticked = [element.get("initial_option"), *element.get("initial_options", [])]
    initial = tuple(option["value"] for option in ticked if option) or tuple(element.get("initial_users", []))
    return Field(
        _slack_name(block),
        _SLACK_KINDS[element["type"]],
        block["label"]["text"],
        tuple(Option(option["value"], option["text"]["text"]) for option in options(element)),
        initial or ((element["initial_value"],) if element.get("initial_value") else ()),
    )


def _slack_link(element: Json, name_of: NameOf) -> Link:
    who = parse_qs(urlsplit(element["url"]).query)["channel"][0]
    return Link(element["text"]["text"], Person("slack", TEAM, name_of(who)))


def _run(part: Json) -> str:
    return "".join(run["text"] for run in part["inlines"])


def _teams_field(part: Json) -> Field:
    kind, _, name = part["id"].partition(":")
    known: _Kind = kind if kind in {"choice", "several", "people"} else "text"
    choices = tuple(Option(choice["value"], choice["title"]) for choice in part.get("choices", []))
    written = part.get("value", "")
    initial = (written,) if known == "text" and written else tuple(each for each in written.split(",") if each)
    return Field(name, known, part["label"], choices, initial)


def _teams_link(action: Json, name_of: NameOf) -> Link:
    written = unquote(parse_qs(urlsplit(action["url"]).query)["users"][0])
    return Link(action["title"], Person("teams", TENANT, name_of(written)))


# ---------------------------------------------------------------- what is filled in


def slack_inputs(body: Json, answers: Answers) -> Json:
    """`state.values` as Slack sends it: every question, with what was ticked beforehand or is answered now."""
    blocks = body.get("blocks", [])
    asked = {_slack_name(block) for block in blocks if block["type"] == "input"}
    return state_values(blocks, {name: _plain(answer) for name, answer in answers.items() if name in asked})


def teams_inputs(body: Json, answers: Answers) -> Json:
    """What a card's inputs add to the data of its action; an empty one adds nothing."""
    card = card_of(body) or {}
    asked = {part["id"].partition(":")[2] for part in inputs(card)}
    return input_values(card, {name: _plain(answer) for name, answer in answers.items() if name in asked})


def _plain(answer: Value) -> str | list[str]:
    """An answer with ids in the place of people."""
    return answer if isinstance(answer, str) else [part.id if isinstance(part, Person) else part for part in answer]


# ---------------------------------------------------------------- what was filled in


def filled_in(platform: str, body: Json, inputs: Json) -> Answers:
    """What a card's inputs answer, by the name of each question. Raises AttributeError, KeyError or TypeError."""
    return _teams_answers(body, inputs) if platform == "teams" else _slack_answers(inputs)


def _slack_answers(inputs: Json) -> Answers:
    found: dict[str, Value] = {}
    for actions in inputs.values():
        for action, given in actions.items():
            found[action.partition(":")[2]] = _slack_answer(given)
    return found


def _slack_answer(given: Json) -> Value:
    match given:
        case {"selected_option": chosen}:
            return chosen["value"] if chosen else ""
        case {"selected_options": chosen}:
            return tuple(option["value"] for option in chosen)
        case {"selected_users": ids}:
            return tuple(Person("slack", TEAM, id) for id in ids)
        case _:
            return given.get("value") or ""


def _teams_answers(body: Json, inputs: Json) -> Answers:
    """An input that is left empty is not sent at all."""
    asked = [part for part in (card_of(body) or {}).get("body", []) if part["type"].startswith("Input.")]
    found: dict[str, Value] = {}
    for id in (part["id"] for part in asked):
        (kind, _, name), given = id.partition(":"), inputs.get(id, "")
        parts = tuple(part for part in given.split(",") if part)
        people = tuple(Person("teams", TENANT, part) for part in parts)
        found[name] = people if kind == "people" else parts if kind == "several" else given
    return found
