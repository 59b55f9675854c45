"""What people read: plain, short, kind, and true of the settings. Every card is made as its reader would see it.

The cards are those the running flows say (see explore.py), so a sentence is tested with every value it can be given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

import pytest
from structlog.testing import capture_logs

from adapters.base import Card
from bot.card_content import CardContent, Manner
from bot.config import phone_lines
from bot.rendering import FOLDER, LANGUAGE, Reader, Renderer
from conversations.immutable import replace
from conversations.model import Chose, Facts, Message, Opened, Peer, Person, Programme, Show
from conversations.vocabulary import Kind, Word
from tests.conversations.explore import (
    ANA,
    BO,
    CY,
    DOORSTEP,
    FLOWS,
    FULL_HOUSE,
    KIM_ON_CALL,
    LINES,
    MONDAY,
    SUPPORT,
    tried,
)

PROMISED_LABELS = {
    *(
        "Talk to someone soon",
        "Sometime today",
        "No rush",
        "Just show me phone numbers",
        "Offer to be a peer",
        "Privacy",
    ),
    *("Ask now", "Choose more", "Make it sooner"),
    *("Ask", "Change my mind", "Yes, I can", "Not this time", "I can't today", "Share my name and connect"),
    *("Stay unnamed and write here", "Someone else", "Write", "Send", "Share my name", "Hand back", "I'm worried"),
    *("We have talked", "Not yet", "Okay for now", "I'd like to talk again", "Something else", "No more check-ins"),
    *("Approve", "Talk first", "Decline", "Pause", "Resume", "Leave", "Close", "Next", "I promise", "Save", "Not now"),
    *("Today", "A week", "Until I say", "Keep asking", "Stop asking", "Okay", "I'd like a break", "I'd like to talk"),
    *("Ask everyone again", "Take it myself"),
}
PROMISED_WORDS = {
    *("help", "i am not safe", "status", "stop", "privacy", "data", "forget me", "hide"),
    *("peer", "pause", "resume", "leave"),  # the others of the contract come with what they are about
}

BANNED = (
    *("you shouldn't feel", "at least", "it happens to everyone", "everything will be fine", "what went wrong"),
    *("describe the event", "you must", "commit suicide", "anonymous", "100%", "100 %", "victim", "incident", "case "),
    *("ticket", "symptom", "sla", "therapy", "sorry for your loss", "be strong", "brave", "confidential"),
)
SIX_SENTENCES = {
    "peer-relay": "six sentences of a few words each; none of them can be spared",
    "peer-worried": "two telephone numbers, and what to do meanwhile",
    "welcome": "the crisis line comes first, in a sentence of its own, and after typed words what became of them",
}
LISTS_LINES = {"numbers", "more-help", "data-request"}  # as long as a list
LONGEST, MOST_SENTENCES, GRADE = 320, 5, 8.0
HARDER = {
    # text → why it may be harder to read than grade 8
    "coordinator-waiting": "read by coordinators, and by nobody in need",
    "coordinator-approve": "names a role and a department",
    "coordinator-cannot-reach": "read by coordinators",
    "coordinator-cannot-show": "read by coordinators",
    "lawsuit": "says what a lawyer would, as plainly as it can be said",
    "check-in-no-more": "short sentences of long words",
    "volunteer-declined": "read by those who offered to be peers",
    "volunteer-training-ended": "about training",
    "volunteer-training-ends": "about training",
    "volunteer-left": "says what is erased",
    "support-chosen-coordinator": "a coordinator of the programme cannot be called anything shorter",
}

SOMEBODY = "Alexandra Vandenberg-Oyelaran"  # a name longer than most


def words(programme: Programme = FULL_HOUSE) -> Renderer:
    return Renderer.load(programme)


def card(say: Message, speaking: Renderer, zone: str = "UTC") -> Card:
    names = dict.fromkeys(say.people.values(), SOMEBODY)
    manner = Manner.FORM if say.card == "relay-form" else Manner.NEWS
    tokens = {str(choice): str(choice) for choice in say.choices}
    return speaking.card(CardContent.of(say, manner), "card", tokens, Reader(zone), names, MONDAY)


@cache
def everything_said() -> tuple[tuple[Message, Programme], ...]:
    """Every card that reads differently, once."""
    found: dict[object, tuple[Message, Programme]] = {}
    for flow in FLOWS:
        for step in tried(flow.kind):
            for say in step.says:
                values = tuple(sorted((name, str(value)) for name, value in say.details.items() if name != "alias"))
                alike = (say.card, values, frozenset(say.times), say.choices, say.to.platform)
                found.setdefault(alike, (say, step.facts.programme))
    return tuple(found.values())


@cache
def everything_read() -> tuple[tuple[Message, Card], ...]:
    return tuple((say, card(say, words(programme))) for say, programme in everything_said())


def sentences(text: str) -> list[str]:
    plain = re.sub(r"\b(Dr|a\.m|p\.m)\.", r"\1", " ".join(text.split()))
    return [part for part in re.split(r"(?<=[.?:])\s+(?=[A-Z\"“])", plain) if re.search(r"[A-Za-z]", part)]


# ---------------------------------------------------------------- nothing is missing


def test_no_sentence_has_a_gap():
    with capture_logs() as logs:
        said = [(say, card(say, words(programme))) for say, programme in everything_said()]
        for key in (
            "push",
            "old-button",
            "still-open",
            "noted",
            "not-here",
            "being-updated",
            "door-see-chat",
            "a-colleague",
        ):
            words().text(key)
    assert not [entry for entry in logs if str(entry["event"]).startswith("words-")]
    assert len(said) > 60
    for say, read in said:
        assert read.text.strip(), say.card
        assert "{" not in read.text, say.card
        assert "  " not in read.text.replace("\n", " ").replace(" " * 4, "?"), (say.card, read.text)


def test_nothing_invisible_and_nothing_shouted():
    for file in (FOLDER / LANGUAGE).glob("*.ftl"):
        text = file.read_text("utf-8")
        said = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        assert "!" not in said, file.name
        assert not re.search(r"[\u2066-\u2069\u200b-\u200f\u202f]", said), file.name
        assert not re.search(r"[\U0001F000-\U0001FFFF\u2600-\u27BF]", said), file.name


def test_isolation_marks_never_reach_anybody():
    for _, read in everything_read():
        assert not re.search(r"[\u2066-\u2069\u202f]", read.text)


# ---------------------------------------------------------------- plain and short


def test_messages_are_at_most_five_short_sentences():
    too_long = {
        say.card: (len(read.text), len(sentences(read.text)))
        for say, read in everything_read()
        if say.card not in LISTS_LINES
        and (
            len(read.text) > LONGEST + len(SOMEBODY)
            or len(sentences(read.text)) > MOST_SENTENCES + (say.card in SIX_SENTENCES)
        )
    }
    assert not too_long


def test_labels_fit_on_every_platform():
    for say, read in everything_read():
        for button in read.buttons:
            assert 0 < len(button.label) <= 75, (say.card, button.label)
        for asked in read.fields:
            assert all(0 < len(option.label) <= 75 for option in asked.options), asked.name
        assert len(read.title) <= 24, say.card
        assert len({button.label for button in read.buttons}) == len(read.buttons), say.card


def grade(text: str) -> float:
    """Flesch and Kincaid's years of school. Names and numbers are left out: nobody chose them."""
    plain = re.sub(r"\S*\d\S*|" + "|".join(SOMEBODY.split()), "", text)
    spoken = re.findall(r"[A-Za-z]+(?:['\u2019][a-z]+)?", plain)
    number = max(len([part for part in re.split(r"[.?:;]", plain) if re.search(r"[A-Za-z]", part)]), 1)
    return 0.39 * len(spoken) / number + 11.8 * sum(map(syllables, spoken)) / max(len(spoken), 1) - 15.59


