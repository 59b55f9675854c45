"""Many at once, and the same again: one winner, one effect, and nothing is true that was not written."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from bot.engine.outbox import LEASE
from bot.monitoring import readiness
from bot.monitoring.readiness import Readiness
from bot.server import http
from bot.store.base import Deletion, Record
from bot.store.embedded.store import EmbeddedStore
from tests.stories.scenes import ABOUT, ANA, ASKED, BO, CY, NEUTRAL, OFFER, PEER, TOGETHER, play
from tests.stories.serve import Home, Story, at_home, probe, story

SERVED = 200
TEN = tuple(f"U0P{n}" for n in range(10))
CLINICIANS = (ANA, "U0BEA", "U0CAL")


# ---------------------------------------------------------------- ten yeses


async def test_of_ten_simultaneous_yeses_exactly_one_hears_yes(tmp_path: Path) -> None:
    trial = {"PEERSUPPORT_APPROVAL": "automatic", "PEERSUPPORT_WAVES": "10,rest", "PEERSUPPORT_PEER_LIMIT": "3"}
    async with story(tmp_path, *CLINICIANS, *TEN, **trial) as s:
        await asyncio.gather(*(becomes_a_peer(s, peer) for peer in TEN))
        for clinician in CLINICIANS:
            await asks(s, clinician)
            await s.slack.until(lambda: all(last(s, peer).startswith(OFFER) for peer in TEN))
            replies = await asyncio.gather(*(s.slack.presses(peer, "Yes, I can") for peer in TEN))
            assert {reply.status for reply in replies} == {SERVED}
            await s.slack.until(lambda: not any(last(s, peer).startswith(OFFER) for peer in TEN))
            await reads_one_card(s, clinician, "is a trained peer")
            winners = [peer for peer in TEN if last(s, peer).startswith("Thank you. We'll tell you by")]
            assert len(winners) == 1
            assert [peer for peer in TEN if last(s, peer).startswith(NEUTRAL)] == [p for p in TEN if p not in winners]
            assert last(s, clinician).startswith(f"{winners[0].removeprefix('U0')} is a trained peer")
        assert await s.serve.end() == 0


@pytest.mark.parametrize("moment", [5, 20, 60, 150])
async def test_ten_yeses_a_kill_and_ten_repeats_still_have_one_winner(tmp_path: Path, moment: int) -> None:
    trial = {"PEERSUPPORT_APPROVAL": "automatic", "PEERSUPPORT_WAVES": "10,rest"}
    async with story(tmp_path, ANA, *TEN, **trial) as s:
        await asyncio.gather(*(becomes_a_peer(s, peer) for peer in TEN))
        await asks(s, ANA)
        await s.slack.until(lambda: all(last(s, peer).startswith(OFFER) for peer in TEN))
        yeses = [yes_of(s, peer) for peer in TEN]
        first = asyncio.gather(*(s.slack.interacts(yes) for yes in yeses), return_exceptions=True)
        for _ in range(moment):
            await asyncio.sleep(0)
        await s.serve.kill()
        answers = await first
        await s.serve.start()
        replies = await asyncio.gather(*(s.slack.interacts(yes) for yes in yeses))  # Slack sends all of them again
        assert {reply.status for reply in replies} == {SERVED}
        await reads_one_card(s, ANA, "is a trained peer")
        await s.slack.until(lambda: not any(last(s, peer).startswith(OFFER) for peer in TEN))
        said = [last(s, peer) for peer in TEN]
        assert len([text for text in said if text.startswith("Thank you. We'll tell you by")]) == 1
        assert len([text for text in said if text.startswith(NEUTRAL)]) == len(TEN) - 1
        assert all(len(s.slack.reads(peer)) == 2 for peer in TEN)
        assert all(isinstance(answer, aiohttp.ClientError) or answer.status == SERVED for answer in answers)
        assert await s.serve.end() == 0


def yes_of(s: Story, peer: str) -> dict[str, Any]:
    """One press, as Slack would send it, once or several times."""
    card = s.slack.reads(peer)[-1]
    element = card.button("Yes, I can")
    assert element is not None
    return s.slack.press_of(peer, card, element, {})


async def becomes_a_peer(s: Story, peer: str) -> None:
    assert (await s.slack.command(peer, "peer")).status == SERVED
    await s.slack.until(lambda: last(s, peer).startswith("Thank you for offering."), 20)
    await s.slack.presses(peer, "Next", ABOUT)
    await s.slack.until(lambda: last(s, peer).startswith("I promise:"), 20)
    await s.slack.presses(peer, "I promise")
    await s.slack.until(lambda: last(s, peer).startswith(PEER), 20)


async def asks(s: Story, clinician: str) -> None:
    await s.slack.command(clinician)
    await s.slack.presses(clinician, "Talk to someone soon")
    await s.slack.until(
        lambda: "Ask now" in s.slack.reads(clinician)[-1].buttons if s.slack.reads(clinician) else False
    )
    await s.slack.presses(clinician, "Ask now")


async def reads_one_card(s: Story, user: str, words: str) -> None:
    """What stood there before is taken away."""
    await s.slack.until(lambda: words in last(s, user) and len(s.slack.reads(user)) == 1)


def last(s: Story, user: str) -> str:
    seen = s.slack.reads(user)
    return seen[-1].text if seen else ""


# ---------------------------------------------------------------- the same again


async def test_a_press_that_slack_sends_again_and_again_has_one_effect(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        for scene in (*ASKED, *TOGETHER):
            await play(home, (scene,))
            await home.engine.idle()
            written, posts = home.revisions(), len(home.slack.called("chat.postMessage"))
            for retry in range(1, 6):
                assert (await home.slack.again(retry)).status == SERVED
            await home.engine.idle()
            assert home.revisions() == written, str(scene)
            assert len(home.slack.called("chat.postMessage")) == posts
            await home.reads({})


async def test_a_press_that_comes_twenty_times_at_once_has_one_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_home(tmp_path) as home:
        for scene in (*ASKED, *TOGETHER):
            again = (home.slack.again(retry) for retry in range(1, 21))
            replies = await asyncio.gather(scene.happens(home), *again)
            assert {reply.status for reply in replies if reply} == {SERVED}
            await home.reads(scene.then)
            await home.engine.idle()
            await home.reads({})
        assert await home.kinds("support") == 1
        assert await home.kinds("seen") == len(ASKED) + len(TOGETHER)
    skipped = [record.getMessage() for record in caplog.records if record.name == "apscheduler.scheduler"]
    skipped = [said for said in skipped if "EmbeddedScheduler.tick" not in said]  # the tick of this test is a fast one
    assert skipped == []


async def test_two_taps_at_once_open_one_request_and_ask_once(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED[:-2])
        for scene in ASKED[-2:]:
            replies = await asyncio.gather(*(scene.happens(home) for _ in range(5)))
            assert {reply.status for reply in replies if reply} == {SERVED}
            await home.engine.idle()  # each tap at the door says the card again, and takes the one before away
            await home.reads(scene.then)
        assert await home.kinds("support") == 1
        offers = [args for args in home.slack.called("chat.postMessage") if args["channel"] in {"D0U0BO", "D0U0CY"}]
        assert len(offers) == 2 + 2 + 2  # the card of a volunteer, the welcome to the roster, the offer


# ---------------------------------------------------------------- a write that fails


class Unsteady:
    """A store whose next saves fail: before they are written, or, worse, after."""

    def __init__(self, inner: EmbeddedStore) -> None:
        self.inner = inner
        self.fails_before = self.fails_after = 0
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def save(self, *changes: Record | Deletion) -> None:
        if self.fails_before:
            self.fails_before -= 1
            raise OSError(28, "canary: no space left")
        await self.inner.save(*changes)
        if self.fails_after:
            self.fails_after -= 1
            raise OSError(5, "canary: input/output error")

    async def check(self) -> None:
        if self.broken:
            raise OSError(5, "canary: input/output error")
        await self.inner.check()


@asynccontextmanager
async def unsteady(tmp_path: Path) -> AsyncIterator[tuple[Home, Unsteady]]:
    """The programme in this process, on a store that can fail without ending it."""
    async with at_home(tmp_path) as home:
        store: Any = Unsteady(cast("EmbeddedStore", home.engine.services.store))
        home.keeps_in(store)
        yield home, store


async def test_a_write_that_failed_is_503_and_the_retry_succeeds(tmp_path: Path) -> None:
    async with unsteady(tmp_path) as (home, store):
        for scene in (*ASKED, *TOGETHER):
            await home.engine.idle()
            before, calls = home.revisions(), len(home.slack.calls)
            store.fails_before = 1
            reply = await scene.happens(home)
            assert reply is not None
            assert (reply.status, reply.body) == (503, b""), str(scene)
            assert home.revisions() == before
            shown = {method for method, _ in home.slack.calls[calls:]} - {"users.info"}
            assert not shown, "nothing is said that is not written"
            again = await home.slack.again()
            assert again.status == SERVED
            if again.json:
                home.slack.shows_aside(scene.who, again.json, home.slack.now())
            await home.reads(scene.then)


async def test_a_write_of_which_nobody_heard_is_not_done_again(tmp_path: Path) -> None:
    async with unsteady(tmp_path) as (home, store):
        await play(home, ASKED[:-1])
        await home.engine.idle()
        store.fails_after = 1
        assert (await home.slack.presses(ANA, "Ask now")).status == 503
        written = home.revisions()
        assert (await home.slack.again()).status == SERVED
        assert home.revisions() == written
        home.time.pass_(LEASE)
        await home.engine.wake()  # the clock's part: what is owed is delivered all the same
        await home.reads(ASKED[-1].then)
        await home.engine.idle()
        await home.reads({})


async def test_readiness_ends_with_the_store_and_comes_back_with_it(tmp_path: Path) -> None:
    async with unsteady(tmp_path) as (_, store):
        ops = await http.listen(http.ops(Readiness({"store": readiness.store(store.check)}).check), "127.0.0.1:0")
        assert await probe(ops.url) == (200, "ok")
        store.broken = True
        assert await probe(ops.url) == (503, "store")
        store.broken = False
        assert await probe(ops.url) == (200, "ok")
        await ops.stop()


async def test_a_disk_that_refuses_ends_the_process_and_nothing_was_acknowledged(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, ASKED[:-1])
        await s.keeps(lambda kept: not kept.owed())
        whole = resource.prlimit(s.serve.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(s.serve.pid, resource.RLIMIT_FSIZE, (1, whole[1]))
        with pytest.raises(aiohttp.ClientError):
            await s.slack.presses(ANA, "Ask now")
        assert await s.serve.ended() == 74
        await s.reads({BO: (PEER,), CY: (PEER,)})
        await s.serve.start()
        assert (await s.slack.again()).status == SERVED
        await s.reads(ASKED[-1].then)
        assert await s.serve.end() == 0
    assert b"Traceback" not in s.serve.said
