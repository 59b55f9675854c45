"""How the fake Slack lets an administrator install the app. https://docs.slack.dev/authentication/installing-with-oauth"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from adapters.fakes.base import Answer
from adapters.fakes.screens import Json
from adapters.fakes.slack.workspaces import APP, Workspaces

METHOD: Final = "oauth.v2.access"
_TOKEN_LIVES = 43_200  # seconds, where tokens expire


class SlackOAuth:
    """The page that asks for consent, and the exchange of a code for a token.

    redirect_url  as it stands in the app's settings
    consents      where the visitor is an administrator and allows the app; None: they decline
    rotates       whether tokens expire and are renewed
    asked         the query of each visit to the page
    """

    def __init__(self, workspaces: Workspaces, scopes: str) -> None:
        self.client_id, self.client_secret = "1234567890.1234567890", "fake-client-secret"
        self.redirect_url = ""
        self.consents: str | None = workspaces.first
        self.rotates = False
        self.asked: list[Mapping[str, str]] = []
        self._spaces, self._scopes = workspaces, scopes
        self._codes: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def authorize(self, query: Mapping[str, str]) -> Answer:
        """Answer the visit to the page: the visitor decides at once, and is sent back."""
        self.asked.append(query)
        code = f"{next(self._numbers)}.code"
        if self.consents is not None:
            self._codes[code] = self.consents
        said = {"error": "access_denied"} if self.consents is None else {"code": code}
        back = f"{self.redirect_url}?{urlencode(said | {'state': query.get('state', '')})}"
        return Answer(HTTPStatus.FOUND, headers={"Location": back})

    def access(self, authorization: str, args: Json, now: datetime) -> Answer:
        """A token for a code, to the app that knows its secret. https://docs.slack.dev/reference/methods/oauth.v2.access"""
        known = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if authorization != f"Basic {known}":
            return Answer(body={"ok": False, "error": "bad_client_secret"})
        team = self._codes.pop(args.get("code", ""), None)
        if team is None:
            return Answer(body={"ok": False, "error": "invalid_code"})
        place = self._spaces.installed(team)
        found = {
            "ok": True,
            "app_id": APP,
            "authed_user": {"id": "U0ADMIN"},
            "scope": self.asked[-1]["scope"] if self.asked else self._scopes,
            "token_type": "bot",
            "access_token": place.token,
            "bot_user_id": place.bot,
            "team": None if place.wide else {"id": place.id, "name": "Hospital"},
            "enterprise": {"id": place.enterprise, "name": "Grid"} if place.enterprise else None,
            "is_enterprise_install": place.wide,
        } | ({"refresh_token": "xoxe-1", "expires_in": _TOKEN_LIVES} if self.rotates else {})
        return Answer(body=found, headers={"Date": format_datetime(now, usegmt=True)})
