"""One afternoon at the playground: who is there, what they did, and everything a page shows of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from adapters.playground import reading
from adapters.playground.pretend import Answered
from adapters.playground.screens import Change, Json, Shown
from bot.playground.scribe import Scribe
from bot.playground.stage import Stage, Wires
from bot.playground.story import Story
from bot.playground.stream import Stream
from bot.playground.view import View, titled
from bot.script import Script, perform, scenarios
from bot.texts import PLATFORMS as LABELS

Deed = Callable[[Mapping[str, Any]], Awaitable[None]]

CAST: Final = {
    "Ana": "clinician",
    "Bo": "peer (nurse, wards)",
    "Cy": "peer (physician, emergency, visible)",
    "Eli": "peer (midwife, maternity)",
    "Dana": "coordinator",
}
SKINS: Final = {"Ana": "slack", "Bo": "slack", "Cy": "teams", "Eli": "teams", "Dana": "slack"}
PUSHES: Final = {
    "10m": (timedelta(minutes=10), "10 minutes pass"),
    "1h": (timedelta(hours=1), "1 hour passes"),
    "24h": (timedelta(hours=24), "24 hours pass"),
    "72h": (timedelta(hours=72), "72 hours pass"),
}
MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = 2000  # characters that somebody types
WEATHERS: Final = ("none", "slow", "busy", "down")
_VERBS: Final = {"new": "reads", "edited": "sees", "answered": "is answered", "gone": "no longer sees"}


class Refused(Exception):
    """What was asked for makes no sense; the message is for whoever asked."""


class Session:
    """Everything a page can do, one thing at a time. `stream` tells all pages what came of it."""

    def __init__(self, wires: Wires) -> None:
        self.wires, self.stream = wires, Stream()
        self.stage: Stage
        self.view: View
        self.scribe: Scribe
        self.story: Story | None = None
        self.skins = dict(SKINS)
        self._turn = asyncio.Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._playing: asyncio.Task[None] | None = None
        self._deeds: Mapping[str, Deed] = {
            "type": self._types,
            "press": self._presses,
            "send": self._sends,
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

    # ------------------------------------------------------------ its beginning and its end

    async def open(self) -> None:
        await self._begin()
        await self._set()
        await self._look()

    async def close(self) -> None:
        """Finish what is under way, and let every page go."""
        async with self._turn:
            await self._end()
        await self.wires.line.close()
        self.stream.close()

    async def _begin(self) -> None:
        """An empty stage."""
        self._folder = TemporaryDirectory(prefix="peersupport-")
        self.stage = Stage(Path(self._folder.name), self.wires)
        self.scribe, self.story = Scribe(self.stage), None
        self.view = View(self.stage)
        self.stage.screens.watched = self._watched
        self.stage.decided = lambda decision: self._traces("decision", titled(decision), decision)
        self.wires.line.sent = lambda title, body: self._traces("event", title, body)
        self.wires.line.called = lambda title, body: self._traces("call", title, body)

    async def _set(self) -> None:
        """Everybody takes their place."""
        script = Script(self.stage)
        for line in _setting(self.skins):
            await script.line(0, line)
            self.scribe.wrote(line)
        await self.stage.open()
        self.view.begins()

    async def _end(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        await self.stage.stop()
        if self._folder is not None:
            self._folder.cleanup()

    # ------------------------------------------------------------ what a page asks for

    async def do(self, asked: Mapping[str, Any]) -> None:
        """Do it, and tell every page. Raises Refused."""
        deed = self._deeds.get(str(asked.get("deed")))
        if deed is None:
            raise Refused("The page asked for something this playground does not know: load it again.")
        async with self._turn:
            try:
                await deed(asked)
            finally:
                await self._look()

    async def chat(self) -> str:
        """What happened so far, as a dialogue; it was played before it is given away, and says where it differs."""
        text = "\n".join(self.scribe.lines) + "\n"
        differs = await asyncio.to_thread(_differs, text)
        return text if not differs else f"{text}\n# Played again, it differs:\n{differs}"

    async def _types(self, asked: Mapping[str, Any]) -> None:
        who, text = self._who(asked), str(asked.get("text", "")).strip()[:LONGEST]
        if not text:
            raise Refused("There is nothing to send yet.")
        self._on_our_own()
        self.scribe.types(who, text)
        _heard(await self._app(who).types(who, text))
        await self._settle()

    async def _presses(self, asked: Mapping[str, Any]) -> None:
        shown, inputs = self._shown(asked), _object(asked.get("inputs"))
        card = self.view.card(shown)
        button = next((each for each in card.buttons if each.token == str(asked.get("button"))), None)
        if button is None:
            raise Refused("That button is not there any more.")
        self._on_our_own()
        answers = self._answers(shown, inputs)
        self.scribe.presses(shown.who, button.label, card, answers, twice=self.wires.line.twice)
        _heard(await self._app(shown.who).presses(shown, int(button.token), inputs))
        await self._settle()

    async def _sends(self, asked: Mapping[str, Any]) -> None:
        shown, inputs = self._shown(asked), _object(asked.get("inputs"))
        card = self.view.card(shown)
        if not card.buttons or card.buttons[0].token != "send":  # noqa: S105  a form's own button
            raise Refused("There is nothing to send here.")
        self._on_our_own()
        answers = self._answers(shown, inputs)
        self.scribe.presses(shown.who, card.buttons[0].label, card, answers, twice=self.wires.line.twice)
        _heard(await self.wires.slack.sends(shown, inputs))
        await self._settle()

    async def _closes(self, asked: Mapping[str, Any]) -> None:
        self.wires.slack.closes(self._shown(asked))

    async def _opens_home(self, asked: Mapping[str, Any]) -> None:
        who = self._who(asked)
        if self.stage.person(who).platform != "slack":
            raise Refused("Teams has no Home tab.")
        self._on_our_own()
        self.scribe.did(f"{who:<5} opens    the Home tab")
        _heard(await self.wires.slack.opens_home(who))
        await self.stage.idle()

    async def _pushes(self, asked: Mapping[str, Any]) -> None:
        by, line = PUSHES.get(str(asked.get("by")), (None, ""))
        if by is None:
            soonest = await self.view.soonest()
            if soonest is None:
                raise Refused("Nothing is waited for.")
            minutes = max(math.ceil((soonest - self.stage.now) / MINUTE), 1)
            by, line = minutes * MINUTE, f"{minutes} minute{'s pass' if minutes > 1 else ' passes'}"
        self._on_our_own()
        self.scribe.did(line)
        self._traces("time", line, None)
        await self.stage.wait(self.stage.now + by)
        self.scribe.listen()

    async def _weather(self, asked: Mapping[str, Any]) -> None:
        platform = next((each for each in self.wires.platforms if each.platform == asked.get("platform")), None)
        weather = next((each for each in WEATHERS if each == asked.get("is")), None)
        if platform is None or weather is None:
            raise Refused("There is no such weather.")
        was, platform.weather = platform.weather, weather  # type: ignore[assignment]
        silent = {"busy", "down"}
        if (was in silent) != (weather in silent):
            does = "does not answer" if weather in silent else "answers again"
            self.scribe.did(f"{LABELS[platform.platform]} {does}")

    async def _twice(self, asked: Mapping[str, Any]) -> None:
        self.wires.line.twice = asked.get("on") is True

    async def _restarts(self, _: Mapping[str, Any]) -> None:
        self._on_our_own()
        self.scribe.did("the bot restarts")
        self._traces("time", "the bot restarts", None)
        await self.stage.restart()
        self.scribe.listen()

    async def _resets(self, asked: Mapping[str, Any]) -> None:
        wanted = _object(asked.get("skins"))
        self.skins |= {who: skin for who, skin in wanted.items() if who in CAST and skin in LABELS}
        await self._anew(self._set)

    async def _anew(self, then: Callable[[], Awaitable[None]]) -> None:
        await self._end()
        await self._begin()
        await then()
        await self.view.look(self.story)
        self.stream.tell("state", self.view.state())

    async def _settle(self) -> None:
        await self.stage.settle()
        self.scribe.listen()

    # ------------------------------------------------------------ stories

    async def _opens_story(self, asked: Mapping[str, Any]) -> None:
        path = scenarios().get(str(asked.get("name")))
        if path is None:
            raise Refused("There is no story of that name.")

        async def then() -> None:
            self.story = Story(path, Script(self.stage))
            for line in await self.story.opens():
                self.scribe.wrote(line)
            self.view.begins()

        await self._anew(then)

    async def _steps(self, _: Mapping[str, Any]) -> None:
        if self.story is None:
            raise Refused("Open a story first.")
        for line in await self.story.step():
            self.scribe.wrote(line)

    async def _plays(self, _: Mapping[str, Any]) -> None:
        if self.story is None:
            raise Refused("Open a story first.")
        self.story.playing = True
        self._playing = asyncio.get_running_loop().create_task(self._play(self.story))

    async def _play(self, story: Story) -> None:
        """A line after another, in a reader's pace, until it ends or somebody stops it."""
        while story.playing and story is self.story:
            async with self._turn:
                for line in await story.step():
                    self.scribe.wrote(line)
                await self._look()
            await asyncio.sleep(story.pause)

    async def _stops(self, _: Mapping[str, Any]) -> None:
        if self.story is not None:
            self.story.playing = False

    def _on_our_own(self) -> None:
        """Whoever acts while a story stands open leaves it, and goes on from there."""
        self.story = None

    # ------------------------------------------------------------ whom and what it is about

    def _who(self, asked: Mapping[str, Any]) -> str:
        who = str(asked.get("who"))
        if who not in self.stage.people:
            raise Refused("There is nobody of that name here.")
        return who

    def _app(self, who: str) -> Any:
        return self.wires.slack if self.stage.person(who).platform == "slack" else self.wires.teams

    def _shown(self, asked: Mapping[str, Any]) -> Shown:
        shown = self.stage.screens.find(str(asked.get("message")))
        if shown is None or shown.gone or shown.who != self._who(asked) or shown.kind == "said":
            raise Refused("That message is not there any more.")
        return shown

    @staticmethod
    def _answers(shown: Shown, inputs: Json) -> Any:
        if shown.platform == "slack":
            return reading.slack_answers(inputs)
        return reading.teams_answers(inputs)

    # ------------------------------------------------------------ what pages are told

    def _watched(self, change: Change) -> None:
        shown = change.shown
        if shown.kind != "said":
            title = f"{shown.who} {_VERBS[change.what]}: {self.view.in_short(shown)}"
            self._traces("message", title, {"on": shown.platform, "as": shown.kind, "json": change.body})
        self.stream.tell("patch", {"messages": [self.view.message(shown)]})

    def _traces(self, step: str, title: str, body: Any) -> None:
        self.stream.tell("patch", {"trace": [self.view.traced(step, title, body)]})

    async def _look(self) -> None:
        """Tell what changed since pages were told last."""
        if changed := await self.view.look(self.story):
            self.stream.tell("patch", changed)


def _setting(skins: Mapping[str, str]) -> list[str]:
    """Who is there, as a dialogue says it: those with a part in the programme are known before it begins."""
    others = [who for who, part in CAST.items() if not part.startswith("peer")]
    peers = [f"Given peer {who} {CAST[who].removeprefix('peer ')}" for who in CAST if who not in others]
    return [
        *(f"Given {who} on {LABELS[skins[who]]}" for who in others),
        "Given coordinator Dana",
        "Given Dana on call",
        *(f"{line} on {LABELS[skins[line.split()[2]]]}" for line in peers),
    ]


def _differs(text: str) -> str:
    """Where the dialogue differs when it is played, as comments; "" when it passes."""
    told: list[str] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "copied.chat"
        path.write_text(text, encoding="utf-8")
        passes = perform(path, told.append)
    return "" if passes else "".join(f"# {line}\n" for line in told[-1].splitlines())


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _heard(answer: Answered) -> None:
    """What the platform would show when the bot does not answer its knock."""
    if not 200 <= answer.status < 300:  # noqa: PLR2004
        raise Refused("The bot did not take this in. A person would see a small warning, and try again.")
