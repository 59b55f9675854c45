"""The two pages of an installation: one sends an administrator's browser to Slack, the other takes it back.

Nothing that comes with a request is ever shown, and a page tells no more than one of a few constant sentences.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from adapters.base import Stopped, TryLater, Unclear
from adapters.slack import quiet
from adapters.slack.app import NotInstalled
from adapters.slack.installations import States
from adapters.slack.manifest import INSTALL, REDIRECT, scopes
from adapters.slack.workspaces import Workspaces

COOKIE: Final = "__Host-peersupport-install"
MINUTES: Final = 10  # in which whoever began may come back

Say = Callable[[str], str]
"""The sentence of a key: `install-done`, `install-foreign`, …"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LATER: Final = "later"
_STATUS: Final = {"done": 200, "done-organisation": 200, _LATER: 503}


class Oauth:
    """Serves `routes`. `say` gives the words."""

    def __init__(self, workspaces: Workspaces, states: States, say: Say) -> None:
        self._workspaces, self._states, self._say = workspaces, states, say
        self.routes: Mapping[str, Handler] = {INSTALL: self.install, REDIRECT: self.redirected}

    async def install(self, request: web.Request) -> web.StreamResponse:
        """Off to Slack, with a state in the address and its other half in a cookie. `?strict` asks for less."""
        state, cookie = self._states.issue()
        asked = scopes(strict="strict" in request.query)
        query = urlencode({"client_id": self._workspaces.app.client_id, "scope": ",".join(asked), "state": state})
        slack = self._workspaces.api_url.removesuffix("api/")
        there = web.Response(status=302, headers=_HEADERS | {"Location": f"{slack}oauth/v2/authorize?{query}"})
        there.set_cookie(COOKIE, cookie, max_age=MINUTES * 60, path="/", secure=True, httponly=True, samesite="Lax")
        return there

    async def redirected(self, request: web.Request) -> web.StreamResponse:
        """Back from Slack: what came of it, on a page."""
        try:
            return self._page(await self._came_of(request))
        except (TryLater, Unclear):
            return self._page(_LATER)
        except Exception as error:  # noqa: BLE001  the edge
            quiet.failed("install", type(error).__name__)
            return self._page(_LATER)

    async def _came_of(self, request: web.Request) -> str:
        state, cookie = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        if not (state and cookie and await self._states.opens(state, cookie)):
            return "again"
        if request.query.get("error") == "access_denied":
            return "declined"
        code = request.query.get("code", "")
        return await self._install(state, code) if code else "failed"

    async def _install(self, state: str, code: str) -> str:
        try:
            installation = await self._workspaces.admit(code)
        except NotInstalled as refused:
            quiet.failed("install", refused.why)
            return refused.why
        except Stopped:
            return "failed"
        if not await self._states.spend(state):  # written only for whom Slack vouches
            return "again"
        await self._workspaces.install(installation)
        return "done" if installation.team else "done-organisation"

    def _page(self, outcome: str) -> web.Response:
        title, text = escape(self._say("install-title")), escape(self._say(f"install-{outcome}"))
        page = web.Response(
            status=_STATUS.get(outcome, 400), text=_PAGE.format(title=title, text=text), content_type="text/html"
        )
        page.headers.update(_HEADERS)
        page.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return page


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
