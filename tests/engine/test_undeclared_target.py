"""A decision that lands in a stage its row does not name fails a test; in service it stands, and is logged by kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.base import Interaction, front_door_token
from bot.engine.codec import id_of
from bot.engine.engine import Engine
from bot.engine.services import log_undeclared_target
from bot.playground.simulator import Simulator, UndeclaredTarget
from conversations import registry
from conversations.flow import Flow
from conversations.model import Opened
from conversations.vocabulary import Word


@pytest.fixture
def misdeclared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose row for the front door names no stage that it leads to."""
    entry = registry.VISITORS
    flow = Flow(entry.flow.kind, type(entry.flow.stages[0]), entry.flow.begin)
    forgotten = entry.flow.stages[-1]
    flow.table(
        *(replace(row, to=(forgotten,)) if row.trigger[0] is Opened else row for row in entry.flow.rows),
    )
    monkeypatch.setitem(registry.ENTRIES, entry.flow.kind, replace(entry, flow=flow))


def types_help(simulator: Simulator) -> Interaction:
    return Interaction("event:1", simulator.person("Ana"), front_door_token(Word.HELP), source="typed")


async def test_it_fails_a_test(misdeclared: None, tmp_path: Path):
    simulator = Simulator(tmp_path)
    with pytest.raises(UndeclaredTarget, match=registry.ENTRANCE):
        await simulator.engine.receive(types_help(simulator))
    await simulator.stop()


async def test_in_service_it_stands_and_is_logged_by_kind(misdeclared: None, tmp_path: Path):
    simulator = Simulator(tmp_path)
    services = replace(simulator.engine.services, on_undeclared_target=log_undeclared_target)
    engine = Engine(services)
    with capture_logs() as logs:
        await engine.receive(types_help(simulator))
        await engine.idle()
    said = [{"event": line["event"], "kind": line["kind"]} for line in logs if line["log_level"] == "error"]
    assert said == [{"event": "undeclared-target", "kind": registry.ENTRANCE}]
    assert await services.repository.load(id_of(registry.ENTRANCE, simulator.person("Ana"), services.vault)) is not None
    await simulator.stop()
