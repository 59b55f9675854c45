"""A delivery is in flight from the write that owes it; whoever has to wait for a person's turn looks again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.engine.delivery import RESUMED_AT_ONCE
from bot.engine.engine import Engine
from bot.engine.outbox import LEASE, Action, Delivery, Outbox
from bot.playground.simulator import Simulator
from bot.store.base import Deletion
from conversations.immutable import replace as change
from conversations.model import Person


@pytest.mark.parametrize("busy", [False, True])
async def test_a_card_costs_two_writes(busy, tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, engine = simulator.person("Ana"), simulator.chats["slack"], simulator.engine
    chat.busy = busy
    await chat.types(ana, "help", engine)
    await engine.idle()
    chat.busy = False
    await simulator.wait(simulator.now + timedelta(hours=1))
    (door,) = await engine.services.store.all_of_kind("doorstep")
    assert door.revision == (3 if busy else 2)  # put off in the write that owes it, it is marked when its time has come
    assert len(chat.cards(ana)) == 1
    await simulator.stop()


@pytest.mark.parametrize("late", [timedelta(0), LEASE * 2])
async def test_a_delivery_that_waited_for_its_turn_is_made_by_one_of_two_replicas(late, tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, engine = simulator.person("Ana"), simulator.chats["slack"], simulator.engine
    turn = engine.delivery._turns.setdefault(ana, asyncio.Lock())
    async with turn:  # a slow call about another matter
        await chat.types(ana, "help", engine)
        await asyncio.sleep(0)
        simulator.now += late
        other = Engine(engine.services)
        await other.wake()
        await other.idle()
        assert len(chat.cards(ana)) == (1 if late else 0)
    await engine.idle()
    assert len(chat.cards(ana)) == 1
    (door,) = await engine.services.store.all_of_kind("doorstep")
    saved = await engine.services.repository.load(door.id)
    assert saved is not None
    assert not saved.outbox.deliveries
    await simulator.stop()


class Hanging:
    """An adapter whose calls never answer; it counts them."""

    def __init__(self, adapter: Any) -> None:
        self._adapter, self.calls, self.enough = adapter, 0, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def deliver(self, *_: Any) -> Any:
        self.calls += 1
        if self.calls == RESUMED_AT_ONCE:
            self.enough.set()
        await asyncio.Event().wait()


async def test_a_start_takes_up_few_of_the_deliveries_that_a_crash_left(tmp_path: Path):
    simulator = Simulator(tmp_path)
    chat, engine = simulator.chats["slack"], simulator.engine
    chat.busy = True
    for number in range(3 * RESUMED_AT_ONCE):
        await chat.types(Person("slack", "T0", f"U{number}"), "help", engine)
    await engine.idle()
    hanging = Hanging(chat)
    again = Engine(replace(engine.services, adapters={"slack": hanging}))
    simulator.now += timedelta(hours=1)
    await again.resume()
    await hanging.enough.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert hanging.calls == RESUMED_AT_ONCE
    for task in again.delivery._tasks:
        task.cancel()
    await simulator.stop()


async def test_who_was_forgotten_and_came_back_during_a_call_is_not_written_over(tmp_path: Path, monkeypatch: Any):
    """Their record has the same id, and by chance the same revision."""
    simulator = Simulator(tmp_path)
    ana, chat, engine = simulator.person("Ana"), simulator.chats["slack"], simulator.engine
    repository, asked = engine.services.repository, (simulator.now - timedelta(hours=1),)
    honest = chat.deliver  # type: ignore[attr-defined]

    async def deliver(*call: Any) -> Any:
        monkeypatch.setattr(chat, "deliver", honest)
        ref = await honest(*call)
        (door,) = await engine.services.store.all_of_kind("doorstep")
        before = await repository.load(door.id)
        assert before is not None
        await engine.services.store.save(Deletion(door.id, door.revision))
        again = change(before, conversation=change(before.conversation, asked=asked), outbox=Outbox(), revision=0)
        while again.revision < before.revision:
            (again,) = await repository.save([again])
        return ref

    monkeypatch.setattr(chat, "deliver", deliver)
    await chat.types(ana, "help", engine)
    await engine.idle()
    (door,) = await engine.services.store.all_of_kind("doorstep")
    saved = await repository.load(door.id)
    assert saved is not None
    assert saved.conversation.asked == asked
    await simulator.stop()


async def test_a_start_takes_up_every_call_to_one_person_that_a_stop_left(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, engine = simulator.person("Ana"), simulator.chats["slack"], simulator.engine
    for words in ("help", "I want to die"):
        await chat.types(ana, words, engine)
        await engine.idle()
    repository = engine.services.repository
    (door,) = await engine.services.store.all_of_kind("doorstep")
    stored = await repository.load(door.id)
    assert stored is not None
    edits = tuple(Delivery(slot.key, ana, slot.name, Action.EDIT) for slot in stored.outbox.slots)
    assert len(edits) > 1
    owed = change(stored.outbox, deliveries=edits).marked_in_flight([edit.id for edit in edits], simulator.now)
    await repository.save([change(stored, outbox=owed)])
    await engine.resume()
    await engine.idle()
    saved = await repository.load(door.id)
    assert saved is not None
    assert not saved.outbox.deliveries
    await simulator.stop()