def syllables(word: str) -> int:
    plain = re.sub(r"(?:[^laeiouy]es|[^td]ed|[^lt]e)$", "", word.lower().replace("'", ""))
    return max(len(re.findall(r"[aeiouy]+", plain)), 1)


def test_a_tired_person_can_read_it():
    hard: dict[str, float] = {}
    for say, read in everything_read():
        if say.card not in LISTS_LINES | HARDER.keys() and len(read.text.split()) >= 10 and grade(read.text) > GRADE:
            hard[say.card] = round(max(grade(read.text), hard.get(say.card, 0)), 1)
    assert not hard


def test_what_is_listed_as_harder_is_still_said():
    assert HARDER.keys() <= {say.card for say, _ in everything_said()}


@pytest.mark.parametrize("phrase", BANNED)
def test_nothing_is_said_that_hurts_or_promises_too_much(phrase):
    for say, read in everything_read():
        said = " ".join([read.text, *(button.label for button in read.buttons)]).casefold()
        assert not re.search(rf"\b{re.escape(phrase.strip())}\b", said), (say.card, phrase)


# ---------------------------------------------------------------- what others rely on


def test_the_labels_other_programs_look_for_are_there():
    shown = {button.label for _, read in everything_read() for button in read.buttons}
    assert PROMISED_LABELS - shown == set()


