"""The playground's promises: what one does on the page is done by the production adapters, and nobody else gets in."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bot.playground.actions
import bot.playground.web.server
from adapters.fakes.people import FakePeople
from adapters.fakes.read_back import slack_inputs, teams_inputs
from bot.playground.chat_script import ChatScript, scenarios
from bot.playground.privacy_lens import OWN_LINES
from bot.playground.session import Session
from bot.playground.web.server import HEADERS, TOKEN, page_files, playing
from bot.playground.web.stream import STREAMS
from bot.playground.web.view import PARTS
from bot.rendering import Renderer
from conversations import privacy
from conversations.model import Person, Programme
from tests.conversations.explore import FLOWS
from tests.playground.wired import wired
from tests.running.examples import every_nth, examples

DEEDS = ("type", "press", "send", "close", "home", "push", "fault", "twice", "restart", "story-step", "story-stop")
LATE = 10  # seconds after which a test gives up


@dataclass
class Page:
    """A browser without a screen: it reads the stream, and sends deeds as the page does."""

    address: str
    session: aiohttp.ClientSession
    token: str

    async def state(self) -> dict[str, Any]:
        async with self.session.get(f"{self.address}events") as stream:
            return (await told(stream))[1]

    async def do(self, deed: str, **asked: Any) -> tuple[int, Mapping[str, Any]]:
        body = {"deed": deed} | asked
        async with self.session.post(f"{self.address}do", json=body, headers={TOKEN: self.token}) as answer:
            return answer.status, await answer.json()

    async def done(self, deed: str, **asked: Any) -> None:
        assert await self.do(deed, **asked) == (200, {})

    async def presses(self, who: str, label: str, **answers: Any) -> None:
        """The newest button of that name on somebody's screen, a form's own included."""
        for message in reversed((await self.state())["messages"]):
            if message["who"] == who and not message["gone"] and label in labels(message):
                return await self.presses_on(message["id"], label, **answers)
        raise AssertionError(f"{who} sees no [{label}]")

    async def presses_on(self, id: str, label: str, **answers: Any) -> None:
        """A button of this message."""
        message = next(each for each in (await self.state())["messages"] if each["id"] == id)
        asked = {"who": message["who"], "message": id, "inputs": inputs(message, answers)}
        place, is_form = labels(message).index(label), message["kind"] == "form"
        if is_form and place == 0:
            return await self.done("send", **asked)
        return await self.done("press", button=place - is_form, **asked)

    async def screen(self, who: str) -> list[str]:
        """The words on somebody's screen, newest last."""
        standing = [m for m in (await self.state())["messages"] if m["who"] == who and not m["gone"]]
        return [json.dumps(m["body"], ensure_ascii=False) for m in standing]

    async def chat(self) -> str:
        async with self.session.get(f"{self.address}chat") as answer:
            return await answer.text()


def labels(message: Mapping[str, Any]) -> list[str]:
    body = message["body"]
    if message["platform"] == "teams":
        content = (body.get("attachments") or [{}])[0].get("content", {})
        return [action["title"] for action in content.get("actions", [])]
    blocks = [block for block in body.get("blocks", []) if block["type"] == "actions"]
    own = [body["submit"]["text"]] if "submit" in body else []
    return own + [element["text"]["text"] for block in blocks for element in block["elements"]]


def inputs(message: Mapping[str, Any], answers: Mapping[str, Any]) -> Any:
    of = teams_inputs if message["platform"] == "teams" else slack_inputs
    return of(message["body"], answers)


async def told(stream: aiohttp.ClientResponse) -> tuple[str, dict[str, Any]]:
    """The next event: its id and its data."""
    lines = [(await stream.content.readline()).decode() for _ in range(4)]
    return lines[0].removeprefix("id: ").strip(), json.loads(lines[2].removeprefix("data: "))


@asynccontextmanager
async def playground() -> AsyncIterator[Page]:
    async with (
        playing(0) as address,
        aiohttp.ClientSession(read_bufsize=2**22) as session,
        asyncio.timeout(60),
    ):
        async with session.get(address) as answer:
            found = re.search(r'name="token" content="([^"]+)"', await answer.text())
        assert found is not None
        yield Page(address, session, found[1])


async def skinned(page: Page, skin: str) -> None:
    skins = {"mixed": {}}.get(skin, dict.fromkeys(("Ana", "Bo", "Cy", "Eli", "Dana"), skin))
    await page.done("reset", skins=skins)


async def ask(page: Page) -> None:
    await page.done("type", who="Ana", text="/peersupport")
    await page.presses("Ana", "Talk to someone soon")
    await page.presses("Ana", "Ask now")


# ---------------------------------------------------------------- what one does there


