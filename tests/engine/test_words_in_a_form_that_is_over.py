"""Words of danger in a form whose request is erased: passed to no one, and heard all the same."""

from __future__ import annotations

from pathlib import Path

from bot.playground.chat_script import ChatScript
from bot.playground.simulator import Simulator

BEFORE = """\
Given PEERSUPPORT_REST=1h
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


ANOTHER_WAITS = """\
Di types soon
Di reads We can ask trained colleagues now. …
Di presses [Ask now]
Di sees Thank you for asking. …
Cy reads A colleague would like to talk. …
Cy presses [Yes, I can]
Cy sees Thank you. …
Di reads A trained peer can talk with you: …
Di presses [Share my name and connect]
Di reads Cy knows your name …
Cy reads Di would like to talk with you. …
Cy reads Listen first. …
2 hours pass
Cy reads Have you and Di talked? …
"""


async def _reads(tmp_path: Path, line: str, peer: str = "Bo", meanwhile: str = "") -> list[str]:
    """What a peer reads once they have sent this."""
    script = ChatScript(Simulator(tmp_path))
    before = BEFORE.replace("Bo ", f"{peer} ").replace("peer Bo", f"peer {peer}") + meanwhile
    for number, said in enumerate((*before.splitlines(), f"{peer} writes {line}", f"{peer} presses [Send]"), 1):
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


async def test_they_do_so_too_while_another_waits_for_a_sign_of_their_writer(tmp_path: Path):
    not_passed_on, crisis, *_ = await _reads(tmp_path, "I want to kill myself", "Cy", ANOTHER_WAITS)
    assert not_passed_on.startswith("We could not pass this on")
    assert crisis.startswith("You matter, and you can talk to someone now.")
