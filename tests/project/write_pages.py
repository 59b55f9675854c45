"""Writes the pages of the documentation that are printed from the code: python -m tests.project.write_pages"""

from __future__ import annotations

import re
from pathlib import Path

from bot.cli.documents import flows_page, privacy_table
from tests.conversations.explore import FULL_HOUSE
from tests.mutants import page as mutants_page
from tests.project import assurance

ROOT = Path(__file__).parents[2]
FLOWS = ROOT / "docs" / "flows.md"
PRIVACY = ROOT / "docs" / "privacy.md"
MUTANTS = ROOT / "docs" / "mutants.md"
README = ROOT / "README.md"


def readme() -> str:
    """The README, with the dialogue and the rows of who can read what as they are now."""
    begin, end = "<!-- who can read what -->\n", "<!-- /who can read what -->"
    before, _, rest = README.read_text("utf-8").partition(begin)
    return _with_the_dialogue(before) + begin + privacy_table.excerpt(FULL_HOUSE) + end + rest.partition(end)[2]


def _with_the_dialogue(text: str) -> str:
    before, mark, path, rest = re.split(r"(<!-- dialogue: (\S+) -->\n)", text, maxsplit=1)
    quoted = (ROOT / path).read_text("utf-8")
    fence = re.sub(r"(```[a-z]*\n).*?```", lambda found: f"{found[1]}{quoted}```", rest, count=1, flags=re.DOTALL)
    return before + mark + fence


def pages() -> dict[Path, str]:
    """Every page, as it should be."""
    return {
        FLOWS: flows_page.page(),
        PRIVACY: privacy_table.page(FULL_HOUSE),
        MUTANTS: mutants_page.page(),
        assurance.PAGE: assurance.page(assurance.outcomes()),
        README: readme(),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
