"""A pretend platform that is as bad as platforms are: it delays, refuses, forgets to answer, and posts to the dead."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.base import (
    AccessRevoked,
    Address,
    Card,
    OutcomeUnknown,
    Profile,
    Ref,
    RetryLater,
    Unreachable,
)
from adapters.fakes.direct import DirectAdapter
from adapters.fakes.screens import Change, Kind, ScreenItem, Screens
from conversations.model import Person
from tests.simulation.weather import Fault, Weather

SHOWN = 60  # things on one person's screen, of which the oldest that are gone are forgotten
BUSY_FOR = timedelta(minutes=9)  # what a platform that is down asks for
SLOW = (61.0, 200.0)  # seconds: longer than a lease


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived, as the judge needs it: who reads, since when it was under way, and what it says."""

    to: Person
    since: datetime
    card: Card
    ref: Ref
    is_new: bool


class RecentScreens(Screens[Card]):
    """Screens by person, of which only what is recent is kept: a year has no end of cards."""

    def __init__(self, watcher: Callable[[Change], None]) -> None:
        super().__init__(watcher)
        self._of: dict[str, deque[ScreenItem[Card]]] = defaultdict(deque)

    def put(
        self, who: str, kind: Kind, platform: str, body: Card, place: str = "", at: datetime | None = None
    ) -> ScreenItem[Card]:
        """Show something new."""
        number = next(self._numbers)
        shown = ScreenItem(f"m{number}", who, kind, platform, body, number, at, place)
        mine = self._of[who]
        mine.append(shown)
        self._places[place] = shown
        if len(mine) > SHOWN:
            self._trim(mine)
        self._tell(Change(shown, "new", body))
        return shown

    def _trim(self, mine: deque[ScreenItem[Card]]) -> None:
        old = next((item for item in mine if item.gone or item.kind != "card"), None)
        if old is not None:
            mine.remove(old)
            del self._places[old.place]

    def _tell(self, change: Change) -> None:
        self._watcher(change)

    def of(self, who: str, *kinds: Kind, also_gone: bool = False) -> list[ScreenItem[Card]]:
        """What stands on one person's screen, newest first."""
        return [
            shown
            for shown in reversed(self._of[who])
            if (also_gone or not shown.gone) and (not kinds or shown.kind in kinds)
        ]

    def everyone(self) -> Iterator[str]:
        """Everyone who has a screen."""
        return iter(self._of)


class HostilePlatform(DirectAdapter):
    """One platform's servers, which outlive our processes.

    Args:
        platform: Its name.
        hear: Makes one of the programme's words of what is typed.
        weather: What breaks.
        luck: Decides how long a call takes.
        now: The time.
        changed: Called when a screen changed.
    """

    def __init__(
        self,
        platform: str,
        hear: Callable[[str], str],
        weather: Weather,
        luck: random.Random,
        now: Callable[[], datetime],
        changed: Callable[[Change], None],
    ) -> None:
        super().__init__(platform, hear)
        self.screens: Any = RecentScreens(changed)
        self.accepting: set[Person] = set()  # dead accounts that take every post
        self.turned_away: set[Person] = set()  # whom it once did not find, though they are there
        self.lost: set[Ref] = set()  # posts that their readers deleted
        self.under_way: dict[Person, int] = defaultdict(int)  # calls
        self.call_since: datetime | None = None  # of the call whose effect is made just now
        self._weather, self._luck, self._now = weather, luck, now

    def _reach(self, who: Person) -> None:
        if self.busy:
            raise RetryLater(BUSY_FOR)
        if who in self.accepting:
            self._weather.count(Fault.DEAD_ACCOUNT)
        elif who in self.left:
            raise Unreachable

    async def _takes(self, fault: Fault | None) -> None:
        """Let a call take its time on the way."""
        if fault is Fault.SLOW:
            await asyncio.sleep(self._luck.uniform(*SLOW))
        else:
            await asyncio.sleep(self._luck.random() ** 4 * 4)

    def _refuse(self, fault: Fault | None, to: Person | None) -> None:
        if fault is Fault.BUSY:
            raise RetryLater(timedelta(seconds=self._luck.randint(1, 60)))
        if fault is Fault.SERVER_ERROR:
            raise RetryLater
        if fault is Fault.ONE_401:
            raise AccessRevoked
        if fault is Fault.DROPPED:
            raise OutcomeUnknown
        if fault is Fault.NOBODY_FOUND and to is not None and not self.busy:
            self.turned_away.add(to)
            raise Unreachable

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Put the card on their screen, if nothing comes between."""
        fault, since = self._weather.of_a_call(), self._now()
        self.under_way[to] += 1
        try:
            await self._takes(fault)
            self._refuse(fault, to)
            if fault is Fault.NOT_FOUND and replacing is not None and card.buttons and not self.busy:
                self._lose(replacing)
            self.call_since = since
            ref = await super().deliver(to, address, card, replacing)
            if fault is Fault.ACCEPTED_THEN_DROPPED:
                raise OutcomeUnknown
            return ref
        finally:
            self.under_way[to] -= 1

    def _lose(self, ref: Ref) -> None:
        """The reader deleted it, or it can no longer be edited."""
        if (shown := self.screens.at(ref)) is not None:
            self.screens.take_away(shown)
            self.lost.add(ref)

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take the card off their screen, if nothing comes between."""
        if self.busy:
            raise RetryLater(BUSY_FOR)
        fault = self._weather.of_a_call()
        await self._takes(None)
        self._refuse(fault if fault is not Fault.DROPPED else Fault.SERVER_ERROR, None)
        await super().erase(ref, instead)
        if fault is Fault.ACCEPTED_THEN_DROPPED:
            raise RetryLater

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Look for a post that may have arrived."""
        fault = self._weather.of_a_call()
        await self._takes(None)
        if fault in (Fault.BUSY, Fault.SERVER_ERROR, Fault.DROPPED):
            raise RetryLater
        self._reach(to)
        mine = self.screens.of(to.id)  # what was taken away is not found
        return next((shown.place for shown in mine if shown.kind == "card" and shown.body.id == card_id), None)

    async def is_accepted(self) -> bool:
        """Say whether our credentials are accepted; an answer may get lost."""
        await asyncio.sleep(0.01)  # of virtual time: nothing is waited for
        return not self.busy and self._weather.of_a_call() is None

    async def profile(self, person: Person) -> Profile:
        """Say who somebody is, unless it takes too long."""
        if self._weather.happens(Fault.NO_PROFILE):
            raise RetryLater
        return await super().profile(person)

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Raise RetryLater for a post while nothing is taken."""
        if self.busy and changing is None:
            raise RetryLater(BUSY_FOR)

    def _is_mute(self, press: Any) -> bool:
        """A person sees what their press is answered with, also while we cannot post."""
        return self.busy and self.platform == "slack" and press.source != "command"
