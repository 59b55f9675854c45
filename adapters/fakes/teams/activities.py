"""What Teams sends to the bot. https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-activities"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from adapters.fakes.screens import Json
from adapters.fakes.teams.tenant import GROUP, Tenant

BOT_NAME: Final = "Peer Support"


class TeamsActivities:
    """Builds activities: who sends them, from which chat, and when."""

    def __init__(self, tenant: Tenant, bot: str, number: Callable[[], int], service_url: Callable[[], str]) -> None:
        self.bot = bot
        self._tenant, self._number, self._service_url = tenant, number, service_url

    def envelope(self, user: str, tenant: str, now: datetime) -> Json:
        """What every activity of a person holds."""
        person = self._tenant.people[user]
        zone, locale = person["tz"], person["locale"]
        client = {"type": "clientInfo", "locale": locale, "country": "US", "platform": "Windows", "timezone": zone}
        return {
            "channelId": "msteams",
            "serviceUrl": self._service_url(),
            "id": f"f:{self._number():08x}",
            "from": {"id": person["id"], "name": person["name"], "aadObjectId": person["aadObjectId"]},
            "conversation": {"conversationType": "personal", "tenantId": tenant, "id": self._tenant.chat(user)},
            "recipient": {"id": self.bot, "name": BOT_NAME},
            "entities": [client],
            "channelData": {"tenant": {"id": tenant}},
            "locale": locale,
            "localTimezone": zone,
            "timestamp": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTimestamp": now.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds"),
        }

    def message(self, text: str) -> Json:
        """A line that a person writes."""
        id = str(1_700_000_000_000 + self._number())
        return {"type": "message", "id": id, "textFormat": "plain", "text": text}

    def mention(self, text: str, client: list[Any]) -> tuple[str, Json]:
        """`@Peer Support text` in the group chat: the line, and the fields that go with it."""
        at = f"<at>{BOT_NAME}</at>"
        mention = {"type": "mention", "text": at, "mentioned": {"id": self.bot, "name": BOT_NAME}}
        return f"{at} {text}\n", {"conversation": self.in_group(), "entities": [*client, mention]}

    def targeted(self) -> Json:
        """The fields of a message in the group chat that the bot alone can see."""
        recipient = {"id": self.bot, "name": BOT_NAME, "isTargeted": True}
        return {"conversation": self.in_group(), "recipient": recipient}

    def in_group(self) -> Json:
        """The group chat, as the conversation of an activity."""
        return {"isGroup": True, "conversationType": "groupChat", "tenantId": self._tenant.id, "id": GROUP}

    def press(self, place: str, action: Json, data: Mapping[str, Any]) -> Json:
        """Action.Execute. https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model"""
        pressed = {"type": action["type"], "verb": action["verb"], "data": dict(data)}
        value = {"action": pressed, "trigger": "manual"}
        return {"type": "invoke", "name": "adaptiveCard/action", "replyToId": place, "value": value}

    def submit(self, place: str, data: Mapping[str, Any]) -> Json:
        """Action.Submit, of a Teams that does not know Action.Execute."""
        return {"type": "message", "replyToId": place, "value": dict(data)}
