"""A hospital whose routes are knocked at, and what must hold whatever comes."""

from __future__ import annotations

import gc
import resource
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from adapters.fakes.base import BotReply
from bot.playground.chat_script import ChatScript
from bot.playground.wired_simulator import WiredSimulator
from tests.fuzz.choosing import Choices
from tests.fuzz.requests import CANARY, STRANGER, HostileRequest, OnSlack, OnTeams
from tests.playground.wired import wired
from tests.security.loggers import LoggedText, every_logger_at_debug

ROUTES: Final = ("slack", "teams")
LOOKED_AFTER: Final = 500  # requests after which records and logs are looked at
LONGEST_ANSWER: Final = 4_000  # bytes

_BEGINNING: Final = """\
Given Ana on {platform}
Given peer Bo
Ana   types    /peersupport
Ana   reads    …
Ana   presses  [Talk to someone soon]
Ana   reads    …
Ana   presses  [Ask now]
Bo    reads    …
Ana   sees     …
"""


class Broken(Exception):
    """A request had an effect, or was answered as none may be. The text names no byte of it but its kind."""


@dataclass
class Target:
    """One route of a running programme, with a request that is being asked about.

    Args:
        simulator: The programme, in the middle of a request.
        maker: Makes hostile requests to the route.
        log: What any library or module of ours logged, without our gate.
    """

    simulator: WiredSimulator
    maker: OnSlack | OnTeams
    log: LoggedText
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    _before: Mapping[str, int] = field(default_factory=dict)

    async def take(self, choices: Choices) -> None:
        """Make one request and send it. Raises Broken where the answer is none that may be."""
        request = self.maker.make(choices)
        answer: BotReply = await request.send()
        self.answered[request.kind, answer.status] += 1
        if fault := _fault_of(request, answer):
            raise Broken(f"{request.kind}: {fault}")
        if sum(self.answered.values()) % LOOKED_AFTER == 0:
            await self.look()

    async def look(self) -> None:
        """Look for effects. Raises Broken where a record was written, or a log holds a byte of a body."""
        await self.simulator.idle()
        now = _revisions(self.simulator)
        if self._before and now != self._before:
            raise Broken("a record was written")
        self._before = now
        if CANARY in self.log.getvalue():
            raise Broken("a log holds a byte of a body")
        self.log.clear()
        self._let_the_fakes_forget()

    def _let_the_fakes_forget(self) -> None:
        """Drop what the fake platforms remember of every refusal, so that memory is the programme's own."""
        slack, teams = self.simulator.fakes.both
        for calls in (slack.calls, teams.calls, slack.asides):
            calls.clear()
        places = self.simulator.screens._places
        for place in [place for place, shown in places.items() if shown.kind in {"aside", "form", "home"}]:
            del places[place]


def _fault_of(request: HostileRequest, answer: BotReply) -> str:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.NOT_IMPLEMENTED:
        return f"answered {answer.status}"
    if request.refused and answer.status != HTTPStatus.UNAUTHORIZED:
        return f"answered {answer.status} instead of 401"
    return "answered at length" if len(answer.body) > LONGEST_ANSWER else ""


def _revisions(simulator: WiredSimulator) -> Mapping[str, int]:
    store: Any = simulator.engine.services.store
    return {id_: document["revision"] for id_, document in store._documents.items()}


def resident() -> int:
    """The memory this process has, in KiB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() // 1024


@asynccontextmanager
async def target(route: str) -> AsyncIterator[Target]:
    """A hospital in the middle of a request, and the makers of requests to one of its routes."""
    with every_logger_at_debug() as log:
        async with wired() as simulator:
            slack, teams = simulator.fakes.both
            script = ChatScript(simulator)
            for number, line in enumerate(_BEGINNING.format(platform=route.title()).splitlines(), 1):
                await script.line(number, line)
            slack.joins(STRANGER, is_restricted=True)
            maker = OnSlack(slack) if route == "slack" else OnTeams(teams)
            found = Target(simulator, maker, log)
            await found.look()
            yield found
