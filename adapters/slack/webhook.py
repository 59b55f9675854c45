"""Slack's requests: verify the raw bytes, let Bolt route, write it down, and only then acknowledge.

Bolt is given a payload that is verified and parsed already (its mode "socket_mode"), so that its own verification, its
reading of headers and its lazy listeners are never used. A payload of an unknown kind is answered with 200, one that is
signed and makes no sense with 400, and one that could not be written with 503, so that Slack or the person repeats it.

https://docs.slack.dev/apis/events-api#responding: every request is to be acknowledged within three seconds.
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

from adapters.background import BackgroundTasks
from adapters.base import AccessRevoked, Inbound, Interaction, Reply, RetryLater
from adapters.payload import read_body
from adapters.signature_record import SignatureRecord
from adapters.slack import log, parse
from adapters.slack.adapter import SlackAdapter
from adapters.slack.install.resolve import ResolvedWorkspace, SingleWorkspace, WorkspaceResolver
from adapters.slack.parse import ParseWord, Payload, SlackInteraction
from adapters.slack.respond import Responder, ok
from adapters.slack.verify import is_signed, looks_signed, parse_body

PATIENCE: Final = 2.3
"""Seconds in which a request is answered: Slack waits for three."""

_ANY = re.compile("")
_ENVIRONMENT = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
_EventHandler = Callable[[Payload, ResolvedWorkspace | None, float], Awaitable[BoltResponse]]


class SlackWebhook:
    """Everything inbound of one Slack app. `handle` is the route; `drain` before the adapter is closed.

    Args:
        slack: The adapter of the one workspace, or the resolver of several.
        inbound: The engine.
        secrets: The signing secret; two of them while it is rotated. None where we connect to Slack (Socket Mode):
            then `handle` accepts nothing.
        parse_word: Turns typed text into one of our words, or ""; nothing else of the text goes further.
        now: Tells the time.
        workspaces: The ids that are let in, for one workspace; by default the bot token's own.
        name: The bot's name, for the title of a modal.
        patience: The seconds in which a request is answered.
    """

    def __init__(
        self,
        slack: SlackAdapter | WorkspaceResolver,
        inbound: Inbound,
        *,
        secrets: Sequence[str] | None,
        parse_word: ParseWord,
        now: Callable[[], datetime],
        workspaces: Iterable[str] = (),
        name: str = "Peer Support",
        patience: float = PATIENCE,
    ) -> None:
        if secrets is not None and not (secrets and all(s.strip() for s in secrets)):
            raise ValueError("SLACK_SIGNING_SECRET is empty: copy it from the app's Basic Information page")
        self._workspaces: WorkspaceResolver = (
            SingleWorkspace(slack, frozenset(workspaces)) if isinstance(slack, SlackAdapter) else slack
        )
        self._inbound = inbound
        self._secrets = tuple(s.strip() for s in secrets or ())
        self._parse_word = parse_word
        self._now = now
        self._patience = patience
        self.signatures = SignatureRecord()
        self._tasks = BackgroundTasks(log.failed)
        self._responder = Responder(self._workspaces.api, self._tasks, name)
        self._bolt = self._routes()

    # ------------------------------------------------------------ the route

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request in time, with nothing of its body in the answer."""
        deadline = asyncio.get_running_loop().time() + self._patience
        payload = await self._verified(request, deadline)
        if isinstance(payload, web.Response):
            return payload
        if payload.get("type") == "url_verification":
            return _challenged(payload.get("challenge"))
        answer = await self.dispatch(payload, deadline)
        kind = "application/json" if answer.body.startswith("{") else "text/plain"
        return web.Response(status=answer.status, text=answer.body, content_type=kind)

    async def _verified(self, request: web.Request, deadline: float) -> dict[str, Any] | web.Response:
        """Return the payload of a request that Slack signed, or the answer with which it is refused."""
        if hdrs.CONTENT_ENCODING in request.headers:  # Slack compresses nothing, and unpacking precedes verification
            return web.Response(status=415)
        try:
            body = await read_body(request, deadline)
        except TimeoutError:
            return web.Response(status=408)
        if body is None:
            return web.Response(status=413)
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        is_ours = is_signed(self._secrets, timestamp, signature, body, self._now())
        if self._secrets and looks_signed(timestamp, signature):
            self.signatures.add(passed=is_ours)
        if not is_ours:
            return web.Response(status=401, text="unauthorized")
        return parse_body(body, request.content_type) or web.Response(status=400)

    async def dispatch(self, payload: dict[str, Any], deadline: float) -> BoltResponse:
        """Let Bolt route a payload that is known to be Slack's, and return what to answer by `deadline` (loop time)."""
        try:
            at = await self._workspaces.resolve(parse.origin(payload))
        except Exception as error:  # noqa: BLE001  the edge: nothing is written yet
            return _not_written(error)
        try:
            request = AsyncBoltRequest(body=payload, context={"deadline": deadline, "at": at}, mode="socket_mode")
            answer = await self._bolt.async_dispatch(request)
        except Exception as error:  # noqa: BLE001  Bolt trusts shapes, in its error handling too; this is none of Slack's
            return await _on_error(error)
        return ok() if answer.status == web.HTTPNotFound.status_code else answer

    async def drain(self, within: float = 5.0) -> None:
        """Finish what was promised with an acknowledgement, within so many seconds; cancel what takes longer."""
        await self._tasks.drain(within)

    def _routes(self) -> AsyncApp:
        """Register the listeners, the busiest first: Bolt tries them in order. For any other payload it answers 404."""
        with _environment_without(*_ENVIRONMENT):
            app = AsyncApp(
                name="peersupport",
                logger=log.QUIET,
                client=AsyncWebClient(logger=log.QUIET, retry_handlers=[]),
                authorize=_authorize,
                process_before_response=True,
                request_verification_enabled=False,
                ignoring_self_events_enabled=False,
                ssl_check_enabled=False,
                url_verification_enabled=False,
                attaching_function_token_enabled=False,
                attaching_conversation_kwargs_enabled=False,
            )
        app.action(_ANY)(self._on_action)
        app.command(_ANY)(self._on_command)
        app.event(_ANY)(self._on_event)
        app.view(_ANY)(self._on_submission)
        app.shortcut(_ANY)(self._on_shortcut)
        app.error(_on_error)
        return app

    # ------------------------------------------------------------ Bolt's listeners

    async def _on_command(self, body: Payload, context: Any) -> BoltResponse:
        at, found = context["at"], parse.command(body, self._parse_word, _known_as(context["at"]))
        channel = parse.command_channel(body)
        if found and at and channel and await at.slack.is_own_chat(channel, found.interaction.by):
            found = found.in_own_chat()
        return await self._receive(found, at, context["deadline"])

    async def _on_action(self, body: Payload, context: Any) -> BoltResponse:
        at = context["at"]
        return await self._receive(parse.action(body, _known_as(at)), at, context["deadline"])

    async def _on_submission(self, body: Payload, context: Any) -> BoltResponse:
        at = context["at"]
        return await self._receive(parse.submission(body, _known_as(at)), at, context["deadline"])

    async def _on_shortcut(self, body: Payload, context: Any) -> BoltResponse:
        at = context["at"]
        return await self._receive(parse.shortcut(body, _known_as(at)), at, context["deadline"])

    async def _on_event(self, body: Payload, context: Any) -> BoltResponse:
        handlers: dict[str, _EventHandler] = {
            "message": self._message,
            "app_home_opened": self._home_opened,
            "user_change": self._user_changed,
            "app_uninstalled": self._uninstalled,
            "tokens_revoked": self._uninstalled,
        }
        handler = handlers.get(parse.event_type(body))
        return await handler(body, context["at"], context["deadline"]) if handler else ok()

    async def _message(self, body: Payload, at: ResolvedWorkspace | None, deadline: float) -> BoltResponse:
        own_ids = at.slack.own_ids if at else frozenset[str]()
        found = parse.message(body, self._parse_word, own_ids, _known_as(at))
        by_an_app = parse.is_through_an_app(body)
        if found and at and by_an_app and not await self._is_member(found.interaction, found.home_team, at):
            return ok()  # another bot: it needs no answer
        return await self._receive(found, at, deadline)

    async def _home_opened(self, body: Payload, at: ResolvedWorkspace | None, _: float) -> BoltResponse:
        person = parse.home_opened(body, _known_as(at))
        if person and at:
            known = await self._is_member(Interaction("", person, ""), person.workspace, at)
            try:
                card = await self._inbound.home_page(person) if known else self._inbound.refusal()
            except Exception as error:  # noqa: BLE001  the edge
                return _not_written(error)
            self._tasks.start(at.slack.publish_home(person.id, card))
        return ok()

    async def _user_changed(self, body: Payload, at: ResolvedWorkspace | None, _: float) -> BoltResponse:
        if at:
            at.slack.forget_profile(parse.changed_user(body))
            if (gone := parse.switched_off(body, _known_as(at))) is not None:
                try:
                    await self._inbound.app_removed(gone)
                except Exception as error:  # noqa: BLE001  the edge
                    return _not_written(error)
        return ok()

    async def _uninstalled(self, body: Payload, _: ResolvedWorkspace | None, __: float) -> BoltResponse:
        if parse.revokes_access(body):
            when = parse.event_time(body) or self._now()
            try:
                if await self._workspaces.uninstalled(parse.origin(body), when):
                    await self._inbound.access_revoked(self._workspaces.platform)
            except Exception as error:  # noqa: BLE001  the edge
                return _not_written(error)
        return ok()

    # ------------------------------------------------------------ one interaction

    async def _receive(
        self, found: SlackInteraction | None, at: ResolvedWorkspace | None, deadline: float
    ) -> BoltResponse:
        """Let in who may act, and pass on what they did."""
        if found is None:
            return ok()
        if at is None or not await self._is_member(found.interaction, found.home_team, at):
            return self._responder.refuse(found, at, self._inbound.refusal())
        found = at.qualified(found)
        if found.message and self._responder.accepts(found.response_url):
            at.slack.remember_press(found.message, found.response_url)
        return await self._write_and_answer(found, at, deadline)

    async def _write_and_answer(self, found: SlackInteraction, at: ResolvedWorkspace, deadline: float) -> BoltResponse:
        """Write it down, then answer. A failure before the write is reported, so that it is sent again; none after.

        A write that takes too long goes on. It is only no longer waited for.
        """
        writing = self._tasks.track(asyncio.ensure_future(self._inbound.receive(found.interaction)))
        left = deadline - asyncio.get_running_loop().time()
        await asyncio.wait((writing,), timeout=max(left, 0.0))
        if not writing.done():
            self._tasks.start(self._answer_late(found, at, writing))
            return _not_written(TimeoutError())
        try:
            reply = writing.result()
        except Exception as error:  # noqa: BLE001  the edge
            return _not_written(error)
        try:
            if reply.kind == "refused":
                return self._responder.refuse(found, at, reply.card or self._inbound.refusal())
            return await self._responder.answer(found, at, reply, deadline)
        except Exception as error:  # noqa: BLE001  it is written: from here on nothing may undo the acknowledgement
            log.failed("answer", type(error).__name__)
            return ok()

    async def _is_member(self, interaction: Interaction, home_team: str, at: ResolvedWorkspace) -> bool:
        """Return whether this is a member. While Slack cannot say, people of the workspace itself are let in."""
        try:
            return (await at.slack.profile(interaction.by)).member
        except (RetryLater, AccessRevoked):
            return home_team in {interaction.by.workspace, at.team}

    async def _answer_late(self, found: SlackInteraction, at: ResolvedWorkspace, writing: asyncio.Task[Reply]) -> None:
        """Show the answer to what was written down only after Slack had told the person that nothing came.

        Slack delivers neither a command nor a press a second time, so this is the only answer that they get.
        """
        try:
            await self._responder.answer_late(found, at, await writing)
        except Exception as error:  # noqa: BLE001  whatever was written stands
            log.failed("answer", type(error).__name__)


# ---------------------------------------------------------------- small parts


def _challenged(challenge: object) -> web.Response:
    """Answer the check of a new request URL: https://docs.slack.dev/reference/events/url_verification."""
    return web.json_response({"challenge": challenge}) if isinstance(challenge, str) else web.Response(status=400)


def _known_as(at: ResolvedWorkspace | None) -> str:
    return at.known_as if at else ""


async def _authorize(team_id: str | None) -> AuthorizeResult:
    """Satisfy Bolt, which insists on asking; who may do what is decided by us, with the payload in hand."""
    return AuthorizeResult(enterprise_id=None, team_id=team_id)


async def _on_error(error: Exception) -> BoltResponse:
    """Answer a payload whose shape broke Bolt, or a listener before it wrote anything."""
    log.failed("payload", type(error).__name__)
    return BoltResponse(status=400)


def _not_written(error: Exception) -> BoltResponse:
    log.failed("receive", type(error).__name__)
    return BoltResponse(status=503)


@contextmanager
def _environment_without(*names: str) -> Iterator[None]:
    """Hide variables that Bolt reads by itself: it would keep installations in files in the home directory."""
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