def test_the_words_people_may_type_are_understood():
    assert set(Word) >= PROMISED_WORDS


# ---------------------------------------------------------------- true of the settings


def at_the_door(word: str, programme: Programme) -> str:
    facts = Facts(MONDAY, programme)
    begun = DOORSTEP.begin("d", Opened(ANA, word), facts)
    assert begun
    _, effects = DOORSTEP.decide(begun, Opened(ANA, word), facts)
    return next(card(show.message, words(programme)).text for show in effects if isinstance(show, Show))


CHANGES = {
    "the limits of secrecy": (replace(FULL_HOUSE, limits="a fire in the building."), ("privacy",)),
    "when we close": (replace(FULL_HOUSE, close_after=timedelta(days=11)), ("privacy",)),
    "when we erase": (replace(FULL_HOUSE, erase_after=timedelta(days=13)), ("privacy", "data")),
    "when we erase, in hours": (replace(FULL_HOUSE, erase_after=timedelta(hours=12)), ("privacy", "data")),
    "the crisis line": (replace(FULL_HOUSE, crisis="116 123"), ("", "numbers", "i am not safe")),
    "whether the crisis line takes texts": (replace(FULL_HOUSE, crisis_texts=False), ("", "i am not safe")),
    "the emergency number": (replace(FULL_HOUSE, emergency="112"), ("numbers", "i am not safe")),
    "the other lines": (replace(FULL_HOUSE, lines=LINES[:1]), ("numbers",)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_words_change_with_the_setting_they_speak_of(what):
    changed, cards = CHANGES[what]
    for word in cards:
        assert at_the_door(word, changed) != at_the_door(word, FULL_HOUSE), (what, word)


@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("US", "988 for a crisis. Emergency: 911.\n988 in Spanish: call 988, then press 2"),
        ("CA", "988 for a crisis. Emergency: 911."),
        ("UK", "116 123 for a crisis. Emergency: 999.\nShout: text SHOUT to 85258"),
        ("CH", "143 for a crisis. Emergency: 144 or 112.\nReMed"),
        ("EU", "112 for a crisis or an emergency.\nEmotional support"),
    ],
)
def test_the_numbers_read_well_in_every_country(country, numbers):
    """No number stands there twice for nothing, and no line is promised where there is none."""
    known = phone_lines.numbers(country)
    there = replace(
        FULL_HOUSE,
        crisis=known.crisis,
        crisis_texts=bool(known.crisis_texts),
        emergency=known.emergency,
        lines=known.lines,
    )
    assert numbers in at_the_door("numbers", there)
    assert at_the_door("numbers", there).endswith(known.lines[-1].reach if known.lines else "911.")
    danger = at_the_door("i am not safe", there)
    assert f"call or text {known.crisis}." in danger or f"call {known.crisis}." in danger
    assert ("Emergency:" in danger) is (known.crisis != known.emergency)
    more = words(there).text("more-help")
    assert ("chain of command" in more) is bool(known.lines)
    assert known.lines or known.crisis in more


