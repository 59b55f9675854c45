"""Parses Teams' activities into interactions. Pure; any activity may come in, and what is not understood is nothing.

`Any` lives here and nowhere else: an activity is vouched for by Microsoft, but its shape is not guaranteed.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-activities
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal

from botbuilder.schema import Activity

from adapters.base import Address, Interaction, front_door_token
from adapters.teams.cards import ASKED, ONCE, TOKEN
from adapters.teams.references import PersonalChat
from adapters.text import TYPED_LIMIT, token, typed
from conversations.model import Answers, Person, Value

ParseWord = Callable[[str], str]
"""Turns typed text into one of the words we know, or "". Nothing else of the text leaves this module."""

What = Literal["execute", "submit", "typed", "installed", "removed", "group", "task", "unknown invoke", "nothing"]

_EXECUTE = "adaptiveCard/action"
_INVOKES = frozenset({_EXECUTE, "task/fetch", "task/submit"})
_ID = re.compile(r"[0-9A-Za-z._:-]{1,100}", re.ASCII)
_AT = re.compile(r"<at\b[^>]*>.*?</at>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_NAMES = 100  # characters


@dataclass(frozen=True, slots=True)
class TeamsActivity:
    """What an activity means.

    Args:
        what: What was done, which decides how it is answered.
        by: Who did it.
        interaction: What the engine is given; None if there is nothing to process.
        chat: Where the person is reached; None outside their own chat with the bot.
        name: The person's name, as far as the activity says.
    """

    what: What
    by: Person | None = None
    interaction: Interaction | None = field(default=None, repr=False)
    chat: PersonalChat | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)


NOTHING: Final = TeamsActivity("nothing")


def parse(activity: Activity, parse_word: ParseWord) -> TeamsActivity:
    """Parse an activity. An invoke is never nothing, because a person waits for its answer."""
    if activity.type == "invoke" and activity.name not in _INVOKES:
        return TeamsActivity("unknown invoke")
    by, chat = author(activity), activity.conversation
    if by is None or chat is None or not chat.id or not activity.id:
        return _unusable(activity, by)
    if chat.is_group or chat.conversation_type not in {None, "personal"}:
        return _in_a_group(activity, by, parse_word)
    personal = PersonalChat(
        str(activity.service_url),
        str(chat.id),
        by.workspace,
        str(activity.from_property.id or by.id),
        _zone(activity),
        str(activity.locale or "")[:_NAMES],
    )
    what, interaction = _done(activity, by, personal.address(), parse_word)
    return TeamsActivity(what, by, interaction, personal, str(activity.from_property.name or "")[:_NAMES])


def _unusable(activity: Activity, by: Person | None) -> TeamsActivity:
    """Return an activity that is not processed; an invoke of a person is answered all the same."""
    if by is None or activity.type != "invoke":
        return NOTHING
    return TeamsActivity("execute" if activity.name == _EXECUTE else "task", by)


def _done(activity: Activity, by: Person, address: Address, parse_word: ParseWord) -> tuple[What, Interaction | None]:
    """Return what was done in the person's own chat with the bot."""
    once = _once(activity)
    done: tuple[What, Interaction | None] = "nothing", None
    match activity.type, activity.name or activity.action:
        case "invoke", "adaptiveCard/action":
            action = _dict(_dict(activity.value).get("action"))
            done = "execute", _pressed(_dict(action.get("data")), activity, by, address)
        case "invoke", _:
            done = "task", None
        case "message", _ if activity.value is not None and not _says_more(activity):
            done = "submit", _pressed(_dict(activity.value), activity, by, address)
        case "message" | "messageUpdate", _:
            word = parse_word(plain(activity.text))
            done = "typed", Interaction(once, by, front_door_token(word), {}, address, "typed")
        case "installationUpdate", "add":
            done = "installed", Interaction(once, by, front_door_token(""), {}, address)
        case "installationUpdate", "remove":
            done = "removed", None
    return done


def _says_more(activity: Activity) -> bool:
    """Return whether a message carries a person's words, and a value that is no press of a button of ours."""
    return not token(_dict(activity.value).get(TOKEN)) and bool(plain(activity.text))


def _once(activity: Activity) -> str:
    """Return the activity's id, which is the same whenever Teams delivers it again.

    Every edit of a message has the message's own id: what it says now tells one edit from the next.
    """
    edit = sha256(str(activity.text).encode()).hexdigest() if activity.type == "messageUpdate" else ""
    return f"{activity.conversation.id}|{activity.id}|{activity.type}|{activity.name or edit}"


def _in_a_group(activity: Activity, by: Person, parse_word: ParseWord) -> TeamsActivity:
    """Parse an activity of a group chat. A targeted slash command, which only the bot sees, is processed.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/targeted-messages
    """
    if activity.type not in {"message", "messageUpdate"}:
        return _unusable(activity, by)
    if not _is_targeted(activity):
        return TeamsActivity("group", by)
    word = parse_word(plain(activity.text))
    return TeamsActivity("typed", by, Interaction(_once(activity), by, front_door_token(word), {}, None, "typed"))


def _is_targeted(activity: Activity) -> bool:
    more = getattr(activity.recipient, "additional_properties", None)
    return isinstance(more, dict) and more.get("isTargeted") is True


def plain(text: object) -> str:
    """Return typed text without mentions, tags, entities, non-breaking spaces and a leading slash."""
    if not isinstance(text, str):
        return ""
    words = html.unescape(_TAG.sub(" ", _AT.sub(" ", text[:TYPED_LIMIT])))
    return words.replace("\u00a0", " ").strip().removeprefix("/")


# ---------------------------------------------------------------- pieces of an activity


def author(activity: Activity) -> Person | None:
    """Return the person of the directory who did it, in the tenant that was verified; None if it names none."""
    by = activity.from_property
    aad = by.aad_object_id if by is not None else None
    tenant = tenant_of(activity)
    return Person("teams", tenant, str(aad).lower()) if tenant and _is_id(aad) else None


def tenant_of(activity: Activity) -> str:
    """Return the tenant that the channel data or else the conversation names (botbuilder knows no such attribute)."""
    named = _dict(_dict(activity.channel_data).get("tenant")).get("id")
    more = _dict(getattr(activity.conversation, "additional_properties", None))
    tenant = named or more.get("tenantId")
    return str(tenant).lower() if _is_id(tenant) else ""


def _zone(activity: Activity) -> str:
    for entity in activity.entities or ():
        more = getattr(entity, "additional_properties", None)
        if isinstance(more, dict) and isinstance(more.get("timezone"), str):
            return str(more["timezone"])[:_NAMES]
    return str(activity.local_timezone or "")[:_NAMES]


def _pressed(data: Mapping[str, Any], activity: Activity, by: Person, address: Address) -> Interaction | None:
    """Return the press of a button of ours, with the answers of its card; None for anything else."""
    value = token(data.get(TOKEN))
    if not value:
        return None
    once = _once(activity)
    if data.get(ONCE) is True and activity.reply_to_id:  # a form is submitted once, however often it is pressed
        once = f"{activity.conversation.id}|{activity.reply_to_id}|form"
    return Interaction(once, by, value, answers(data, by), address)


def answers(data: Mapping[str, Any], by: Person) -> Answers:
    """Return what was selected and written. An unanswered choice or text is absent; none of several is an answer."""
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
        case "choice" | "text":
            return typed(given)
        case "several":
            return parts
        case "people":
            return tuple(Person("teams", by.workspace, part.lower()) for part in parts if _is_id(part))
        case _:
            return None


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
