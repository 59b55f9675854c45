"""Where Teams knocks: vouched for, read, written down, and only then answered.

What Teams sends and we do not know is 200, an invoke we do not know 501; what could not be written is 503.
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

from adapters.base import Broken, Card, Desk, Press, Stopped, TryLater, Unclear, Unreachable
from adapters.tasks import Tasks
from adapters.teams import cards, quiet
from adapters.teams.errors import NotThere
from adapters.teams.presses import Hear, Heard, heard, is_somebodys
from adapters.teams.teams import Teams
from conversations.model import Person

BODY_LIMIT: Final = 256 * 1024
PATIENCE: Final = 9.0  # seconds in which a person's client still waits for an answer

_MESSAGE = "application/vnd.microsoft.activity.message"
_UNREAD = ("timestamp", "localTimestamp", "expiration")  # which we do not need, and which may be no times at all
_NOT_DONE = (Broken, NotThere, Stopped, TimeoutError, TryLater, Unclear, Unreachable)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request is answered with."""

    status: int = HTTPStatus.OK
    body: dict[str, Any] | None = None

    def response(self) -> web.Response:
        if self.body is None:
            return web.Response(status=self.status)
        return web.json_response(self.body, status=self.status)


class Door:
    """Everything inbound of one bot. `handle` is the route; `drain` before closing the adapter.

    `hear` makes one of our words of whatever is typed; nothing else of it goes further.
    """

    def __init__(self, teams: Teams, desk: Desk, *, hear: Hear, patience: float = PATIENCE) -> None:
        self._teams = teams
        self._desk = desk
        self._hear = hear
        self._patience = patience
        self._tasks = Tasks(quiet.failed)

    async def handle(self, request: web.Request) -> web.Response:
        """One request, answered in time and never with a word of its body."""
        if request.content_type != "application/json" or hdrs.CONTENT_ENCODING in request.headers:
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        until = asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout_at(until):
                body = await _body(request)
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        try:
            async with asyncio.timeout_at(until):
                return (await self._heard(request, body)).response()
        except TimeoutError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    async def drain(self, within: float = 5.0) -> None:
        """Finish what was promised after an acknowledgement; what takes longer is cut off."""
        await self._tasks.drain(within)

    async def _heard(self, request: web.Request, body: bytes | None) -> Reply:
        raw = await self._vouched(request, body)
        return raw if isinstance(raw, Reply) else await self._read(raw)

    async def _vouched(self, request: web.Request, body: bytes | None) -> dict[str, Any] | Reply:
        """The activity, if it is Microsoft's, for us, and from a tenant of ours; else what is answered."""
        if body is None:
            return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        claims = await self._teams.proof.claims(request.headers.get("Authorization", ""))
        if claims is None:
            return Reply(HTTPStatus.UNAUTHORIZED)
        raw = _object(body)
        if raw is None:
            return Reply(HTTPStatus.BAD_REQUEST)
        return raw if self._teams.proof.covers(claims, raw) else Reply(HTTPStatus.UNAUTHORIZED)

    async def _read(self, raw: dict[str, Any]) -> Reply:
        try:
            activity = Activity.deserialize({key: value for key, value in raw.items() if key not in _UNREAD})
            known = heard(activity, self._hear)
        except Exception as error:  # noqa: BLE001  botbuilder trusts shapes; this one was none of Teams'
            quiet.failed("activity", type(error).__name__)
            return Reply(HTTPStatus.BAD_REQUEST)
        if known.what == "nothing" and activity.type in {"message", "invoke"} and not is_somebodys(activity):
            return Reply(HTTPStatus.UNAUTHORIZED)
        return await self._turn(activity, known)

    # ------------------------------------------------------------ one turn

    async def _turn(self, activity: Activity, known: Heard) -> Reply:
        """Through botbuilder's pipeline, so that what answers in the chat is an ordinary turn."""
        replies: list[Reply] = []

        async def turn(context: TurnContext) -> None:
            replies.append(await self._take(context, known))

        await self._teams.run_pipeline(TurnContext(self._teams, activity), turn)
        return replies[0]

    async def _take(self, context: TurnContext, known: Heard) -> Reply:
        if known.what == "unknown invoke":
            return Reply(HTTPStatus.NOT_IMPLEMENTED)
        if known.by is None or known.what == "nothing":
            return Reply()
        if known.what == "removed":
            return await self._removed(known.by)
        if known.what == "group":
            return self._say(context, self._desk.not_here())
        if known.reach is not None:
            self._teams.met(known.by, known.reach, known.name)
        if known.press is None or not await self._belongs(known.by):
            return self._refused(context, known, self._desk.refusal())
        return await self._pressed(context, known, known.press)

    async def _pressed(self, context: TurnContext, known: Heard, press: Press) -> Reply:
        """Write it down, then answer. What fails before the write is not acknowledged; after it, it is."""
        try:
            task = self._tasks.keep(asyncio.ensure_future(self._desk.receive(press)))
            answer = await asyncio.shield(task)  # a write that takes too long goes on; it is only no longer waited for
        except Exception as error:  # noqa: BLE001  the edge
            quiet.failed("receive", type(error).__name__)
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE)
        if answer.kind == "refused":
            return self._refused(context, known, answer.card or self._desk.refusal())
        return await self._current(press) if known.what == "execute" else Reply()

    async def _removed(self, by: Person) -> Reply:
        """They took the bot away: where they were reached is forgotten."""
        self._teams.moved_away(by)
        try:
            await self._desk.left(by)
        except Exception as error:  # noqa: BLE001  the edge
            quiet.failed("left", type(error).__name__)
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE)
        return Reply()

    async def _belongs(self, by: Person) -> bool:
        """Members of the tenant. When Teams cannot say, whoever comes from an allowed tenant is let in."""
        try:
            return (await self._teams.profile(by)).member
        except (TryLater, Stopped, Unreachable):
            return True

    async def _current(self, press: Press) -> Reply:
        """The pressed card as it stands now: without it the client says that something went wrong."""
        try:
            card = await self._desk.current(press.by, press.token)
            drawn = await self._teams.drawn(card) if card is not None else None
        except Exception as error:  # noqa: BLE001  it is written: from here on nothing may undo the acknowledgement
            quiet.failed("current", type(error).__name__)
            drawn = None
        if drawn is None:
            return _invoked(_MESSAGE, self._desk.noted().text)
        return _invoked(cards.TYPE, drawn)

    def _refused(self, context: TurnContext, known: Heard, card: Card) -> Reply:
        """The neutral line: the same bytes for everybody. It edits nothing that stands in a chat.

        A command for our eyes only is not answered before those who did not see it.
        """
        match known.what:
            case "execute":
                return _invoked(_MESSAGE, card.text)
            case "task":
                return Reply(body={"task": {"type": "message", "value": card.text}})
            case "submit" | "typed" if known.reach is not None:
                return self._say(context, card)
            case _:
                return Reply()

    def _say(self, context: TurnContext, card: Card) -> Reply:
        """One line where it was asked for, behind the acknowledgement."""
        self._tasks.later(self._sent(context, card.text))
        return Reply()

    async def _sent(self, context: TurnContext, text: str) -> None:
        try:
            await context.send_activity(text)
        except _NOT_DONE as error:
            quiet.failed("line", type(error).__name__)


# ---------------------------------------------------------------- small parts


async def _body(request: web.Request) -> bytes | None:
    """The raw body, or None when it is larger than anything Teams sends."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _object(body: bytes) -> dict[str, Any] | None:
    """Whole characters only: half of one could be written nowhere."""
    try:
        found = json.loads(body.decode())
        if b"\\u" in body:
            found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="ignore"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def _invoked(kind: str, value: object) -> Reply:
    """An Execute's answer, in Microsoft's envelope."""
    return Reply(body={"statusCode": int(HTTPStatus.OK), "type": kind, "value": value})
