"""What Slack refuses in blocks and views, as the sentences a test prints. slack_sdk.models lets a lot by."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from adapters.fakes.rates import Allowance

TEXT_IN_A_MESSAGE: Final = 13_000  # characters, over all blocks
TEXT_IN_A_PART: Final = 3_000  # characters of a section, an address, an input's value, or private_metadata
ELEMENTS: Final = 25  # in one actions block
SURFACES: Final = {"message": 50, "modal": 100, "home": 100}  # blocks
OPTION_LISTS = {"radio_buttons": 10, "checkboxes": 10, "static_select": 100, "multi_static_select": 100}

_TIER_3, _TIER_4, _A_CHAT = Allowance(50, 60), Allowance(100, 60), Allowance(1, 1)
CALLS: Final = {
    "conversations.open": _TIER_3,
    "conversations.history": _TIER_3,
    "chat.update": _TIER_3,
    "chat.delete": _TIER_3,
    "users.info": _TIER_4,
    "views.open": _TIER_4,
    "views.update": _TIER_4,
    "views.publish": _TIER_4,
    "chat.postEphemeral": _TIER_4,
    "chat.postMessage": Allowance(300, 60),
}
"""Calls of each method in a workspace, by its tier. https://docs.slack.dev/apis/web-api/rate-limits"""


def allowances(method: str, channel: str) -> list[tuple[str, Allowance]]:
    """What a call counts under: its method and, for a post, the chat as well, which takes one a second."""
    in_chat = [(f"{method} {channel}", _A_CHAT)] if method == "chat.postMessage" else []
    return [*in_chat, *([(method, CALLS[method])] if method in CALLS else [])]


def problems(blocks: Any, surface: str = "message") -> list[str]:
    """Everything wrong with these blocks; empty when Slack would take them."""
    if not isinstance(blocks, list) or not blocks:
        return ["no blocks"]
    found = [f"{len(blocks)} blocks"] if len(blocks) > SURFACES[surface] else []
    found += _twice("block_id", [b["block_id"] for b in blocks if "block_id" in b])
    for block in blocks:
        found += _long("block_id", block.get("block_id", "x"), 255)
        found += _block(block)
    said = list(_texts(blocks))
    found += ["more than 13,000 characters"] if sum(map(len, said)) > TEXT_IN_A_MESSAGE else []
    return found + [f"an invisible character in {t!r}" for t in said if any(map(_invisible, t))]


def view_problems(view: Any) -> list[str]:
    """The same for a modal or a Home view."""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return ["no view"]
    found = problems(view.get("blocks"), view["type"])
    if view["type"] == "modal":
        found += _plain("title", view.get("title"), 24)
        found += _plain("submit", view["submit"], 24) if "submit" in view else []
        asks = any(b.get("type") == "input" for b in view.get("blocks", []))
        found += ["inputs without a submit"] if asks and "submit" not in view else []
    if len(view.get("private_metadata", "")) > TEXT_IN_A_PART:
        found.append("private_metadata too long")
    return found


def message_problems(args: dict[str, Any], text_limit: int = 40_000) -> list[str]:
    """The same for the arguments of a post or an edit."""
    found = problems(args["blocks"]) if args.get("blocks") else []
    text = args.get("text")
    if not isinstance(text, str) or not text:
        found.append("no text")
    elif len(text) > text_limit:
        found.append("msg_too_long")
    return found + (["metadata"] if "metadata" in args else [])


def _block(block: dict[str, Any]) -> list[str]:
    match block.get("type"):
        case "section":
            return _plain("section", block.get("text"), 3000)
        case "header":
            return _plain("header", block.get("text"), 150)
        case "rich_text":
            return [] if block.get("elements") else ["empty rich_text"]
        case "input":
            return _plain("label", block.get("label"), 2000) + _element(block.get("element", {}))
        case "actions":
            elements = block.get("elements", [])
            found = [] if 0 < len(elements) <= ELEMENTS else [f"{len(elements)} elements in actions"]
            found += _twice("action_id", [e.get("action_id") for e in elements])
            return found + [problem for e in elements for problem in _element(e)]
    return [f"unknown block {block.get('type')!r}"]


def _element(e: dict[str, Any]) -> list[str]:
    kind = e.get("type")
    found = _long("action_id", e.get("action_id", ""), 255)
    if kind == "button":
        found += _plain("button", e.get("text"), 75)
        found += _long("value", e["value"], 2000) if "value" in e else []
        found += _long("url", e["url"], 3000) if "url" in e else []
        return found + (["style"] if e.get("style", "primary") not in {"primary", "danger"} else [])
    if kind in OPTION_LISTS:
        return found + _choices(e, OPTION_LISTS[kind])
    if kind == "plain_text_input":
        limit = e.get("max_length", TEXT_IN_A_PART)
        found += [] if 0 < limit <= TEXT_IN_A_PART else ["max_length"]
        return found + (["initial_value too long"] if len(e.get("initial_value", "")) > limit else [])
    return found if kind == "multi_users_select" else [*found, f"unknown element {kind!r}"]


def _choices(e: dict[str, Any], most: int) -> list[str]:
    groups = e.get("option_groups")
    lists = [g["options"] for g in groups] if groups else [e.get("options", [])]
    found = [f"{len(options)} options" for options in lists if not 0 < len(options) <= most]
    found += [problem for g in groups or [] for problem in _plain("group", g.get("label"), 75)]
    every = [o for options in lists for o in options]
    found += _twice("option value", [o.get("value") for o in every])
    for option in every:
        found += _plain("option", option.get("text"), 75) + _long("option value", option.get("value", ""), 150)
    ticked = e.get("initial_options", [e["initial_option"]] if "initial_option" in e else [])
    found += ["initial options are empty"] if e.get("initial_options") == [] else []
    return found + ["an initial option that is none of the options" for o in ticked if o not in every]


def _plain(what: str, text: Any, limit: int) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in {"plain_text", "mrkdwn"}:
        return [f"{what} has no text"]
    return _long(what, text.get("text", ""), limit)


def _long(what: str, text: Any, limit: int) -> list[str]:
    fits = isinstance(text, str) and 0 < len(text) <= limit
    return [] if fits else [f"{what} must have 1 to {limit} characters"]


def _twice(what: str, names: list[Any]) -> list[str]:
    return [f"{what} {name!r} twice" for name, times in Counter(names).items() if times > 1]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _invisible(c: str) -> bool:
    return c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c not in "\u200c\u200d"
