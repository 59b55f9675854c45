"""What a person writes is words: on either platform it is never markup, a mention, a link, a template or a command.

The corpus is what each reader of a text along the way might take for more than words, alone and within other words. It
goes the whole way: through a form of one platform, our records, and onto a card of the other.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.text import clean, name
from conversations.options import NAMES
from conversations.peers import names
from tests.running.examples import every_nth
from tests.stories.scenes import ANA, ASKED, BO, DANA, play
from tests.stories.serve import EVERYBODY, Home, at_home

ATOMS: Final = (
    # Slack
    *(
        "<!channel>",
        "<!here|all>",
        "<!everyone>",
        "<@U0BO>",
        "<#C0HALLWAY>",
        "<https://quill.example|Sign in>",
        ":skull:",
    ),
    *(
        "<mailto:a@quill.example|a>",
        "*bold*",
        "_slanted_",
        "~gone~",
        "`code`",
        "```code```",
        "&lt;!channel&gt;",
        "&amp;",
    ),
    # Teams and Adaptive Cards
    *("<at>Bo</at>", "[Sign in](https://quill.example)", "**bold**", "![i](https://quill.example/i.png)", "# heading"),
    *("{{DATE(2026-03-02T10:00:00Z,SHORT)}}", "${$root.token}", '{"type": "AdaptiveCard"}', "- a point", "1. a point"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "| a | b |", "<b>bold</b>", "javascript:alert(1)"),
    # templates of ours and of others
    *("{peer}", "{0}", "{}", "{peer.__class__}", "%s", "%(peer)s", "$peer", "{{ 7 * 7 }}", "<%= 7 %>", "#{7}"),
    # stores, logs and headers
    *(
        "'; DROP TABLE records; --",
        '" OR ""="',
        "\\",
        "\\u0000",
        "\\n",
        "null",
        "__proto__",
        "../../etc/passwd",
        "a%00b",
    ),
    *("x\r\nSet-Cookie: a=b", "x\n2026-03-02T10:00:00 error quill", "%0d%0a", "\x1b[2J", "a\x00b", "=1+1", "@SUM(1)"),
    # what cannot be seen, and what runs the other way
    *(
        "a\u202eb",
        "a\u2066b\u2069",
        "a\u200bb",
        "\ufeffa",
        "a\u00adb",
        "a\u2028b",
        "a\ud800b",
        "\U000e0041a",
        "a\u0000",
    ),
    # commands of ours
    *("/peersupport stop", "stop", "forget me", "leave", "worried", "approve", "link 123456"),
)
WITHIN: Final[tuple[Callable[[str], str], ...]] = (
    lambda atom: atom,
    lambda atom: f"Could we talk {atom} after six?",
    lambda atom: f"{atom}{atom}",
    lambda atom: f"Thank you.\n{atom}\nUntil then.",
    lambda atom: f"“{atom}”",
    lambda atom: f"\\{atom}\\",
    lambda atom: f"({atom})",
)
CORPUS: Final = tuple(dict.fromkeys(within(atom) for atom, within in itertools.product(ATOMS, WITHIN)))


def lines_of(text: str) -> list[str]:
    """The lines of a text in which something stands."""
    return [line for line in clean(text).split("\n") if line.strip()]


def is_only_words(body: Any) -> bool:
    """Whether nothing in a call is read as markup, a mention or a template."""
    sent = json.dumps(body)
    return "mrkdwn" not in sent and '"emoji": true' not in sent and '"entities": [{' not in sent


def sent_is_only_words(home: Home) -> None:
    """Nothing that was ever sent to either platform is more than words."""
    assert all(is_only_words(body) for _, body in home.slack.calls)
    assert all(is_only_words(call.body) for call in home.teams.calls)


async def writing_to_each_other(home: Home) -> None:
    """Ana, on Slack, and Bo, on Teams, write through the bot."""
    await play(home, ASKED)
    await home.at(BO).presses(BO, "Yes, I can")
    await home.until(lambda: any("Stay unnamed and write here" in card.buttons for card in home.at(ANA).reads(ANA)))
    await home.at(ANA).presses(ANA, "Stay unnamed and write here")
    await home.settles()


async def write(home: Home, writer: str, words: str) -> None:
    """Open the form, write this and send it."""
    await home.at(writer).presses(writer, "Write")
    await home.engine.idle()
    assert (await home.at(writer).presses(writer, "Send", {"line": words})).status == 200
    await home.engine.idle()


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 500


@pytest.mark.parametrize(("writer", "reader"), [(ANA, BO), (BO, ANA)], ids=["Slack to Teams", "Teams to Slack"])
async def test_words_arrive_as_they_were_written(writer: str, reader: str, tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=(BO,)) as home:
        await writing_to_each_other(home)
        for words in CORPUS[:: every_nth(17)]:
            await write(home, writer, words)
            read = home.at(reader).reads(reader)[-1].text.split("\n")
            written = lines_of(words)
            assert read[-len(written) :] == written
        sent_is_only_words(home)


async def test_a_name_is_shown_as_it_is_and_is_one_line(tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=(DANA,)) as home:
        for number, named in enumerate(CORPUS[:: every_nth(17)]):
            user = f"U0N{number}"
            home.slack.joins(user, name=named)
            await home.slack.command(user, "peer")
            await home.slack.until(lambda user=user: any("Next" in card.buttons for card in home.slack.reads(user)))
            await home.slack.presses(user, "Next", {"my-role": "nurse", "showing": ["visible"]})
            await home.slack.until(
                lambda user=user: any("I promise" in card.buttons for card in home.slack.reads(user))
            )
            await home.slack.presses(user, "I promise")
            await home.engine.idle()
            read = home.teams.reads(DANA)[-1].text.split("\n")[0]
            assert read.startswith(f"{name(named) or 'A colleague'} offers to be a peer")
        sent_is_only_words(home)


async def test_whom_she_leaves_out_is_shown_to_her_as_she_typed_it(tmp_path: Path) -> None:
    async with at_home(tmp_path, *EVERYBODY, on_teams=(BO,)) as home:
        await play(home, ASKED[:8])
        for number, words in enumerate(ATOMS[:: every_nth(7)]):
            user = f"U0N{number}"
            home.slack.joins(user, name=f"Colleague {number}")
            await home.slack.types(user, "help")
            for label in ("Talk to someone soon", "Choose more"):
                await home.engine.idle()
                await home.slack.presses(user, label)
            await home.engine.idle()
            await home.slack.presses(user, "Ask", {NAMES: words})
            await home.engine.idle()
            await home.slack.types(user, "data")
            await home.engine.idle()
            read = next(card.text for card in home.slack.reads(user) if card.text.startswith("Your request:"))
            _, _, shown = read.partition("You left out these names:")
            assert [line for line in shown.split("\n") if line] == lines_of("\n".join(names.typed(words)))
        sent_is_only_words(home)
