"""A message that the platform would have us keep for now waits from the write that owes it: it never sets out."""

from __future__ import annotations

from pathlib import Path

from bot.playground.simulator import Simulator


async def test_nothing_sets_out_while_the_platform_would_have_us_wait(tmp_path: Path):
    simulator = Simulator(tmp_path)
    ana, chat = simulator.person("Ana"), simulator.chats["slack"]
    chat.busy = True
    await chat.types(ana, "help", simulator.engine)
    await simulator.engine.idle()
    (door,) = await simulator.engine.services.store.all_of_kind("doorstep")
    saved = await simulator.engine.services.repository.load(door.id)
    assert saved is not None
    (errand,) = saved.outbox.deliveries
    assert (errand.action, errand.in_flight, errand.attempts) == ("post", False, 1)
    assert errand.retry_at is not None
    assert errand.retry_at > simulator.now
    assert saved.revision == 1
    chat.busy = False
    await simulator.wait(errand.retry_at)
    await simulator.engine.idle()
    assert len(chat.cards(ana)) == 1
    await simulator.stop()
