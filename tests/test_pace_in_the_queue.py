"""A message that the platform would have us keep for now waits from the write that owes it: it never sets out."""

from __future__ import annotations

from pathlib import Path

from bot.theatre import Theatre


async def test_nothing_sets_out_while_the_platform_would_have_us_wait(tmp_path: Path):
    theatre = Theatre(tmp_path)
    ana, chat = theatre.person("Ana"), theatre.chats["slack"]
    chat.busy = True
    await chat.types(ana, "help", theatre.engine)
    await theatre.engine.idle()
    (door,) = await theatre.engine.house.store.kind("doorstep")
    saved = await theatre.engine.house.archive.load(door.id)
    assert saved is not None
    (errand,) = saved.mail.errands
    assert (errand.deed, errand.sending, errand.tries) == ("post", False, 1)
    assert errand.not_before is not None
    assert errand.not_before > theatre.now
    assert saved.revision == 1
    chat.busy = False
    await theatre.wait(errand.not_before)
    await theatre.engine.idle()
    assert len(chat.cards(ana)) == 1
    await theatre.stop()
