"""A card promises a line of their own to nurses, pharmacists or any profession only where the country has one."""

from __future__ import annotations

import re

import pytest

from bot.config import phone_lines
from bot.rendering import FOLDER, LANGUAGE
from conversations.immutable import replace
from conversations.options import ROLES
from tests.conversations.test_words import FULL_HOUSE, at_the_door, words

PROFESSION = re.compile(
    r"\b(nurs|pharmac|physician|doctor|surgeon|midwi|therapist|technician|trainee|resident\b|paramedic|dentist)\w*",
    re.IGNORECASE,
)
"""Whoever a line could be for. Each of our roles is among them."""

WHO_THEY_ARE = re.compile(r"^ask-((my-)?role|who|evaluates)-")
"""The keys by which people say what they do and whom they wish for, for matching."""


def promised(text: str) -> list[str]:
    """The professions that this names."""
    return [found[0].casefold() for found in PROFESSION.finditer(text)]


def test_every_role_of_ours_would_be_noticed():
    assert [role for role in ROLES if not promised(role)] == ["other-role"]


def test_no_text_of_ours_promises_anything_to_a_profession():
    for file in (FOLDER / LANGUAGE).glob("*.ftl"):
        key = ""
        for line in file.read_text("utf-8").splitlines():
            key = line.partition(" =")[0] if line[:1].islower() else key
            if not line.startswith("#") and not WHO_THEY_ARE.match(key):
                assert promised(line) == [], f"{file.name}, {key}"


@pytest.mark.parametrize("country", phone_lines.countries())
def test_the_cards_name_a_profession_only_beside_its_line(country: str):
    known = phone_lines.numbers(country)
    there = replace(FULL_HOUSE, crisis=known.crisis, emergency=known.emergency, lines=known.lines)
    shown = [at_the_door("numbers", there), words(there).text("more-help")]
    lines = [f"{line.name}: {line.reach}" for line in known.lines]
    for card in shown:
        assert set(lines) <= set(card.splitlines())
        assert promised("\n".join(line for line in card.splitlines() if line not in lines)) == []


@pytest.mark.parametrize("country", phone_lines.countries())
def test_a_country_without_lines_for_a_profession_does_not_speak_of_it(country: str):
    """So it is today for nurses and pharmacists; a line that is found for them is shown as it stands in the file."""
    known = phone_lines.numbers(country)
    there = replace(FULL_HOUSE, crisis=known.crisis, emergency=known.emergency, lines=known.lines)
    of_their_own = {word for line in known.lines for word in promised(line.name)}
    for word in ("", "numbers", "i am not safe", "privacy", "worried", "help"):
        assert set(promised(at_the_door(word, there))) <= of_their_own
