"""`peersupport report` beside a running `serve`, as an operator runs it."""

from __future__ import annotations

import asyncio
import base64
import csv

import pytest

from tests.running.warm_cli import warm_cli
from tests.stories.serve import KEY, Story, story

BECOMES_A_PEER = {"Next": "I promise", "I promise": "You are a peer"}


@pytest.fixture(params=["tinydb", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Where it is kept: in a folder, or there."""
    return str(request.getfixturevalue("new_database")) if request.param == "postgresql" else ""


async def reads(s: Story, beginning: str) -> None:
    """Bo reads a card that begins like this."""
    await s.slack.until(lambda: any(card.text.startswith(beginning) for card in s.slack.reads("U0BO")))


async def test_the_report_reads_a_store_that_serves(tmp_path, database):
    async with story(tmp_path, "U0BO", database=database, PEERSUPPORT_APPROVAL="automatic") as s:
        await s.slack.types("U0BO", "peer")
        await reads(s, "Thank you for offering")
        for label, beginning in BECOMES_A_PEER.items():
            await s.slack.presses("U0BO", label)
            await reads(s, beginning)
        ran = await asyncio.to_thread(warm_cli().run, tmp_path, "report", "--format", "csv", **s.serve.settings)
        assert (ran.returncode, ran.stderr) == (0, "")
        peers = [row[1:] for row in csv.reader(ran.stdout.splitlines()) if row[0] == "peers"]
        assert peers[0] == ["Trained peers", "1"]
        assert "U0BO" not in ran.stdout


def test_a_report_of_no_store_is_refused_in_a_sentence(tmp_path):
    ran = warm_cli().run(tmp_path, "report", PEERSUPPORT_ROOT_KEY=base64.b64encode(KEY).decode())
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "PEERSUPPORT_STORE" in ran.stderr
    assert list(tmp_path.iterdir()) == []
