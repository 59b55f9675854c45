"""What every fake platform has: accounts, screens, faults on demand, and one function that answers a call of the bot.

A fake platform is a core without I/O. It is given a `Call` and the time, and gives back an `Answer`; it never opens a
socket, never reads a clock, and never waits. A server (`server.py`) carries calls and answers over a network, which may
be real (`network.Loopback`) or in this process (`network.InProcess`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Final, Literal, Protocol
from urllib.parse import parse_qsl

from adapters.fakes.screens import Json, Kind, ScreenItem, Screens

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"

Weather = Literal["none", "slow", "busy", "down"]
"""How a platform does as a whole: `slow` answers late, `busy` answers 429, `down` answers 503."""

SLOW: Final = 0.7  # seconds by which a slow platform answers late
BUSY_FOR: Final = 30  # seconds that a busy platform names in Retry-After


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request of the bot, or of a browser, as a fake platform is given it.

    `path` is relative to where the fake listens, and decoded; `raw_path` is as it was sent, with its query. Names of
    headers are in lower case.
    """

    verb: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def bearer(self) -> str:
        """The token in the Authorization header, or ""."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else ""

    def arguments(self) -> Json:
        """The body, read as a form or as a JSON object; {} for anything else."""
        if self.headers.get("content-type", "").partition(";")[0].strip() == FORM:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fake platform answers, and how the network treats the answer.

    `body` is sent as JSON unless it is a string or None. `late_by` is in seconds. An answer that `hangs` is never sent;
    one that `resets` ends the connection instead.
    """

    status: int = 200
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    late_by: float = 0.0
    ending: Literal["answered", "hangs", "resets"] = "answered"

    @property
    def encoded(self) -> bytes:
        """The body as bytes."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class PlatformRequest:
    """One request of a platform to the bot, with everything that proves where it is from.

    `title` says in a few words who did what, for an onlooker; `payload` is what the body holds, decoded.
    """

    title: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    payload: Json = field(default_factory=dict, repr=False)
    is_press: bool = False


@dataclass(frozen=True, slots=True)
class BotReply:
    """What the bot answered to one request of a platform."""

    status: int
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Json:
        """The body as a JSON object; {} where it is none."""
        found: Json = json.loads(self.body) if self.body.startswith(b"{") else {}
        return found


# ---------------------------------------------------------------- faults on demand


@dataclass(slots=True)
class Fault:
    """How one method fails, for one person or for everybody, so many times.

    retry_after  seconds, or a date, or any text; answered with 429 unless `status` says otherwise
    body         answered instead of the platform's own way of saying no
    quoted       Teams alone: the error stands as JSON inside a JSON string
    html         answered as a page for people
    reset, hang  the connection is reset, or no answer ever comes
    done         what was asked for happens all the same
    """

    method: str
    user: str | None = None
    times: int = 1
    error: str = ""
    status: int = 200
    retry_after: int | datetime | str | None = None
    body: Any = None
    quoted: bool = False
    html: bool = False
    reset: bool = False
    hang: bool = False
    done: bool = False

    def answer(self, said: Any) -> Answer:
        """The answer that fails in this way; `said` is the body, unless it is a page."""
        if self.hang:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, ending="hangs")
        if self.reset:
            return Answer(ending="resets")
        when = self.retry_after
        when = format_datetime(when.astimezone(UTC), usegmt=True) if isinstance(when, datetime) else when
        headers = {} if when is None else {"Retry-After": str(when)}
        if self.html:
            return Answer(self.status, "<html><h1>Sorry</h1></html>", headers, "text/html")
        return Answer(self.status, said, headers)


@dataclass(slots=True)
class Faults:
    """The faults that were asked for and have not happened yet."""

    waiting: list[Fault] = field(default_factory=list)

    def take(self, method: str, users: set[str]) -> Fault | None:
        """The next fault for a call of this method that concerns these users, counted down; None to do as asked."""
        for fault in self.waiting:
            if fault.method == method and fault.times > 0 and (fault.user is None or fault.user in users):
                fault.times -= 1
                return fault
        return None

    def is_left(self, method: str) -> bool:
        """Whether the next call of this method may fail."""
        return any(fault.method == method and fault.times > 0 for fault in self.waiting)


# ---------------------------------------------------------------- what every platform has


class Observer(Protocol):
    """Looks on at a fake platform: an inspector, for example. It changes nothing."""

    def called(self, title: str, body: Any) -> None:
        """The bot called the platform."""

    def sent(self, title: str, body: Any) -> None:
        """The platform called the bot."""


class NoObserver:
    """Looks at nothing."""

    def called(self, title: str, body: Any) -> None:
        """Ignored."""

    def sent(self, title: str, body: Any) -> None:
        """Ignored."""


class FakePlatform:
    """State that every fake platform keeps, all of it in memory.

    people    accounts by the handle that a test or a dialogue uses for them; each is the platform's own JSON
    away      handles of those whose account is gone; the bot is not told
    screens   what everybody sees
    mistakes  what the real platform would have refused, as sentences
    weather   how the platform does as a whole
    """

    platform = ""
    route = ""  # where the bot listens for this platform
    paths: tuple[str, ...] = ()  # what the platform answers, as patterns of aiohttp's router

    def __init__(self, *, observer: Observer | None = None) -> None:
        self.observer: Observer = observer or NoObserver()
        self.url = ""  # where the fake listens, without a slash at the end
        self.people: dict[str, Json] = {}
        self.away: set[str] = set()
        self.screens = Screens[Json]()
        self.mistakes: list[str] = []
        self.faults = Faults()
        self.weather: Weather = "none"

    def clear(self, screens: Screens[Json]) -> None:
        """Forget all accounts and faults, and show what comes on these screens, which several platforms may share."""
        self.screens = screens
        self.people.clear()
        self.away.clear()
        self.mistakes.clear()
        self.faults.waiting.clear()
        self.weather = "none"

    def answer(self, call: Call, now: datetime) -> Answer:
        """Do what is asked for, at this time, and answer it."""
        raise NotImplementedError

    def handle_of(self, id: object) -> str:
        """Whose account an id names, by any id the platform has for it; "" where there is none."""
        raise NotImplementedError

    def seen_by(self, handle: str, *kinds: Kind) -> list[ScreenItem[Json]]:
        """What stands on one person's screen here, newest first; of some kinds only, where any are named."""
        return [shown for shown in self.screens.of(handle, *kinds) if shown.platform == self.platform]

    def heals(self) -> None:
        """Drop every fault that has not happened yet."""
        self.faults.waiting.clear()

    def through_the_weather(self, answer: Answer, busy: Json) -> Answer:
        """The answer as the weather lets it through; `busy` is the body of a 429."""
        match self.weather:
            case "busy":
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, busy, {"Retry-After": str(BUSY_FOR)})
            case "down":
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "down", content_type="text/plain")
            case "slow":
                return Answer(answer.status, answer.body, answer.headers, answer.content_type, SLOW, answer.ending)
        return answer

    @property
    def lets_through(self) -> bool:
        """Whether a call reaches the platform at all, as the weather is."""
        return self.weather in {"none", "slow"}
