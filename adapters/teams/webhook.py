"""Teams' requests: verify the token, parse the activity, write it down, and only then answer.

An activity of an unknown kind is answered with 200, an unknown invoke with 501, and one that could not be written with
503, so that Teams sends it again.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from botbuilder.core import TurnContext
from botbuilder.schema import Activity

from adapters.background import BackgroundTasks
from adapters.base import AccessRevoked, Card, Inbound, Interaction, OutcomeUnknown, Rejected, RetryLater, Unreachable
from adapters.payload import json_object, read_body
from adapters.signature_record import SignatureRecord
from adapters.teams import cards, log
from adapters.teams.adapter import TeamsAdapter
from adapters.teams.errors import NotFound
from adapters.teams.parse import ParseWord, TeamsActivity, author, parse
from adapters.teams.verify import looks_signed
from conversations.model import Person

PATIENCE: Final = 9.0
"""Seconds in which the client of a person still waits for an answer."""

_MESSAGE = "application/vnd.microsoft.activity.message"
_UNREAD = ("timestamp", "localTimestamp", "expiration")  # not needed, and botbuilder fails on one that is no time
_NOT_SENT = (Rejected, NotFound, AccessRevoked, TimeoutError, RetryLater, OutcomeUnknown, Unreachable)


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What a request is answered with: a status, and for an invoke a body."""

    status: int = HTTPStatus.OK
    body: dict[str, Any] | None = None

    def response(self) -> web.Response:
        """Return it as aiohttp's response."""
        return web.Response(status=self.status) if self.body is None else web.json_response(self.body)


