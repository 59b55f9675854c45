"""How the tests are run: what is left out is said, what hangs fails by name, and no process slips in."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.running.first_and_last_line import first_line, last_line

ROOT = Path(__file__).parents[2]
HANGING = """
import threading

def test_before(): pass
def test_that_hangs(): threading.Event().wait()
def test_that_swallows():
    while True:
        try: threading.Event().wait()
        except BaseException: pass
def test_after(): pass
"""
SKIPPING = """
import subprocess
from tests.running.not_run import not_run

def test_here(): pass
def test_unannounced(tmp_path): getattr(subprocess, "Po" + "pen")(["true"])
def test_there(): not_run("nginx", "apt-get install nginx")
"""


def run(tmp_path: Path, source: str, *words: str, **environ: str) -> tuple[int, str]:
    """Run this source with our configuration; its exit code, and what was printed."""
    (tmp_path / "test_planted.py").write_text(source, "utf-8")
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        ROOT / "pyproject.toml",
        "--rootdir",
        tmp_path,
        *words,
        tmp_path,
    ]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)} | environ
    ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    return ran.returncode, ran.stdout


def test_a_test_that_hangs_fails_by_name_and_the_rest_go_on(tmp_path):
    code, said = run(tmp_path, HANGING, "-n2", "--timeout=0.5", "-o", "faulthandler_timeout=2")
    assert code == 1, said
    assert "test_planted.py::test_that_hangs - Failed: Timeout" in said
    assert "crashed while running 'test_planted.py::test_that_swallows'" in said
    assert "2 failed, 2 passed" in said


def test_what_could_not_be_run_is_the_last_line_and_under_ci_a_failure(tmp_path):
    code, said = run(tmp_path, SKIPPING, "-k", "here")
    assert code == 0, said
    assert said.splitlines()[-1] == "Could not run on this machine: 1 test for want of nginx."
    code, said = run(tmp_path, SKIPPING, "-k", "here", CI="true")
    assert code == 1, said
    assert "not run: nginx was not found: apt-get install nginx" in said


def test_a_process_that_nobody_saw_coming_fails_the_test_by_name(tmp_path):
    code, said = run(tmp_path, SKIPPING, "-k", "unannounced")
    assert code == 1, said
    assert "test_unannounced starts a process" in said


def test_what_is_left_out_is_counted_by_what_it_needs():
    assert first_line(Counter(process=2, browser=1)) == (
        "Leaves out 3 tests that need another process (2) or a browser (1): make test-all runs them."
    )
    assert last_line(Counter(git=2, nginx=1)) == (
        "Could not run on this machine: 2 tests for want of git, 1 test for want of nginx."
    )
