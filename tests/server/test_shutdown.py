"""A shutdown takes 25 seconds at most, whatever hangs, and the next start does what was left undone."""

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

from adapters.fakes.slack.server import SlackServer
from bot.server.shutdown import SHUTDOWN_SECONDS, STORE_SECONDS, UNREADY_SECONDS, ShutDown
from tests.running.ports import free_port
from tests.stories.scenes import ANA, ASKED, BO, CY, OFFER, PEER, play
from tests.stories.serve import PATIENCE, ROOT, environment, probe, story
from tests.stories.serve_with_a_clock import SHUTDOWN_SHARE, UNREADY

FOREVER = 1_000_000.0


def test_the_steps_of_a_shutdown_fit_into_its_deadline():
    from bot.server import app

    parts = UNREADY_SECONDS + app.SCHEDULER_SECONDS + app.REQUESTS_SECONDS + app.DELIVERY_SECONDS + STORE_SECONDS
    assert SHUTDOWN_SECONDS == 25
    assert parts <= SHUTDOWN_SECONDS


async def test_a_step_that_hangs_is_cancelled_when_its_time_is_up():
    ended = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("let go")

    stopping = ShutDown()
    await stopping.run_within(0.01, hangs)
    assert ended == ["let go"]


async def test_a_step_that_ignores_cancellation_is_left_behind():
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if gone:
                    raise

    gone: list[int] = []
    stopping = ShutDown()
    await stopping.run_within(0.01, stubborn)
    gone.append(1)
    left_behind = asyncio.all_tasks() - {asyncio.current_task()}
    assert len(left_behind) == 1
    left_behind.pop().cancel()


async def test_a_second_signal_skips_the_waits_and_still_closes_the_store():
    done = []
    stopping = ShutDown(unready_seconds=FOREVER)
    stopping.request()
    assert stopping.requested.is_set()
    stopping.request()
    await stopping.wait_unready()
    await stopping.run_within(FOREVER, asyncio.Event().wait)

    @asynccontextmanager
    async def store():
        yield "it"
        await asyncio.sleep(0)
        done.append("cleaned")

    async with stopping.closing_store(store()) as thing:
        assert thing == "it"
    assert done == ["cleaned"]


async def test_a_step_that_fails_does_not_stop_the_others(capsys):
    async def fails() -> None:
        raise OSError("canary")

    await ShutDown().run_within(1.0, fails)
    said = capsys.readouterr()
    assert "stop-failed" in said.out + said.err
    assert "canary" not in said.out + said.err


async def test_a_platform_that_hangs_delays_no_shutdown_and_the_next_start_settles_its_messages(tmp_path):
    async with story(tmp_path, **{SHUTDOWN_SHARE: "0.1"}) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, hang=True, done=True)  # it was shown, and nobody said so
        s.slack.fails("chat.postMessage", user=CY, hang=True)  # and this was not
        assert (await s.slack.presses(ANA, "Ask now")).status == 200
        await s.slack.until(lambda: len(s.slack.called("chat.postMessage")) >= 2)
        before = time.monotonic()
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            assert await s.serve.end() == 0
        print(f"with a platform that hangs it ended after {time.monotonic() - before:.1f} s")  # noqa: T201
        assert b"Traceback" not in s.serve.said
        s.slack.heals()
        await s.serve.start()
        await s.reads({**ASKED[-1].then, BO: (PEER, OFFER), CY: (PEER, OFFER)})  # each once
        assert await s.serve.end() == 0


async def test_a_database_that_hangs_delays_no_shutdown(tmp_path, postgres, new_database):
    async with story(tmp_path, database=new_database, **{SHUTDOWN_SHARE: "0.1"}) as s:
        await play(s, ASKED[:1])
        pids = [pid for (pid,) in postgres.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
        pids.append(int((postgres.folder / "data" / "postmaster.pid").read_text("ascii").split()[0]))
        before = time.monotonic()
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            assert await s.serve.end(within=SHUTDOWN_SECONDS) == 0
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        print(f"with a database that hangs it ended after {time.monotonic() - before:.1f} s")  # noqa: T201


@asynccontextmanager
async def served(folder: Path, slack: SlackServer, *words: str):
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


async def test_readyz_fails_before_requests_are_refused(tmp_path):
    async with story(tmp_path, **{UNREADY: "1000000"}) as s:
        assert await s.is_ready() == (200, "ok")
        os.kill(s.serve.pid, signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            while (found := await s.is_ready()) == (200, "ok"):
                pass
        assert found == (503, "stopping")
        assert (await s.slack.command(ANA)).status == 200  # it still serves
        assert await s.serve.end() == 0  # a second signal: nobody waits for the rest


async def test_a_second_signal_ends_it_at_once(tmp_path):
    async with SlackServer() as slack:
        slack.joins("U0ANA", name="Ana")
        async with served(tmp_path, slack) as (process, ops):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                while (await probe(ops))[0] == 200:
                    pass
            before = time.monotonic()
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                assert await process.wait() == 0
        print(f"asked twice it ended after {time.monotonic() - before:.1f} s")  # noqa: T201


BY_FORCE = """
import asyncio, threading, time
from bot.server import shutdown

shutdown.SHUTDOWN_SECONDS = 0.2

async def looks_up_a_name():
    shutdown.force_exit_at_deadline()
    await asyncio.to_thread(threading.Event().wait)

asyncio.run(looks_up_a_name())
"""


def test_a_thread_that_cannot_be_cancelled_ends_with_the_process():
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BY_FORCE], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ran.returncode == 1
    assert "stopped-by-force" in ran.stdout + ran.stderr


async def test_no_request_is_accepted_after_the_shutdown(tmp_path):
    async with story(tmp_path) as s:
        assert await s.serve.end() == 0
        try:
            await s.slack.command(ANA)
        except aiohttp.ClientConnectorError:
            return
        raise AssertionError("somebody answered")