@pytest.mark.parametrize(
    ("erase_after", "said", "never"),
    [
        (timedelta(hours=12), "12 hours", "0 days"),
        (timedelta(days=1), "one day", "1 day"),
        (timedelta(days=9), "9 days", "7"),
    ],
)
def test_how_long_we_keep_things_is_said_as_it_is(erase_after, said, never):
    text = at_the_door("data", replace(FULL_HOUSE, erase_after=erase_after))
    assert said in text
    assert never not in text


def asked(programme: Programme, *events: Chose, peers: Iterable[Peer] = ()) -> list[Message]:
    facts = Facts(MONDAY, programme, tuple(peers))
    talk = next(step.after for step in tried(Kind.REQUEST) if step.after.stage == "details")
    said: list[Message] = []
    for event in (Chose(ANA, "ask"), *events):
        talk, effects = SUPPORT.decide(talk, event, facts)
        said += [effect.message for effect in effects if isinstance(effect, Show)]
    return said


def of(said: Iterable[Message], who: Person, slot: str) -> Message:
    return [say for say in said if say.to == who and say.slot == slot][-1]


def peer(who: Person) -> Peer:
    return next(peer for step in tried(Kind.REQUEST)[:1] for peer in step.facts.peers if peer.person == who)


def test_a_coordinator_is_promised_only_where_there_is_one():
    alone = replace(FULL_HOUSE, coordinators=(), on_call=None)
    herself = replace(alone, coordinators=(ANA,))
    for programme, promised in ((FULL_HOUSE, True), (alone, False), (herself, False)):
        text = card(of(asked(programme), ANA, "status"), words(programme)).text
        assert ("coordinator" in text) == promised, text


def test_writing_unnamed_is_offered_only_where_it_is_allowed():
    for relay in (True, False):
        said = asked(replace(FULL_HOUSE, relay=relay), Chose(CY, "yes"), peers=[peer(CY)])
        assert ("stay-unnamed" in of(said, ANA, "status").choices) == relay


def test_worried_is_there_only_where_somebody_is_on_call():
    for on_call in (KIM_ON_CALL, None):
        programme = replace(FULL_HOUSE, on_call=on_call)
        said = asked(programme, Chose(BO, "yes"), Chose(ANA, "connect"), peers=[peer(BO)])
        assert ("worried" in of(said, BO, "guide").choices) == (on_call is not None)


def test_closing_says_the_day_by_which_it_is_erased():
    for days in (3, 9):
        programme = replace(FULL_HOUSE, erase_after=timedelta(days=days))
        text = card(of(asked(programme, Chose(ANA, "change-my-mind")), ANA, "status"), words(programme)).text
        there = MONDAY + timedelta(days=days)
        assert there.strftime("%A") in text or f"{there:%B} {there.day}" in text, text


def test_times_are_said_in_the_readers_own_zone():
    say = of(asked(FULL_HOUSE, peers=[peer(BO)]), ANA, "status")
    assert "2:30 PM" in card(say, words()).text
    assert "9:30 AM" in card(say, words(), "America/New_York").text


def test_lock_screens_show_one_constant():
    assert {read.push for _, read in everything_read()} == {"You have a message."}


def test_nobody_reads_of_check_ins_where_there_are_none():
    programme = replace(FULL_HOUSE, check_ins=())
    facts = Facts(MONDAY, programme)
    talk = next(step.after for step in tried(Kind.REQUEST) if step.after.stage == "details")
    asking, _ = SUPPORT.decide(talk, Chose(ANA, "ask"), facts)
    assert "check-in" not in asking.deadlines
