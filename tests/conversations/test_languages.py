"""Every language says what English says. A language that has only the playground's own page is complete as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from fluent.syntax import ast, parse, visitor

from bot.rendering import FOLDER

ENGLISH = FOLDER / "en"
PAGE = "playground.ftl"
OTHERS = sorted(folder for folder in FOLDER.iterdir() if folder.is_dir() and folder != ENGLISH)


class Values(visitor.Visitor):
    """Collects the names of the values that a message fills in."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802  the library's way of naming
        self.names.add(node.id.name)


def messages(folder: Path, name: str) -> dict[str, set[str]]:
    """Each key of a file with the values it fills in; none when there is no such file."""
    path = folder / name
    found = {}
    for entry in parse(path.read_text("utf-8")).body if path.exists() else ():
        assert not isinstance(entry, ast.Junk), f"{path.name}: {entry.content}"
        if isinstance(entry, ast.Message):
            values = Values()
            values.visit(entry)
            found[entry.id.name] = values.names
    return found


@pytest.mark.parametrize("folder", OTHERS, ids=lambda folder: folder.name)
def test_a_language_lacks_no_sentence_and_has_none_too_many(folder):
    files = sorted(path.name for path in ENGLISH.glob("*.ftl"))
    wanted = [PAGE] if [path.name for path in folder.glob("*.ftl")] == [PAGE] else files
    for name in wanted:
        assert sorted(messages(folder, name)) == sorted(messages(ENGLISH, name)), f"{folder.name}/{name}"


@pytest.mark.parametrize("folder", OTHERS, ids=lambda folder: folder.name)
def test_a_translation_fills_in_no_value_that_english_does_not_give(folder):
    for path in folder.glob("*.ftl"):
        english = messages(ENGLISH, path.name)
        for key, values in messages(folder, path.name).items():
            assert values <= english.get(key, set()), f"{folder.name}/{path.name}: {key}"
