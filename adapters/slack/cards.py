"""A card as Slack's blocks. Pure; every limit Slack states is kept by construction.

Whatever a person may have written is plain text: never markup, never a mention, never a link. What cannot be shortened
without changing its meaning (a token, an option's value) raises ValueError instead: that is a mistake of ours.

Limits: https://docs.slack.dev/reference/block-kit and platforms.md §11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from adapters.base import Button, Card, Field, Link, Option
from adapters.plain import clean, short

Block = dict[str, Any]  # JSON on its way to Slack; nothing but this package reads it

PRESS: Final = "press:"  # action_id of our buttons: press:0, press:1, …
LINK: Final = "link"  # action_id of a button that only opens a chat
FIELD: Final = "field:"  # action_id of an input: field:<name>
FORM: Final = "form"  # callback_id of our modals

_ALL = 12_000  # Slack stops at about 13,000 characters in all blocks of a message
_SECTION = 3000
_LABEL = 75  # of a button, of an option
_VALUE = 150  # of an option
_TOKEN = 2000
_RADIOS = 5  # more than these read better as a drop-down
_TICKS = 10  # checkboxes end here
_OPTIONS = 100  # in a drop-down, or in one group of it
_FIELDS = 40
_BUTTONS = 25
_TITLE = 24  # of a modal, and of its button
_PRIVATE = 3000
_PUSH = 4000
_TYPED = 2000

# ---------------------------------------------------------------- what is sent


def message(card: Card) -> dict[str, Any]:
    """The arguments of a post that hold content: `text` is what a lock screen and a screen reader get."""
    return {"text": escape(clean(card.push)) or "…", "blocks": to_blocks(card)}


def aside(card: Card) -> dict[str, Any]:
    """The same for one pair of eyes, gone with the next reload; it replaces nothing."""
    return {"response_type": "ephemeral", "replace_original": False, **message(card)}


def anonymous(card: Card) -> Card:
    """Without an id: shown twice, its bytes are the same."""
    return replace(card, id="")


def modal(card: Card, name: str) -> Block:
    """A form on top of what somebody sees. Its first button sends it; a card without one asks nothing.

    `name` is the bot's, and the title of a card that has none.
    """
    title = _plain(short(clean(card.title.strip() or name), _TITLE))
    view: Block = {"type": "modal", "callback_id": FORM, "title": title}
    if not (card.fields and card.buttons):
        return view | {"blocks": _blocks(replace(card, title="", fields=()))}
    send, *others = card.buttons
    return view | {
        "submit": _plain(short(clean(send.label), _TITLE)),
        "private_metadata": _whole(send.token, _PRIVATE),
        "blocks": _blocks(replace(card, title="", buttons=tuple(others))),
    }


def home(card: Card) -> Block:
    """The page in the Home tab."""
    return {"type": "home", "blocks": to_blocks(card)}


def to_blocks(card: Card) -> list[Block]:
    """The card, top to bottom. The first block's id is the card's, by which the post can be found again."""
    return _blocks(card)


# ---------------------------------------------------------------- words


def escape(text: str, limit: int = _PUSH) -> str:
    """For the one place where Slack always reads markup: `text`."""
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


def _blocks(card: Card) -> list[Block]:
    below = [*_inputs(card), *_actions(card)]
    room = max(_ALL - _size(below), _SECTION)
    quote = clean(card.quote)[: room // 2]
    above: list[Block] = []
    if card.title.strip():
        above.append({"type": "header", "text": _plain(short(clean(card.title), 150))})
    above += _sections(short(clean(card.text), room - len(quote)) if card.text.strip() else "")
    if quote.strip():
        above.append(_quoted(quote))
    above = above or [{"type": "section", "text": _plain(short(clean(card.push), _SECTION))}]
    if card.id:
        above[0]["block_id"] = _whole(card.id, 255)
    return above + below


def _sections(text: str) -> list[Block]:
    """As few sections as hold the text, broken between lines or words where there are any."""
    found: list[Block] = []
    while text.strip():
        cut = len(text) if len(text) <= _SECTION else _gap(text[:_SECTION])
        part, text = text[:cut], text[cut:]
        if part.strip():
            found.append({"type": "section", "text": _plain(part)})
    return found


def _gap(text: str) -> int:
    """Just behind the last line break of the text, else the last space, else its end."""
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
            "label": _plain(short(clean(f.label), 2000)),
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
            written = {"initial_value": clean("".join(f.initial[:1]))[:_TYPED]} if "".join(f.initial[:1]) else {}
            return {"type": "plain_text_input", "multiline": True, "max_length": _TYPED, **written}
        case "choice":
            return _one_of(f)
        case "several":
            return _some_of(f)


def _one_of(f: Field) -> Block:
    options = _options(f)
    chosen = [o for o in options if o["value"] in f.initial][:1]
    ticked = {"initial_option": chosen[0]} if chosen else {}
    if len(options) <= _RADIOS:
        return {"type": "radio_buttons", "options": options, **ticked}
    return {"type": "static_select", **_grouped(options), **ticked}


def _some_of(f: Field) -> Block:
    options = _options(f)
    chosen = [o for o in options if o["value"] in f.initial]
    ticked = {"initial_options": chosen} if chosen else {}
    if len(options) <= _TICKS:
        return {"type": "checkboxes", "options": options, **ticked}
    return {"type": "multi_static_select", **_grouped(options), **ticked}


def _options(f: Field) -> list[Block]:
    different: dict[str, Option] = {}
    for option in f.options:
        different.setdefault(option.value, option)
    return [
        {"text": _plain(short(clean(o.label), _LABEL)), "value": _whole(o.value, _VALUE)} for o in different.values()
    ]


def _grouped(options: list[Block]) -> Block:
    """A drop-down ends at a hundred options; a hospital with more departments gets groups, named by their ends."""
    if len(options) <= _OPTIONS:
        return {"options": options}
    parts = [options[i : i + _OPTIONS] for i in range(0, len(options), _OPTIONS)]
    return {"option_groups": [{"label": _plain(_ends(part)), "options": part} for part in parts[:_OPTIONS]]}


def _ends(part: list[Block]) -> str:
    first, last = (str(part[i]["text"]["text"])[:30] for i in (0, -1))
    return f"{first} \u2013 {last}"


def _actions(card: Card) -> list[Block]:
    elements = [_button(i, b) for i, b in enumerate(card.buttons)]
    elements += [_link(card.link)] if card.link else []
    return [{"type": "actions", "elements": elements[i : i + _BUTTONS]} for i in range(0, len(elements), _BUTTONS)]


def _button(number: int, button: Button) -> Block:
    style = {} if button.style == "plain" else {"style": button.style}
    text = _plain(short(clean(button.label), _LABEL))
    return {
        "type": "button",
        "action_id": f"{PRESS}{number}",
        "text": text,
        "value": _whole(button.token, _TOKEN),
    } | style


def _link(link: Link) -> Block:
    url = "slack://user?" + urlencode({"team": link.person.workspace, "id": link.person.id})
    return {"type": "button", "action_id": LINK, "text": _plain(short(clean(link.label), _LABEL)), "url": url}


def _size(value: object) -> int:
    """Characters people read, in any nest of blocks."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_size(v) for v in value.values())
    return sum(_size(v) for v in value) if isinstance(value, list) else 0
