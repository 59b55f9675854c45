"""Renders a card as Slack's blocks. Pure; every limit that Slack states is kept by construction.

What a person may have written is plain text: never markup, a mention or a link. What cannot be shortened without
changing its meaning (a token, an option's value) raises ValueError instead: that is a bug of ours.

https://docs.slack.dev/reference/block-kit states the limits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from adapters.base import Button, Card, Field, Link, Option
from adapters.text import TYPED_LIMIT, clean, fit

Block = dict[str, Any]  # JSON on its way to Slack; nothing but this package reads it

SITE: Final = "https://slack.com/"
"""Where people open Slack in a browser."""

PRESS: Final = "press:"  # action_id of our buttons: press:0, press:1, …
LINK: Final = "link"  # action_id of a button that only opens a chat
FIELD: Final = "field:"  # action_id of an input: field:<name>
FORM: Final = "form"  # callback_id of our modals
OPTION: Final = 150  # characters of an option's value

_ALL = 12_000  # Slack stops at about 13,000 characters in all blocks of a message
_SECTION = 3000
_LABEL = 75  # of a button, of an option
_TOKEN = 2000
_RADIOS = 5  # more than these read better as a drop-down
_TICKS = 10  # checkboxes end here
_OPTIONS = 100  # in a drop-down, or in one group of it
_FIELDS = 40
_BUTTONS = 25
_TITLE = 24  # of a modal, and of its button
_PRIVATE = 3000
_PUSH = 4000

# ---------------------------------------------------------------- what is sent


def message(card: Card, site: str = SITE) -> dict[str, Any]:
    """Return the arguments of a post that hold content. Lock screens and screen readers get `text`, not the blocks.

    `site` is where people open Slack in a browser.

    https://docs.slack.dev/reference/methods/chat.postMessage
    """
    if card.is_bare:
        return {"text": escape(clean(card.text)) or "…"}
    return {"text": escape(clean(card.push)) or "…", "blocks": to_blocks(card, site)}


def ephemeral(card: Card, site: str = SITE) -> dict[str, Any]:
    """Return an answer that only one person sees until they reload; it replaces nothing."""
    return {"response_type": "ephemeral", "replace_original": False, **message(card, site)}


def anonymous(card: Card) -> Card:
    """Return the card without its id, so that it has the same bytes whenever it is shown."""
    return replace(card, id="")


def modal(card: Card, name: str) -> Block:
    """Return a modal. The card's first button submits it; one without questions or buttons only shows text.

    https://docs.slack.dev/reference/views/modal-views

    Args:
        card: What it asks.
        name: The bot's name, as the title of a card that has none.
    """
    title = _plain(fit(card.title.strip() or name, _TITLE))
    view: Block = {"type": "modal", "callback_id": FORM, "title": title}
    if not (card.fields and card.buttons):
        return view | {"blocks": to_blocks(replace(card, title="", fields=()))}
    submit, *others = card.buttons
    return view | {
        "submit": _plain(fit(submit.label, _TITLE)),
        "private_metadata": _whole(submit.token, _PRIVATE),
        "blocks": to_blocks(replace(card, title="", buttons=tuple(others))),
    }


def home(card: Card) -> Block:
    """Return the Home tab: https://docs.slack.dev/surfaces/app-home."""
    return {"type": "home", "blocks": to_blocks(card)}


def to_blocks(card: Card, site: str = SITE) -> list[Block]:
    """Return the card's blocks, top to bottom. The first block's id is the card's, so that the post can be found."""
    below = [*_inputs(card), *_actions(card, site)]
    room = max(_ALL - _size(below), _SECTION)
    quote = clean(card.quote)[: room // 2]
    above: list[Block] = []
    if card.title.strip():
        above.append({"type": "header", "text": _plain(fit(card.title, 150))})
    above += _sections(fit(card.text, room - len(quote)) if card.text.strip() else "")
    if quote.strip():
        above.append(_quoted(quote))
    above = above or [{"type": "section", "text": _plain(fit(card.push, _SECTION))}]
    if card.id:
        above[0]["block_id"] = _whole(card.id, 255)
    return above + below


# ---------------------------------------------------------------- words


def escape(text: str, limit: int = _PUSH) -> str:
    """Escape &, < and > for the one place where Slack always reads markup, `text`, and cut it to `limit` characters."""
    out: list[str] = []
    for c in text:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(c, c)
        if (limit := limit - len(piece)) < 0:
            break
        out.append(piece)
    return "".join(out)


def _whole(value: str, limit: int) -> str:
    if not 0 < len(value) <= limit:
        message = f"Slack takes 1 to {limit} characters here, this has {len(value)}"
        raise ValueError(message)
    return value


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


# ---------------------------------------------------------------- blocks


def _sections(text: str) -> list[Block]:
    """Return as few sections as hold the text, broken between lines or words where possible."""
    found: list[Block] = []
    while text.strip():
        cut = len(text) if len(text) <= _SECTION else _gap(text[:_SECTION])
        part, text = text[:cut], text[cut:]
        if part.strip():
            found.append({"type": "section", "text": _plain(part)})
    return found


def _gap(text: str) -> int:
    """Return the position behind the last line break, or else behind the last space, or else the end."""
    return text.rfind("\n") + 1 or text.rfind(" ") + 1 or len(text)


def _quoted(words: str) -> Block:
    text = {"type": "text", "text": words}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [text]}]}


