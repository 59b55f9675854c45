"""The two pages of an installation: one sends an administrator's browser to Slack, the other receives it back.

Nothing that comes with a request is ever shown: a page holds one of a few constant sentences.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from adapters.base import AccessRevoked
from adapters.slack import log
from adapters.slack.install.app import NotInstalled
from adapters.slack.install.multi_workspace import MultiWorkspaceSlack
from adapters.slack.install.store import OAuthStates
from adapters.slack.package.manifest import INSTALL, REDIRECT, scopes

COOKIE: Final = "__Host-peersupport-install"
MINUTES: Final = 10
"""How long a browser may take from our page to Slack and back."""

Say = Callable[[str], str]
"""Returns the sentence of a key: `install-done`, `install-foreign`, …"""

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


class OAuthPages:
    """Serves `routes`, a handler for each path.

    Args:
        workspaces: Where the app is installed.
        states: Issues and verifies the states.
        say: Returns the sentences of the pages.
    """

    def __init__(self, workspaces: MultiWorkspaceSlack, states: OAuthStates, say: Say) -> None:
        self._workspaces, self._states, self._say = workspaces, states, say
        self.routes: Mapping[str, Handler] = {INSTALL: self.install, REDIRECT: self.redirected}

    async def install(self, request: web.Request) -> web.StreamResponse:
        """Redirect to Slack, with a state in the address and its other half in a cookie. `?strict` asks for less."""
        state, cookie = self._states.issue()
        asked = scopes(strict="strict" in request.query)
        query = urlencode({"client_id": self._workspaces.app.client_id, "scope": ",".join(asked), "state": state})
        slack = self._workspaces.api.url.removesuffix("api/")
        there = web.Response(status=302, headers=_HEADERS | {"Location": f"{slack}oauth/v2/authorize?{query}"})
        there.set_cookie(COOKIE, cookie, max_age=MINUTES * 60, path="/", secure=True, httponly=True, samesite="Lax")
        return there

    async def redirected(self, request: web.Request) -> web.StreamResponse:
        """Receive the browser back from Slack, and show on a page what came of it."""
        try:
            return self._page(await self._outcome(request))
        except Exception as error:  # noqa: BLE001  the edge: Slack or the store did not answer
            log.failed("install", type(error).__name__)
            return self._page(_LATER)

    async def _outcome(self, request: web.Request) -> str:
        state, cookie = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        if not (state and cookie and await self._states.verify(state, cookie)):
            return "again"
        if request.query.get("error") == "access_denied":
            return "declined"
        code = request.query.get("code", "")
        return await self._install(state, code) if code else "failed"

    async def _install(self, state: str, code: str) -> str:
        try:
            installation = await self._workspaces.admit(code)
        except NotInstalled as refused:
            log.failed("install", refused.reason)
            return refused.reason
        except AccessRevoked:
            return "failed"
        if not await self._states.consume(state):  # written only once Slack has vouched for the browser
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
