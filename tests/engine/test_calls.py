"""What is written before a platform is called, and what becomes of calls that fail: nothing is lost or said twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import AccessRevoked, Card, OutcomeUnknown
from bot.engine.codec import decode, id_of
from bot.engine.delivery import AT_ONCE
from bot.engine.engine import Engine
from bot.engine.outbox import LEASE
from bot.playground.simulator import Simulator
from conversations.model import Person

TURNS = 10_000
"""Turns of the event loop in which one more call would have begun."""


class Between:
    """An adapter that lets something happen around each call of another one."""

    def __init__(self, adapter: Any, around: Callable[[Callable[[], Awaitable[str]], Card], Awaitable[str]]) -> None:
        self._adapter, self._around = adapter, around

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def deliver(self, to: Person, address: Any, card: Card, replacing: Any) -> str:
        return await self._around(lambda: self._adapter.deliver(to, address, card, replacing), card)


def engine_over(simulator: Simulator, around: Callable[..., Awaitable[str]]) -> Engine:
    """A process of its own on the store of this simulation."""
    services = simulator.engine.services
    return Engine(replace(services, adapters={"slack": Between(simulator.chats["slack"], around)}))


@pytest.mark.parametrize("put_off", [False, True])
async def test_no_platform_is_called_before_it_is_written_that_it_will_be(put_off: bool, tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, called = simulator.person("Ana"), simulator.chats["slack"], list[bool]()

    async def around(call: Callable[[], Awaitable[str]], card: Card) -> str:
        (door,) = await engine.services.store.all_of_kind("doorstep")
        delivery = decode(door, engine.services.vault).outbox.delivery(card.id)
        called.append(delivery is not None and delivery.in_flight)
        return await call()

    engine = engine_over(simulator, around)
    chat.busy = put_off
    await chat.types(ana, "help", engine)
    await engine.idle()
    chat.busy = False
    simulator.now += timedelta(hours=1)
    await engine.wake()
    await engine.idle()
    assert called == [True]
    await simulator.stop()


async def test_a_post_of_unknown_outcome_is_looked_for_and_not_said_twice(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, calls = simulator.person("Ana"), simulator.chats["slack"], list[str]()

    async def around(call: Callable[[], Awaitable[str]], card: Card) -> str:
        calls.append(card.id)
        ref = await call()
        if len(calls) == 1:
            raise OutcomeUnknown
        return ref

    engine = engine_over(simulator, around)
    await chat.types(ana, "help", engine)
    for _ in range(3):
        await engine.idle()
        simulator.now += timedelta(hours=1)
        await engine.wake()
    await engine.idle()
    assert (len(set(calls)), len(chat.cards(ana))) == (1, 1)  # what was found is edited, because it may be neutral
    await simulator.stop()


async def test_a_platform_that_refused_once_is_served_again_when_it_takes_a_call(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, refuses = simulator.person("Ana"), simulator.chats["slack"], [True]

    async def around(call: Callable[[], Awaitable[str]], _: Card) -> str:
        if refuses.pop() if refuses else False:
            raise AccessRevoked
        return await call()

    engine = engine_over(simulator, around)
    await chat.types(ana, "help", engine)
    await engine.idle()
    assert engine.shut_out == {"slack"}
    await chat.types(simulator.person("Bo"), "help", engine)
    await engine.idle()
    assert engine.shut_out == set()
    simulator.now += timedelta(minutes=1)
    await engine.wake()
    await engine.idle()
    assert len(chat.cards(ana)) == 1
    await simulator.stop()


async def test_a_platform_that_refused_is_asked_again_though_nothing_is_owed(tmp_path: Path):
    simulator = Simulator(tmp_path)
    await simulator.engine.access_revoked("slack")
    simulator.chats["slack"].busy = True
    await simulator.engine.wake()
    await simulator.engine.idle()
    assert simulator.engine.shut_out == {"slack"}
    simulator.chats["slack"].busy = False
    await simulator.engine.wake()
    await simulator.engine.idle()
    assert simulator.engine.shut_out == set()
    await simulator.stop()


async def test_many_that_fall_due_at_once_are_delivered_in_bounded_numbers(tmp_path: Path):
    simulator = Simulator(tmp_path)
    chat, under_way, most, answers = simulator.chats["slack"], 0, 0, asyncio.Event()
    many = [Person("slack", "T0", f"U{number}") for number in range(2 * AT_ONCE)]

    async def around(call: Callable[[], Awaitable[str]], _: Card) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == AT_ONCE:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            answers.set()
        await answers.wait()
        under_way -= 1
        return await call()

    engine = engine_over(simulator, around)
    chat.busy = True
    for who in many:
        await chat.types(who, "help", engine)
    await engine.idle()
    chat.busy = False
    simulator.now += timedelta(hours=1)
    await engine.wake()
    await engine.idle()
    assert all(len(chat.cards(who)) == 1 for who in many)
    assert most == AT_ONCE
    await simulator.stop()


async def test_a_record_that_fails_keeps_no_other_from_falling_due(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, bo, chat, engine = simulator.person("Ana"), simulator.person("Bo"), simulator.chats["slack"], simulator.engine
    chat.busy = True
    for who in (ana, bo):
        await chat.types(who, "help", engine)
        await engine.idle()
    hers = await engine.services.store.load(id_of("doorstep", ana, engine.services.vault))
    assert hers is not None
    await engine.services.store.save(replace(hers, sealed=hers.sealed[::-1]))
    chat.busy = False
    simulator.now += timedelta(hours=1)
    await engine.wake()
    await engine.idle()
    assert [len(chat.cards(who)) for who in (ana, bo)] == [0, 1]
    await simulator.stop()


async def test_who_waited_too_long_for_a_turn_leaves_the_call_to_whoever_took_it_up(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat, calls = simulator.person("Ana"), simulator.chats["slack"], list[str]()

    async def around(call: Callable[[], Awaitable[str]], card: Card) -> str:
        calls.append(card.id)
        return await call()

    engine = engine_over(simulator, around)
    turn = engine.delivery._turns.setdefault(ana, asyncio.Lock())
    async with turn:  # a slow call about another matter, longer than a lease
        await chat.types(ana, "help", engine)
        await asyncio.sleep(0)
        simulator.now += LEASE * 2
        other = Engine(engine.services)
        await other.wake()
        await other.idle()
    await engine.idle()
    assert len(calls) == 1
    await simulator.stop()
