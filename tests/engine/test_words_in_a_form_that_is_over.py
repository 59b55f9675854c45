"""Words of danger in a form whose request is erased: passed to no one, and heard all the same."""

from __future__ import annotations

from pathlib import Path

from bot.playground.chat_script import ChatScript
from bot.playground.simulator import Simulator

BEFORE = """\
Given peer Bo
Ana types /peersupport
Ana reads If you can't stay safe, …
Ana presses [Talk to someone soon]
Ana reads We can ask trained colleagues now. …
Ana presses [Ask now]
Bo reads A colleague would like to talk. …
Ana sees Thank you for asking. …
Bo presses [Yes, I can]
Bo sees Thank you. …
Ana reads A trained peer can talk with you: …
Ana presses [Stay unnamed and write here]
Ana reads Unnamed to your peer, …
Bo reads You can write with …
Bo reads Listen first. …
Bo presses [Write]
Bo reads What you write here is passed on …
Ana types forget me
Ana reads Done. …
Bo reads Thank you for listening. …
2 hours pass
"""


async def _reads(tmp_path: Path, line: str) -> list[str]:
    """What Bo reads once he has sent this."""
    script = ChatScript(Simulator(tmp_path))
    for number, said in enumerate((*BEFORE.splitlines(), f"Bo writes {line}", "Bo presses [Send]"), 1):
        await script.line(number, said)
    await script.simulator.idle()
    script.gather()
    await script.simulator.stop()
    return [shown.card.text for shown in script.unread]


async def test_words_of_danger_show_their_writer_whom_to_call(tmp_path: Path):
    not_passed_on, crisis = await _reads(tmp_path, "I want to kill myself")
    assert not_passed_on.startswith("We could not pass this on")
    assert crisis.startswith("You matter, and you can talk to someone now.")


async def test_other_words_are_answered_by_one_line(tmp_path: Path):
    (not_passed_on,) = await _reads(tmp_path, "Shall I call you at noon?")
    assert not_passed_on.startswith("We could not pass this on")