@pytest.mark.parametrize("skin", ["slack", "teams", "mixed"])
async def test_the_whole_programme_can_be_lived_through_and_copied_as_a_dialogue_that_passes(skin):
    async with playground() as page:
        await skinned(page, skin)
        await ask(page)
        await page.presses("Cy", "Yes, I can")
        await page.presses("Ana", "Stay unnamed and write here")
        await page.presses("Ana", "Write")
        await page.presses("Ana", "Send", line="Could we talk at noon?")
        assert "Could we talk at noon?" in " ".join(await page.screen("Cy"))
        await page.presses("Cy", "I'm worried")
        assert await page.screen("Dana") != []
        await page.done("push", by="1h")
        await page.done("push", by="1h")
        await page.presses("Cy", "We have talked")
        await page.done("push", by="24h")
        await page.presses("Ana", "Okay for now")
        await page.presses("Ana", "Close")
        for _ in range(3):
            await page.done("push", by="72h")
        assert {record["kind"] for record in (await page.state())["stored"]} == {"volunteering"}
        chat = await page.chat()
        assert "differs" not in chat, chat
        assert "Ana   writes   Could we talk at noon?" in chat


async def test_what_is_shown_as_stored_is_what_is_on_the_disk_and_tells_nothing():
    async with playground() as page:
        await ask(page)
        await page.presses("Cy", "Yes, I can")
        await page.presses("Ana", "Stay unnamed and write here")
        await page.presses("Ana", "Write")
        await page.presses("Ana", "Send", line="Could we talk at noon?")
        state = await page.state()
        assert {"support", "doorstep", "volunteering"} <= {record["kind"] for record in state["stored"]}
        on_disk = b"".join(base64.b64decode(file["end"]) for file in state["disk"])
        sealed = b"".join(base64.b64decode(record["sealed"]) for record in state["stored"])
        assert sum(file["bytes"] for file in state["disk"]) > len(sealed)
        for telling in (b"Could we talk", b"support", b"together", *(r["id"].encode() for r in state["stored"])):
            assert telling not in on_disk
        assert b"Could we talk" not in sealed


async def test_an_export_has_only_what_is_a_message():
    """Slack's asides, forms, Home tab and command are none."""
    async with playground() as page:
        await ask(page)
        await page.done("home", who="Bo")
        state = await page.state()
        for message in state["messages"]:
            can = state["privacy"]["things"][message["thing"]]["reads"]["export"]["can"]
            is_one = message["kind"] == "card" or message["platform"] == "teams"
            assert can == is_one, message


@pytest.mark.parametrize("weather", ["busy", "down"])
async def test_what_a_platform_did_not_take_comes_when_it_is_well_again(weather):
    async with playground() as page:
        await page.done("fault", platform="teams", **{"is": weather})
        await ask(page)
        assert await page.screen("Cy") == []
        await page.done("fault", platform="teams", **{"is": "none"})
        await page.done("push", by="next")
        assert len(await page.screen("Cy")) == 1
        assert "differs" not in await page.chat()


async def test_a_press_that_is_delivered_twice_counts_once_and_a_restart_loses_nothing():
    async with playground() as page:
        await page.done("twice", on=True)
        await ask(page)
        await page.done("restart")
        assert len(await page.screen("Bo")) == 1
        await page.presses("Bo", "Yes, I can")
        assert "differs" not in await page.chat()


@pytest.mark.parametrize("steps", [1, 4, 9, 20])
async def test_a_story_can_be_left_or_copied_anywhere(steps):
    async with playground() as page:
        await page.done("story", name="accompanied-to-the-end")
        for _ in range(steps):
            await page.done("story-step")
        assert "differs" not in await page.chat()
        await page.done("push", by="10m")
        assert (await page.state())["story"] is None
        assert "differs" not in await page.chat()


async def test_whatever_is_written_or_left_out_can_be_copied():
    async with playground() as page:
        await page.done("type", who="Ana", text="# hello  # there\n\n[Ask] “x”")
        await page.presses("Ana", "Talk to someone soon")
        ana = {each["name"]: each["ids"] for each in (await page.state())["people"]}
        assert ana["Cy"].keys() == {"teams"}
        bo = Person("slack", "", ana["Bo"]["slack"])
        await page.presses("Ana", "Choose more")
        await page.presses("Ana", "Ask", **{"leave-out": (bo,), "check-in": ()})
        assert await page.screen("Bo") == []
        await page.presses("Cy", "Yes, I can")
        await page.presses("Ana", "Stay unnamed and write here")
        await page.presses("Ana", "Write")
        await page.presses("Ana", "Send", line="# two\nlines")
        await page.done("push", by="72h")
        chat = await page.chat()
        assert "differs" not in chat, chat


