"""What every adapter promises the engine, whatever platform it speaks to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pytest

from adapters.base import Adapter, Button, Card, Field, Interaction, Option, Reply, RetryLater, Unreachable
from conversations.model import Person

PUSH = "You have a message."
INSTEAD = Card("instead", "This was taken away.", PUSH)
WELCOME = Card("welcome", "Would you like to talk?", PUSH, buttons=(Button("Ask", "tok-ask"),))
QUESTIONS = (
    Field("about", "choice", "What it is about", (Option("work", "Something at work"), Option("home", "At home"))),
    Field("who", "several", "Who", (Option("same-role", "Same role"), Option("any", "Anybody")), ("any",)),
    Field("leave-out", "people", "People to leave out"),
)


@dataclass
class FakeInbound:
    """Gives the replies it was given, and remembers what it received."""

    received: list[Interaction] = field(default_factory=list)
    answers: dict[str, Reply] = field(default_factory=dict)  # by token
    cards: dict[str, Card] = field(default_factory=dict)  # what stands where a token was pressed

    async def receive(self, press: Interaction) -> Reply:
        self.received.append(press)
        return self.answers.get(press.token, Reply())

    async def current_card(self, by: Person, token: str) -> Card | None:
        return self.cards.get(token)

    async def home_page(self, person: Person) -> Card:
        return WELCOME

    async def app_removed(self, person: Person) -> None: ...

    async def access_revoked(self, platform: str) -> None: ...

    def refusal(self) -> Card:
        return Card("refusal", "This one is taken care of.", PUSH)

    def acknowledgement(self) -> Card:
        return Card("noted", "Noted.", PUSH)

    def group_notice(self) -> Card:
        return Card("not-here", "Not here.", PUSH)


@dataclass(frozen=True)
class Screen:
    """One card as its reader sees it."""

    text: str
    buttons: list[str]
    questions: list[str]


class World(Protocol):
    """A platform with Ana and Bo, our adapter, and whoever it hands presses to."""

    adapter: Adapter
    inbound: FakeInbound

    def person(self, name: str) -> Person: ...

    def reads(self, name: str) -> list[Screen]: ...

    async def presses(self, name: str, label: str, answers: dict[str, Any]) -> None: ...

    async def types(self, name: str, text: str) -> None: ...

    async def again(self) -> None:
        """The platform delivers the last press once more."""

    async def comes_back(self) -> None:
        """Our process starts anew and remembers nothing."""

    def is_busy(self) -> None: ...

    def loses(self, name: str) -> None:
        """They can no longer be reached."""


class AdapterContract:
    """Subclass it, and give one fixture: `world`."""

    async def test_a_card_is_shown_once_with_its_words_its_questions_and_its_buttons(self, world: World) -> None:
        card = replace(WELCOME, fields=QUESTIONS[:2])
        await world.adapter.deliver(world.person("Ana"), None, card, None)
        assert world.reads("Ana") == [Screen("Would you like to talk?", ["Ask"], ["What it is about", "Who"])]
        assert world.reads("Bo") == []

    async def test_an_edit_stands_where_the_card_stood(self, world: World) -> None:
        ana = world.person("Ana")
        ref = await world.adapter.deliver(ana, None, WELCOME, None)
        await world.adapter.deliver(ana, None, Card("c2", "Another card.", PUSH), None)
        again = await world.adapter.deliver(ana, None, Card("c3", "We have asked.", PUSH), ref)
        assert again == ref
        assert [card.text for card in world.reads("Ana")] == ["We have asked.", "Another card."]
        assert world.reads("Ana")[0].buttons == []

    async def test_what_is_taken_away_is_gone_and_may_be_taken_away_twice(self, world: World) -> None:
        ref = await world.adapter.deliver(world.person("Ana"), None, WELCOME, None)
        await world.adapter.erase(ref, INSTEAD)
        await world.adapter.erase(ref, INSTEAD)
        assert world.reads("Ana") == []

    async def test_an_edit_of_what_is_gone_is_shown_afresh_if_it_can_be_answered(self, world: World) -> None:
        ana = world.person("Ana")
        ref = await world.adapter.deliver(ana, None, WELCOME, None)
        await world.adapter.erase(ref, INSTEAD)
        await world.adapter.deliver(ana, None, Card("c2", "Nothing to press.", PUSH), ref)
        assert world.reads("Ana") == []
        fresh = await world.adapter.deliver(ana, None, replace(WELCOME, id="c3"), ref)
        assert fresh != ref
        assert [card.buttons for card in world.reads("Ana")] == [["Ask"]]

    async def test_a_person_s_own_words_arrive_as_they_were_written(self, world: World) -> None:
        words = "*Thank you* <@U1> <at>Bo</at> & [you](https://example.org)"
        await world.adapter.deliver(world.person("Ana"), None, Card("c1", "Bo writes:", PUSH, quote=words), None)
        assert words in world.reads("Ana")[0].text

    async def test_a_press_brings_back_the_token_and_the_answers(self, world: World) -> None:
        card = replace(WELCOME, fields=QUESTIONS)
        await world.adapter.deliver(world.person("Ana"), None, card, None)
        bo = world.person("Bo")
        await world.presses("Ana", "Ask", {"about": "home", "leave-out": ["Bo"], "who": ["same-role"]})
        (press,) = world.inbound.received
        assert (press.by, press.token, press.source) == (world.person("Ana"), "tok-ask", "pressed")
        assert press.answers == {"about": "home", "who": ("same-role",), "leave-out": (bo,)}

    async def test_nothing_ticked_of_several_is_an_answer_and_nothing_picked_of_one_is_none(self, world: World) -> None:
        await world.adapter.deliver(world.person("Ana"), None, replace(WELCOME, fields=QUESTIONS[:2]), None)
        await world.presses("Ana", "Ask", {"who": []})
        (press,) = world.inbound.received
        assert press.answers.get("who") == ()
        assert not press.answers.get("about")

    async def test_a_press_that_is_delivered_again_is_the_same_press(self, world: World) -> None:
        await world.adapter.deliver(world.person("Ana"), None, WELCOME, None)
        await world.presses("Ana", "Ask", {})
        await world.again()
        await world.presses("Ana", "Ask", {})
        first, again, another = (press.id for press in world.inbound.received)
        assert first == again
        assert first != another

    async def test_what_is_typed_becomes_one_of_our_words_or_none(self, world: World) -> None:
        for typed in ("Peer", "  STATUS \n", "it was a hard night with a patient"):
            await world.types("Ana", typed)
        assert [press.token for press in world.inbound.received] == ["=peer", "=status", "="]
        assert all("hard night" not in repr(press) and press.answers == {} for press in world.inbound.received)

    async def test_where_somebody_wrote_from_leads_to_them_after_a_restart(self, world: World) -> None:
        ref = await world.adapter.deliver(world.person("Ana"), None, WELCOME, None)
        await world.types("Ana", "help")
        address = world.inbound.received[0].address
        assert address is not None
        await world.comes_back()
        await world.adapter.deliver(world.person("Ana"), address, Card("c2", "Checking in.", PUSH), None)
        await world.adapter.deliver(world.person("Ana"), address, Card("c3", "Good morning.", PUSH), ref)
        assert [card.text for card in world.reads("Ana")] == ["Good morning.", "Checking in."]

    async def test_who_cannot_be_reached_is_unreachable(self, world: World) -> None:
        world.loses("Ana")
        with pytest.raises(Unreachable):
            await world.adapter.deliver(world.person("Ana"), None, WELCOME, None)
        await world.adapter.deliver(world.person("Bo"), None, WELCOME, None)

    async def test_a_busy_platform_is_tried_later_and_did_nothing(self, world: World) -> None:
        ref = await world.adapter.deliver(world.person("Ana"), None, WELCOME, None)
        world.is_busy()
        with pytest.raises(RetryLater):
            await world.adapter.deliver(world.person("Bo"), None, WELCOME, None)
        assert world.reads("Bo") == []
        assert ref

    async def test_a_platform_says_what_somebody_is_called(self, world: World) -> None:
        profile = await world.adapter.profile(world.person("Ana"))
        assert profile.name == "Ana"
        assert profile.member
        assert "Ana" not in repr(profile)
