"""The playground as a person meets it: in a real browser, by what stands on the screen."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import browser
import pytest
import pytest_asyncio
from browser import CAST, PHONE, Hands, opened
from playwright.async_api import Browser, expect

from bot.playground.page import playing
from bot.script import perform

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLACK, TEAMS = dict.fromkeys(CAST, "slack"), dict.fromkeys(CAST, "teams")
MIXED = SLACK | {"Cy": "teams", "Dana": "teams"}
TURNED = TEAMS | {"Cy": "slack", "Dana": "slack"}
skins = pytest.mark.parametrize(
    "skins", [SLACK, TEAMS, MIXED, TURNED], ids=["in Slack", "in Teams", "mixed", "the other way round"]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="chromium")
async def one_browser():
    async with browser.chromium() as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="module", name="address")
async def a_playground():
    async with playing(0) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module", name="me")
async def somebody_at_the_page(chromium: Browser, address: str):
    """Whatever they do, nothing is complained of in the console, and nothing is asked of another machine."""
    async with opened(chromium, address) as me:
        yield me


# ---------------------------------------------------------------- the story, by hand


async def ask(me: Hands) -> None:
    await me.types("Ana", "/peersupport")
    await me.presses("Ana", "Talk to someone soon")
    await me.presses("Ana", "Ask")
    await me.reads("Ana", "Thank you for asking.")


async def find_a_peer(me: Hands) -> None:
    await ask(me)
    await me.presses("Cy", "Yes, I can")
    await me.reads("Ana", "You're still unnamed.")


async def end(me: Hands) -> None:
    """Until nothing about it is left."""
    await me.presses("Ana", "Close")
    await me.reads("Ana", "We've closed this.")
    await me.until_nothing_is_due()
    assert "support" not in await me.stored()


@skins
async def test_a_request_is_accompanied_to_its_end_and_then_nothing_about_it_is_stored(
    me: Hands, skins: dict[str, str]
):
    for who, platform in skins.items():
        await me.moves(who, platform)
    await find_a_peer(me)
    assert "support" in await me.stored()
    await me.presses("Ana", "Share my name and connect")
    await me.reads("Ana", "Cy knows your name")
    await me.reads("Cy", "Ana would like to talk with you.")
    await me.presses("Cy", "I'm worried")
    await me.reads("Cy", "Call the on-call person now")
    await me.presses("Dana", "I'm on it")
    await me.reads("Cy", "Dana has seen this")
    await me.pushes("+1 h")
    await me.pushes("+1 h")
    await me.presses("Cy", "We have talked")
    await me.reads("Cy", "Thank you for being there.")
    await me.pushes("+24 h")
    await me.reads("Ana", "How are things since yesterday?")
    await me.presses("Ana", "Okay for now")
    await me.reads("Ana", "We're here if that changes.")
    await end(me)


@skins
async def test_two_who_write_unnamed_read_each_other_s_lines(me: Hands, skins: dict[str, str]):
    for who, platform in skins.items():
        await me.moves(who, platform)
    await find_a_peer(me)
    await me.presses("Ana", "Stay unnamed and write here")
    await me.reads("Cy", "You can write with")
    for writer, reader, line in (("Ana", "Cy", "It has been a long week."), ("Cy", "Ana", "I'm here.")):
        await me.presses(writer, "Write")
        await me.reads_a_form(writer, "What you write here is passed on")
        await me.writes(writer, line)
        await me.presses(writer, "Send")
        await me.reads(reader, f"writes:{line}")
    await end(me)
