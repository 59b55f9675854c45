"""What the project says about itself is true, and it says nothing about the machines it was made on."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot import config
from bot.cli.documents import settings_table
from bot.config import confidentiality, phone_lines

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ROOMS = ("conversations", "adapters", "bot")

# distribution → what it is imported as, where the two differ
IMPORTED_AS = {
    "slack-bolt": {"slack_bolt", "slack_sdk"},
    "botbuilder-core": {"botbuilder", "botframework"},
    "PyJWT": {"jwt"},
    "python-dotenv": {"dotenv"},
    "pydantic": {"pydantic", "annotated_types"},
    "fluent.runtime": {"fluent", "babel"},
    "psycopg-pool": {"psycopg_pool"},
    "prometheus-client": {"prometheus_client"},
    "alembic": {"alembic", "sqlalchemy"},
}
MACHINE = re.compile(r"(?<![\w.:/{}])/(?:root|home|Users|work|mnt)/[\w.]")
ADDRESS = re.compile(r"(?:https?|wss?)://(?:[^\s/@]*@)?([\w.-]*\w)")
HOSTS = (
    *("slack.com", "slack-gov.com", "slack.dev", "slack-edge.com", "apache.org", "docs.astral.sh"),
    *("microsoft.com", "microsoftonline.com", "botframework.com", "trafficmanager.net", "adaptivecards.io"),
    *("microsoft.us", "microsoftonline.us", "botframework.us", "botframework.azure.us"),
    *("example", "example.org", "example.com", "localhost", "127.0.0.1"),
    "peersupport",  # what the replicas are called together, inside deploy/
    *("w3.org", "html.spec.whatwg.org"),  # the name of SVG, which nobody calls; the standard of event streams
    *(
        "python.org",
        "prometheus.io",
        "rfc-editor.org",
        "wikipedia.org",
        "postgresql.org",
        "aws.amazon.com",
    ),  # docstrings
    *("988lifeline.org", "alexproject.org", "physiciansupportline.com", "mentalhealthcommission.ca", "samaritans.org"),
    *("nhs.uk", "giveusashout.org", "bma.org.uk", "ch.ch", "innovationqualite.ch", "euroalert.net"),  # of phone lines
    *("eur-lex.europa.eu", "hhs.gov", "digital.nhs.uk", "doi.org"),  # laws, standards and papers that documents cite
)
"""Whose addresses may stand in this project; a new one is a decision."""


def tracked() -> list[Path]:
    """What git tracks; in an unpacked archive, everything that was unpacked."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        made = {".venv", ".cache", "__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
        return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.parts)]
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file) if file else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_readme_quotes_a_dialogue_that_is_played():
    found = re.search(
        r"<!-- dialogue: (\S+) -->\n(.*?)<!-- /dialogue -->", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert found
    (quoted,) = re.findall(r"```[a-z]*\n(.*?)```", found[2], re.DOTALL)
    assert quoted == (ROOT / found[1]).read_text("utf-8")


def test_the_settings_page_is_the_one_the_class_prints():
    assert (ROOT / "docs/settings.md").read_text("utf-8") == settings_table.page(), (
        "peersupport config --markdown > docs/settings.md"
    )


def test_every_command_that_make_names_has_a_rule():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {
        *re.findall(r"\bmake ([a-z-]+)", makefile),
        *re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split(),
    }
    assert named == set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def test_every_decision_stands_in_the_index():
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    for page in (ROOT / "docs/decisions").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index, page.name


def test_the_example_settings_are_settings(tmp_path):
    given = [line.removeprefix("# ") for line in (ROOT / ".env.example").read_text("utf-8").splitlines()]
    names = [line.partition("=")[0] for line in given if re.match(r"[A-Z_]+=", line)]
    known = {*config.NAMES, *(f"{name}_FILE" for name in config.NAMES)}
    assert names
    assert set(names) <= known


def test_the_files_in_the_operators_page_can_be_read():
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    signed, own = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert confidentiality.parse(signed).signed_on
    assert phone_lines.parse(own).lines


def test_every_check_of_the_doctor_is_documented():
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    sources = [
        ROOT / "bot/diagnostics/doctor.py",
        ROOT / "bot/monitoring/readiness.py",
        ROOT / "bot/monitoring/sampler.py",
        *ROOT.glob("bot/diagnostics/*.py"),
    ]
    for check in {id for path in sources for id in re.findall(r'Finding\(\s*"([a-z-]+)"', path.read_text("utf-8"))}:
        assert f"`{check}`" in page, check


def test_nothing_tells_of_a_machine_or_of_where_packages_came_from():
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        where = str(path.relative_to(ROOT))
        assert MACHINE.search(text) is None, where
        for host in ADDRESS.findall(text):
            assert any(f".{host}".endswith(f".{known}") for known in HOSTS), f"{where}: {host}"


def test_the_licence_is_the_whole_apache_licence():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["license"]["text"] == "Apache-2.0"


def test_what_is_imported_is_declared():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = [re.split(r"[<>=\[]", requirement)[0] for requirement in declared]
    allowed = {*ROOMS, *sys.stdlib_module_names}.union(*(IMPORTED_AS.get(name, {name}) for name in names))
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for module in modules:
                assert module.split(".")[0] in allowed, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("script", [".ci/run", ".ci/set-up", ".ci/page-judges", ".ci/deploy-judges"])
def test_scripts_can_be_read_by_their_shell(script):
    shell = "bash" if script.endswith("run") else "sh"
    found = shutil.which(shell)
    assert found
    subprocess.run([found, "-n", str(ROOT / script)], check=True)  # noqa: S603
