"""The story that is told everywhere: two peers opt in, Ana asks, is accompanied for three days, and is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from adapters.fakes.base import BotReply
from tests.stories.serve import Beginning, Hospital, Screens


@dataclass(frozen=True)
class Scene:
    """Somebody does something, or time passes; then everybody reads what stands here, and nothing else.

    `older` is what the button was called in releases before ours, where its name has changed.
    """

    who: str = ""
    presses: str = ""
    command: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    passes: timedelta | None = None
    then: Screens = field(default_factory=dict)
    older: str = ""

    def __str__(self) -> str:
        return f"{self.passes} pass" if self.passes else f"{self.who} {self.presses or self.command or '/peersupport'}"

    async def happens(self, s: Hospital) -> BotReply | None:
        """What is done; whoever did it has an answer when this returns."""
        if self.passes:
            s.time.pass_(self.passes)
            return None
        if self.command is not None:
            return await s.at(self.who).command(self.who, self.command)
        shown = {button for card in s.at(self.who).reads(self.who) for button in card.buttons} if self.older else ()
        label = self.older if self.older in shown else self.presses
        return await s.at(self.who).presses(self.who, label, self.answers)


ANA, BO, CY, DANA = "U0ANA", "U0BO", "U0CY", "U0DANA"

PEER = "You are a peer."
ABOUT = {"my-role": "nurse", "showing": ["visible"]}
OFFER = "A colleague would like to talk."
NEUTRAL = "This one is taken care of."
MET = "Ana would like to talk with you."
GUIDE = "Listen first."
THANKS = "Thank you for being there."
ERASED = "We've closed this. What our system holds about it is erased by March 19."


def opting_in(who: str, name: str, before: tuple[str, ...] = ()) -> tuple[Scene, ...]:
    """Somebody becomes a peer; `before` is what the coordinator has read already."""
    return (
        Scene(who, command="peer", then={who: ("Thank you for offering.",)}),
        Scene(who, "Next", answers=ABOUT, then={who: ("I promise:",)}),
        Scene(
            who,
            "I promise",
            then={who: ("Thank you. A coordinator will read this",), DANA: (*before, f"{name} offers to be a peer")},
        ),
        Scene(DANA, "Approve", answers={"trained": "today"}, then={who: (PEER,), DANA: (*before, "Approved.")}),
    )


ASKED = (
    *opting_in(BO, "Bo"),
    *opting_in(CY, "Cy", before=("Approved.",)),
    Scene(ANA, command="", then={ANA: ()}),
    Scene(ANA, "Talk to someone soon", then={ANA: ("We can ask trained colleagues now.",)}),
    Scene(
        ANA,
        "Ask now",
        then={ANA: ("Thank you for asking. We've asked 2",), BO: (PEER, OFFER), CY: (PEER, OFFER)},
        older="Ask",
    ),
)

TOGETHER = (
    Scene(
        BO,
        "Yes, I can",
        then={
            ANA: ("Bo is a trained peer (Nurse, since 2026)",),
            BO: (PEER, "Thank you. We'll tell you by"),
            CY: (PEER, NEUTRAL),
        },
    ),
    Scene(ANA, "Share my name and connect", then={ANA: ("Bo knows your name",), BO: (PEER, MET, GUIDE)}),
)

AFTERWARDS = (
    Scene(passes=timedelta(hours=2), then={BO: (PEER, MET, GUIDE, "Have you and Ana talked?")}),
    Scene(BO, "We have talked", then={BO: (PEER, MET, GUIDE, THANKS)}),
    Scene(passes=timedelta(hours=22), then={ANA: ("Bo knows your name", "Checking in with you.")}),
    Scene(ANA, "Okay for now", then={ANA: ("Bo knows your name", "Thank you for telling us.")}),
    Scene(passes=timedelta(hours=48), then={ANA: ("Bo knows your name", "A few days on.")}),
    Scene(
        ANA,
        "I'd like to talk again",
        then={
            ANA: ("Bo knows your name", "We told your peer"),
            BO: (PEER, MET, GUIDE, THANKS, "Ana would like to talk again."),
        },
    ),
    Scene(passes=timedelta(days=7), then={ANA: (ERASED,), BO: (PEER, "Thank you for listening.")}),
    Scene(BO, "Okay", then={BO: (PEER, "Thank you. Take care of yourself.")}),
)

OLDER = {
    "We can ask trained colleagues now.": "Everything here is optional",
    NEUTRAL: "This no longer needs you.",
    "Thank you for listening.": "This is closed.",
}
"""How cards began in releases before ours, where they begin otherwise now."""


def in_any_release(scenes: tuple[Scene, ...]) -> tuple[Scene, ...]:
    """The same scenes, where each card may begin as ours do or as those of an earlier release did."""

    def either(cards: tuple[Beginning, ...]) -> tuple[Beginning, ...]:
        return tuple((each, OLDER[each]) if isinstance(each, str) and each in OLDER else each for each in cards)

    return tuple(replace(scene, then={who: either(cards) for who, cards in scene.then.items()}) for scene in scenes)


STORY = (*ASKED, *TOGETHER, *AFTERWARDS)
GRACE = timedelta(days=7)  # from the close to forgetting


async def play(s: Hospital, scenes: tuple[Scene, ...]) -> None:
    """Each scene, and what everybody reads after it."""
    for scene in scenes:
        reply = await scene.happens(s)
        assert reply is None or reply.status == 200, f"{scene}: {reply}"
        await s.reads(scene.then)
