"""The pages a developer reads: glossary, CONTRIBUTING, decisions, and every name of ours that any page gives."""

from __future__ import annotations

import builtins
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs/decisions"
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - {ROOT / "CHANGELOG.md"})
ROOMS = ("conversations", "adapters", "bot", "tests", "bench")

ENTRY = re.compile(r"\* \*\*(?P<word>[^*]+)\*\*: (?P<meaning>.+[.]) \[[^\]]+\]\((?P<target>[^)]+)\)")
PARTS = ("Context", "Decision", "Consequences", "What would change our mind")
FOREIGN = frozenset(
    (
        *("Activity", "BotAdapter", "CloudAdapter", "TurnContext"),  # botbuilder's
        *("AsyncOAuthFlow", "InstallationStore"),  # Bolt's
        *("LoadCredential", "Environment", "StateDirectory", "DynamicUser", "Type"),  # systemd's
        *("Content-Type", "Authorization", "Retry-After"),
    )
)
"""Names of other people's classes and settings that a page may give."""
ENDINGS = (
    "py",
    "md",
    "ftl",
    "js",
    "toml",
    "chat",
    "json",
    "conf",
    "env",
    "pem",
    "yaml",
    "key",
    "com",
)  # of files and hosts


# ---------------------------------------------------------------- the glossary


def entries() -> dict[str, list[re.Match[str]]]:
    """Each list of the glossary, by its heading."""
    _, *parts = re.split(r"^## ", (ROOT / "docs/glossary.md").read_text("utf-8"), flags=re.MULTILINE)
    found = {}
    for part in parts:
        heading, *lines = part.splitlines()
        matches = [(line, ENTRY.fullmatch(line)) for line in lines if line]
        assert all(match for _, match in matches), [line for line, match in matches if not match]
        found[heading] = [match for _, match in matches if match]
    return found


def test_each_word_of_the_glossary_is_one_line_with_a_link_that_resolves():
    for matches in entries().values():
        for match in matches:
            target = match["target"].partition("#")[0]
            assert (ROOT / "docs" / target).is_file(), match["word"]
            assert len(match["meaning"]) <= 150, match["word"]


def test_the_words_of_the_glossary_are_in_order_and_each_is_there_once():
    for matches in entries().values():
        words = [match["word"].casefold() for match in matches]
        assert words == sorted(set(words))


@pytest.mark.parametrize(
    "word",
    [
        *("request", "clinician", "peer", "coordinator", "on-call", "offer", "wave", "together", "relay", "check-in"),
        *("close", "forget", "front door", "doorstep record", "slot", "card", "code name", "quiet hours", "nights"),
        *("transactional outbox", "delivery", "in flight", "optimistic revision", "unit of work", "idempotency mark"),
        *("lease", "claim", "wake job", "envelope encryption", "key ring", "day key", "key rotation", "erasure log"),
        *("snapshot", "journal", "tracking table", "fake", "chat script"),
    ],
)
def test_a_newcomer_finds_this_word_in_the_glossary(word):
    assert word in {match["word"] for matches in entries().values() for match in matches}


# ---------------------------------------------------------------- how to add something


def test_each_way_to_add_something_takes_five_lines():
    _, *ways = re.split(r"^### … ", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), flags=re.MULTILINE)
    assert [way.splitlines()[0] for way in ways] == [
        *("a check-in", "a word to type", "a setting", "a platform", "a language"),
    ]
    for way in ways:
        assert re.findall(r"^(\d)\. ", way, re.MULTILINE) == list("12345"), way.splitlines()[0]


# ---------------------------------------------------------------- the decisions


@pytest.mark.parametrize("page", sorted(DECISIONS.glob("*.md")), ids=lambda page: page.stem)
def test_every_decision_has_the_same_parts_in_the_same_order(page):
    headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
    assert page.name == "README.md" or tuple(each for each in headings if each in PARTS) == PARTS


def test_the_index_gives_every_decision_its_own_title():
    index = (DECISIONS / "README.md").read_text("utf-8")
    for title, file in re.findall(r"^\* \[(.+)\]\(([\w-]+\.md)\)$", index, re.MULTILINE):
        assert (DECISIONS / file).read_text("utf-8").startswith(f"# {title}\n"), file


# ---------------------------------------------------------------- names of ours


@cache
def source() -> str:
    """All Python there is, as one text."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return "\n".join(path.read_text("utf-8") for path in files if path != Path(__file__))


@cache
def classes() -> frozenset[str]:
    return frozenset(re.findall(r"^ *class (\w+)", source(), re.MULTILINE))


def in_backticks(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_a_page_names_exists(page):
    named = re.findall(
        r"(?<![\w/.-])((?:bot|adapters|conversations|tests|bench|deploy|\.ci)/[\w./-]*\w)(?![\w-])",
        page.read_text("utf-8"),
    )
    assert not {path for path in named if not (ROOT / path).exists() and not path.endswith("/peersupport")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_class_a_page_names_exists(page):
    """A word in backticks that is written like a Python class is a class of ours, of Python, or of FOREIGN."""
    said = " ".join(word for word in in_backticks(page) if re.fullmatch(r"[\w.()\[\], ]+", word))
    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", said))
    assert named - classes() - set(dir(builtins)) <= FOREIGN


@cache
def modules() -> dict[str, str]:
    """The text of all modules of one name, by that name."""
    found: dict[str, str] = {}
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        found[path.stem] = found.get(path.stem, "") + path.read_text("utf-8")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_function_a_page_names_exists(page):
    """`module.function`, `Class.method`: where what stands before the dot is ours, it defines what stands behind it."""
    for said in in_backticks(page):
        found = re.fullmatch(r"(?:\w+\.)*(\w+)\.([a-z_]+)(?:\(.*\))?", said)
        if not found or found[2] in ENDINGS:
            continue
        text = source() if found[1] in classes() else modules().get(found[1])
        if text is not None:
            assert re.search(rf"\bdef {found[2]}\b|^ *{found[2]}\b *[:=]", text, re.MULTILINE), said
