"""One of two replicas freezes in a call to a platform, the other goes on for it, and the first wakes at the end.

Each call of a dialogue freezes in turn, before the platform was asked and after it has answered: posts, edits and
deletions. What people have in their chats at the end is what they would have without it.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from bot.playground.chat_script import scenarios
from tests.engine.late_replica import LateOnPostgres, LateReplica, false_cards, plays
from tests.running.examples import every_nth
from tests.store.postgres_server import Server, store_in

DIALOGUES = ("stay-unnamed-and-write", "across-platforms", "no-tap-needed", "worried-and-handed-back", "someone-else")
FORGOTTEN = ("across-platforms",)  # before the first wakes: what it still touches is taken away
NOT_TO_BE_COMPARED = (
    "forget-me",  # what is forgotten at once is no longer owed: an old card may stay
    "worried-when-all-is-erased",  # presses a card that was never shown where its record has gone first
)
STOPS = re.compile(r"the bot (restarts|is down)|does not answer")
OTHERS = tuple(
    name
    for name, path in sorted(scenarios().items())
    if name not in {*DIALOGUES, *NOT_TO_BE_COMPARED} and not STOPS.search(path.read_text("utf-8"))
)
STEP = every_nth(12)  # of the calls, one freezes; every one in `make test-all`
THINLY = 24  # in the other dialogues: all of their calls would take half an hour


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dialogue", DIALOGUES)
async def test_whichever_call_freezes_nobody_keeps_a_false_card(dialogue, done, tmp_path: Path):
    _, expected = await plays(dialogue, LateReplica(tmp_path / "never", 1_000, done=done))
    reached, call = True, 0
    while reached:
        reached, shown = await plays(dialogue, LateReplica(tmp_path / str(call), call, done=done))
        assert false_cards(shown, expected, forgotten=dialogue in FORGOTTEN) == [], f"call {call} froze"
        call += STEP
    assert call > len(expected)


@pytest.mark.parametrize("dialogue", OTHERS[:: every_nth(40)])
async def test_so_it_is_in_every_dialogue(dialogue, tmp_path: Path):
    """In most of them days pass, and what the first still touches may be forgotten before it wakes."""
    _, expected = await plays(dialogue, LateReplica(tmp_path / "never", 1_000, done=False))
    reached, call = True, zlib.crc32(dialogue.encode()) % THINLY  # in each dialogue another one
    while reached:
        for done in (False, True):
            reached, shown = await plays(dialogue, LateReplica(tmp_path / f"{call}-{done}", call, done=done))
            false = false_cards(shown, expected, forgotten=True)
            assert false == [], f"call {call} froze {'after' if done else 'before'}"
        call += THINLY


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dialogue", ["stay-unnamed-and-write", "worried-and-handed-back"])
async def test_so_it_is_on_postgresql(dialogue, done, tmp_path: Path, postgres: Server):
    _, expected = await plays(dialogue, LateReplica(tmp_path / "never", 1_000, done=done))
    reached, call = True, 0
    while reached:
        async with store_in(url := postgres.url(postgres.database("test_0"))) as one, store_in(url) as other:
            late = LateOnPostgres(tmp_path / str(call), call, done=done, stores=(one, other))
            reached, shown = await plays(dialogue, late)
        assert false_cards(shown, expected, forgotten=False) == [], f"call {call} froze"
        call += STEP
    assert call > len(expected)
