"""Starting and stopping: nothing accepted is lost, nothing half configured serves, and the probes tell the truth."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.fakes.slack.server import SlackServer
from tests.running.ports import free_port
from tests.stories.scenes import ANA, ASKED, BO, CY, OFFER, PEER, TOGETHER, play
from tests.stories.serve import PATIENCE, ROOT, at_home, environment, probe, story

REFUSED = 2


async def ran(environ: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """The real command; what it ends with, and everything it said."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "serve",
        env=kept | {"PYTHONPATH": str(ROOT)} | dict(environ),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


# ---------------------------------------------------------------- stopping


async def test_a_press_accepted_just_before_the_stop_is_delivered(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, ASKED[:-1])
        assert (await s.slack.presses(ANA, "Ask now")).status == 200
        assert await s.serve.end() == 0
        await s.reads(ASKED[-1].then)
        assert all(card.text for card in s.slack.reads(BO))
        await s.serve.start()
        await play(s, TOGETHER)
        assert await s.serve.end() == 0


async def test_presses_that_meet_the_stop_are_done_or_were_refused(tmp_path: Path) -> None:
    """An answer of 200 means that it is written; whatever else came back, Slack or the person tries again."""
    async with story(tmp_path) as s:
        await play(s, ASKED)
        presses = asyncio.gather(
            s.slack.presses(BO, "Not this time"), s.slack.presses(CY, "Yes, I can"), return_exceptions=True
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert await s.serve.end() == 0
        no, yes = await presses
        await s.serve.start()
        if getattr(no, "status", 0) != 200:
            await s.slack.presses(BO, "Not this time")
        if getattr(yes, "status", 0) != 200:
            await s.slack.presses(CY, "Yes, I can")
        await s.slack.until(lambda: s.slack.reads(ANA)[-1].text.startswith("Cy is a trained peer"))
        await s.slack.until(lambda: len(s.slack.reads(ANA)) == 1)
        assert await s.serve.end() == 0


async def test_what_slack_put_off_is_owed_over_a_stop(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, retry_after=300)
        assert (await s.slack.presses(ANA, "Ask now")).status == 200
        await s.reads({**ASKED[-1].then, BO: (PEER,)})
        assert await s.serve.end() == 0
        s.time.pass_(timedelta(seconds=299))
        await s.serve.start()
        assert await s.serve.end() == 0
        await s.reads({BO: (PEER,)})  # 429 delays
        s.time.pass_(timedelta(seconds=2))
        await s.serve.start()
        await s.reads({BO: (PEER, OFFER)})  # and never drops
        assert await s.serve.end() == 0


async def test_the_real_command_serves_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    async with SlackServer() as slack:
        ops = f"127.0.0.1:{free_port()}"
        binds = {"PEERSUPPORT_BIND": f"127.0.0.1:{free_port()}", "PEERSUPPORT_OPS_BIND": ops}
        environ = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "serve",
            env=environ | {"PYTHONPATH": str(ROOT)} | environment(slack, tmp_path / "data", **binds),
            cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b'"serving"' not in await process.stderr.readline():
                assert not process.stderr.at_eof()
            assert await probe(f"http://{ops}") == (200, "ok")
            process.terminate()
            while await probe(f"http://{ops}") == (200, "ok"):
                pass
            process.terminate()  # a second signal: no balancer has to look at the first
            assert await process.wait() == 0
        assert b'"stopped"' in await process.stderr.read()


# ---------------------------------------------------------------- starting


async def test_a_second_process_on_the_same_store_ends_at_once_and_names_the_first(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        binds = {"PEERSUPPORT_BIND": f"127.0.0.1:{free_port()}", "PEERSUPPORT_OPS_BIND": f"127.0.0.1:{free_port()}"}
        code, said = await ran(environment(s.slack, s.folder, **binds), tmp_path)
        assert code == REFUSED
        assert f"in use by process {s.serve.pid}." in said
        assert "Traceback" not in said
        await play(s, ASKED[:1])  # the first one did not notice
        assert await s.serve.end() == 0


SECRETS = ("PEERSUPPORT_ROOT_KEY", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")


async def test_without_a_secret_or_with_an_empty_one_nothing_starts(tmp_path: Path) -> None:
    async with SlackServer() as slack:
        whole = environment(slack, tmp_path / "data")
        cases = [
            *((name, {key: value for key, value in whole.items() if key != name}) for name in SECRETS),
            *((name, whole | {name: ""}) for name in SECRETS),
            *((name, whole | {name: "  "}) for name in SECRETS),
            ("PEERSUPPORT_COORDINATORS", whole | {"PEERSUPPORT_COORDINATORS": ""}),
            ("PEERSUPPORT_ROOT_KEY", whole | {"PEERSUPPORT_ROOT_KEY": "c2hvcnQ="}),
        ]
        for (name, _), (code, said) in zip(
            cases, await asyncio.gather(*(ran(environ, tmp_path) for _, environ in cases)), strict=True
        ):
            assert code == REFUSED, name
            assert said.startswith(name), said
            assert len(said.splitlines()) == 1
        assert slack.calls == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked"])
async def test_a_token_that_slack_does_not_accept_is_said_in_a_sentence(tmp_path: Path, error: str) -> None:
    async with story(tmp_path) as s:
        assert await s.serve.end() == 0
        s.slack.fails("auth.test", times=2, error=error)
        assert not await s.serve.begin()
        assert await s.serve._ended == b"2\n"
    assert b"Slack does not accept SLACK_BOT_TOKEN" in s.serve.said
    assert b"Traceback" not in s.serve.said


# ---------------------------------------------------------------- the probes


async def test_ready_ends_when_the_app_is_uninstalled(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        assert await home.is_ready() == (200, "ok")
        assert (await home.slack.uninstalls()).status == 200
        assert await home.is_ready() == (503, "slack")


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_ready_ends_when_slack_refuses_the_token_in_the_middle_of_something(tmp_path: Path, error: str) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED[:-1])
        home.slack.fails("chat.postMessage", times=100, error=error)
        home.slack.fails("auth.test", times=100, error=error)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        assert await home.is_ready() == (503, "slack")
        home.slack.heals()
        await home.engine.wake()
        await home.engine.idle()
        assert await home.is_ready() == (200, "ok")


async def test_one_passing_refusal_leaves_us_ready_and_the_card_comes_within_seconds(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.slack.fails("chat.postMessage", error="invalid_auth")
        assert (await home.slack.types(ANA, "help")).status == 200
        await home.engine.idle()
        assert await home.is_ready() == (200, "ok")
        assert home.slack.reads(ANA) == []
        await home.engine.wake()
        home.time.pass_(timedelta(seconds=5))
        await home.engine.wake()
        await home.engine.idle()
        assert len(home.slack.reads(ANA)) == 1
