"""A choice, timer, card, slot or message that is misspelt is caught by mypy or by the import, not by a reader."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

AT_IMPORT = {
    "a choice in a table": ("conversations/support/table.py", "Choice.SHARE_NAME,", "Choice.SHARE_NAMES,"),
    "a timer in a table": ("conversations/peers/table.py", "Timer.EXPIRING,", "Timer.EXPIRES,"),
    "a message in a table": (
        "conversations/support/table.py",
        "PeerLeft,              to=ASKING",
        "PeerLft, to=ASKING",
    ),
    "a stage in a table": ("conversations/support/table.py", "to=(RESTING, SAME)", "to=(READY, SAME)"),
}
BY_MYPY = {
    "a card": ("conversations/support/closing.py", "CardKind.SUPPORT_CLOSED", "CardKind.SUPPORT_CLOSD"),
    "a card as text": ("conversations/support/together/last_card.py", "CardKind.PEER_AFTER_OKAY", '"peer-after-okey"'),
    "a slot": ("conversations/support/escalation.py", "slots.WAITING)),)", '"wating")),)'),
    "a timer": ("conversations/support/asking.py", "{Timer.GIVE_UP: ", '{"give-upp": '),
    "a choice on a card": ("conversations/support/choosing.py", "(Choice.HAND_BACK,)", '("hand-bak",)'),
    "a kind": (
        "conversations/front_door/coming_in.py",
        "Tell(Kind.PEER, event.by, event)",
        'Tell("volunteer", event.by, event)',
    ),
}


def misspelt(folder: Path, file: str, right: str, wrong: str) -> Path:
    """A copy of the conversations with one thing spelt wrong; or one thing more, where there is a copy."""
    if not (folder / "conversations").exists():
        shutil.copytree(ROOT / "conversations", folder / "conversations", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text("utf-8")
    assert text.count(right) >= 1, f"{file} no longer says {right}"
    (folder / file).write_text(text.replace(right, wrong, 1), "utf-8")
    return folder


def runs(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own


@pytest.mark.parametrize("what", AT_IMPORT)
def test_it_fails_the_import(what: str, tmp_path: Path):
    folder = misspelt(tmp_path, *AT_IMPORT[what])
    assert runs(folder, "-c", "import conversations.registry").returncode != 0


@pytest.mark.timeout(300)
def test_mypy_finds_each_of_them(tmp_path: Path):
    """One run for all: it takes as long for six as for one."""
    for file, right, wrong in BY_MYPY.values():
        misspelt(tmp_path, file, right, wrong)
    config = ["--strict", "--no-incremental", "--cache-dir", str(tmp_path / "cache"), "-p", "conversations"]
    found = runs(tmp_path, "-m", "mypy", *config).stdout
    for file, _, wrong in BY_MYPY.values():
        line = next(n for n, text in enumerate((tmp_path / file).read_text("utf-8").splitlines(), 1) if wrong in text)
        assert f"{file}:{line}: error" in found, (file, wrong, found)
