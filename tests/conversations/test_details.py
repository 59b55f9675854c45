"""The card before anyone is asked: short first, with its questions only for those who want them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.base import Card
from adapters.slack.cards import to_blocks
from adapters.teams.cards import to_card
from bot.card_content import CardContent, Manner
from bot.rendering import Reader, Renderer
from conversations.immutable import replace
from conversations.messages import RequestOpens
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Erase,
    Facts,
    Message,
    Opened,
    Peer,
    Person,
    Programme,
    Show,
    Urgency,
    Value,
)
from conversations.registry import REQUESTS
from conversations.support.request import Request
from conversations.vocabulary import CardKind, Choice, Timer, Word

SUPPORT = REQUESTS.flow
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANA, BO = Person("slack", "T1", "ana"), Person("teams", "H1", "bo")
READY = Peer(BO, trained_until=date(2028, 1, 1))
ROSTERS = {
    "somebody is free": (READY,),
    "free later": (replace(READY, hours=("nights",)),),
    "nobody can be asked": (),
}
ANSWERS: dict[str, Value] = {"about": "worn-out", "who": ("same-role",), "role": "nurse", "follow-up": ()}


def facts(who: str = "somebody is free") -> Facts:
    return Facts(NOW, Programme(), ROSTERS[who], fresh="f" * 32)


def opened(world: Facts) -> tuple[Request, Message]:
    begun = SUPPORT.begin("a" * 32, RequestOpens(ANA, "today"), world)
    assert begun is not None
    there, effects = SUPPORT.decide(begun, RequestOpens(ANA, "today"), world)
    return there, shown(effects)


def shown(effects: tuple[Effect, ...]) -> Message:
    (card,) = (effect.message for effect in effects if isinstance(effect, Show) and effect.message.slot == "status")
    return card


def drawn(message: Message) -> Card:
    content = CardContent.of(message, Manner.NEWS)
    tokens = {str(choice): str(choice) for choice in message.choices}
    return Renderer.load(Programme()).card(content, "id", tokens, Reader(), {}, NOW)


@pytest.mark.parametrize("who", ROSTERS)
def test_asking_is_on_the_first_screen_of_a_phone(who: str):
    _, card = opened(facts(who))
    assert (card.choices[:2], card.questions) == ((Choice.ASK_NOW, Choice.CHOOSE_MORE), ())
    blocks = to_blocks(drawn(card))
    assert [block["type"] for block in blocks] == ["section", "actions"]
    assert blocks[1]["elements"][0]["text"]["text"] == "Ask now"
    assert not [part for part in to_card(drawn(card))["body"] if part["type"].startswith("Input.")]


@pytest.mark.parametrize("who", ROSTERS)
def test_the_questions_come_for_those_who_want_them_and_say_the_same_of_who_is_free(who: str):
    there, short = opened(facts(who))
    chosen, effects = SUPPORT.decide(there, Chose(ANA, Choice.CHOOSE_MORE), facts(who))
    card = shown(effects)
    assert (chosen.stage, card.choices[0], len(card.questions)) == ("details", Choice.ASK, 11)
    assert card.times == short.times


def test_asking_now_asks_as_most_people_do():
    there, _ = opened(facts())
    at_once, _ = SUPPORT.decide(there, Chose(ANA, Choice.ASK_NOW), facts())
    chosen, _ = SUPPORT.decide(there, Chose(ANA, Choice.CHOOSE_MORE), facts())
    left, _ = SUPPORT.decide(chosen, Chose(ANA, Choice.ASK, dict(initial(chosen))), facts())
    assert (at_once.stage, at_once.wishes, at_once.check_ins) == ("asking", left.wishes, left.check_ins)


def initial(request: Request) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """What a person sends who changes nothing on the questions."""
    _, effects = SUPPORT.decide(request, Chose(ANA, Choice.CHOOSE_MORE), facts())
    for question in shown(effects).questions:
        if question.kind == "several":
            yield question.name, question.chosen
        elif question.chosen:
            yield question.name, question.chosen[0]


def test_a_card_with_questions_from_before_is_taken_as_it_was_filled_in():
    there, _ = opened(facts())  # an older release showed the questions at once, and noted nothing about that
    asking, effects = SUPPORT.decide(there, Chose(ANA, Choice.ASK, ANSWERS), facts())
    assert (asking.stage, asking.wishes.about, asking.wishes.who, asking.check_ins) == (
        "asking",
        "worn-out",
        ("same-role",),
        (),
    )
    assert shown(effects).card == CardKind.SUPPORT_ASKING


# ---------------------------------------------------------------- while peers are asked


def asked(urgency: Urgency = "today", **ticked: Value) -> Request:
    begun = SUPPORT.begin("a" * 32, RequestOpens(ANA, urgency), facts())
    assert begun is not None
    there, _ = SUPPORT.decide(begun, RequestOpens(ANA, urgency), facts())
    return SUPPORT.decide(there, Chose(ANA, Choice.ASK, ticked), facts())[0]


def later(**by: float) -> Facts:
    return replace(facts(), now=NOW + timedelta(**by))


@pytest.mark.parametrize("urgency", ["today", "no-rush"])
def test_sooner_runs_the_shorter_target_from_now_and_only_once(urgency: Urgency):
    sooner, effects = SUPPORT.decide(asked(urgency), Chose(ANA, Choice.SOONER), later(minutes=20))
    assert sooner.urgency == "soon"
    assert sooner.deadlines[Timer.TARGET] == NOW + timedelta(minutes=50)
    assert sooner.deadlines[Timer.HALF] == NOW + timedelta(minutes=35)
    assert sooner.deadlines[Timer.WAVE] <= NOW + timedelta(minutes=30)
    assert Choice.SOONER not in shown(effects).choices
    again, said = SUPPORT.decide(sooner, Chose(ANA, Choice.SOONER), later(minutes=40))
    assert (again.deadlines, said) == (sooner.deadlines, ())


def test_sooner_never_moves_a_promise_back():
    request = asked()
    almost = later(hours=3, minutes=50)
    sooner, _ = SUPPORT.decide(request, Chose(ANA, Choice.SOONER), almost)
    assert sooner.deadlines[Timer.TARGET] == request.deadlines[Timer.TARGET]


def test_sooner_after_the_target_promises_anew():
    late, _ = SUPPORT.decide(asked(), Elapsed(Timer.TARGET), later(hours=4))
    sooner, effects = SUPPORT.decide(late, Chose(ANA, Choice.SOONER), later(hours=5))
    assert (sooner.late, shown(effects).card) == (False, CardKind.SUPPORT_ASKING)
    assert sooner.deadlines[Timer.TARGET] == NOW + timedelta(hours=5, minutes=30)


def test_who_asked_for_soon_is_offered_nothing_sooner():
    _, effects = SUPPORT.decide(asked("soon"), Elapsed(Timer.WAVE), later(minutes=10))
    assert shown(effects).choices == (Choice.CHANGE_MY_MIND,)


def test_change_shows_what_was_chosen_and_saving_it_changes_nothing():
    request = asked(**ANSWERS, **{"leave-out": (Person("slack", "T1", "U777"),)})
    _, effects = SUPPORT.decide(request, Opened(ANA, Word.CHANGE), later(minutes=1))
    (card,) = (effect.message for effect in effects if isinstance(effect, Show))
    chosen = {question.name: question.chosen for question in card.questions}
    assert (chosen["about"], chosen["who"], chosen["role"]) == (("worn-out",), ("same-role",), ("nurse",))
    assert (chosen["follow-up"], chosen["leave-out"], chosen["leave-out-names"]) == ((), (), ())
    saved, _ = SUPPORT.decide(request, Chose(ANA, Choice.SAVE, ANSWERS), later(minutes=2))
    assert (saved.wishes, saved.offers, saved.check_ins) == (request.wishes, request.offers, request.check_ins)


def test_whoever_is_left_out_later_loses_an_offer_like_anyone_who_is_no_longer_needed():
    request = asked()
    saved, effects = SUPPORT.decide(request, Chose(ANA, Choice.SAVE, {"leave-out": (BO,)}), later(minutes=2))
    (read,) = (effect.message for effect in effects if isinstance(effect, Show) and effect.to == BO)
    assert (read.card, read.choices) == (CardKind.NEUTRAL, ())
    assert saved.offers == ()
    assert SUPPORT.decide(saved, Chose(BO, Choice.YES), later(minutes=3)) == (saved, ())


def test_check_ins_come_and_go_with_their_tick():
    request = asked()
    without, _ = SUPPORT.decide(request, Chose(ANA, Choice.SAVE, {"follow-up": ()}), later(hours=1))
    assert (without.check_ins, Timer.CHECK_IN in without.deadlines) == ((), False)
    again, _ = SUPPORT.decide(without, Chose(ANA, Choice.SAVE, {"follow-up": ("check-in",)}), later(hours=30))
    assert again.check_ins == request.check_ins[1:]


def together() -> Request:
    chosen, _ = SUPPORT.decide(asked(**ANSWERS), Chose(BO, Choice.YES), facts())
    there, _ = SUPPORT.decide(chosen, Chose(ANA, Choice.CONNECT), facts())
    return there


def test_with_a_peer_there_change_asks_how_and_when_to_talk_and_no_more_whom_to_ask():
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, Choice.YES), facts())
    as_a_peer = replace(facts(), peers=(READY, replace(READY, person=ANA)))
    for request in (chosen, together()):
        for world in (facts(), as_a_peer):
            _, effects = SUPPORT.decide(request, Opened(ANA, Word.CHANGE), world)
            (card,) = (effect.message for effect in effects if isinstance(effect, Show))
            assert card.card == CardKind.SUPPORT_CHANGE_SOME
            assert [question.name for question in card.questions] == ["how", "when", "follow-up"]


def test_what_is_changed_with_a_peer_there_leaves_all_else_as_it_was_and_is_news_only_where_it_is_new():
    request = together()
    saved, effects = SUPPORT.decide(request, Chose(ANA, Choice.SAVE, {"how": "call", "leave-out": (BO,)}), facts())
    assert saved.wishes == replace(request.wishes, how="call", check_in=True)
    assert [effect.to for effect in effects if isinstance(effect, Show)] == [BO, ANA]
    _, effects = SUPPORT.decide(saved, Chose(ANA, Choice.SAVE, {"how": "call"}), facts())
    assert [effect.to for effect in effects if isinstance(effect, Show)] == [ANA]


@pytest.mark.parametrize("leads", [Choice.SOMEONE_ELSE, Choice.HAND_BACK])
def test_a_card_that_asks_for_less_is_taken_away_when_all_can_be_changed_again(leads: Choice):
    """Sent later, it would leave out what it had not asked."""
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, Choice.YES), facts())
    for request in (chosen, together()):
        by = ANA if leads == Choice.SOMEONE_ELSE else BO
        _, effects = SUPPORT.decide(request, Chose(by, leads), facts())
        gone = [effect for effect in effects if isinstance(effect, Erase) and effect.to == ANA]
        assert any(effect.slot in (None, "details") and "details" not in effect.keep for effect in gone)


def test_an_answer_that_no_card_offered_counts_as_not_answered():
    forged = asked(
        about="forged", how="by pigeon", role="king", language="xx", who=("same-role", "forged"), when=("x",)
    )
    plain = asked(who=("same-role",))
    assert forged.wishes == plain.wishes


def test_a_lock_screen_tells_of_an_offer_only_to_who_chose_so():
    words = Renderer.load(Programme())
    offer = CardContent(BO, CardKind.PEER_OFFER, "offer", details={"alias": 1, "urgency": "soon", "how": "any"})
    plain, chosen = (words.card(offer, "id", {}, Reader(plain_push=full), {}, NOW).push for full in (False, True))
    assert plain == words.text("push") != chosen
