"""Faults that were mended once, to be put back while a hospital is simulated: its laws must find each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from bot.engine.delivery import DeliveryWorker
from bot.engine.outbox import Delivery
from bot.engine.services import Homes
from conversations import slots
from conversations.messages import PeerCameBy
from conversations.model import Chose, Elapsed, Facts, Refresh, change
from conversations.support import afterwards, asking
from conversations.support.request import ASKING, Request, flow
from conversations.support.together import parting
from conversations.vocabulary import Timer


def a_check_in_is_lost_beside_a_silent_peer(patch: pytest.MonkeyPatch) -> None:
    """Whoever parts the two clears a check-in that its reader has not seen."""
    for module in (parting, afterwards):
        patch.setattr(module, "KEPT_WHILE_OPEN", parting.KEPT | {slots.CRISIS})


def one_401_shuts_a_platform_for_ever(patch: pytest.MonkeyPatch) -> None:
    """No call is made to a platform that refused once, and nobody asks it again."""
    honest = DeliveryWorker._attempt

    async def attempt(self: DeliveryWorker, stored: Any, delivery: Delivery, homes: Homes) -> Any:
        shut = delivery.to.platform in self._shut_out
        return (None, None) if shut else await honest(self, stored, delivery, homes)

    async def ask_nobody(_: DeliveryWorker) -> None:
        """Leave it shut."""

    patch.setattr(DeliveryWorker, "_attempt", attempt)
    patch.setattr(DeliveryWorker, "ask_the_shut", ask_nobody)


def a_peer_is_torn_away_while_writing(patch: pytest.MonkeyPatch) -> None:
    """A press of the peer does not put off that others are asked."""
    honest = flow.before

    def touch(request: Request, event: Any, facts: Facts) -> Request:
        by = event.peer if isinstance(event, PeerCameBy) else getattr(event, "by", None)
        if by is None or by != request.peer:
            return honest(request, event, facts)
        return change(request, touched=facts.now) if isinstance(event, Chose) else request

    patch.setattr(flow, "before", touch)


def nobody_hears_the_last_no(patch: pytest.MonkeyPatch) -> None:
    """Where no offer is open and none can be made, the next in line hears of it at half the time, and not before."""

    def ask_again(request: Request, event: Elapsed, facts: Facts) -> Any:
        searching, offers = asking.ask_the_next(request, facts)
        return searching, (*offers, Refresh(asking.asking_card(searching, facts)))

    at = (str(ASKING), (Elapsed, Timer.WAVE))
    patch.setitem(flow._rows, at, replace(flow._rows[at], do=ask_again))


@dataclass(frozen=True, slots=True)
class Mended:
    """A fault that was mended.

    Args:
        put_back: Brings it back until the patches are undone.
        law: Words of the law that finds it.
    """

    put_back: Callable[[pytest.MonkeyPatch], None]
    law: str


FAULTS: Final[Mapping[str, Mended]] = {
    "lost-check-in": Mended(a_check_in_is_lost_beside_a_silent_peer, "a check-in is taken away unanswered"),
    "one-401": Mended(one_401_shuts_a_platform_for_ever, "stays shut"),
    "torn-away": Mended(a_peer_is_torn_away_while_writing, "a peer is torn away who was just writing"),
    "last-no": Mended(nobody_hears_the_last_no, "nobody hears the last no"),
}
"""Each by its name."""