async def test_every_story_can_be_played_line_by_line_and_comes_out_as_it_stands():
    async with playground() as page:
        await page.done("story", name="accompanied-to-the-end")
        story = (await page.state())["story"]
        while any(line["state"] == "next" for line in story["lines"]):
            await page.done("story-step")
            story = (await page.state())["story"]
        assert story["says"] == ""
        assert {line["state"] for line in story["lines"]} == {"done"}


# ---------------------------------------------------------------- laws


SEEN_THROUGH = dict(list(scenarios().items())[:: every_nth(8)])


@pytest.mark.parametrize("dialogue", [path.read_text("utf-8") for path in SEEN_THROUGH.values()], ids=SEEN_THROUGH)
async def test_whatever_is_on_a_screen_the_lens_knows_who_can_read_it(dialogue: str):
    """Every card of every dialogue is one of the table's things, told by its words alone."""
    strangers: set[str] = set()
    async with wired() as simulator:
        script = ChatScript(simulator)
        for number, line in enumerate(dialogue.splitlines(), 1):
            await script.line(number, line)
        for chat in simulator.chats.values():
            assert isinstance(chat, FakePeople)
            house = {" ".join(simulator.engine.services.renderer.text(each).split()) for each in OWN_LINES}
            known = set(simulator.said) | chat.unheard() | house
            strangers |= {" ".join(each.card.text.split()) for each in chat.happenings} - known
        for said in simulator.said.values():
            assert privacy.thing_of("", said.text, said.slot) in privacy.THINGS
    assert strangers == set()


def test_everything_that_time_does_has_words():
    words = Renderer.load(Programme())
    waited_for = {
        f"coming-{flow.kind}-{timer}" for flow in FLOWS for stage in flow.stages for timer in flow.waits(stage)
    }
    spoken = {key for key in words.bundle._messages if key.startswith("coming-")}
    assert waited_for | {"coming-message"} == spoken


def test_the_page_says_nothing_it_has_no_words_for_and_has_no_word_it_does_not_say():
    spoken = {key for key in Renderer.load(Programme()).bundle._messages if key.startswith("page-")}
    told = [Path(module.__file__) for module in (bot.playground.web.server, bot.playground.actions)]
    source = "".join(file.read_text("utf-8") for file in (*page_files().values(), *told))
    put_together = tuple(re.findall(r"`(page-[a-z-]+)\$\{", source))
    source = re.sub(r'Refused\("([a-z-]+)"\)', r'"page-refused-\1"', source)
    literal = set(re.findall(r"[\"`](page-[a-z0-9-]+)[\"`]", source)) | {"page-slack", "page-teams"}
    assert literal - spoken == set()
    assert {key for key in spoken - literal if not key.startswith(put_together)} == set()


async def test_every_language_of_the_page_says_the_same_and_one_nobody_has_written_is_not_there():
    async with playground() as page:
        spoken = {}
        for language in (*(each["code"] for each in (await page.state())["languages"]), "xx", "../.."):
            async with page.session.get(f"{page.address}words", params={"lang": language}) as answer:
                spoken[language] = frozenset(await answer.json()) if answer.status == 200 else answer.status
        assert spoken == {"en": spoken["en"], "es": spoken["en"], "xx": 404, "../..": 404}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_press_the_copy_passes(seed):
    """Anybody presses anything they see, and time passes; what was copied is then played, and comes out the same."""
    luck = random.Random(seed)  # noqa: S311  a lot, not a secret
    async with playground() as page:
        await skinned(page, luck.choice(["slack", "teams", "mixed"]))
        await ask(page)
        for _ in range(14):
            standing = [m for m in (await page.state())["messages"] if not m["gone"] and m["kind"] != "home"]
            there = [(m["id"], label) for m in standing for label in labels(m) if not label.startswith("Open a")]
            if luck.random() < 0.25 or not there:
                await page.do("push", by=luck.choice(["10m", "1h", "24h", "next"]))
                continue
            await page.presses_on(*luck.choice(there))
        chat = await page.chat()
    assert "it differs" not in chat, chat


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "who": st.sampled_from(["Ana", "Bo", "Nobody"]) | anything,
        "text": anything,
        "message": st.sampled_from([f"m{number}" for number in range(1, 6)]) | anything,
        "button": st.integers(-1, 3) | anything,
        "inputs": anything,
        "by": st.sampled_from(["10m", "next"]) | anything,
        "platform": st.sampled_from(["slack", "teams"]) | anything,
        "is": st.sampled_from(["none", "busy"]) | anything,
        "on": anything,
    },
)


