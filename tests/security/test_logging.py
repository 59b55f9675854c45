"""No person, text, token or id reaches a log, whoever logs and at whatever level."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from bot.logging import FilteringFormatter, _OwnEvent

CANARIES = (
    "U0CANARY1",
    "T0123ABCD",
    "Ana Canary",
    "xoxb-canary-token",
    "Ana told me about 12345678",
    "ana@hospital.example",
)

PROGRAM = """
import asyncio, logging, warnings, sys, structlog
from bot import logging as logs

logging.getLogger("slack_bolt").addHandler(logging.StreamHandler())
logs.configure(sys.argv[1], "DEBUG")
canary = "xoxb-canary"
log = structlog.get_logger("bot.engine")
log.info("delivered", platform="slack", count=3, user=canary, text=canary)
log.info(f"hello {canary} 123456")
log.info("odd", kind=canary + " X", what=canary.upper(), platform={"id": canary})
log.bind(token=canary).warning("slack-failed", kind="TimeoutError", status="http-503")
SLACK = ("slack_bolt", "slack_sdk.web", "aiohttp.access", "aiohttp.server", "apscheduler", "asyncio", "tinydb")
POSTGRES = ("psycopg", "psycopg.pool", "alembic.runtime.migration", "sqlalchemy.engine", "procrastinate.worker")
for name in SLACK + POSTGRES:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger(name).log(level, "body %s", canary, extra={"request": canary})
logging.getLogger("odd").error("%s %s", canary)
logging.getLogger("odd").error({"event": canary})
logging.getLogger("odd " + canary).error("x")
warnings.warn(canary)
try:
    try:
        raise ValueError(canary)
    except ValueError as first:
        raise RuntimeError(canary) from first
except RuntimeError:
    log.exception("step-failed")
    logging.getLogger("slack_bolt").exception(canary)

async def lost():
    async def fails():
        raise OSError(canary)
    task = asyncio.ensure_future(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task

asyncio.run(lost(), debug=True)
raise KeyError(canary)
"""


def lines_of(log_format: str) -> str:
    ran = subprocess.run(  # noqa: S603  # our own Python, our own program
        [sys.executable, "-c", PROGRAM, log_format], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    return ran.stderr


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_logger_at_any_level_lets_a_canary_through(log_format):
    said = lines_of(log_format)
    assert "canary" not in said.lower()
    assert "Traceback" not in said


def test_what_remains_says_where_to_look():
    lines = [json.loads(line) for line in lines_of("json").splitlines()]
    ours = [line for line in lines if line["logger"] == "bot.engine"]
    assert ours[0] | {"time": ""} == {
        "time": "",
        "level": "info",
        "logger": "bot.engine",
        "event": "delivered",
        "platform": "slack",
        "count": 3,
        "withheld": "text,user",
    }
    failed = next(line for line in ours if line["event"] == "step-failed")
    assert failed["error"] == "RuntimeError < ValueError"
    assert failed["where"].startswith("<string>:")
    assert any(line["logger"] == "slack_bolt" and line["event"] == "library-message" for line in lines)
    assert lines[-1]["event"] == "unhandled"
    assert lines[-1]["error"] == "KeyError"


def test_a_library_is_heard_only_when_something_is_wrong():
    """A line for each press would say when somebody asked."""
    lines = [json.loads(line) for line in lines_of("json").splitlines()]
    assert {line["level"] for line in lines if line["event"] == "library-message"} == {"warning", "error"}


@pytest.mark.parametrize("value", CANARIES)
@pytest.mark.parametrize("key", ["event", "kind", "what", "platform", "count", "setting", "user"])
def test_a_key_that_may_pass_is_no_door_for_a_value_that_may_not(key, value):
    record = logging.LogRecord("bot", logging.INFO, "x.py", 1, _OwnEvent({"event": "x", key: value}), (), None)
    assert value not in FilteringFormatter("json").format(record)


@pytest.mark.parametrize("key", ["user", "text", "who", "name", "id"])
def test_a_key_that_is_not_on_the_list_is_withheld_however_harmless_its_value_looks(key):
    for value in ("ana", 7):
        record = logging.LogRecord("bot", logging.INFO, "x.py", 1, _OwnEvent({"event": "x", key: value}), (), None)
        line = json.loads(FilteringFormatter("json").format(record))
        assert (line["event"], line["withheld"]) == ("x", key)
        assert key not in line


ALL_LOADED = """
import importlib, sys
for room in ("bot.server.app", "bot.store.postgres.store", "bot.store.embedded.store", "bot.scheduler.procrastinate_",
             "adapters.slack", "adapters.slack.socket_mode", "adapters.slack.install.app", "adapters.teams"):
    importlib.import_module(room)
from bot.logging import FilteringFormatter, _OwnEvent
import logging
def below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from below(each)
for name in {each.__name__ for each in below(Exception) if not issubclass(each, Warning)}:
    record = logging.LogRecord("bot", logging.ERROR, "x.py", 1, _OwnEvent({"event": "failed", "kind": name}), (), None)
    print(name, '"withheld"' in FilteringFormatter("json").format(record))
"""


def test_every_exception_that_may_be_raised_here_is_named():
    ran = subprocess.run(  # noqa: S603  # our own Python, our own program
        [sys.executable, "-c", ALL_LOADED], capture_output=True, text=True, check=True, timeout=60
    )
    withheld = dict(line.split() for line in ran.stdout.splitlines())
    assert withheld.keys() >= {"OSError", "SSLError", "ClientConnectorDNSError", "JSONDecodeError", "OAuth2Error"}
    assert len(withheld) > 500
    assert [name for name, is_withheld in withheld.items() if is_withheld == "True"] == []
