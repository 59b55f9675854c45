"""Words of danger are heard however they are typed, and clinicians' ordinary work is not taken for them.

An author who has never seen the phrases wrote the corpora. Half of each was for writing the phrases; the other half is
held out: the author of the phrases has not read it, and only that one is measured. Which half a line is in follows from
the line, so that a new line does not move the others.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import crisis_words
from conversations.crisis import listener as listening
from conversations.crisis.listener import Listener
from conversations.crisis.phrases import CrisisPhrases
from conversations.crisis.typos import distance
from conversations.vocabulary import Word
from tests.running.examples import every_nth
from tests.typed import parse_word

CORPORA = Path(__file__).parent
ENOUGH = 300  # lines of a corpus
RECALL = 0.98
NOISE = 0.05

LISTENER = crisis_words.listener()

NAMED = (
    # what was once missed, and what was once heard for nothing
    *("killing myself", "wanna die", "take my own life", "self harm", "hang myself", "took too many pills"),
    *("don't want to live", "cannot go on", "I am not safe", "i'm not safe", "kms", "quiero matarme", "no puedo más"),
)
ORDINARY = (
    *("my patient died by suicide", "unsafe staffing", "we coded an overdose", "this shift is killing me", "help"),
    *("proud of myself", "a broken nose", "i fell", "i could not go on leave", "he wants to die", "me muero de sueño"),
    *("forget me", "heron", "i am starving", "ready to go home"),
)


def lines(language: str, corpus: str) -> list[str]:
    text = (CORPORA / language / f"{corpus}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def held_out(language: str, corpus: str) -> list[str]:
    return [line for line in lines(language, corpus) if hashlib.sha256(line.encode()).digest()[0] % 2 == 0]


def told(wrong: list[str], of: list[str]) -> str:
    return "\n".join((f"{len(wrong)} of {len(of)}:", *wrong))


@pytest.mark.parametrize("language", crisis_words.LANGUAGES)
def test_what_people_in_danger_type_is_heard(language):
    assert len(lines(language, "must_hear")) >= ENOUGH
    said = held_out(language, "must_hear")
    missed = [line for line in said if not LISTENER.hears(line)]
    assert len(missed) <= (1 - RECALL) * len(said), told(missed, said)


@pytest.mark.parametrize("language", crisis_words.LANGUAGES)
def test_what_clinicians_type_on_an_ordinary_day_is_not_heard(language):
    assert len(lines(language, "need_not_hear")) >= ENOUGH
    said = held_out(language, "need_not_hear")
    heard = [line for line in said if LISTENER.hears(line)]
    assert len(heard) <= NOISE * len(said), told(heard, said)


@pytest.mark.parametrize("typed", NAMED)
def test_each_of_these_brings_the_crisis_card(typed):
    assert parse_word(typed) is Word.NOT_SAFE
    assert parse_word(f"/peersupport {typed}") is Word.NOT_SAFE


@pytest.mark.parametrize("typed", ORDINARY)
def test_none_of_these_brings_the_crisis_card(typed):
    assert parse_word(typed) is not Word.NOT_SAFE


@pytest.mark.parametrize(
    "typed",
    [
        *("I WANT TO DIE", "i want to dieeee", "I   want\nto... die", "i_want-to.die", "iwanttodie", "i wantto die"),
        *("i want 2 die", "i w4nt to d1e", "i wnat to die", "i want to d i e", "i want to d\u200bie"),
        "\uff49 \uff57\uff41\uff4e\uff54 \uff54\uff4f \uff44\uff49\uff45",  # in wide letters
        *("i don't want to live", "i don\u2019t want to live", "i dont want to live", "i do not want to live"),
        *("i don;t want to live", "i don\u00b4t want to live", "i dnt want to live", "dontwanttolive"),
        *("k!ll myself", "ki11 myself", "kill my self", "kil mysefl", "k*ll myself", "killl myself", "s u i c i d e"),
        *("cant cary on", "offf myself", "i want to diie", "ya no aguannto mas"),
        *(
            "quiero morir",
            "QUIERO MORIRME",
            "kiero morir",
            "quieor morir",
            "quieromorir",
            "no puedo mas",
            "nopuedom\u00e1s",
        ),
    ],
)
def test_how_it_is_typed_makes_no_difference(typed):
    assert LISTENER.hears(typed)


def swapped(line: str, at: int) -> str:
    return line[:at] + line[at + 1 : at + 2] + line[at] + line[at + 2 :]


def doubled(line: str, at: int) -> str:
    return line[: at + 1] + line[at:]


def stuck(line: str, at: int) -> str:
    space = line.find(" ", at)
    return line if space < 0 else line[:space] + line[space + 1 :]


def in_every_part(lists: CrisisPhrases, phrases: Iterable[str]) -> Iterator[str]:
    """Each phrase as often as its largest group has wordings, so that each of them stands in one."""
    for phrase in phrases:
        parts = list(lists.parts(phrase))
        for at in range(max(map(len, parts))):
            yield " ".join(wordings[at % len(wordings)] for wordings in parts)


@pytest.mark.parametrize("slip", [swapped, doubled, stuck])
@pytest.mark.parametrize("language", crisis_words.LANGUAGES)
def test_one_slip_of_a_finger_rarely_hides_it(slip, language):
    said = [line for line in held_out(language, "must_hear") if LISTENER.hears(line)]
    letters = [[at for at, _ in enumerate(line) if line[at : at + 2].isalpha()] for line in said]
    slips = [slip(line, places[len(places) // 2]) for line, places in zip(said, letters, strict=True)]
    missed = [line for line in slips if not LISTENER.hears(line)]
    assert len(missed) <= 0.1 * len(slips), told(missed, slips)


def test_every_phrase_that_is_always_heard_is_heard():
    for lists in crisis_words.shipped():
        alone = Listener([lists])
        deaf = [phrase for phrase in in_every_part(lists, lists.hear[:: every_nth(4)]) if not alone.hears(phrase)]
        assert not deaf


def test_a_word_of_ordinary_work_quietens_only_what_may_be_about_it():
    lists = CrisisPhrases(hear=("want die",), hear_unless_at_work=("overdose",), at_work=("patient",), skipped=("to",))
    alone = Listener([lists])
    assert alone.hears("overdose")
    assert not alone.hears("the patient took an overdose")
    assert alone.hears("the patient is gone. overdose")
    assert alone.hears("since my patient left i want to die")


def test_a_word_for_another_person_quietens_what_may_be_about_them():
    lists = CrisisPhrases(hear_unless_of_others=("overdose",), others=("patient",), at_work=("shift",))
    alone = Listener([lists])
    assert alone.hears("took an overdose on shift")
    assert not alone.hears("the patient took an overdose")


def test_any_words_may_stand_in_a_phrase_that_is_heard_apart_in_its_order():
    lists = CrisisPhrases(hear_apart=("syringe arm",), hear=("want die",), others=("patient",))
    alone = Listener([lists])
    assert alone.hears("the syringe is ready and taped to my arm")
    assert not alone.hears("my arm hurts since i dropped the syringe")
    assert not alone.hears("the patient has a syringe in the arm")
    assert not alone.hears("i want coffee or i die")


def test_a_group_stands_for_each_of_its_words():
    groups = {"who": ("he", "she"), "what": ("go", "leave here"), "so": ("too",)}
    hear = ("{who} wants {what}", "{who} cries", "{so} {who} sleeps", "plain {unknown}")
    alone = Listener([CrisisPhrases(hear=hear, skipped=("too",), groups=groups)])
    for heard in ("he wants go", "she wants leave here", "he cries", "she sleeps", "plain unknown"):
        assert alone.hears(heard)
    for not_heard in (
        "he wants",
        "wants leave here",
        "she wants leave",
        "he wants to she go",
        "he wants sleeps",
        "too",
    ):
        assert not alone.hears(not_heard)


def test_an_ordinary_phrase_covers_what_ends_in_it_and_no_more():
    alone = Listener([CrisisPhrases(hear=("want die", "kill me"), not_heard=("die laughing", "is killing me"))])
    assert not alone.hears("want die laughing")
    assert alone.hears("want die laughing or not, kill me")


def test_nothing_stands_between_the_words_of_an_ordinary_phrase():
    alone = Listener([CrisisPhrases(hear=("want die",), not_heard=("wants die",), between=("and", "i", "want"))])
    assert not alone.hears("he wants die")
    assert alone.hears("no one wants me and i want die")
    assert LISTENER.hears("nadie me quiere y quiero morir")


def test_a_row_may_name_another_row():
    rows = {"want": ("wish", "hope"), "plan": ("want", "will")}
    alone = Listener([CrisisPhrases(hear=("plan leave",), alike=rows)])
    assert alone.hears("hope leave")
    assert not alone.hears("leave plan")


def test_a_word_of_another_language_is_no_typo():
    english, spanish = CrisisPhrases(at_work=("suicidal",)), CrisisPhrases(hear=("suicida",))
    assert Listener([spanish]).hears("suicidal")
    assert not Listener([english, spanish]).hears("suicidal")


def test_of_a_long_text_the_beginning_and_the_end_are_read():
    calm = "all is well " * listening.READ
    assert LISTENER.hears(f"i want to die {calm}")
    assert LISTENER.hears(f"{calm} i want to die")
    assert not LISTENER.hears(calm)
    assert not LISTENER.hears(f"{calm} i want to die {calm}")


def test_hearing_keeps_nothing_of_what_was_typed():
    own = Listener(crisis_words.shipped(), ("a phrase of ours",))
    own.hears("zebracanary i want to die")
    everything = pickle.dumps(own)
    assert b"ours" in everything
    assert b"zebracanary" not in everything


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_is_read(typed):
    assert LISTENER.hears(typed) in {True, False}


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("want", "want", 0), ("wnat", "want", 1), ("suicde", "suicide", 1), ("mysefl", "myself", 1), ("want", "live", 4)],
)
def test_slips_are_counted_as_people_make_them(one, other, slips):
    assert distance(one, other) == slips