class TeamsWebhook:
    """Everything inbound of one bot. `handle` is the route; `drain` before the adapter is closed.

    Args:
        teams: The adapter.
        inbound: The engine.
        parse_word: Turns typed text into one of our words, or ""; nothing else of the text goes further.
        patience: The seconds in which a request is answered.
    """

    def __init__(
        self, teams: TeamsAdapter, inbound: Inbound, *, parse_word: ParseWord, patience: float = PATIENCE
    ) -> None:
        self._teams = teams
        self._inbound = inbound
        self._parse_word = parse_word
        self._patience = patience
        self.signatures = SignatureRecord()
        self._tasks = BackgroundTasks(log.failed)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request in time, with nothing of its body in the answer."""
        if request.content_type != "application/json" or hdrs.CONTENT_ENCODING in request.headers:
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        deadline = asyncio.get_running_loop().time() + self._patience
        try:
            body = await read_body(request, deadline)
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with asyncio.timeout_at(deadline):
                return (await self._answer(request, body)).response()
        except TimeoutError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    async def drain(self, within: float = 5.0) -> None:
        """Finish what was promised with an acknowledgement, within so many seconds; cancel what takes longer."""
        await self._tasks.drain(within)

    async def _answer(self, request: web.Request, body: bytes) -> WebhookReply:
        """Process a request whose token was made for its activity, by a tenant that is let in."""
        authorization = request.headers.get(hdrs.AUTHORIZATION, "")
        token = await self._teams.verifier.verify(authorization)
        if looks_signed(authorization):
            self.signatures.add(passed=token is not None)
        if token is None:
            return WebhookReply(HTTPStatus.UNAUTHORIZED)
        raw = _object(body)
        if not raw:
            return WebhookReply(HTTPStatus.BAD_REQUEST)
        if not self._teams.verifier.covers(token, raw):
            return WebhookReply(HTTPStatus.UNAUTHORIZED)
        try:
            activity = Activity.deserialize({key: value for key, value in raw.items() if key not in _UNREAD})
            found = parse(activity, self._parse_word)
        except Exception as error:  # noqa: BLE001  botbuilder trusts shapes; this one is none of Teams'
            log.failed("activity", type(error).__name__)
            return WebhookReply(HTTPStatus.BAD_REQUEST)
        if (
            found.what == "nothing"
            and activity.type in {"message", "messageUpdate", "invoke"}
            and author(activity) is None
        ):
            return WebhookReply(HTTPStatus.UNAUTHORIZED)
        return await self._turn(activity, found)

    # ------------------------------------------------------------ one turn

    async def _turn(self, activity: Activity, found: TeamsActivity) -> WebhookReply:
        """Run botbuilder's pipeline, so that what is posted in answer is an ordinary turn."""
        replies: list[WebhookReply] = []

        async def turn(context: TurnContext) -> None:
            replies.append(await self._process(context, found))

        await self._teams.run_pipeline(TurnContext(self._teams, activity), turn)
        return replies[0]

    async def _process(self, context: TurnContext, found: TeamsActivity) -> WebhookReply:
        if found.what == "unknown invoke":
            return WebhookReply(HTTPStatus.NOT_IMPLEMENTED)
        if found.by is None or found.what == "nothing":
            return WebhookReply()
        if found.what == "removed":
            return await self._removed(found.by)
        if found.what == "group":
            return self._post_line(context, self._inbound.group_notice())
        if found.chat is not None:
            self._teams.remember(found.by, found.chat, found.name)
        if found.interaction is None or not await self._is_member(found.by):
            return self._refuse(context, found, self._inbound.refusal())
        return await self._receive(context, found, found.interaction)

    async def _receive(self, context: TurnContext, found: TeamsActivity, interaction: Interaction) -> WebhookReply:
        """Write it down, then answer. A failure before the write is reported, so that it is sent again; none after."""
        try:
            task = self._tasks.track(asyncio.ensure_future(self._inbound.receive(interaction)))
            reply = await asyncio.shield(task)  # a write that takes too long goes on; it is only no longer waited for
        except Exception as error:  # noqa: BLE001  the edge
            log.failed("receive", type(error).__name__)
            return WebhookReply(HTTPStatus.SERVICE_UNAVAILABLE)
        if reply.kind == "refused":
            return self._refuse(context, found, reply.card or self._inbound.refusal())
        return await self._show_current(interaction) if found.what == "execute" else WebhookReply()

    async def _removed(self, by: Person) -> WebhookReply:
        """Forget where a person was reached who removed the bot."""
        self._teams.forget(by)
        try:
            await self._inbound.app_removed(by)
        except Exception as error:  # noqa: BLE001  the edge
            log.failed("left", type(error).__name__)
            return WebhookReply(HTTPStatus.SERVICE_UNAVAILABLE)
        return WebhookReply()

    async def _is_member(self, by: Person) -> bool:
        """Return whether this is a member. While Teams cannot say, people of an allowed tenant are let in."""
        try:
            return (await self._teams.profile(by)).member
        except (RetryLater, AccessRevoked, Unreachable):
            return True

    async def _show_current(self, interaction: Interaction) -> WebhookReply:
        """Answer an Execute with the card as it now stands: without it the client reports an error.

        https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
        """
        try:
            card = await self._inbound.current_card(interaction.by, interaction.token)
            shown = await self._teams.render(card) if card is not None else None
        except Exception as error:  # noqa: BLE001  it is written: from here on nothing may undo the acknowledgement
            log.failed("current", type(error).__name__)
            shown = None
        if shown is None:
            return _invoked(_MESSAGE, self._inbound.acknowledgement().text)
        return _invoked(cards.TYPE, shown)

    def _refuse(self, context: TurnContext, found: TeamsActivity, card: Card) -> WebhookReply:
        """Give the neutral line, with the same bytes for everyone. Edits nothing.

        A targeted command is not answered in a group, before those who did not see it.
        """
        match found.what:
            case "execute":
                return _invoked(_MESSAGE, card.text)
            case "task":
                return WebhookReply(body={"task": {"type": "message", "value": card.text}})
            case "submit" | "typed" if found.chat is not None:
                return self._post_line(context, card)
            case _:
                return WebhookReply()

    def _post_line(self, context: TurnContext, card: Card) -> WebhookReply:
        """Post one line in the chat of the turn, after the acknowledgement."""
        self._tasks.start(_send(context, card.text))
        return WebhookReply()


# ---------------------------------------------------------------- small parts


async def _send(context: TurnContext, text: str) -> None:
    try:
        await context.send_activity(text)
    except _NOT_SENT as error:
        log.failed("line", type(error).__name__)


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, in whole characters only: half of a pair could be written nowhere."""
    found = json_object(body)
    if b"\\u" in body:
        found = json_object(json.dumps(found, ensure_ascii=False).encode(errors="ignore"))
    return found


def _invoked(kind: str, value: object) -> WebhookReply:
    """Return an Execute's answer in Microsoft's envelope."""
    return WebhookReply(body={"statusCode": int(HTTPStatus.OK), "type": kind, "value": value})
