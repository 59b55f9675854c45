"""A hospital adds words that bring the crisis card, and takes none away."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import config
from bot.config import Refused

NAME = "PEERSUPPORT_CRISIS_WORDS_FILE"


def hears(folder: Path, text: str, typed: str) -> bool:
    (folder / "own.txt").write_text(text, "utf-8")
    return config.load({NAME: str(folder / "own.txt")}, folder).programme().listener.hears(typed)


def test_with_no_file_ours_are_heard(tmp_path):
    listener = config.load({}, tmp_path).programme().listener
    assert listener.hears("i want to die")
    assert not listener.hears("code lavender for me")


def test_a_hospitals_phrases_are_heard_beside_ours(tmp_path):
    own = "# agreed with the clinical lead\n\nCode Lavender for me\n"
    assert hears(tmp_path, own, "code lavendar for me")
    assert hears(tmp_path, own, "i want to die")
    assert not hears(tmp_path, own, "agreed with the clinical lead")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no phrase"), ("# nothing yet\n", "holds no phrase"), ("a phrase\nto the\n", "in line 2")],
)
def test_a_file_that_would_hear_nothing_or_everything_is_refused(tmp_path, text, said):
    with pytest.raises(Refused) as refused:
        hears(tmp_path, text, "")
    assert NAME in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(Refused) as refused:
        config.load({NAME: str(tmp_path / "missing.txt")}, tmp_path)
    assert NAME in str(refused.value)
