"""Leaving people out by their names: what fits, what is said, and that doubt leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import to_builtins

from conversations.immutable import replace
from conversations.matching import next_in_line, whose_names
from conversations.messages import RequestOpens
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Facts,
    Message,
    OnCall,
    Opened,
    Peer,
    Person,
    Programme,
    Show,
)
from conversations.options import NAMES
from conversations.peers import names
from conversations.registry import REQUESTS
from conversations.support.asking import asking_card
from conversations.support.request import Request
from conversations.vocabulary import CardKind, Timer, Word

SUPPORT = REQUESTS.flow

FITS = (
    ("smith", "Anna Smith"),
    ("SMITH", "Smith, Anna (Cardiology)"),
    ("Anna Smith", "Smith Anna"),
    ("Smith Anna", "Dr. Anna Smith, MD"),
    ("Dr Smith", "Anna Smith"),
    ("A. Smith", "Anna Smith"),
    ("Anna Smith", "A Smith"),
    ("Anna Smith", "Anna Maria Smith"),
    ("Anna M. Smith", "Anna Maria Smith"),
    ("Anna Maria Smith", "Anna Smith"),
    ("Muller", "Jürgen Müller"),
    ("Mueller", "Jürgen Müller"),
    ("Müller", "Juergen Mueller"),
    ("Sorensen", "Søren Sørensen"),
    ("Nunez", "María Núñez"),
    ("NÚÑEZ", "maria nunez"),
    ("Lukasz", "Łukasz Nowak"),
    ("OBrien", "Pat O\u2019Brien"),
    ("O'Brien", "Pat OBrien"),
    ("O Brien", "Pat O'Brien"),
    ("De Luca", "Marco DeLuca"),
    ("deluca", "Marco De Luca"),
    ("Jones", "Beth Smith-Jones"),
    ("Smith Jones", "Beth Smith-Jones"),
    ("Maryann Hill", "Mary-Ann Hill"),
    ("Nguyễn", "Nguyen Van An"),
    ("Straße", "Uwe Strasse"),
    ("王", "王小明"),
    ("王 小明", "王小明"),
    ("कुमार", "राज कुमार"),
    ("Иванов", "Пётр ИВАНОВ"),
    ("my boss Anna Smith", "Anna Smith"),
    ("anna.smith@hospital.org", "Anna Smith"),
    ("Anna Smith", "Anna"),
    ("Smith the tall one", "Anna Smith"),
    ("Smith (not Beth)", "Anna Smith"),
    ("Smith from the ICU", "Anna Smith"),
    ("AM Smith", "Anna Maria Smith"),
    ("asmith", "Anna Smith"),
    ("Smith y Jones", "Beth Jones"),
)
DOES_NOT = (
    ("Smith", "Anna Smithson"),
    ("Anna Smith", "Beth Smith"),
    ("Anna Smith", "Anna Jones"),
    ("A. Smith", "Beth Smith"),
    ("S. Smith", "Beth Smith"),
    ("A.", "Anna Smith"),
    ("Smith the tall one", "Beth Jones"),
    ("AM Smith", "Beth Smith"),
    ("bsmith", "Anna Smith"),
    ("Jo Smith", "Anna Smith"),
    ("Dr", "Dora Smith"),
    ("Liz Smith", "Elizabeth Smith"),
    ("...", "Anna Smith"),
    ("123", "Anna Smith"),
)


@pytest.mark.parametrize(("name", "called"), FITS)
def test_a_name_fits_however_it_was_remembered(name: str, called: str):
    assert names.fits(names.typed(name), [called])


@pytest.mark.parametrize(("name", "called"), DOES_NOT)
def test_a_name_that_is_anothers_does_not_fit(name: str, called: str):
    assert not names.fits(names.typed(name), [called])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (" \n, ;", ()),
        ("Anna Smith", ("Anna Smith",)),
        ("Smith, Jones", ("Smith", "Jones")),
        ("Anna Smith and Bo Chen; Cy", ("Anna Smith", "Bo Chen", "Cy")),
        ("1. Smith, Anna\n- Jones, Beth\n", ("1. Smith, Anna", "- Jones, Beth")),
        ("Smith\nSmith\n", ("Smith",)),
    ],
)
def test_one_name_a_line_or_between_commas(text: str, found: tuple[str, ...]):
    assert names.typed(text) == found


def test_the_surname_first_with_a_comma_is_found_on_a_line_of_its_own():
    assert names.fits(names.typed("Smith, Anna\nJones, Beth"), ["Beth Jones"])


def test_a_display_name_of_one_word_leaves_nobody_else_out():
    assert not names.fits(names.typed("Anna Smith"), ["Anna", "Anna Jones"])
    assert names.fits(names.typed("Anna"), ["Nan", "Anna Jones"])


# ---------------------------------------------------------------- in a request

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANA, BO, CY, DI, DANA, EVE, KIM = (
    Person(platform, "H1", name)
    for platform, name in (
        ("slack", "ana"),
        ("slack", "bo"),
        ("teams", "cy"),
        ("slack", "di"),
        ("slack", "dana"),
        ("teams", "eve"),
        ("slack", "kim"),
    )
)
CALLED = {
    BO: ("Bo", "Robert Chen"),
    CY: ("Chen, Cynthia",),
    DI: ("Diana Okafor",),
    DANA: ("Dana Weber",),
    EVE: ("Evelyn Chen",),
    KIM: ("Kim",),
}
PEERS = tuple(Peer(who, trained_until=date(2028, 1, 1)) for who in (BO, CY, DI))
PROGRAMME = Programme(
    coordinators=(EVE, DANA), on_call=OnCall("Dr. Kim Lee", "555 0100", "always", KIM), waves=(1, 1, 1)
)
FACTS = Facts(NOW, PROGRAMME, PEERS, fresh="f" * 32, names=CALLED)


def begun(facts: Facts) -> Request:
    request = SUPPORT.begin("a" * 32, RequestOpens(ANA, "soon"), facts)
    assert request is not None
    return request


def asked(text: str, facts: Facts = FACTS) -> tuple[Request, tuple[Effect, ...]]:
    there, _ = SUPPORT.decide(begun(facts), RequestOpens(ANA, "soon"), facts)
    return SUPPORT.decide(there, Chose(ANA, "ask", {NAMES: text}), facts)


def read(effects: tuple[Effect, ...], who: Person) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Show) and effect.message.to == who]


def waves(request: Request, facts: Facts) -> Iterator[Request]:
    """Every wave until nobody is left, each peer saying no."""
    for step in range(6):
        yield request
        at = replace(facts, now=NOW + timedelta(minutes=10 * (step + 1)))
        for offer in request.offers:
            request, _ = SUPPORT.decide(request, Chose(offer.peer, "not-this-time"), at)
        request, _ = SUPPORT.decide(request, Elapsed(Timer.WAVE), at)


def test_all_of_that_name_are_left_out_at_every_wave_on_both_platforms():
    request, _ = asked("chen")
    offered = {offer.peer for stands in waves(request, FACTS) for offer in stands.offers}
    assert offered == {DI}


def test_a_person_is_left_out_by_the_name_of_any_account_of_theirs():
    linked = replace(FACTS, peers=(replace(PEERS[2], also=(CY,)), PEERS[0]))
    request, _ = asked("Cynthia", linked)
    assert [offer.peer for stands in waves(request, linked) for offer in stands.offers] == [BO]


def test_a_name_no_directory_tells_now_waits_for_a_later_wave():
    """Doubt leaves out: an offer to the very person she meant cannot be taken back."""
    silent = replace(FACTS, names={who: called for who, called in CALLED.items() if who != DI})
    request, _ = asked("chen", silent)
    assert request.offers == ()
    later = replace(FACTS, now=NOW + timedelta(minutes=10))
    request, _ = SUPPORT.decide(request, Elapsed(Timer.WAVE), later)
    assert [offer.peer for offer in request.offers] == [DI]


def test_without_names_no_directory_is_needed():
    request, _ = asked("", replace(FACTS, names={}))
    assert len(request.offers) == 1


def test_the_answer_is_the_same_whether_anyone_is_called_so():
    said = []
    for text in ("chen", "Kowalski", "Okafor"):
        _, effects = asked(text)
        said += [card for card in read(effects, ANA) if card.slot == "details"]
    assert said[0] == said[1] == said[2]
    assert not [card for card in read(asked("")[1], ANA) if card.slot == "details"]


def test_a_name_that_leaves_nobody_reads_like_nobody_is_free():
    everyone, _ = asked("chen, okafor")
    nobody, _ = asked("", replace(FACTS, peers=()))
    cards = [asking_card(request, FACTS) for request in (everyone, replace(nobody, wishes=everyone.wishes))]
    assert cards[0].card == cards[1].card == CardKind.SUPPORT_NOBODY_NOW
    assert cards[0].details == cards[1].details


@pytest.mark.parametrize(
    ("text", "facts", "line"),
    [
        ("chen", FACTS, [DANA, KIM]),
        ("Weber", FACTS, [EVE, KIM]),
        ("chen, weber, lee", FACTS, []),
        ("nobody here", FACTS, [EVE, DANA, KIM]),
        ("chen", replace(FACTS, names={**CALLED, EVE: ("Eve",)}), [EVE, DANA, KIM]),
        # no name is on that card, and someone must hear that a person waits: who is not known comes last, but comes
        ("chen", replace(FACTS, names={who: called for who, called in CALLED.items() if who != DANA}), [KIM, DANA]),
        ("weber", replace(FACTS, names={}), [EVE, DANA, KIM]),
    ],
)
def test_the_coordinator_and_the_person_on_call_are_left_out_by_name_too(text: str, facts: Facts, line: list[Person]):
    request, _ = asked(text, facts)
    told: list[Person] = []
    while (following := next_in_line(replace(request, told=tuple(told)), facts)) is not None:
        told.append(following)
    assert told == line


def test_a_coordinator_of_that_name_cannot_take_it_and_reads_what_anyone_would():
    request, _ = asked("Weber")
    told = replace(request, told=(DANA, EVE))
    after, effects = SUPPORT.decide(told, Chose(DANA, "take-it"), FACTS)
    assert (after.stage, after.peer, [card.card for card in read(effects, DANA)]) == (
        "asking",
        None,
        [CardKind.COORDINATOR_IF_IT_FITS],
    )


def picked(*people: Person, facts: Facts = FACTS) -> Request:
    there, _ = SUPPORT.decide(begun(facts), RequestOpens(ANA, "soon"), facts)
    return SUPPORT.decide(there, Chose(ANA, "ask", {"leave-out": people}), facts)[0]


def test_a_coordinator_who_was_picked_to_be_left_out_is_not_told():
    everyone = [EVE, DANA, KIM]
    for left_out in everyone:
        request, told = picked(left_out), list[Person]()
        while (following := next_in_line(replace(request, told=tuple(told)), FACTS)) is not None:
            told.append(following)
        assert told == [who for who in everyone if who != left_out]


def test_a_coordinator_is_left_out_by_every_account_of_theirs():
    facts = replace(FACTS, peers=(replace(PEERS[0], also=(EVE,)), *PEERS[1:]))
    assert next_in_line(picked(DI, facts=facts), facts) == EVE
    assert next_in_line(picked(BO, facts=facts), facts) == DANA


def test_who_was_picked_on_one_platform_is_left_out_on_the_other_by_the_name_they_have_there():
    """The picker knows one directory; the same person may be a peer in the other."""
    twin = Person("slack", "H1", "cynthia")
    twice = replace(FACTS, names={**CALLED, twin: ("Cynthia Chen",)})
    offered = {offer.peer for stands in waves(picked(twin, facts=twice), twice) for offer in stands.offers}
    assert offered == {BO, DI}  # on Slack it is exactly the one who was picked


def test_a_first_name_alone_of_a_picked_person_leaves_nobody_out():
    twin = Person("slack", "H1", "di2")
    twice = replace(FACTS, names={**CALLED, twin: ("Cynthia", "Cynthia Okafor")})
    assert CY in {offer.peer for stands in waves(picked(twin, facts=twice), twice) for offer in stands.offers}


def test_directories_are_asked_only_for_what_is_compared():
    request, typed = picked(), Chose(ANA, "save", {NAMES: "chen"})
    assert whose_names(request, Elapsed(Timer.WAVE), FACTS) == frozenset()
    assert whose_names(request, typed, FACTS) == {BO, CY, DI, DANA, EVE, KIM}
    assert whose_names(picked(BO), Elapsed(Timer.WAVE), FACTS) == {BO, CY, EVE}
    one_platform = replace(FACTS, peers=(PEERS[0], PEERS[2]), programme=replace(PROGRAMME, coordinators=(DANA,)))
    assert whose_names(picked(BO, facts=one_platform), Elapsed(Timer.WAVE), one_platform) == frozenset()


@pytest.mark.parametrize(("text", "paged"), [("Lee", False), ("Weber", True)])
def test_a_person_on_call_who_is_left_out_is_not_paged_and_the_peer_can_phone(text: str, paged: bool):
    request, _ = asked(text, replace(FACTS, peers=(PEERS[2],)))
    chosen, _ = SUPPORT.decide(request, Chose(DI, "yes"), FACTS)
    there, _ = SUPPORT.decide(chosen, Chose(ANA, "connect"), FACTS)
    _, effects = SUPPORT.decide(there, Chose(DI, "worried"), FACTS)
    assert bool(read(effects, KIM)) == paged
    told = CardKind.PEER_WORRIED if paged else CardKind.PEER_WORRIED_PHONE
    assert [card.card for card in read(effects, DI)] == [told]


def test_ten_names_are_taken_and_more_are_owned_up_to():
    request, effects = asked("\n".join(f"Name{letter}" for letter in "abcdefghijkl"))
    (said,) = (card for card in read(effects, ANA) if card.slot == "details")
    assert (len(request.wishes.names), said.details["too-many"]) == (10, "yes")


def test_names_are_printed_nowhere_and_stand_on_no_later_card():
    request, effects = asked("Quillfeather")
    assert "Quillfeather" not in repr(request) + repr(effects) + repr(FACTS) + repr(Chose(ANA, "ask", {NAMES: "Q"}))
    _, again = SUPPORT.decide(request, Opened(ANA, Word.CHANGE), FACTS)
    assert "Quillfeather" not in str(to_builtins([card.questions for card in read(again, ANA)]))
