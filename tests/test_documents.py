"""What a hospital is given to read is true of the code: commands, settings, hosts, periods, and the tests it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_words import grade

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

GRADE = 8.0
GAP = re.compile(r"\u2039([^\u203a]+)\u203a")  # what a hospital fills in stands between these marks


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def between(page: str, mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", text_of(page), re.DOTALL)
    assert found, mark
    return found[1]


def spoken(markdown: str) -> str:
    """What would be read aloud: each row, heading and item is a sentence of its own."""
    lines = [line for line in markdown.splitlines() if not re.fullmatch(r"[|\- ]*", line)]
    ended = [re.sub(r"^(#+ .*|\|.*)$", r"\1.", line) for line in lines]
    return re.sub(r"[#|*`\u2039\u203a_-]+", " ", "\n".join(ended))


# ---------------------------------------------------------------- the privacy notice


def test_a_clinician_can_read_the_privacy_notice():
    notice = between("privacy-notice.md", "notice")
    parts = re.split(r"^## ", notice, flags=re.MULTILINE)
    assert len(parts) > 5
    for part in parts:
        assert grade(spoken(part)) <= GRADE, part.splitlines()[0]


def test_every_gap_of_the_privacy_notice_says_where_its_filling_is():
    page = text_of("privacy-notice.md")
    gaps = set(GAP.findall(between("privacy-notice.md", "notice")))
    table = [line for line in page[: page.index("<!-- notice -->")].splitlines() if line.startswith("|")]
    listed = set(GAP.findall("\n".join(table)))
    assert gaps == listed


# ---------------------------------------------------------------- the hazard log

LEVELS = ("very low", "low", "medium", "high", "very high")
ALL_PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


def matrix() -> dict[tuple[str, str], int]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in between("clinical-safety.md", "matrix").splitlines()
    ]
    severities, counted = rows[0][1:], rows[2:]
    assert sorted(row[0] for row in counted) == sorted(LEVELS)
    return {
        (severity, row[0]): int(risk) for row in counted for severity, risk in zip(severities, row[1:], strict=True)
    }


def test_more_is_never_less_in_the_matrix_of_risks():
    risks, severities = matrix(), list(dict.fromkeys(severity for severity, _ in matrix()))
    for severity in severities:
        assert [risks[severity, level] for level in LEVELS] == sorted(risks[severity, level] for level in LEVELS)
    for level in LEVELS:
        assert [risks[severity, level] for severity in severities] == sorted(
            risks[severity, level] for severity in severities
        )


def test_every_hazard_is_counted_right_explained_and_none_is_left_unacceptable():
    risks, page = matrix(), text_of("clinical-safety.md")
    rows = [line.strip("|").split("|") for line in between("clinical-safety.md", "hazards").splitlines()[2:]]
    assert len(rows) > 20
    for number, (link, hazard, *counted, _) in enumerate(rows, 1):
        before, after = (re.fullmatch(r" (\w+) \u00d7 ([\w ]+) = (\d) ", cell) for cell in counted)
        assert before, hazard
        assert after, hazard
        for found in (before, after):
            assert risks[found[1], found[2]] == int(found[3]), hazard
        assert int(after[3]) <= min(int(before[3]), 3), hazard
        assert f"[H{number}](#" in link
        section = re.search(rf"^### H{number} {re.escape(hazard.strip())}$(.*?)^##", page, re.MULTILINE | re.DOTALL)
        assert section, hazard
        for part in ("*Cause:*", "*Effect:*", "*Controls:*", "*Held by:*", "*Left:*"):
            assert part in " ".join(section[1].split()), (hazard, part)
        assert "../tests/" in section[1], hazard


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_a_test_that_is_named_as_proof_exists(page):
    for name, file in re.findall(r"\[(test_\w+|[\w-]+\.chat)\]\(([^)]+)\)", page.read_text("utf-8")):
        proof = page.parent / file
        assert proof.name == name or re.search(
            rf"^( {{4}})?(async )?def {name}\(", proof.read_text("utf-8"), re.MULTILINE
        ), name
