"""A record is found by those in whose chats its cards stand, and never by the person it is about."""

from __future__ import annotations

from pathlib import Path

from bot.crypto.vault import Vault
from bot.engine.codec import key_of
from bot.playground.chat_script import ChatScript
from bot.playground.simulator import KEY, Simulator
from conversations.model import Person
from conversations.registry import Index

SAID_NO = """
Given peers Bo, Cy
Ana   types    soon
Ana   reads    …
Ana   presses  [Ask now]
Ana   sees     …
Bo    reads    …
Cy    reads    …
Bo    presses  [Not this time]
Bo    sees     …
"""
HIDES = """
Bo    types    hide
Bo    reads    …
"""
VAULT = Vault(KEY)


async def finds(simulator: Simulator, person: Person) -> set[Index]:
    """The indexes by which this person finds a request."""
    store = simulator.engine.services.store
    (request,) = await store.all_of_kind("support")
    people = (index for index in Index if index is not Index.CODE)
    return {index for index in people if request.id in await store.find(index.value, key_of(index, person, VAULT))}


async def test_a_request_is_found_by_who_has_its_cards_and_never_by_its_clinician(tmp_path: Path):
    simulator = Simulator(tmp_path)
    try:
        script = ChatScript(simulator)
        for number, line in enumerate(SAID_NO.splitlines()):
            await script.line(number, line)
        ana, bo, cy = (simulator.person(name) for name in ("Ana", "Bo", "Cy"))
        found = [await finds(simulator, person) for person in (ana, bo, cy)]
        assert found == [set(), {Index.KNOWN}, {Index.PEER}]
        for number, line in enumerate(HIDES.splitlines()):
            await script.line(number, line)
        assert await finds(simulator, bo) == set()
    finally:
        await simulator.stop()
