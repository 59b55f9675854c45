"""What a hospital is given to read is true of the code: commands, settings, hosts, periods, and the tests it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer

from adapters.slack.package.manifest import PATH as SLACK_PATH
from adapters.teams import allowed_hosts
from adapters.teams.package.build import PATH as TEAMS_PATH
from bot import config
from bot.cli.main import app
from conversations.front_door import doorstep
from conversations.model import Programme
from conversations.peers import invitation, linking, onboarding
from conversations.support import asking, closing
from conversations.vocabulary import Word
from tests.conversations.test_words import grade

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ALL_PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

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


# ---------------------------------------------------------------- what is gone from a database


def test_wherever_a_database_is_promised_to_forget_in_a_minute_it_is_said_when_it_does_not():
    paragraphs = [
        (page.name, " ".join(paragraph.split()))
        for page in ALL_PAGES
        for paragraph in re.split(r"\n\s*\n|\n\* ", page.read_text("utf-8"))
    ]
    promising = [(name, text) for name, text in paragraphs if "gone from tables and indexes within a minute" in text]
    assert {"README.md", "security.md"} <= {name for name, _ in promising}
    for name, text in promising:
        for caveat in ("snapshot", "`doctor`", "`/readyz"):
            assert caveat in text, (name, caveat)
    for name in ("README.md", "security.md"):
        (text,) = (text for page, text in promising if page == name)
        assert re.search(r"\bowns (them|the tables)\b", text), name


# ---------------------------------------------------------------- the hazard log

LEVELS = ("very low", "low", "medium", "high", "very high")


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


# ---------------------------------------------------------------- commands and settings

COMING: frozenset[str] = frozenset()
"""Commands, options and settings that are written of before they are there. Whoever brings one takes it out here."""

COMMANDS = typer.main.get_command(app)


def said_commands(page: Path) -> Iterator[list[str]]:
    """What stands behind `peersupport` in code: between backticks, or behind a prompt."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    typed = [line.lstrip("#$ ") for line in lines if line.startswith(("$ ", "# "))]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for said in (*typed, *inline):
        for part in re.split(r"&&|;|\||\(|\)", said):
            words = part.replace("> ", ">").split()
            names = [word.rsplit("/", 1)[-1] for word in words]
            starts = [at for at, name in enumerate(names) if name == "peersupport"]
            if starts and all(_prefix(word) for word in words[: starts[-1]]):
                yield words[starts[-1] + 1 :]


def _prefix(word: str) -> bool:
    """What may stand before a command without being one that takes `peersupport` for something else."""
    return word in ("runuser", "-u", "peersupport", "--", "sudo", "umask", "077", "#", "$")


def unknown(words: list[str]) -> list[str]:
    """What in this command line the program does not know."""
    command, path = COMMANDS, ""
    lacking = []
    for word in words:
        if word.startswith("-"):
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            if word.partition("=")[0].strip("[]") not in known:
                lacking.append(f"{path} {word}".strip())
        elif (inner := getattr(command, "commands", {})) and re.fullmatch(r"[a-z][a-z-]*", word):
            path = f"{path} {word}".strip()
            if word not in inner:
                return [*lacking, path]
            command = inner[word]
    return lacking


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_command_that_is_written_of_is_there(page):
    lacking = {each for words in said_commands(page) for each in unknown(words)}
    assert lacking <= COMING


def test_commands_are_found_where_they_are_written_of():
    assert ["doctor", "--live"] in list(said_commands(ROOT / "README.md"))
    assert unknown(["doctor", "--alive"]) == ["doctor --alive"]
    assert unknown(["keys", "lose"]) == ["keys lose"]


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_written_of_is_there(page):
    named = set(re.findall(r"\b(?:PEERSUPPORT|SLACK|TEAMS|LOG)_[A-Z]+(?:_[A-Z]+)*\b", page.read_text("utf-8")))
    known = {*config.NAMES, "PEERSUPPORT_CONFIG", "PEERSUPPORT_X", *(f"{name}_FILE" for name in config.NAMES)}
    assert named - known <= COMING


def test_nothing_is_coming_that_is_here():
    assert not {each for each in COMING if each in config.NAMES or (each[0].islower() and not unknown(each.split()))}


def test_what_is_said_not_to_be_there_is_not_there():
    absent = re.findall(r"^\* `([a-z-]+)`", between("security.md", "not in this version"), re.MULTILINE)
    assert absent
    assert set(absent) == {each for name in absent for each in unknown([name])}


