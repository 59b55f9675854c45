"""Decides whether a message event is a person speaking to the bot. Pure.

What is not known to be anything else is heard: a person who is not answered has nowhere else to turn, and an answer too
many costs little.

https://docs.slack.dev/reference/events/message lists the subtypes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Payload = Mapping[str, Any]

_SLACKBOT: Final = "USLACKBOT"
_EDIT: Final = "message_changed"
_SPOKEN: Final = frozenset({"file_share", "thread_broadcast", "me_message"})  # heard without any text, too
_EVENTS: Final = (
    "assistant_app_thread bot_add bot_disable bot_enable bot_message bot_remove channel_archive channel_canvas_updated "
    "channel_convert_to_private channel_convert_to_public channel_join channel_leave channel_name "
    "channel_posting_permissions channel_purpose channel_topic channel_unarchive document_mention ekm_access_denied "
    "file_comment file_mention group_archive group_join group_leave group_name group_purpose group_topic "
    "group_unarchive huddle_thread joiner_notification joiner_notification_for_inviter message_deleted message_replied "
    "pinned_item reminder_add reminder_delete reply_broadcast sh_room_created sh_room_shared tombstone unpinned_item "
)
_NOT_SPOKEN: Final = frozenset(_EVENTS.split())


def spoken(event: Payload, own_ids: frozenset[str]) -> Payload | None:
    """Return the message in which a person speaks; None where no person does, or others may be reading along.

    Args:
        event: The event. Its own message is inside it where somebody edited what they had written.
        own_ids: The bot's ids.
    """
    if event.get("type") != "message" or event.get("channel_type") != "im":
        return None
    said = _edited(event) if event.get("subtype") == _EDIT else event
    user = said.get("user")
    if not isinstance(user, str) or user == _SLACKBOT or not own_ids.isdisjoint((user, _text(said, "bot_id"))):
        return None
    return said if _is_speech(said) else None


def _edited(event: Payload) -> Payload:
    """Return a message as its author changed it. Slack also tells of changes of its own, such as a link's preview."""
    now, before = _dict(event.get("message")), _dict(event.get("previous_message"))
    by_author = _dict(now.get("edited")).get("user") == now.get("user")
    return now if by_author and now.get("text") != before.get("text") else {}


def _is_speech(said: Payload) -> bool:
    subtype = _text(said, "subtype")
    if not said.get("subtype") or subtype in _SPOKEN:
        return True
    return subtype not in _NOT_SPOKEN and bool(_text(said, "text").strip())


def _text(said: Payload, key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _dict(value: object) -> Payload:
    return value if isinstance(value, dict) else {}
