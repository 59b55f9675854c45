"""What a page may do: one deed at a time, refused with a word before anything of it has happened."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, get_args

import structlog

from adapters.base import Button, Card
from adapters.playground.pretend import Answered, Weather
from adapters.playground.reading import filled_in
from adapters.playground.screens import Json, Shown
from adapters.playground.slack import Slack
from adapters.playground.teams import Teams
from bot.playground.cast import CAST
from bot.playground.session import Session
from bot.playground.story import PACE, Story
from bot.script import scenarios
from bot.texts import PLATFORMS as LABELS
from conversations.model import Answers

log = structlog.get_logger()

Asked = Mapping[str, Any]
Deed = Callable[[Asked], Awaitable[None]]

PUSHES: Final = {
    "10m": (timedelta(minutes=10), "10 minutes pass"),
    "1h": (timedelta(hours=1), "1 hour passes"),
    "24h": (timedelta(hours=24), "24 hours pass"),
    "72h": (timedelta(hours=72), "72 hours pass"),
}
MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = 2000  # characters that somebody types
SILENT: Final = {"busy", "down"}


class Refused(Exception):
    """What was asked for makes no sense. `why` is a key of the page's own words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = f"page-refused-{why}"


class Deeds:
    """`do` is all a page may call. `close` finishes what is under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()
        self._over = False
        self._playing: asyncio.Task[None] | None = None
        self._deeds: Mapping[str, Deed] = {
            "type": self._types,
            "press": self._presses,
            "send": self._presses,
            "close": self._closes,
            "home": self._opens_home,
            "push": self._pushes,
            "fault": self._weather,
            "twice": self._twice,
            "restart": self._restarts,
            "reset": self._resets,
            "story": self._opens_story,
            "story-step": self._steps,
            "story-play": self._plays,
            "story-stop": self._stops,
        }

    async def do(self, asked: Asked) -> None:
        """Do it, and tell every page. Raises Refused."""
        deed = self._deeds.get(str(asked.get("deed")))
        if deed is None:
            raise Refused("deed")
        async with self._turn:
            if self._over:
                raise Refused("over")
            try:
                await deed(asked)
            finally:
                await self._session.look()

    async def copied(self) -> str:
        """What was done so far, as a dialogue."""
        async with self._turn:
            return await self._session.copied()

    async def close(self) -> None:
        """Nothing new is begun; what is under way is finished."""
        self._over = True
        await self._stop_playing()
        async with self._turn:
            await self._session.end()

    # ------------------------------------------------------------ people

    async def _types(self, asked: Asked) -> None:
        who, text = self._who(asked), str(asked.get("text", "")).strip()[:LONGEST]
        if not text:
            raise Refused("empty")
        self._session.leave_the_story()
        _taken(await self._app(who).types(who, text))
        self._session.scribe.types(who, text)
        await self._settle()

    async def _presses(self, asked: Asked) -> None:
        shown, inputs = self._shown(asked), _object(asked.get("inputs"))
        card = self._session.view.card(shown)
        sends = asked.get("deed") == "send"
        button = _button(card, "send" if sends else str(asked.get("button")), of_a_form=sends)
        answers = _answers(shown, inputs)
        self._session.leave_the_story()
        older = self._newer_ones(shown, button.label)
        app, twice = self._app(shown.who), self._session.wires.line.twice
        if sends and isinstance(app, Slack):
            _taken(await app.sends(shown, inputs))
        else:
            _taken(await app.presses(shown, int(button.token), inputs))
        self._session.scribe.presses(shown.who, button.label, card, answers, older=older, twice=twice)
        await self._settle()

    def _newer_ones(self, shown: Shown, label: str) -> int:
        """How many newer cards of theirs have a button of the same name."""
        theirs = self._session.stage.screens.of(shown.who)
        newer = [each for each in theirs if each.order > shown.order and each.kind != "said"]
        return sum(any(button.label == label for button in self._session.view.card(each).buttons) for each in newer)

    async def _closes(self, asked: Asked) -> None:
        shown = self._shown(asked)
        if shown.kind != "form":
            raise Refused("gone")
        self._session.leave_the_story()
        self._session.wires.slack.closes(shown)

    async def _opens_home(self, asked: Asked) -> None:
        who = self._who(asked)
        app = self._app(who)
        if not isinstance(app, Slack):
            raise Refused("home")
        self._session.leave_the_story()
        _taken(await app.opens_home(who))
        self._session.scribe.did(f"{who:<5} opens    the Home tab")
        await self._session.stage.idle()

    # ------------------------------------------------------------ time, and what goes wrong

    async def _pushes(self, asked: Asked) -> None:
        by, line = await self._how_far(str(asked.get("by")))
        self._session.leave_the_story()
        self._session.scribe.did(line)
        self._session.traces("time", line, None)
        stage = self._session.stage
        await stage.wait(stage.now + by)
        self._session.scribe.listen()

    async def _how_far(self, by: str) -> tuple[timedelta, str]:
        if by in PUSHES:
            return PUSHES[by]
        soonest = await self._session.view.soonest() if by == "next" else None
        if soonest is None:
            raise Refused("nothing-due")
        minutes = max(math.ceil((soonest - self._session.stage.now) / MINUTE), 1)
        return minutes * MINUTE, f"{minutes} minute{'s pass' if minutes > 1 else ' passes'}"

    async def _weather(self, asked: Asked) -> None:
        platform = next(
            (each for each in self._session.wires.platforms if each.platform == asked.get("platform")), None
        )
        weather: Weather | None = next((each for each in get_args(Weather) if each == asked.get("is")), None)
        if platform is None or weather is None:
            raise Refused("deed")
        self._session.leave_the_story()
        was, platform.weather = platform.weather, weather
        if (was in SILENT) != (weather in SILENT):
            does = "does not answer" if weather in SILENT else "answers again"
            self._session.scribe.did(f"{LABELS[platform.platform]} {does}")

    async def _twice(self, asked: Asked) -> None:
        self._session.wires.line.twice = asked.get("on") is True

    async def _restarts(self, _: Asked) -> None:
        self._session.leave_the_story()
        self._session.scribe.did("the bot restarts")
        self._session.traces("time", "the bot restarts", None)
        await self._session.stage.restart()
        self._session.scribe.listen()

    async def _resets(self, asked: Asked) -> None:
        wanted = _object(asked.get("skins"))
        self._session.skins |= {who: skin for who, skin in wanted.items() if who in CAST and skin in LABELS}
        await self._stop_playing()
        await self._session.anew(self._session.begin)

    async def _settle(self) -> None:
        await self._session.stage.settle()
        self._session.scribe.listen()

    # ------------------------------------------------------------ stories

    async def _opens_story(self, asked: Asked) -> None:
        path = scenarios().get(str(asked.get("name")))
        if path is None:
            raise Refused("story")
        await self._stop_playing()
        await self._session.anew(lambda: self._session.tell(path))

    def _story(self) -> Story:
        if self._session.story is None:
            raise Refused("story")
        return self._session.story

    async def _steps(self, _: Asked) -> None:
        for line in await self._story().step():
            self._session.scribe.wrote(line)

    async def _plays(self, _: Asked) -> None:
        story = self._story()
        await self._stop_playing()
        story.playing = True
        self._playing = asyncio.get_running_loop().create_task(self._play(story))

    async def _play(self, story: Story) -> None:
        """A line after another, in a reader's pace, until it ends or somebody stops it."""
        try:
            while story.playing and story is self._session.story:
                await self.do({"deed": "story-step"})
                await asyncio.sleep(PACE)
        except Refused:
            pass  # it is no longer open
        except Exception as failure:  # noqa: BLE001  the edge of a task of its own
            log.critical("story-failed", kind=type(failure).__name__)
        finally:
            story.playing = False

    async def _stops(self, _: Asked) -> None:
        await self._stop_playing()

    async def _stop_playing(self) -> None:
        if self._session.story is not None:
            self._session.story.playing = False
        if self._playing is not None and self._playing is not asyncio.current_task():
            self._playing.cancel()
            with suppress(asyncio.CancelledError):
                await self._playing
            self._playing = None

    # ------------------------------------------------------------ whom and what it is about

    def _who(self, asked: Asked) -> str:
        who = str(asked.get("who"))
        if who not in self._session.stage.people:
            raise Refused("nobody")
        return who

    def _app(self, who: str) -> Slack | Teams:
        wires = self._session.wires
        return wires.slack if self._session.stage.person(who).platform == "slack" else wires.teams

    def _shown(self, asked: Asked) -> Shown:
        shown = self._session.stage.screens.find(str(asked.get("message")))
        if shown is None or shown.gone or shown.who != self._who(asked) or shown.kind == "said":
            raise Refused("gone")
        return shown


def _button(card: Card, token: str, *, of_a_form: bool) -> Button:
    found = next((each for each in card.buttons if each.token == token), None)
    if found is None or (found.token == "send") != of_a_form:  # noqa: S105  a form's own button
        raise Refused("gone")
    return found


def _answers(shown: Shown, inputs: Json) -> Answers:
    try:
        return filled_in(shown.platform, shown.seen, inputs)
    except (AttributeError, KeyError, TypeError):
        raise Refused("inputs") from None


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _taken(answer: Answered) -> None:
    """Raises Refused where a platform would show a small warning: the bot did not answer its knock."""
    if answer.status != HTTPStatus.OK:
        raise Refused("not-taken")