# ---------------------------------------------------------------- hosts, ports, periods


def default(name: str) -> str:
    return config.DEFAULTS[name]


def test_the_hosts_and_ports_are_those_of_the_code():
    named = set(re.findall(r"`([^`]+)`", between("security.md", "ports")))
    slack = urlsplit(default("SLACK_API_URL")).hostname or ""
    asked = {urlsplit(default(name)).hostname or "" for name in ("TEAMS_OPENID_URL", "TEAMS_TOKEN_URL")}
    assert {each for each in named if re.fullmatch(r"(\*\.)?[a-z.]+\.[a-z]+", each)} == {
        *(slack, f"hooks.{slack}"),
        *asked,
        *allowed_hosts.MICROSOFTS,
        urlsplit(allowed_hosts.DEFAULT_SERVICE).hostname,
    }
    assert {f"POST {SLACK_PATH}", f"POST {TEAMS_PATH}"} <= named
    assert {default("PEERSUPPORT_BIND"), default("PEERSUPPORT_OPS_BIND")} <= named


def period(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0:
            number = minutes // size
            if unit == "day" and number == 1:
                continue
            return f"{number} {unit}s" if number > 1 else f"{'an' if unit == 'hour' else 'a'} {unit}"
    raise AssertionError(span)


RETENTION = {
    "that a person opened the bot": (doorstep.DAY + doorstep.AN_HOUR,),
    "a request whose card of details was never sent": (asking.UNFINISHED, closing.SOON),
    "a request": (Programme().close_after,),
    "a closed request": (Programme().erase_after, closing.SOON),
    "after *forget me*": (doorstep.AT_ONCE, closing.SOON),
    "an offer to be a peer that was not finished": (onboarding.WEEK,),
    "a peer who left, was declined, or got no answer": (onboarding.LINGERS,),
    "when a peer was asked": (onboarding.WEEK,),
    "an invitation to be a peer": (invitation.STANDS_FOR, onboarding.LINGERS),
    "a colleague who was named as a peer": (invitation.A_MONTH, onboarding.LINGERS),
    "a code that links two accounts": (linking.COUNTS_FOR,),
}


def test_what_is_kept_is_kept_as_long_as_the_code_says():
    rows = [line.strip("| ").split(" | ") for line in between("security.md", "retention").splitlines()[2:]]
    said = dict(rows)
    for what, spans in RETENTION.items():
        for span in spans:
            assert period(span) in said[what], (what, period(span))


def test_the_periods_in_the_notice_and_the_assessment_are_the_defaults():
    notice = between("privacy-notice.md", "notice")
    close, erase = period(Programme().close_after), period(Programme().erase_after)
    assert f"\u2039closes after {close}\u203a" in notice
    assert f"\u2039erased after {erase}\u203a" in notice
    hours = " and ".join(f"{round(after.total_seconds() / 3600)} hours" for after in Programme().check_ins)
    assert f"\u2039check-ins after {hours}\u203a" in notice
    assert (
        f"{close} after the last press of either of the two and the last check-in, and {erase} after that"
        in text_of("dpia.md")
    )
    assert "25 hours" in notice
    assert period(doorstep.DAY + doorstep.AN_HOUR) == "25 hours"


def test_the_words_the_notice_tells_people_to_type_are_understood():
    rows = re.findall(r"^\| `([a-z ]+)` \|", between("privacy-notice.md", "notice"), re.MULTILINE)
    assert len(rows) > 4
    assert set(rows) <= {word.value for word in Word}


# ---------------------------------------------------------------- what the log says


def said_to_the_log() -> dict[str, str]:
    """Each event of our own that stands in the code as a word, above INFO, and where."""
    found: dict[str, str] = {}
    for path in (path for room in ("bot", "adapters") for path in (ROOT / room).rglob("*.py")):
        if "playground" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first = node.args[0]
            loud = node.func.attr in ("warning", "error", "critical")
            if loud and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = path.name
    return found


def test_every_line_of_the_log_that_asks_for_a_look_is_explained():
    explained = set(re.findall(r"`([a-z-]+)`", between("operator-guide.md", "log")))
    assert {
        event for event in said_to_the_log() if re.fullmatch(r"[a-z]+(-[a-z]+)+|unhandled", event)
    } - explained == set()
