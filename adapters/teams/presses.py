"""Teams' activities as presses. Pure; any activity may come in, and what is not understood is nothing.

`Any` lives here and nowhere else: an activity is vouched for by Microsoft, but its shape is nobody's promise.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from botbuilder.schema import Activity

from adapters.base import Address, Press
from adapters.teams.cards import ASKED, ONCE, TOKEN
from adapters.teams.places import Reach
from conversations.model import Answers, Person, Value

Hear = Callable[[str], str]
"""Makes of what somebody typed one of the words we know, or "". Nothing else of it leaves this module."""

What = Literal["execute", "submit", "typed", "installed", "removed", "group", "task", "unknown invoke", "nothing"]

_PRESS = "adaptiveCard/action"
_INVOKES = frozenset({_PRESS, "task/fetch", "task/submit"})
_ID = re.compile(r"[0-9A-Za-z._:-]{1,100}", re.ASCII)
_AT = re.compile(r"<at\b[^>]*>.*?</at>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TYPED = 2000
_TOKEN = 3000
_NAMES = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody did, and where they are reached."""

    what: What
    by: Person | None = None
    press: Press | None = field(default=None, repr=False)
    reach: Reach | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)


NOTHING = Heard("nothing")


def heard(activity: Activity, hear: Hear) -> Heard:
    """Whatever came in. An invoke is never nothing: somebody waits for its answer."""
    if activity.type == "invoke" and activity.name not in _INVOKES:
        return Heard("unknown invoke")
    by, chat = _person(activity), activity.conversation
    if by is None or chat is None or not chat.id or not activity.id:
        return _unheard(activity, by)
    if chat.is_group or chat.conversation_type not in {None, "personal"}:
        return _in_a_group(activity, by, hear)
    reach = Reach(
        str(activity.service_url),
        str(chat.id),
        by.workspace,
        str(activity.from_property.id or by.id),
        _zone(activity),
        str(activity.locale or "")[:_NAMES],
    )
    what, press = _did(activity, by, reach, hear)
    return Heard(what, by, press, reach, str(activity.from_property.name or "")[:_NAMES])


def _unheard(activity: Activity, by: Person | None) -> Heard:
    """Nothing to act upon; but whoever waits for the answer to an invoke has one."""
    if by is None or activity.type != "invoke":
        return NOTHING
    return Heard("execute" if activity.name == _PRESS else "task", by)


def _did(activity: Activity, by: Person, reach: Reach, hear: Hear) -> tuple[What, Press | None]:
    """In our own chat with one person."""
    once, address = _once(activity), reach.address()
    did: tuple[What, Press | None] = "nothing", None
    match activity.type, activity.name or activity.action:
        case "invoke", "adaptiveCard/action":
            action = _dict(_dict(activity.value).get("action"))
            did = "execute", _pressed(_dict(action.get("data")), activity, by, address)
        case "invoke", _:
            did = "task", None
        case "message", _ if activity.value is not None:
            did = "submit", _pressed(_dict(activity.value), activity, by, address)
        case "message", _:
            did = "typed", Press(once, by, f"={hear(plain(activity.text))}", {}, address, "typed")
        case "installationUpdate", "add":
            did = "installed", Press(once, by, "=", {}, address)
        case "installationUpdate", "remove":
            did = "removed", None
    return did


def _once(activity: Activity) -> str:
    """The same whenever Teams delivers again."""
    return f"{activity.conversation.id}|{activity.id}|{activity.type}|{activity.name or ''}"


def _in_a_group(activity: Activity, by: Person, hear: Hear) -> Heard:
    """A slash command for the bot's eyes only is answered in the person's own chat; anything else with one line."""
    if activity.type != "message":
        return _unheard(activity, by)
    if not _is_targeted(activity):
        return Heard("group", by)
    word = hear(plain(activity.text))
    return Heard("typed", by, Press(_once(activity), by, f"={word}", {}, None, "typed"))


def _is_targeted(activity: Activity) -> bool:
    more = getattr(activity.recipient, "additional_properties", None)
    return isinstance(more, dict) and more.get("isTargeted") is True


def plain(text: object) -> str:
    """What was typed, without mentions, tags, entities and spaces that cannot be seen."""
    if not isinstance(text, str):
        return ""
    words = html.unescape(_TAG.sub(" ", _AT.sub(" ", text[:_TYPED])))
    return words.replace("\u00a0", " ").strip().removeprefix("/")


# ---------------------------------------------------------------- pieces of an activity


def _person(activity: Activity) -> Person | None:
    """Who did it, in the tenant that was checked at the door."""
    by = activity.from_property
    aad = by.aad_object_id if by is not None else None
    tenant = tenant_of(activity)
    return Person("teams", tenant, str(aad).lower()) if tenant and _is_id(aad) else None


def tenant_of(activity: Activity) -> str:
    """As the channel's data name it, or else the conversation; botbuilder looks for the latter under another name."""
    named = _dict(_dict(activity.channel_data).get("tenant")).get("id")
    more = _dict(getattr(activity.conversation, "additional_properties", None))
    tenant = named or more.get("tenantId")
    return str(tenant).lower() if _is_id(tenant) else ""


def is_somebodys(activity: Activity) -> bool:
    """Whether it names somebody of the directory as its author."""
    return _person(activity) is not None


def _zone(activity: Activity) -> str:
    for entity in activity.entities or ():
        said = getattr(entity, "additional_properties", None)
        if isinstance(said, dict) and isinstance(said.get("timezone"), str):
            return str(said["timezone"])[:_NAMES]
    return str(activity.local_timezone or "")[:_NAMES]


def _pressed(data: Mapping[str, Any], activity: Activity, by: Person, address: Address) -> Press | None:
    """A button of ours, with what was filled in on its card; None for anything else."""
    token = data.get(TOKEN)
    if not isinstance(token, str) or not 0 < len(token) <= _TOKEN or not (token.isascii() and token.isprintable()):
        return None
    once = _once(activity)
    if data.get(ONCE) is True and activity.reply_to_id:  # a form is sent once, whatever is pressed on it again
        once = f"{activity.conversation.id}|{activity.reply_to_id}|form"
    return Press(once, by, token, answers(data, by), address)


def answers(data: Mapping[str, Any], by: Person) -> Answers:
    """What was ticked and written. A choice or a text nobody made is absent; nothing ticked of several is an answer."""
    asked = data.get(ASKED)
    found: dict[str, Value] = {}
    for key in asked if isinstance(asked, list) else ():
        if isinstance(key, str) and ":" in key:
            found[key.partition(":")[2]] = ()
    for key, given in data.items():
        kind, _, name = key.partition(":")
        value = _value(kind, given, by) if name and isinstance(given, str) else None
        if value:
            found[name] = value
    return found


def _value(kind: str, given: str, by: Person) -> Value | None:
    parts = tuple(part.strip() for part in given.split(",") if part.strip())
    match kind:
        case "choice":
            return _words(given)
        case "text":
            return _words(given)
        case "several":
            return parts
        case "people":
            return tuple(Person("teams", by.workspace, part.lower()) for part in parts if _is_id(part))
        case _:
            return None


def _words(given: str) -> str:
    """Whole characters only: half of one could be written nowhere."""
    return given[:_TYPED].encode(errors="ignore").decode()


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
