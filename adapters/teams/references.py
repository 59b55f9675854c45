"""Conversation and message references: where Teams reaches a person, and where a post stands.

They are opaque to the rest of the programme and sealed wherever they are kept. "Conversation reference" is Microsoft's
term: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Address, Ref


@dataclass(frozen=True, slots=True)
class PersonalChat:
    """One person's chat with the bot.

    Args:
        service: The address of the service that keeps the chat.
        chat: The conversation's id.
        tenant: The tenant's id.
        member: The person's id in this chat.
        zone: The time zone that their client named last, or "".
        locale: The locale that their client named last, or "".
    """

    service: str = field(repr=False)
    chat: str = field(repr=False)
    tenant: str = field(repr=False)
    member: str = field(repr=False)
    zone: str = field(default="", repr=False)
    locale: str = field(default="", repr=False)

    def address(self) -> Address:
        """Return it as an opaque address; `parse_address` is the inverse."""
        return json.dumps([self.service, self.chat, self.tenant, self.member, self.zone, self.locale])


@dataclass(frozen=True, slots=True)
class MessageReference:
    """One message that the bot posted: the service, the conversation's id, the tenant's and the message's."""

    service: str = field(repr=False)
    chat: str = field(repr=False)
    tenant: str = field(repr=False)
    message: str = field(repr=False)

    def ref(self) -> Ref:
        """Return it as an opaque reference; `parse_ref` is the inverse."""
        return json.dumps([self.service, self.chat, self.tenant, self.message])


def parse_address(address: Address | None) -> PersonalChat | None:
    """Return the chat that an address stands for; None for none, and for one of another version's form."""
    parts = _strings(address, 6)
    return PersonalChat(*parts) if parts else None


def parse_ref(ref: Ref | None) -> MessageReference | None:
    """Return the message that a reference stands for; None for none, and for one of another form."""
    parts = _strings(ref, 4)
    return MessageReference(*parts) if parts else None


def _strings(text: str | None, count: int) -> list[str]:
    try:
        found: Any = json.loads(text or "")
    except ValueError:
        return []
    whole = isinstance(found, list) and len(found) == count and all(isinstance(part, str) for part in found)
    return found if whole else []
