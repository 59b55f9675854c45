"""The same story, backed up, restored or moved at each of its stages: it comes to the same end, unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.running.warm_cli import warm_cli
from tests.stories.scenes import ASKED, GRACE, STORY, play
from tests.stories.serve import ROOT, Story, ring_of, story
from tests.stories.test_kills import cards_posted

TURNS = tuple(len(ASKED) + turn for turn in (-2, -1, 0, 1, 4, 8))
"""Scenes after which the request is at another stage: in its details, asking, chosen, together, checked in, closed."""

MAKE = Callable[[], str]


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> MAKE:
    """New, prepared databases."""
    postgres = request.getfixturevalue("postgres")
    return lambda: str(postgres.url(postgres.database("test_0")))


async def keeps(s: Story, deed: str, what: Path | str) -> str:
    """What one of the commands says, at the story's time."""
    words = ("tests.backup.cli_with_a_clock", ROOT, str(s.time.path), "0", deed, str(what))
    ran = await asyncio.to_thread(warm_cli().run_main, *words, **s.serve.environ)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@asynccontextmanager
async def told(tmp_path: Path, database: str):
    """With a ring that stays where it is, wherever the store goes."""
    ring = str(ring_of(tmp_path / "data"))
    async with story(tmp_path, database=database, **({} if database else {"PEERSUPPORT_KEY_RING": ring})) as s:
        yield s


async def serves_from(s: Story, database: str) -> None:
    """From here on it is kept elsewhere; "" is the folder, which is made empty."""
    if not database:
        for name in ("store.peersupport", "lock"):
            with suppress(FileNotFoundError):
                (s.folder / name).unlink()
    address = database or f"tinydb:///{s.folder}"
    if s.serve.environ["PEERSUPPORT_STORE"] == address:
        return
    s.database, s.serve.environ["PEERSUPPORT_STORE"] = database, address


async def comes_to_the_same_end(s: Story) -> None:
    await s.serve.kill()
    s.time.set(s.time.now() + GRACE)
    await s.serve.start()
    await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2} and b"U0ANA" not in kept.history)
    await s.reads({})
    assert await s.serve.end() == 0
    assert set(cards_posted(s).values()) == {1}
    assert b'"error"' not in s.serve.said


@pytest.mark.parametrize("database", ["tinydb", "postgresql"])
async def test_backed_up_while_it_serves_and_restored_at_every_stage(tmp_path, databases: MAKE, database) -> None:
    new = databases if database == "postgresql" else lambda: ""
    async with told(tmp_path, new()) as s:
        for number, scene in enumerate(STORY):
            await play(s, (scene,))
            if number not in TURNS:
                continue
            await s.keeps(lambda kept: not kept.owed())
            file = tmp_path / f"backup-{number}"
            await keeps(s, "backup", file)
            await s.serve.kill()
            await serves_from(s, new())
            said = await keeps(s, "restore", file)
            assert "did not come back: 0." in said
            assert "U0" not in said
            await s.serve.start()
        await comes_to_the_same_end(s)


async def test_moved_to_the_other_store_at_every_stage(tmp_path, databases: MAKE) -> None:
    async with told(tmp_path, "") as s:
        for number, scene in enumerate(STORY):
            await play(s, (scene,))
            if number not in TURNS:
                continue
            assert await s.serve.end() == 0
            other = "" if s.database else databases()
            if not other:
                (s.folder / "store.peersupport").unlink()  # as the command says after each move
            said = await keeps(s, "move", other or f"tinydb:///{s.folder}")
            assert "same on both sides" in said
            assert not await s.serve.begin()  # the old store refuses
            await s.serve.close()
            assert s.serve.said.endswith(b"and never serve from both.\n")
            s.database, s.serve.environ["PEERSUPPORT_STORE"] = other, other or f"tinydb:///{s.folder}"
            await s.serve.warm_up()
            await s.serve.start()
        await comes_to_the_same_end(s)


@pytest.mark.parametrize("database", ["tinydb", "postgresql"])
async def test_what_was_forgotten_since_is_gone_before_anybody_is_served(tmp_path, databases: MAKE, database) -> None:
    new = databases if database == "postgresql" else lambda: ""
    file = tmp_path / "backup"
    async with told(tmp_path, new()) as s:
        await play(s, STORY)
        before = await s.keeps(lambda kept: not kept.owed())
        assert b"U0ANA" in before.plain()
        await keeps(s, "backup", file)
        s.time.set(s.time.now() + GRACE)
        await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2})
        assert await s.serve.end() == 0
        await serves_from(s, new())
        said = await keeps(s, "restore", file)
        after = s.kept()
        assert "did not come back: 0." not in said
        assert set(after.kinds()) <= {"volunteering", "seen"}
        asked = [one for one in before.records.values() if one.kind in {"support", "doorstep"}]
        assert asked
        for word in (b"U0ANA", *(one.id.encode() for one in asked)):
            assert word not in after.plain() + after.history + after.files
        await s.serve.start()
        await s.reads({})
        assert await s.serve.end() == 0


async def test_what_went_out_since_the_backup_is_looked_for_and_does_not_come_twice(tmp_path, databases: MAKE) -> None:
    file = tmp_path / "backup"
    async with told(tmp_path, "") as s:
        await play(s, ASKED[:-1])
        await s.keeps(lambda kept: not kept.owed())
        reply = await ASKED[-1].happens(s)
        assert reply is not None
        assert reply.status == 200
        await s.serve.kill()  # hardly anything is delivered
        owed = s.kept().owed()
        await keeps(s, "backup", file)
        await s.serve.start()
        await s.reads(ASKED[-1].then)
        await s.keeps(lambda kept: not kept.owed())
        await s.serve.kill()
        await serves_from(s, "")
        said = await keeps(s, "restore", file)
        assert f"looked for before they are sent again: {owed}." in said
        await s.serve.start()
        await s.keeps(lambda kept: not kept.owed())
        await s.reads(ASKED[-1].then)
        assert set(cards_posted(s).values()) == {1}
        await play(s, STORY[len(ASKED) :])
        assert await s.serve.end() == 0
        assert b"delivery-looked-for" in s.serve.said
