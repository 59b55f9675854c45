"""Who and what there is at the fake Teams: a tenant with its accounts, and the chats that the bot is in."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any, Final

from adapters.fakes.screens import Json

GROUP: Final = "19:ward7corridor@thread.v2"  # a group chat that the bot was added to
_OWN: Final = {"tz", "locale"}  # what an account has here and the members call does not tell


class TeamsRefusal(Exception):
    """Teams says no, with an HTTP status, an error code and a message."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.body: Json = {"error": {"code": code, "message": message or f"{code}."}}


class Tenant:
    """One tenant.

    installed  handles of those who have the app; the bot may post in their chats alone
    lenient    any account and any chat exists as soon as it is asked for: for load tests
    """

    def __init__(self, id: str, people: dict[str, Json], away: set[str], *, lenient: bool) -> None:
        self.id = id
        self.people, self.away, self.lenient = people, away, lenient
        self.installed: set[str] = set()
        self._handles: dict[str, str] = {}  # by either id of an account
        self._owners: dict[str, str] = {}  # by chat

    def joins(
        self,
        user: str,
        *,
        id: str = "",
        name: str = "",
        tz: str = "America/New_York",
        locale: str = "en-US",
        **flags: Any,
    ) -> str:
        """Give a person an account, with the app installed. Returns its object id.

        Args:
            user: The handle.
            id: The object id in the directory, by default made from the handle.
            name: The display name, by default made from the handle.
            tz: The time zone, as IANA names it.
            locale: The language and region.
            flags: Further fields as in the members call, such as `userRole="guest"`.
        """
        aad = id or str(uuid.uuid5(uuid.NAMESPACE_URL, f"stand-in/{user}"))
        address, mri = f"{user.lower()}@hospital.example", "29:1" + _long(user)
        self.people[user] = {
            "id": mri,
            "objectId": aad,
            "aadObjectId": aad,
            "name": name or user.title(),
            "userPrincipalName": address,
            "email": address,
            "tenantId": self.id,
            "userRole": "user",
            "tz": tz,
            "locale": locale,
        } | flags
        self._handles |= {aad: user, mri: user}
        self._owners[self.chat(user)] = user
        self.installed.add(user)
        return aad

    def clear(self) -> None:
        """Forget all accounts."""
        self.people.clear()
        self.installed.clear()
        self._handles.clear()
        self._owners.clear()

    def aad(self, user: str) -> str:
        """A person's object id in the directory."""
        return str(self.people[user]["aadObjectId"])

    def mri(self, user: str) -> str:
        """A person's id in Teams, as this bot knows it."""
        return str(self.people[user]["id"])

    def chat(self, user: str) -> str:
        """The id of a person's chat with the bot."""
        return "a:1" + _long(f"{user} and the bot")

    def handle_of(self, id: object) -> str:
        """Whose account this is, by its object id or its Teams id, or ""."""
        user = self._handles.get(str(id), "")
        if not user and self.lenient and id:
            self.joins(user := str(id))
            self._handles[user] = user
        return "" if user in self.away else user

    def owner(self, chat: str) -> str:
        """Whose chat with the bot this is, or ""."""
        if self.lenient and chat not in self._owners:
            self.joins(chat)
            self._owners[chat] = chat
        return self._owners.get(chat, "")

    def told_of(self, user: str) -> Json:
        """An account as the members call tells it."""
        return {name: value for name, value in self.people[user].items() if name not in _OWN}


def _long(seed: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha512(seed.encode()).digest()).decode().rstrip("=")