def _inputs(card: Card) -> list[Block]:
    asked = {f.name: f for f in card.fields if f.options or f.kind in {"people", "text"}}
    if len(asked) > _FIELDS:
        message = f"a card on Slack may ask {_FIELDS} things, this asks {len(asked)}"
        raise ValueError(message)
    return [
        {
            "type": "input",
            "block_id": _whole(f"{card.id}:{f.name}", 255),  # new with every post, so a new post starts unanswered
            "optional": True,
            "label": _plain(fit(f.label, 2000)),
            "element": {"action_id": _whole(FIELD + f.name, 255), **_element(f)},
        }
        for f in asked.values()
    ]


def _element(f: Field) -> Block:
    match f.kind:
        case "people":
            chosen = {"initial_users": list(f.initial)} if f.initial else {}
            return {"type": "multi_users_select", **chosen}
        case "text":
            written = {"initial_value": clean("".join(f.initial[:1]))[:TYPED_LIMIT]} if "".join(f.initial[:1]) else {}
            return {"type": "plain_text_input", "multiline": True, "max_length": TYPED_LIMIT, **written}
        case "choice":
            return _selection(f, "radio_buttons", "static_select", _RADIOS, several=False)
        case "several":
            return _selection(f, "checkboxes", "multi_static_select", _TICKS, several=True)


def _selection(f: Field, few: str, many: str, most: int, *, several: bool) -> Block:
    """Return a group of radio buttons or checkboxes, or a drop-down for more options than `most`."""
    options = _options(f)
    chosen = [o for o in options if o["value"] in f.initial]
    initial = {"initial_options": chosen} if several else {"initial_option": next(iter(chosen), {})}
    shown: Block = {"type": few, "options": options} if len(options) <= most else {"type": many, **_grouped(options)}
    return shown | (initial if chosen else {})


def _options(f: Field) -> list[Block]:
    different: dict[str, Option] = {}
    for option in f.options:
        different.setdefault(option.value, option)
    return [{"text": _plain(fit(o.label, _LABEL)), "value": _whole(o.value, OPTION)} for o in different.values()]


def _grouped(options: list[Block]) -> Block:
    """Split more than a hundred options into groups, each named by its first and last."""
    if len(options) <= _OPTIONS:
        return {"options": options}
    parts = [options[i : i + _OPTIONS] for i in range(0, len(options), _OPTIONS)]
    return {"option_groups": [{"label": _plain(_ends(part)), "options": part} for part in parts[:_OPTIONS]]}


def _ends(part: list[Block]) -> str:
    first, last = (str(part[i]["text"]["text"])[:30] for i in (0, -1))
    return f"{first} \u2013 {last}"


def _actions(card: Card, site: str) -> list[Block]:
    labels = [fit(button.label, _LABEL) for button in card.buttons]
    elements = [_button(i, b, label) for i, (b, label) in enumerate(zip(card.buttons, labels, strict=True))]
    elements += [_link(card.link, site)] if card.link else []
    return [{"type": "actions", "elements": elements[i : i + _BUTTONS]} for i in range(0, len(elements), _BUTTONS)]


def _button(number: int, button: Button, label: str) -> Block:
    style = {} if button.style == "plain" else {"style": button.style}
    action = {"type": "button", "action_id": f"{PRESS}{number}", "text": _plain(label)}
    return action | {"value": _whole(button.token, _TOKEN)} | style


def _link(link: Link, site: str) -> Block:
    """Return a button that opens a private chat in the browser, on a phone and in the desktop client.

    `slack://` does nothing in a browser. An organisation is no workspace: whoever is known by it names none.
    https://docs.slack.dev/interactivity/deep-linking
    """
    team = {"team": link.person.workspace} if link.person.workspace.startswith("T") else {}
    url = f"{site}app_redirect?{urlencode({'channel': link.person.id} | team)}"
    return {"type": "button", "action_id": LINK, "text": _plain(fit(link.label, _LABEL)), "url": url}


def _size(value: object) -> int:
    """Count the characters of text in any nest of blocks."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_size(v) for v in value.values())
    return sum(_size(v) for v in value) if isinstance(value, list) else 0
