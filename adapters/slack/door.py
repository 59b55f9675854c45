"""Where Slack knocks: verify the raw bytes, let Bolt route, write it down, and only then acknowledge.

Bolt is handed a payload that is parsed and trusted already (its "socket_mode"), so its own verification, its
reading of headers and its lazy listeners are never used. What Slack sends and we do not know is 200;
what is signed and makes no sense is 400; what could not be written is 503, so that Slack, or the person, tries again.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from aiohttp import hdrs, web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Answer, Desk, Press, Stopped, TryLater
from adapters.slack import presses, quiet
from adapters.slack.places import Place, Places, TheOne
from adapters.slack.presses import Hear, Heard, Payload
from adapters.slack.replies import Replies, json_reply, ok
from adapters.slack.signature import genuine, parse
from adapters.slack.slack import Slack
from adapters.slack.workspaces import Workspaces
from adapters.tasks import Tasks

BODY_LIMIT: Final = 256 * 1024

_WHATEVER = re.compile("")
_Deed = Callable[[Payload, Place | None, float], Awaitable[BoltResponse]]


class Door:
    """Everything inbound of one Slack app. `handle` is the route; `drain` before closing the adapter.

    `hear` makes one of our words of whatever is typed; nothing else of it goes further.
    `secrets` may be two while the signing secret is rotated; None where nobody knocks, because we call Slack: then
    `handle` lets nobody in. `workspaces` defaults to the bot token's own; where there are several, they know themselves
    which.
    `patience` is the time, in seconds, in which a press is answered: Slack gives three.
    """

    def __init__(
        self,
        slack: Slack | Workspaces,
        desk: Desk,
        *,
        secrets: Sequence[str] | None,
        hear: Hear,
        now: Callable[[], datetime],
        workspaces: Iterable[str] = (),
        name: str = "Peer Support",
        patience: float = 2.3,
    ) -> None:
        if secrets is not None and not (secrets and all(s.strip() for s in secrets)):
            raise ValueError("SLACK_SIGNING_SECRET is empty: copy it from the app's Basic Information page")
        self._places: Places = TheOne(slack, frozenset(workspaces)) if isinstance(slack, Slack) else slack
        self._desk = desk
        self._secrets = tuple(s.strip() for s in secrets or ())
        self._hear = hear
        self._now = now
        self._patience = patience
        self._tasks = Tasks(quiet.failed)
        self._replies = Replies(self._places, self._tasks, name)
        self._bolt = self._routes()

    # ------------------------------------------------------------ the route

    async def handle(self, request: web.Request) -> web.Response:
        """One request, answered in time and never with a word of its body."""
        if hdrs.CONTENT_ENCODING in request.headers:  # Slack packs nothing, and unpacking comes before any proof
            return web.Response(status=415)
        deadline = asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout(self._patience):
                body = await _read(request)
        except TimeoutError:
            return web.Response(status=408)
        if body is None:
            return web.Response(status=413)
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not genuine(self._secrets, stamp, signature, body, self._now()):
            return web.Response(status=401, text="unauthorized")
        return await self._genuine(body, request.content_type, deadline)

    async def _genuine(self, body: bytes, content_type: str, deadline: float) -> web.Response:
        payload = parse(body, content_type)
        if payload is None:
            return web.Response(status=400)
        if payload.get("type") == "url_verification":
            challenge = payload.get("challenge")
            return (
                web.json_response({"challenge": challenge}) if isinstance(challenge, str) else web.Response(status=400)
            )
        answer = await self.dispatch(payload, deadline)
        return web.Response(status=answer.status, text=answer.body, content_type=_type(answer))

    async def dispatch(self, payload: dict[str, Any], deadline: float) -> BoltResponse:
        """A payload that is known to be Slack's, through Bolt, to the listener it is for."""
        try:
            place = await self._places.at(presses.origin(payload))
        except Exception as error:  # noqa: BLE001  the edge: nothing is written yet
            return _unwritten(error)
        try:
            request = AsyncBoltRequest(body=payload, context={"deadline": deadline, "place": place}, mode="socket_mode")
            answer = await self._bolt.async_dispatch(request)
        except Exception as error:  # noqa: BLE001  Bolt trusts shapes, in its error handling too; this was none of Slack's
            return await _on_error(error)
        return ok() if answer.status == web.HTTPNotFound.status_code else answer

    async def drain(self, within: float = 5.0) -> None:
        """Finish what was promised after an acknowledgement; what takes longer is cut off."""
        await self._tasks.drain(within)

    def _routes(self) -> AsyncApp:
        """The busiest first: Bolt asks them in a row."""
        with _without("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
            app = AsyncApp(
                name="peersupport",
                logger=quiet.QUIET,
                client=AsyncWebClient(logger=quiet.QUIET, retry_handlers=[]),
                authorize=_everybody,
                process_before_response=True,
                request_verification_enabled=False,
                ignoring_self_events_enabled=False,
                ssl_check_enabled=False,
                url_verification_enabled=False,
                attaching_function_token_enabled=False,
                attaching_conversation_kwargs_enabled=False,
            )
        app.action(_WHATEVER)(self._on_action)
        app.command(_WHATEVER)(self._on_command)
        app.event(_WHATEVER)(self._on_event)
        app.view(_WHATEVER)(self._on_submission)
        app.view({"type": "view_closed", "callback_id": _WHATEVER})(_on_nothing)
        app.shortcut(_WHATEVER)(_on_nothing)
        app.options(_WHATEVER)(_on_options)
        app.error(_on_error)
        return app

    # ------------------------------------------------------------ what was heard

    async def _on_command(self, body: Payload, context: Any) -> BoltResponse:
        at = context["place"]
        return await self._take(presses.command(body, self._hear, _known(at)), at, context["deadline"])

    async def _on_action(self, body: Payload, context: Any) -> BoltResponse:
        at = context["place"]
        return await self._take(presses.action(body, _known(at)), at, context["deadline"])

    async def _on_submission(self, body: Payload, context: Any) -> BoltResponse:
        at = context["place"]
        return await self._take(presses.submission(body, _known(at)), at, context["deadline"])

    async def _on_event(self, body: Payload, context: Any) -> BoltResponse:
        deeds: dict[str, _Deed] = {
            "message": self._typed,
            "app_home_opened": self._home,
            "user_change": self._changed,
        }
        deeds |= dict.fromkeys(("app_uninstalled", "tokens_revoked"), self._withdrawn)
        deed = deeds.get(presses.event_type(body))
        return await deed(body, context["place"], context["deadline"]) if deed else ok()

    async def _typed(self, body: Payload, at: Place | None, deadline: float) -> BoltResponse:
        ourselves = at.slack.ourselves if at else frozenset[str]()
        return await self._take(presses.typed(body, self._hear, ourselves, _known(at)), at, deadline)

    async def _home(self, body: Payload, at: Place | None, _: float) -> BoltResponse:
        person = presses.opened_home(body, _known(at))
        if person and at:
            known = await self._belongs(Press("", person, ""), person.workspace, at)
            try:
                card = await self._desk.home(person) if known else self._desk.refusal()
            except Exception as error:  # noqa: BLE001  the edge
                return _unwritten(error)
            self._tasks.later(at.slack.publish_home(person.id, card))
        return ok()

    async def _changed(self, body: Payload, at: Place | None, _: float) -> BoltResponse:
        if at:
            at.slack.forget(presses.changed_user(body))
        return ok()

    async def _withdrawn(self, body: Payload, _: Place | None, __: float) -> BoltResponse:
        if presses.withdrawn(body):
            try:
                if await self._places.withdrawn(presses.origin(body), presses.told_at(body) or self._now()):
                    await self._desk.shut(self._places.platform)
            except Exception as error:  # noqa: BLE001  the edge
                return _unwritten(error)
        return ok()

    # ------------------------------------------------------------ taking it in

    async def _take(self, heard: Heard | None, at: Place | None, deadline: float) -> BoltResponse:
        """Write it down, then answer. What fails before the write is Slack's to send again; after it, it is said."""
        if heard is None:
            return ok()
        if at is None or not await self._belongs(heard.press, heard.home, at):
            return self._replies.refuse(heard, at, self._desk.refusal())
        heard = at.marked(heard)
        try:
            answer = await self._written(heard.press, deadline)
        except Exception as error:  # noqa: BLE001  the edge
            return _unwritten(error)
        try:
            if answer.kind == "refused":
                return self._replies.refuse(heard, at, answer.card or self._desk.refusal())
            return await self._replies.answer(heard, at, answer, deadline)
        except Exception as error:  # noqa: BLE001  it is written: from here on nothing may undo the acknowledgement
            quiet.failed("answer", type(error).__name__)
            return ok()

    async def _belongs(self, press: Press, home: str, at: Place) -> bool:
        """Members. When Slack cannot say, somebody at home is let in, a stranger is not."""
        try:
            return (await at.slack.profile(press.by)).member
        except (TryLater, Stopped):
            return home in {press.by.workspace, at.team}

    async def _written(self, press: Press, deadline: float) -> Answer:
        """The desk's answer. A write that takes too long goes on; it is only no longer waited for."""
        task = self._tasks.keep(asyncio.ensure_future(self._desk.receive(press)))
        left = max(deadline - asyncio.get_running_loop().time(), 0.0)
        async with asyncio.timeout(left):
            return await asyncio.shield(task)


# ---------------------------------------------------------------- small parts


async def _read(request: web.Request) -> bytes | None:
    """The raw body, or None when it is larger than anything Slack sends."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _known(at: Place | None) -> str:
    """As whose people those in a payload are known; "" where we may not be."""
    return at.workspace if at else ""


async def _everybody(team_id: str | None) -> AuthorizeResult:
    """Bolt insists on asking; who may do what is decided by us, with the payload in hand."""
    return AuthorizeResult(enterprise_id=None, team_id=team_id)


async def _on_nothing() -> BoltResponse:
    return ok()


async def _on_options() -> BoltResponse:
    return json_reply({"options": []})


async def _on_error(error: Exception) -> BoltResponse:
    """A shape that broke Bolt, or a listener before it wrote anything."""
    quiet.failed("payload", type(error).__name__)
    return BoltResponse(status=400)


def _unwritten(error: Exception) -> BoltResponse:
    quiet.failed("receive", type(error).__name__)
    return BoltResponse(status=503)


def _type(answer: BoltResponse) -> str:
    return "application/json" if answer.body.startswith("{") else "text/plain"


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Bolt reads the environment by itself, and would keep installations in files in the home directory."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
