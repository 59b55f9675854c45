"""What was promised and has still to come: check-ins, what an outbox owes, and someone to hear the last no."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.engine.codec import Stored
from bot.engine.outbox import Delivery
from conversations import hours, matching
from conversations.model import Facts, Person, Programme
from conversations.support.request import ACCOMPANIED, Request, by_urgency

DECENT: Final = timedelta(hours=16)
"""Within which a check-in comes after its time: at a decent hour, of those who work nights, too."""
A_WHILE: Final = timedelta(minutes=15)


class CheckIns:
    """Every check-in that was promised, until it is kept or need not be."""

    def __init__(self) -> None:
        self._promised: dict[str, dict[datetime, bool]] = {}  # by request: at what time, and whether it came
        self._shown: set[str] = set()  # posts
        self._latest: datetime | None = None  # the clock may have been set back since

    def written(self, before: Stored[Request] | None, after: Stored[Request] | None, now: datetime) -> None:
        """Take in what is promised now; what was promised for later may not vanish."""
        self._latest = max(self._latest or now, now)
        id_ = (after or before).id if after or before else ""
        if after is None or after.conversation.stage not in ACCOMPANIED or not after.conversation.wishes.check_in:
            self._promised.pop(id_, None)
            return
        known = self._promised.setdefault(id_, {})
        if before is not None and before.conversation.counted_from != after.conversation.counted_from:
            known = self._promised[id_] = {at: came for at, came in known.items() if at <= self._latest}
        for at in after.conversation.check_ins:
            known.setdefault(at, False)
        ahead = {at for at, came in known.items() if at > self._latest and not came}
        assert ahead <= set(after.conversation.check_ins), "a promised check-in is struck off before its time"

    def shown(self, request: str, post: str) -> None:
        """A check-in stands on its reader's screen: it keeps everything that fell due until now."""
        if post in self._shown:
            return
        self._shown.add(post)
        known = self._promised.get(request)
        if known is None or self._latest is None:
            return  # closed while it was on its way
        owed = [at for at, came in known.items() if not came and at <= self._latest]
        assert owed, "a check-in comes twice"
        known.update(dict.fromkeys(owed, True))

    def hidden(self, request: str) -> None:
        """Its reader wanted every card gone, this one with the others."""
        for at in self._promised.get(request, {}):
            if self._latest is not None and at <= self._latest:
                self._promised[request][at] = True

    def none_is_lost(self, since: datetime, down_until: datetime) -> None:
        """Hold that everything came that fell due long ago.

        Args:
            since: Since when nothing has broken.
            down_until: Until when we, or a platform, had been down for long.
        """
        for known in self._promised.values():
            late = [at for at, came in known.items() if not came and max(at, down_until) + DECENT < since]
            assert not late, "a promised check-in never comes"


class Owed:
    """Since when each delivery is owed."""

    def __init__(self) -> None:
        self._since: dict[str, dict[str, datetime]] = {}  # by record and delivery
        self.posts: dict[str, tuple[str, Person, str]] = {}  # by delivery: the record, the reader, the slot
        self._of: dict[str, set[str]] = {}  # by record: its deliveries

    def written(self, id_: str, deliveries: tuple[Delivery, ...], now: datetime) -> None:
        """Take in what a record owes now."""
        before = self._since.pop(id_, {})
        if deliveries:
            self._since[id_] = {one.id: before.get(one.id, now) for one in deliveries}
        for one in deliveries:
            if one.id not in self.posts:
                self.posts[one.id] = (id_, one.to, one.slot)
                self._of.setdefault(id_, set()).add(one.id)

    def forgotten(self, id_: str) -> None:
        """The record is gone."""
        self._since.pop(id_, None)
        for post in sorted(self._of.pop(id_, ())):
            del self.posts[post]

    def since(self, id_: str, delivery: Delivery) -> datetime | None:
        """When this delivery was first owed."""
        return self._since.get(id_, {}).get(delivery.id)


class LastNo:
    """Requests in which no offer is open and of which nobody has heard."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._alone: dict[str, tuple[str, datetime]] = {}  # how soon they want someone, and since when

    def written(self, id_: str, talk: Request | None, now: datetime) -> None:
        """Take in how a request stands now."""
        if talk is None or talk.stage != "asking" or talk.offers or talk.told:
            self._alone.pop(id_, None)
        elif id_ not in self._alone or self._alone[id_][0] != talk.urgency:
            self._alone[id_] = talk.urgency, now

    def is_heard(self, requests: dict[str, Stored[Request]], now: datetime, well_since: datetime) -> None:
        """Hold that within a step of decent hours another peer is asked, or the next in line hears of it."""
        quiet, zone = self._programme.quiet, self._programme.zone
        for id_, (_, since) in self._alone.items():
            talk = requests[id_].conversation
            step = by_urgency(talk, self._programme.step_soon, self._programme.step_other)
            began = max(since, well_since)
            awake = began if talk.urgency == "soon" else hours.waking(began, zone, quiet)
            late = now > awake + step + A_WHILE
            if not late or (talk.urgency != "soon" and hours.waking(now, zone, quiet) > now):
                continue
            following = matching.next_in_line(talk, Facts(now, self._programme))
            assert following is None, "nobody hears the last no"
