"""An end takes 25 seconds at most, whatever hangs, and what was left undone is done by the next start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from slack_stand_in import SlackStandIn
from story_scenes import ANA, ASKED, BO, CY, OFFER, PEER, play
from story_serve import PATIENCE, ROOT, environment, free_port, probe, story

from bot.stopping import FOR_THE_STORE, LINGER, PROMISED, Stopping

FOREVER = 1_000_000.0


def test_the_parts_of_an_end_fit_into_what_is_promised():
    from bot import app

    parts = LINGER + app._TURN + app._ANSWER + app._DELIVER + FOR_THE_STORE
    assert PROMISED == 25
    assert parts <= PROMISED


async def test_what_hangs_is_cut_off_when_its_time_is_up():
    ended = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("let go")

    stopping = Stopping()
    await stopping.within(0.01, hangs)
    assert ended == ["let go"]


async def test_what_does_not_even_let_go_is_left_behind():
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if gone:
                    raise

    gone: list[int] = []
    stopping = Stopping()
    await stopping.within(0.01, stubborn)
    gone.append(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_asked_twice_nobody_waits_but_the_store_is_cleaned():
    done = []
    stopping = Stopping(linger=FOREVER)
    stopping.ask()
    assert stopping.asked.is_set()
    stopping.ask()
    await stopping.linger()
    await stopping.within(FOREVER, asyncio.Event().wait)

    @asynccontextmanager
    async def store():
        yield "it"
        await asyncio.sleep(0)
        done.append("cleaned")

    async with stopping.closing(store()) as thing:
        assert thing == "it"
    assert done == ["cleaned"]


async def test_what_fails_at_the_end_keeps_the_rest_from_nothing(capsys):
    async def fails() -> None:
        raise OSError("canary")

    await Stopping().within(1.0, fails)
    said = capsys.readouterr()
    assert "stop-failed" in said.out + said.err
    assert "canary" not in said.out + said.err


async def test_a_platform_that_hangs_keeps_nobody_and_what_it_was_sent_is_settled_by_the_next_start(tmp_path):
    async with story(tmp_path) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, hang=True, done=True)  # it was shown, and nobody said so
        s.slack.fails("chat.postMessage", user=CY, hang=True)  # and this was not
        assert (await s.slack.presses(ANA, "Ask")).status == 200
        await s.slack.until(lambda: len(s.slack.called("chat.postMessage")) >= 2)
        before = time.monotonic()
        async with asyncio.timeout(PROMISED):
            assert await s.serve.end() == 0
        print(f"with a platform that hangs it ended after {time.monotonic() - before:.1f} s")  # noqa: T201
        assert b"Traceback" not in s.serve.said
        s.slack.heals()
        await s.serve.start()
        await s.reads({**ASKED[-1].then, BO: (PEER, OFFER), CY: (PEER, OFFER)})  # each once
        assert await s.serve.end() == 0


async def test_a_database_that_hangs_keeps_nobody(tmp_path, postgres, new_database):
    async with story(tmp_path, database=new_database) as s:
        await play(s, ASKED[:1])
        pids = [pid for (pid,) in postgres.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
        pids.append(int((postgres.folder / "data" / "postmaster.pid").read_text("ascii").split()[0]))
        before = time.monotonic()
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            os.kill(s.serve.pid, signal.SIGTERM)  # asked twice, so that the test need not wait for all of its time
            assert await s.serve.end(within=PROMISED) == 0
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        print(f"with a database that hangs it ended after {time.monotonic() - before:.1f} s")  # noqa: T201


@asynccontextmanager
async def served(folder: Path, slack: SlackStandIn, *words: str):
    """The real command; its process, and where its probes are."""
    public, ops = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    binds = {"PEERSUPPORT_BIND": public, "PEERSUPPORT_OPS_BIND": ops}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(words or ("-m", "bot", "serve")),
        env=kept | {"PYTHONPATH": str(ROOT)} | environment(slack, folder / "data", **binds),
        cwd=folder,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    slack.app_url = f"http://{public}/slack/events"
    try:
        async with asyncio.timeout(PATIENCE):
            while b'"serving"' not in await process.stderr.readline():
                assert not process.stderr.at_eof()
        yield process, f"http://{ops}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_load_balancer_hears_it_before_the_door_closes(tmp_path):
    async with SlackStandIn() as slack:
        slack.joins("U0ANA", name="Ana")
        async with served(tmp_path, slack) as (process, ops):
            assert await probe(ops) == (200, "ok")
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                while (found := await probe(ops)) == (200, "ok"):
                    pass
            assert found == (503, "stopping")
            assert (await slack.command("U0ANA")).status == 200  # it still serves
            async with asyncio.timeout(PROMISED):
                assert await process.wait() == 0


async def test_a_second_signal_ends_it_at_once(tmp_path):
    async with SlackStandIn() as slack:
        slack.joins("U0ANA", name="Ana")
        async with served(tmp_path, slack) as (process, ops):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                while (await probe(ops))[0] == 200:
                    pass
            before = time.monotonic()
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(PROMISED):
                assert await process.wait() == 0
        print(f"asked twice it ended after {time.monotonic() - before:.1f} s")  # noqa: T201


BY_FORCE = """
import asyncio, threading, time
from bot import stopping

stopping.PROMISED = 0.2

async def looks_up_a_name():
    stopping.promise()
    await asyncio.to_thread(threading.Event().wait)

asyncio.run(looks_up_a_name())
"""


def test_what_nothing_can_cut_off_ends_with_the_process():
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BY_FORCE], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ran.returncode == 1
    assert "stopped-by-force" in ran.stdout + ran.stderr


async def test_nothing_is_taken_in_after_the_end(tmp_path):
    async with story(tmp_path) as s:
        assert await s.serve.end() == 0
        try:
            await s.slack.command(ANA)
        except aiohttp.ClientConnectorError:
            return
        raise AssertionError("somebody answered")
