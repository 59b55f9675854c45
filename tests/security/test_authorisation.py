"""A card is its owner's: whoever else presses on it, at any stage and at any age, changes nothing and learns nothing.

The matrix is played out: who presses, on which button, at which stage of a request, on a card of which age. Each
refusal is the same bytes, so that it does not tell whether there was ever anything behind the button.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.base import front_door_word
from tests.adapters.teams.test_story import in_teams
from tests.running.examples import every_nth
from tests.stories.scenes import ANA, ASKED, BO, STORY, TOGETHER, play
from tests.stories.serve import EVERYBODY, Home, at_home

EVE, GUS = "U0EVE", "U0GUS"
"""A clinician who never asked, and a guest of the workspace, who may not."""

HELD = ("support", "volunteering")

HEARD_FROM_ANYBODY = ("I'm worried",)
"""Whoever says so reads whom to call, on whichever card it stands."""


@dataclass
class Matrix:
    """Everything that was ever shown to anybody, and what came of others pressing on it."""

    home: Home
    actors: tuple[str, ...]
    shown: dict[tuple[str, str, tuple[str, ...]], Any] = field(default_factory=dict)  # by owner, words and buttons
    answers: set[bytes] = field(default_factory=set)
    presses: int = 0

    def look(self) -> None:
        """Remember each card that stands somewhere now, as it is now."""
        for owner in EVERYBODY:
            for card in self.home.at(owner).reads(owner):
                if card.buttons:
                    self.shown.setdefault((owner, card.text, tuple(card.buttons)), card)

    def cells(self) -> Iterator[tuple[str, str, Any]]:
        """Each actor, button and card that is not the actor's."""
        for (owner, _, buttons), card in self.shown.items():
            for label in buttons:
                for actor in self.actors:
                    if actor != owner and label not in HEARD_FROM_ANYBODY and _is_of_a_card(card.button(label)):
                        yield actor, label, card

    async def press(self, actor: str, label: str, card: Any) -> None:
        """Press on another's card; nothing comes of it, and the answer is remembered."""
        before, slack = await self._state(actor), self.home.slack
        slack.asides.clear()
        reply = await self.home.at(actor).presses(actor, label, card=card)
        if self.home.at(actor) is slack:
            await slack.until(lambda: slack.asides, within=20)
        await self.home.engine.idle()
        assert reply.status == 200
        assert await self._state(actor) == before, f"{actor} changed something by {label} on another's card"
        assert {user for user, _ in slack.asides} <= {actor}
        self.answers |= {said for _, said in slack.asides} or {reply.body}
        self.presses += 1

    async def _state(self, actor: str) -> Any:
        """What everybody reads, and what is kept; of who is waited for, a press is a sign of life, so stages count."""
        read = [[card.text for card in self.home.at(each).reads(each)] for each in EVERYBODY]
        if actor not in (ANA, BO):
            return read, self.home.revisions()
        repository, store = self.home.engine.services.repository, self.home.engine.services.store
        kept = [await repository.load(record.id) for kind in HELD for record in await store.all_of_kind(kind)]
        return read, [(each.kind, each.conversation.stage, each.outbox.deliveries) for each in kept if each]


def _is_of_a_card(button: Any) -> bool:
    """Whether this button is about one conversation: it opens no page, and is not the front door's."""
    token = button.get("value") or button.get("data", {}).get("token")
    return bool(token) and front_door_word(token) is None


@pytest.mark.parametrize("platform", ["slack", "teams"])
async def test_nobody_acts_on_a_card_of_anothers_whatever_stage_it_is_of(platform: str, tmp_path: Path) -> None:
    slack = platform == "slack"
    step = every_nth(23)
    async with at_home(tmp_path, *EVERYBODY, EVE, on_teams=() if slack else (*EVERYBODY, EVE)) as home:
        if slack:
            home.slack.joins(GUS, name="Gus", is_restricted=True)
        matrix = Matrix(home, (*EVERYBODY, EVE, GUS) if slack else (*EVERYBODY, EVE))
        for number, scene in enumerate(STORY if slack else in_teams(STORY)):
            await play(home, (scene,))
            await home.settles()
            matrix.look()
            for cell in [*matrix.cells()][number % step :: step]:
                await matrix.press(*cell)
        assert len(matrix.answers) == 1
        assert matrix.presses > 2_500 / step


async def test_what_is_taken_from_any_copy_is_taken_from_copies_of_ones_own(tmp_path: Path) -> None:
    async with at_home(tmp_path, *EVERYBODY) as home:
        await play(home, (*ASKED, *TOGETHER))
        hers = next(card for card in home.slack.reads(ANA) if "Close" in card.buttons)
        matrix = Matrix(home, EVERYBODY)
        await matrix.press(BO, "Close", hers)
        assert any("Write" in card.buttons or "I've finished" in card.buttons for card in home.slack.reads(BO))
        await home.slack.presses(ANA, "Close", card=hers)
        await home.until(lambda: any(card.text.startswith("We've closed this.") for card in home.slack.reads(ANA)))
