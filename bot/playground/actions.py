"""What a page may do: one action at a time, refused with a reason before anything of it has happened."""

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
from adapters.fakes.base import BotReply, Weather
from adapters.fakes.read_back import SEND, filled_in
from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from bot.playground.chat_script import scenarios
from bot.playground.fixtures import CAST
from bot.playground.session import Session
from bot.playground.story_player import PACE, Story
from bot.rendering import PLATFORMS as LABELS
from conversations.model import Answers

log = structlog.get_logger()

Asked = Mapping[str, Any]
Action = Callable[[Asked], Awaitable[None]]

PUSHES: Final = {
    "10m": (timedelta(minutes=10), "10 minutes pass"),
    "1h": (timedelta(hours=1), "1 hour passes"),
    "24h": (timedelta(hours=24), "24 hours pass"),
    "72h": (timedelta(hours=72), "72 hours pass"),
}
MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = 3000  # characters of a line that is typed
SILENT: Final = {"busy", "down"}


class ActionRefused(Exception):
    """What was asked for cannot be done. `why` is a key of the page's own texts."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = f"page-refused-{why}"


class Actions:
    """Everything a page may do, one at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()
        self._over = False
        self._playing: asyncio.Task[None] | None = None
        self._actions: Mapping[str, Action] = {
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
        """Do what is asked for, and tell every page. Raises ActionRefused."""
        action = self._actions.get(str(asked.get("deed")))
        if action is None:
            raise ActionRefused("deed")
        async with self._turn:
            if self._over:
                raise ActionRefused("over")
            try:
                await action(asked)
            finally:
                await self._session.look()

    async def copied(self) -> str:
        """What was done so far, as a dialogue that can be played."""
        async with self._turn:
            return await self._session.copied()

    async def close(self) -> None:
        """Begin nothing new, and finish what is under way."""
        self._over = True
        await self._stop_playing()
        async with self._turn:
            await self._session.end()

    # ------------------------------------------------------------ people

    async def _types(self, asked: Asked) -> None:
        who, text = self._who(asked), str(asked.get("text", "")).strip()[:LONGEST]
        if not text:
            raise ActionRefused("empty")
        self._session.leave_story()
        _taken(await self._app(who).writes(who, text))
        self._session.recorder.types(who, text)
        await self._settle()

    async def _presses(self, asked: Asked) -> None:
        shown, inputs = self._shown(asked), _object(asked.get("inputs"))
        card = self._session.view.card(shown)
        sends = asked.get("deed") == "send"
        button = _button(card, SEND if sends else str(asked.get("button")), of_a_form=sends)
        if asked.get("says", button.label) != button.label:
            raise ActionRefused("gone")  # it became another button after it was looked at
        answers = _answers(shown, inputs)
        self._session.leave_story()
        older = self._newer_ones(shown, button.label)
        app, twice = self._app(shown.who), self._session.fakes.twice
        if sends and isinstance(app, SlackServer):
            _taken(await app.submits(shown.who, shown, inputs))
        else:
            _taken(await app.presses_nth(shown.who, shown, int(button.token), inputs))
        self._session.recorder.presses(shown.who, button.label, card, answers, older=older, twice=twice)
        await self._settle()

    def _newer_ones(self, shown: ScreenItem[Json], label: str) -> int:
        """How many newer cards of theirs have a button of the same name."""
        theirs = self._session.simulator.screens.of(shown.who)
        newer = [each for each in theirs if each.order > shown.order and each.kind != "said"]
        return sum(any(button.label == label for button in self._session.view.card(each).buttons) for each in newer)

    async def _closes(self, asked: Asked) -> None:
        shown = self._shown(asked)
        if shown.kind != "form":
            raise ActionRefused("gone")
        self._session.leave_story()
        self._session.simulator.screens.take_away(shown)

    async def _opens_home(self, asked: Asked) -> None:
        who = self._who(asked)
        app = self._app(who)
        if not isinstance(app, SlackServer):
            raise ActionRefused("home")
        self._session.leave_story()
        _taken(await app.opens_home(who))
        self._session.recorder.did(f"{who:<5} opens    the Home tab")
        await self._session.simulator.idle()

    # ------------------------------------------------------------ time, and what goes wrong

    async def _pushes(self, asked: Asked) -> None:
        by, line = await self._how_far(str(asked.get("by")))
        self._session.leave_story()
        self._session.recorder.did(line)
        self._session.trace("time", line, None)
        simulator = self._session.simulator
        await simulator.wait(simulator.now + by)
        self._session.recorder.listen()

    async def _how_far(self, by: str) -> tuple[timedelta, str]:
        if by in PUSHES:
            return PUSHES[by]
        soonest = await self._session.view.soonest() if by == "next" else None
        if soonest is None:
            raise ActionRefused("nothing-due")
        minutes = max(math.ceil((soonest - self._session.simulator.now) / MINUTE), 1)
        return minutes * MINUTE, f"{minutes} minute{'s pass' if minutes > 1 else ' passes'}"

    async def _weather(self, asked: Asked) -> None:
        platform = next((each for each in self._session.fakes.both if each.platform == asked.get("platform")), None)
        weather: Weather | None = next((each for each in get_args(Weather) if each == asked.get("is")), None)
        if platform is None or weather is None:
            raise ActionRefused("deed")
        self._session.leave_story()
        was, platform.weather = platform.weather, weather
        if (was in SILENT) != (weather in SILENT):
            does = "does not answer" if weather in SILENT else "answers again"
            self._session.recorder.did(f"{LABELS[platform.platform]} {does}")

    async def _twice(self, asked: Asked) -> None:
        self._session.fakes.twice = asked.get("on") is True

    async def _restarts(self, _: Asked) -> None:
        self._session.leave_story()
        self._session.recorder.did("the bot restarts")
        self._session.trace("time", "the bot restarts", None)
        await self._session.simulator.restart()
        self._session.recorder.listen()

    async def _resets(self, asked: Asked) -> None:
        wanted = _object(asked.get("skins"))
        self._session.skins |= {who: skin for who, skin in wanted.items() if who in CAST and skin in LABELS}
        await self._stop_playing()
        await self._session.start_over(self._session.begin)

    async def _settle(self) -> None:
        await self._session.simulator.settle()
        self._session.recorder.listen()

    # ------------------------------------------------------------ stories

    async def _opens_story(self, asked: Asked) -> None:
        path = scenarios().get(str(asked.get("name")))
        if path is None:
            raise ActionRefused("story")
        await self._stop_playing()
        await self._session.start_over(lambda: self._session.open_story(path))

    def _story(self) -> Story:
        if self._session.story is None:
            raise ActionRefused("story")
        return self._session.story

    async def _steps(self, _: Asked) -> None:
        for line in await self._story().step():
            self._session.recorder.wrote(line)

    async def _plays(self, _: Asked) -> None:
        story = self._story()
        await self._stop_playing()
        story.playing = True
        self._playing = asyncio.get_running_loop().create_task(self._play(story))

    async def _play(self, story: Story) -> None:
        """Play a line after another, at a reader's pace, until the story ends or is stopped."""
        try:
            while story.playing and story is self._session.story:
                await self.do({"deed": "story-step"})
                await asyncio.sleep(PACE)
        except ActionRefused:
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
        if who not in self._session.simulator.people:
            raise ActionRefused("nobody")
        return who

    def _app(self, who: str) -> SlackServer | TeamsServer:
        fakes = self._session.fakes
        return fakes.slack if self._session.simulator.person(who).platform == "slack" else fakes.teams

    def _shown(self, asked: Asked) -> ScreenItem[Json]:
        shown = self._session.simulator.screens.find(str(asked.get("message")))
        if shown is None or shown.gone or shown.who != self._who(asked) or shown.kind == "said":
            raise ActionRefused("gone")
        return shown


def _button(card: Card, token: str, *, of_a_form: bool) -> Button:
    found = next((each for each in card.buttons if each.token == token), None)
    if found is None or (found.token == SEND) != of_a_form:
        raise ActionRefused("gone")
    return found


def _answers(shown: ScreenItem[Json], inputs: Json) -> Answers:
    try:
        return filled_in(shown.platform, shown.seen, inputs)
    except (AttributeError, KeyError, TypeError):
        raise ActionRefused("inputs") from None


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _taken(answer: BotReply) -> None:
    """Raise ActionRefused where a platform would show a small warning: the bot did not take what was sent."""
    if answer.status != HTTPStatus.OK:
        raise ActionRefused("not-taken")
