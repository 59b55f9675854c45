"""A line of `.env` is read as python-dotenv reads it, or refused by its number; nothing is dropped in silence."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from bot import config
from bot.config import sources
from bot.config.settings import Refused
from bot.diagnostics import doctor, machine
from tests.cli.test_cli import peersupport

SENTENCE = "is not of the form NAME=value: "

READ = {
    "PEERSUPPORT_NAME=Peers": "Peers",
    "  PEERSUPPORT_NAME = Peers": "Peers",
    "export PEERSUPPORT_NAME=Peers": "Peers",
    "PEERSUPPORT_NAME='Peers # not a comment'  # a comment": "Peers # not a comment",
    'PEERSUPPORT_NAME="Peers"': "Peers",
    "PEERSUPPORT_NAME=Dr. O'Neil's $HOME": "Dr. O'Neil's $HOME",
    "PEERSUPPORT_NAME=Peers\r": "Peers",
    "\ufeffPEERSUPPORT_NAME=Peers": "Peers",
    "PEERSUPPORT_NAME=Others\nPEERSUPPORT_NAME=Peers": "Peers",
    "PEERSUPPORT_NAME=Others\nPEERSUPPORT_NAME=": "Peer Support",
    "another.program-name=1\n_ANOTHER=2\nPEERSUPPORT_NAME=Peers": "Peers",
}

REFUSED = {
    "a word and no sign": "PEERSUPPORT_RELAY canary",
    "a name alone": "PEERSUPPORT_RELAY",
    "a name alone, exported": "export PEERSUPPORT_RELAY",
    "a colon": "PEERSUPPORT_RELAY: canary",
    "a colon and no space": "PEERSUPPORT_RELAY:canary",
    "a colon before a value that has a sign of its own": "PEERSUPPORT_STORE:postgresql://u:canary@db/p?sslmode=require",
    "a colon before a key": "PEERSUPPORT_ROOT_KEY:canary=",
    "another shell's way": "set PEERSUPPORT_RELAY=canary",
    "no name": "=canary",
    "a value alone": "xoxb-canary",
    "a quote that is not closed": 'PEERSUPPORT_NAME="canary',
    "an apostrophe that is not closed": "PEERSUPPORT_NAME='canary",
    "something after the quotes": 'PEERSUPPORT_NAME="canary" canary',
    "a quote that another line closes": 'PEERSUPPORT_NAME="canary\nPEERSUPPORT_RELAY=off\n# "',
}


def refusal(folder: Path) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        config.load({}, folder)
    return refused.value.problems


@pytest.mark.parametrize("lines", READ)
def test_what_python_dotenv_reads_is_read(tmp_path, lines):
    (tmp_path / ".env").write_bytes(f"# ours\n{lines}\n".encode() if lines[0] != "\ufeff" else lines.encode())
    assert config.load({}, tmp_path).name == READ[lines]


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_unreadable_line_is_refused_by_its_number_and_not_repeated(tmp_path, line, end):
    text = f"# ours\nPEERSUPPORT_ZONE=UTC\n\n\n{line}\nPEERSUPPORT_COUNTRY=UK\n"
    (tmp_path / ".env").write_bytes(text.replace("\n", end).encode())
    first, *more = refusal(tmp_path)
    assert first.startswith(f".env, line 5, {SENTENCE}")
    assert "canary" not in first + "".join(more)


def test_every_unreadable_line_is_named_at_once_beside_what_else_is_wrong(tmp_path):
    (tmp_path / ".env").write_text("PEERSUPPORT_RELAY off\nPEERSUPPORT_WAVES=x\nPEERSUPPORT_REST: 1h", "utf-8")
    starts = [problem.partition(SENTENCE)[0] for problem in refusal(tmp_path)]
    assert starts[:2] == [".env, line 1, ", ".env, line 3, "]
    assert starts[2].startswith("PEERSUPPORT_WAVES ")


def test_the_file_that_is_named_is_read_in_the_same_way(tmp_path):
    (tmp_path / "settings").write_text("PEERSUPPORT_RELAY off\n", "utf-8")
    with pytest.raises(Refused, match=f"^PEERSUPPORT_CONFIG, line 1, {SENTENCE}"):
        config.load({"PEERSUPPORT_CONFIG": "settings"}, tmp_path)


@pytest.mark.parametrize("command", ["serve", "config"])
def test_a_command_says_it_and_ends_with_2(tmp_path, command):
    (tmp_path / ".env").write_text("\nSLACK_BOT_TOKEN xoxb-canary\n", "utf-8")
    ran = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bot", command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(config.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f".env, line 2, {SENTENCE}")
    assert "canary" not in ran.stderr


def test_the_doctor_finds_it(tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN xoxb-canary\n", "utf-8")
    settings, (finding, *_) = doctor.examine(date(2026, 11, 2), environ={}, folder=tmp_path, inspect=machine.inspect)
    assert settings is None
    assert (finding.id, finding.status) == ("settings", "fail")
    assert finding.says == ".env, line 1, is not of the form NAME=value."
    assert finding.fix
    assert "canary" not in repr(finding)


def test_where_the_folder_has_none_the_one_for_everywhere_is_read(tmp_path):
    here, everywhere = tmp_path / "here", tmp_path / "etc" / ".env"
    here.mkdir()
    everywhere.parent.mkdir()
    (everywhere.parent / "name").write_text("Colleagues\n", "utf-8")
    assert sources.find_dotenv(here, everywhere) == here / ".env"
    assert sources.describe_search(here, everywhere).endswith(f"there is no {here}/.env and no {everywhere}.")
    everywhere.write_text("PEERSUPPORT_NAME_FILE=name\nPEERSUPPORT_RELAY off\n", "utf-8")
    found = sources.find_dotenv(here, everywhere)
    raw, _, problems = sources.read({}, here, config.NAMES, found)
    assert raw["PEERSUPPORT_NAME"].value == "Colleagues"  # its own relative paths begin beside it
    assert raw["PEERSUPPORT_NAME"].source == f"PEERSUPPORT_NAME_FILE ({everywhere})"
    assert [problem.partition(" is not")[0] for problem in problems] == [f"{everywhere}, line 2,"]
    assert sources.describe_search(here, everywhere).endswith(f"from {everywhere}.")
    (here / ".env").write_text("", "utf-8")
    assert sources.find_dotenv(here, everywhere) == here / ".env"
    assert sources.describe_search(here, everywhere).endswith(f"from {here}/.env.")


@pytest.mark.parametrize("words", [("serve",), ("backup", "copy"), ("keys", "rotate"), ("doctor",), ("config",)])
def test_a_command_says_where_it_looked_for_settings(tmp_path, words):
    said = peersupport(tmp_path, *words).stderr.splitlines()[-1]
    assert said.endswith(f" there is no {tmp_path}/.env and no /etc/peersupport/.env.")
    (tmp_path / ".env").write_text("# nothing yet\n", "utf-8")
    said = peersupport(tmp_path, *words).stderr.splitlines()[-1]
    assert said.endswith(f"Settings were read from the environment and from {tmp_path}/.env.")


@pytest.mark.parametrize("name", ["PEERSUPPORT_ROOT_KEY", "SLACK_BOT_TOKEN"])
@pytest.mark.parametrize("more", [{}, {"PEERSUPPORT_ROOT_KEY": "x", "SLACK_BOT_TOKEN": "y"}])
def test_what_is_set_and_cannot_be_read_is_not_called_not_set(tmp_path, name, more):
    with pytest.raises(Refused) as refused:
        config.load_to_serve({f"{name}_FILE": "absent"} | more, tmp_path)
    about = [problem for problem in refused.value.problems if problem.startswith(name)]
    assert len(about) == 1 + bool(more) * (name == "PEERSUPPORT_ROOT_KEY")  # "x" is no key
    assert not any("is not set" in problem for problem in about)