@settings(max_examples=examples(12), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(DEEDS) | st.text(max_size=5), asked), max_size=12))
def test_whatever_a_page_asks_for_it_gets_a_kind_answer(deeds):
    async def play() -> None:
        async with playground() as page:
            await ask(page)
            for deed, more in deeds:
                status, says = await page.do(deed, **more)
                assert status == 200 or (status == 409 and says["says"]), (deed, more, status, says)

    asyncio.run(play())


# ---------------------------------------------------------------- who gets in


async def test_only_its_own_page_may_do_anything():
    async with playground() as page, page.session.post(f"{page.address}do", json={"deed": "restart"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("name", ["playground.example", "127.0.0.1", "127.0.0.1:1", ""])
async def test_it_answers_to_no_other_name(name):
    async with playground() as page:
        for path in ("", "words", "events", "page/main.js", "chat"):
            async with page.session.get(page.address + path, headers={"Host": name}) as answer:
                assert answer.status in {400, 421}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "page/main.js",
        "page/common/dom.js",
        "page/nothing.js",
        "page/../server.py",
        "words",
        "words?lang=../..",
        "chat",
        "nothing",
    ],
)
async def test_everything_carries_the_strict_policy(path):
    async with playground() as page, page.session.get(page.address + path) as answer:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Server" not in answer.headers


async def test_a_pretend_platform_takes_calls_from_the_bot_alone():
    async with playground() as page:
        async with page.session.post(f"{page.address}pretend/slack/api/chat.postMessage", json={}) as answer:
            assert (await answer.json())["error"] == "invalid_auth"
        async with page.session.post(f"{page.address}v3/conversations", json={}) as answer:
            assert answer.status == 401
        async with page.session.post(f"{page.address}slack/events", data=b"{}") as answer:
            assert answer.status == 401


# ---------------------------------------------------------------- the stream


async def test_a_page_that_was_away_is_told_what_it_missed_and_no_more():
    async with playground() as page:
        async with page.session.get(f"{page.address}events") as stream:
            last, _ = await told(stream)
        await page.done("type", who="Ana", text="/peersupport")
        async with page.session.get(f"{page.address}events", headers={"Last-Event-ID": last}) as stream:
            _, missed = await told(stream)
        assert missed.keys() <= {"messages", "trace"}
        async with page.session.get(f"{page.address}events", headers={"Last-Event-ID": "another-1"}) as stream:
            _, everything = await told(stream)
        assert {"people", "now", "messages", "privacy"} <= everything.keys()
        assert [person["part"] for person in everything["people"]] == sorted(
            (person["part"] for person in everything["people"]), key=PARTS.index
        )


async def test_the_stream_too_many_of_a_browser_says_so_and_ends_and_another_browser_has_its_own():
    async with playground() as page, AsyncExitStack() as streams:
        for _ in range(STREAMS):
            stream = await streams.enter_async_context(page.session.get(f"{page.address}events"))
            await told(stream)
        async with page.session.get(f"{page.address}events") as refused:
            said = await refused.text()
        assert "event: full" in said
        assert "event: state" not in said
        other = {"User-Agent": "another browser"}
        async with page.session.get(f"{page.address}events", headers=other) as stream:
            _, everything = await told(stream)
        assert "people" in everything


async def test_a_page_that_comes_while_the_playground_is_starting_is_told_everything_once_it_has(monkeypatch):
    begins, asking = Session.begin, []
    async with aiohttp.ClientSession(read_bufsize=2**22) as client, AsyncExitStack() as streams:

        async def asked_first(session: Session) -> None:
            asking.append(asyncio.create_task(client.get(urljoin(session.fakes.slack.url, "/events"))))
            for _ in range(100):
                await asyncio.sleep(0)  # the question is there
            await begins(session)

        monkeypatch.setattr(Session, "begin", asked_first)
        async with playing(0):
            stream = await streams.enter_async_context(await asking[0])
            _, everything = await told(stream)
    assert {"people", "now", "messages", "privacy"} <= everything.keys()
    assert everything["privacy"]


async def test_it_stops_at_once_although_pages_are_open():
    async with aiohttp.ClientSession() as session, asyncio.timeout(LATE):
        async with playing(0) as address:
            stream = await session.get(f"{address}events")
            await told(stream)
        assert stream.closed or await stream.content.read() == b""


# ---------------------------------------------------------------- the command


async def test_a_taken_port_gives_way_to_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with playing(port) as address:
            assert int(address.rsplit(":", 1)[1].strip("/")) in range(port + 1, port + 20)


def test_it_refuses_to_run_beside_a_real_programme(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--no-browser"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(scenarios()["nights"].parents[2]), "SLACK_BOT_TOKEN": "xoxb-1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 2
    assert "another folder" in ran.stderr
