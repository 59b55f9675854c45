"""Over Socket Mode it is as over HTTP: an acknowledgement means it is written, and the end of a line loses no press."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from adapters.base import AccessRevoked, Field, Reply
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from adapters.slack import SlackAdapter, SlackApi, SlackWebhook
from adapters.slack.socket_mode import SocketModeConnection, SocketTiming, SocketUrls
from adapters.slack.socket_mode.connection import GRACE, LONGEST_WAIT
from bot import config
from bot.server.app import ServerOptions, running_server
from bot.server.platforms import PlatformNotStarted
from tests.adapters.network import Authority, behind_tls, proxy
from tests.adapters.slack.harness import NOON, WELCOME, FakeInbound, patient
from tests.stories.serve import TICK, at_home, story, surroundings
from tests.typed import parse_word

TOKEN = "xapp-stand-in"
ANYWHERE = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}
NOTHING = b'{"type": "event_callback", "team_id": "T0HOSPITAL"}'
BY_SOCKET = {"app_token": TOKEN}


@dataclass
class Clock:
    """Time that passes only in waits, and says how long they were."""

    time: float = 1000.0
    waits: list[float] = field(default_factory=list)
    passes: bool = True
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        self.told.set()
        await asyncio.sleep(0)
        if not self.passes:
            await asyncio.Event().wait()

    async def waited(self) -> None:
        """Return once somebody waits; fail when nobody ever does."""
        async with asyncio.timeout(10):
            await self.told.wait()

    def times(self, beat: float = 30.0, linger: float = 30.0) -> SocketTiming:
        return SocketTiming(lambda: self.time, self.sleep, lambda: 1.0, beat, linger)


@dataclass
class Harness:
    slack: SlackServer
    inbound: FakeInbound
    socket: SocketModeConnection
    tickets: SocketUrls
    clock: Clock

    async def lines(self, ever: int) -> None:
        await self.slack.until(lambda: self.slack.lines.ever >= ever)

    async def settled(self) -> None:
        """The first line is open, and our end of it has read so."""
        await self.lines(1)
        assert (await self.slack.by_line(NOTHING, "application/json")).status == 200


@asynccontextmanager
async def harness(*, beat: float = 30.0, linger: float = 30.0, **tickets: str) -> AsyncIterator[Harness]:
    """The adapter on a line, with a pretend desk behind it and a pretend Slack at the other end."""
    async with SlackServer(now=lambda: NOON, app_token=TOKEN) as slack:
        for user in ("U_ANA", "U_BO"):
            slack.joins(user)
        slack.lines.gives_up = 0.3
        inbound, clock = FakeInbound(), Clock()
        adapter = SlackAdapter(slack.token, SlackApi(slack.api_url), pace=patient())
        await adapter.start()
        ask = SocketUrls(tickets.get("token", TOKEN), SlackApi(slack.api_url), now=lambda: clock.time)
        webhook = SlackWebhook(adapter, inbound, secrets=None, parse_word=parse_word, now=lambda: NOON)
        socket = SocketModeConnection(ask, webhook, inbound, timing=clock.times(beat, linger))
        socket.begin()
        await ask.verify_token()
        try:
            yield Harness(slack, inbound, socket, ask, clock)
        finally:
            await socket.drain()
            await ask.close()
            await adapter.close()
        assert slack.mistakes + slack.lines.mistakes == []
        assert slack.lines.open == []


# ---------------------------------------------------------------- envelopes


async def test_an_acknowledgement_carries_the_answer_and_means_it_is_written():
    async with harness() as h:
        h.inbound.answers["=privacy"] = Reply("ephemeral", WELCOME)
        assert (await h.slack.command("U_ANA", "privacy")).status == 200
        assert h.slack.whispered("U_ANA")[0].text == WELCOME.text
        h.inbound.failing = OSError()
        assert (await h.slack.types("U_ANA", "help")).status == 503
        assert len(h.inbound.received) == 1
        h.inbound.failing = None
        assert (await h.slack.again()).status == 200
        assert len(h.inbound.received) == 2


async def test_what_comes_twice_is_the_same_press_on_whichever_line():
    async with harness() as h:
        await h.slack.types("U_ANA", "help")
        await h.lines(1)
        await h.slack.lines.open[0].disconnect("refresh_requested")
        await h.lines(2)
        await h.slack.again()
        await h.slack.again(2)
        assert len({press.id for press in h.inbound.received}) == 1
        assert len(h.inbound.received) == 3  # which the store knows (tests of the engine)


async def test_a_form_that_was_sent_is_answered_in_the_acknowledgement():
    async with harness() as h:
        h.inbound.answers["=help"] = Reply(
            "form", replace(WELCOME, title="Before", fields=(Field("words", "text", "Words"),))
        )
        await h.slack.command("U_ANA", "help")
        assert h.slack.form("U_ANA")
        h.inbound.answers["tok-ask"] = Reply("refused")
        said = await h.slack.presses("U_ANA", "Ask")
        assert said.json["response_action"] == "update"


async def test_a_foreign_workspace_and_a_guest_read_one_line_and_reach_nobody():
    async with harness() as h:
        h.slack.joins("U_GUEST", is_restricted=True)
        said = [await h.slack.command("U_ANA", team="T0ELSEWHERE"), await h.slack.command("U_GUEST")]
        assert said[0] == said[1]
        assert said[0].json["text"]
        assert h.inbound.received == []


async def test_a_press_that_takes_too_long_is_not_acknowledged_and_not_lost():
    async with harness() as h:
        h.socket._patience = 0.05
        h.inbound.waiting = asyncio.Event()
        assert (await h.slack.types("U_ANA", "help")).status == 503
        h.inbound.waiting.set()
        await h.slack.again()
        assert len({press.id for press in h.inbound.received}) == 1


NONSENSE = [
    "",
    "null",
    "[1]",
    "{",
    "3",
    '"hello"',
    "{}",
    '{"type": 7}',
    '{"type": ["events_api"], "envelope_id": "x", "payload": {"a": 1}}',
    '{"type": "events_api"}',
    '{"type": "events_api", "envelope_id": 3, "payload": {}}',
    '{"type": "events_api", "envelope_id": "x"}',
    '{"type": "events_api", "envelope_id": "x", "payload": []}',
    '{"type": "interactive", "envelope_id": "x", "payload": {"type": "view_submission", "view": 3}}',
    '{"type": "interactive", "envelope_id": "x", "payload": {"type": "block_actions", "actions": [[]], "user": 1}}',
    '{"type": "slash_commands", "envelope_id": "x", "payload": {"command": {}, "user_id": []}}',
    '{"type": "disconnect", "reason": {"a": 1}}',
    '{"type": "hello", "num_connections": "many"}',
    '{"a":' * 5000,
    json.dumps({"type": "events_api", "envelope_id": "huge", "payload": {"a": "x" * 300_000}}),
]


async def test_nonsense_neither_ends_us_nor_hides_what_comes_after_it():
    async with harness() as h:
        await h.lines(1)
        for said in NONSENSE:
            line = h.slack.lines.open[-1]
            h.slack.lines.sent |= {key: {"accepts_response_payload": True} for key in ("x", "huge")}
            await line.ws.send_str(said)
        await h.slack.lines.open[-1].ws.send_bytes(b"\x00\xff" * 100)
        assert (await h.slack.types("U_ANA", "help")).status == 200
        assert len(h.inbound.received) == 1
        assert "huge" not in h.slack.lines.acks


async def test_more_than_anybody_may_say_ends_the_line_and_another_takes_over():
    async with harness() as h:
        await h.lines(1)
        with suppress(ConnectionError):  # hung up before it was all said
            await h.slack.lines.open[0].ws.send_str("x" * (4 * 1024 * 1024 + 1))
        await h.lines(2)
        assert (await h.slack.types("U_ANA", "help")).status == 200


async def test_an_envelope_of_a_kind_nobody_knows_is_acknowledged_and_does_nothing():
    async with harness() as h:
        await h.lines(1)
        h.slack.lines.sent["x"] = {"accepts_response_payload": False}
        await h.slack.lines.open[0].ws.send_str('{"type": "tomorrow", "envelope_id": "x", "payload": {"a": 1}}')
        await h.slack.until(lambda: h.slack.lines.acks.get("x") == {"envelope_id": "x"})
        assert h.inbound.received == []


# ---------------------------------------------------------------- lines end


async def test_the_next_line_is_open_before_the_old_one_ends():
    async with harness() as h:
        await h.settled()
        old = h.slack.lines.open[0]
        h.clock.time += 3600
        await old.disconnect("warning")
        await h.lines(2)
        assert h.clock.waits == []
        assert (
            await h.slack.by_line(NOTHING, "application/json", line=old)
        ).status == 200  # what Slack still gives the old one
        assert old in h.slack.lines.open
        await old.ws.close()
        assert (await h.slack.types("U_ANA", "help")).status == 200
        assert h.slack.lines.ever == 2


async def test_an_old_line_that_slack_forgets_to_close_is_closed_by_us():
    async with harness(linger=0.0) as h:
        await h.lines(1)
        old = h.slack.lines.open[0]
        await old.disconnect("refresh_requested")
        await h.slack.until(old.over.is_set)
        assert h.slack.lines.ever == 2


async def test_where_there_are_too_many_lines_ours_ends_before_another_begins():
    async with harness() as h:
        await h.lines(1)
        old = h.slack.lines.open[0]
        await old.disconnect("too_many_websockets")
        await h.lines(2)
        assert old.over.is_set()
        assert len(h.clock.waits) == 1


async def test_a_press_whose_line_is_cut_is_written_once_and_acknowledged_when_it_comes_again():
    async with harness() as h:
        await h.lines(1)
        line, h.inbound.waiting = h.slack.lines.open[0], asyncio.Event()
        pressing = asyncio.ensure_future(h.slack.types("U_ANA", "help"))
        await h.slack.until(lambda: h.slack.lines.sent)
        line.cut()
        assert (await pressing).status == 503
        h.inbound.waiting.set()
        await h.lines(2)
        assert (await h.slack.again()).status == 200
        assert len({press.id for press in h.inbound.received}) == 1


async def test_a_line_at_whose_other_end_nobody_is_counts_as_dead():
    async with harness(beat=0.1) as h:
        await h.lines(1)
        h.slack.lines.deaf = True
        await h.lines(2)
        h.slack.lines.deaf = False
        await h.slack.until(lambda: len(h.slack.lines.open) == 1)
        assert (await h.slack.types("U_ANA", "help")).status == 200


# ---------------------------------------------------------------- no line


async def test_tries_grow_apart_and_slack_s_own_pause_is_kept():
    async with harness() as h:
        h.slack.fails("apps.connections.open", times=9, status=503, html=True)
        await h.lines(1)
        h.slack.lines.open[0].cut()
        h.slack.fails("apps.connections.open", times=1, retry_after=120)
        await h.lines(2)
        assert all(one <= two for one, two in zip(h.clock.waits[:9], h.clock.waits[1:9], strict=False))
        assert h.clock.waits[8] == LONGEST_WAIT
        assert h.clock.waits[-1] >= 120


async def test_a_line_that_ends_at_once_again_and_again_is_not_asked_for_in_a_hurry():
    async with harness() as h:
        for ever in range(1, 6):
            await h.lines(ever)
            h.slack.lines.open[-1].cut()
        await h.lines(6)
        assert h.clock.waits == [2.0, 4.0, 8.0, 16.0, 32.0]


async def test_who_is_not_greeted_asks_again(monkeypatch):
    monkeypatch.setattr("adapters.slack.socket_mode.connection.TIMEOUT", 0.05)
    async with harness() as h:
        h.slack.lines.greets = False
        await h.clock.waited()
        h.slack.lines.greets = True
        await h.lines(1)
        assert (await h.slack.types("U_ANA", "help")).status == 200


async def test_without_a_line_for_longer_than_a_moment_we_are_not_ready():
    async with harness() as h:
        assert h.socket.up()
        await h.settled()
        h.clock.time += 10 * GRACE
        assert h.socket.up()
        h.clock.passes = False
        h.slack.lines.open[0].cut()
        await h.clock.waited()
        assert h.socket.up()
        h.clock.time += GRACE
        assert not h.socket.up()


@pytest.mark.parametrize("error", ["invalid_auth", "not_allowed_token_type", "token_revoked", "missing_scope"])
@pytest.mark.parametrize("times", [1, 2, 9])
async def test_a_token_that_slack_refuses_twice_is_told_once_and_tried_again(error, times):
    async with harness() as h:
        await h.lines(1)
        h.slack.fails("apps.connections.open", error=error, times=times)
        h.slack.lines.open[0].cut()
        await h.slack.until(lambda: h.slack.lines.ever == 2)
        assert h.inbound.withdrawn == ["slack"] * (times > 1)


async def test_the_ticket_of_the_start_is_used_while_it_is_fresh():
    async with SlackServer(app_token=TOKEN) as slack:
        clock = Clock()
        tickets = SocketUrls(TOKEN, SlackApi(slack.api_url), now=lambda: clock.time)
        await tickets.verify_token()
        await tickets.take()
        assert len(slack.called("apps.connections.open")) == 1
        await tickets.verify_token()
        clock.time += 20
        await tickets.take()
        assert len(slack.called("apps.connections.open")) == 3
        await tickets.close()
        other = SocketUrls(slack.token, SlackApi(slack.api_url))
        with pytest.raises(AccessRevoked):
            await other.take()
        await other.close()


def test_an_empty_app_token_refuses_to_start():
    with pytest.raises(ValueError, match="SLACK_APP_TOKEN"):
        SocketUrls(" ", SlackApi("https://slack.com/api/"))


# ---------------------------------------------------------------- the way there


async def test_no_line_is_opened_before_slack_has_told_whose_workspace_is_ours(tmp_path):
    async with SlackServer(app_token=TOKEN) as slack, TeamsServer() as teams:
        slack.joins("U0ANA")
        slack.fails("auth.test", times=2, status=503)
        settings = config.load_to_serve(
            surroundings(slack, teams, tmp_path / "data") | ANYWHERE | teams.settings(), tmp_path
        )
        async with running_server(settings, ServerOptions(tick=TICK)):
            await slack.until(lambda: len(slack.called("auth.test")) == 2)
            assert slack.called("apps.connections.open") == []
            assert (await slack.command("U0ANA")).json["text"]  # Slack waits for a line, and so does she
            assert len(slack.called("auth.test")) == 3


async def test_a_line_goes_through_the_proxy_and_trusts_the_hospital_s_own_authority(tmp_path):
    hospital = Authority(tmp_path)
    async with (
        SlackServer(app_token=TOKEN) as slack,
        behind_tls(slack, hospital) as place,
        proxy() as (at, carried, seen),
    ):
        host = slack.url.removeprefix("http://")
        slack.url = f"https://{place}"
        tickets = SocketUrls(TOKEN, SlackApi(f"https://{place}/api/", proxy=f"http://{at}", ca_file=hospital.bundle))
        ws = await tickets.connect(await tickets.take(), heartbeat=30.0, limit=1024)
        assert json.loads((await ws.receive()).data)["type"] == "hello"
        await ws.close()
        await tickets.close()
        assert carried == [place] * len(carried) != []
        assert TOKEN.encode() not in seen
        assert b"ticket" not in seen
        stranger = SocketUrls(TOKEN, SlackApi(f"https://{place}/api/"))
        with pytest.raises(aiohttp.ClientError):
            await stranger.connect(f"wss://{host}/link/", heartbeat=30.0, limit=1024)
        await stranger.close()


async def test_over_tls_no_address_without_tls_is_called(tmp_path):
    hospital = Authority(tmp_path)
    async with SlackServer(app_token=TOKEN) as slack, behind_tls(slack, hospital) as place:
        tickets = SocketUrls(TOKEN, SlackApi(f"https://{place}/api/", ca_file=hospital.bundle))
        with pytest.raises(Exception, match="busy or down"):
            await tickets.take()
        await tickets.close()


# ---------------------------------------------------------------- a real serve


async def test_a_stop_finishes_and_acknowledges_what_was_taken():
    async with harness() as h:
        await h.lines(1)
        h.inbound.waiting = asyncio.Event()
        pressing = asyncio.ensure_future(h.slack.types("U_ANA", "help"))
        await h.slack.until(lambda: h.slack.lines.sent)
        line = h.slack.lines.open[0]
        await line.reads()  # it has been taken
        ending = asyncio.ensure_future(h.socket.drain())
        await asyncio.sleep(0)  # and the end has begun
        late = await h.slack.lines.send(NOTHING, "application/json", line)
        await line.reads()  # so the line is still open
        h.inbound.waiting.set()
        assert (await pressing).status == 200
        await ending
        assert late not in h.slack.lines.acks


async def test_the_programme_serves_without_a_public_route(tmp_path):
    async with at_home(tmp_path, stand_in=BY_SOCKET) as home:
        await home.slack.until(lambda: home.slack.lines.open)
        async with aiohttp.ClientSession() as session, session.post(home.slack.app_url, data=b"{}") as answer:
            assert answer.status == 404
        assert (await home.slack.command("U0ANA")).status == 200
        assert home.slack.whispered("U0ANA")
        before = home.revisions()
        assert (await home.slack.again()).status == 200  # its repeat changes nothing
        assert home.revisions() == before
        assert await home.is_ready() == (200, "ok")
        async with aiohttp.ClientSession() as session, session.get(f"{home.ops}/readyz?verbose") as answer:
            assert "A connection to Slack is open." in await answer.text()


async def test_a_wrong_app_token_refuses_to_start_with_a_sentence(tmp_path):
    with pytest.raises(PlatformNotStarted) as refused:
        async with at_home(tmp_path, stand_in=BY_SOCKET, SLACK_APP_TOKEN="xapp-another"):
            pass
    assert refused.value.sentence().startswith("Slack does not accept SLACK_APP_TOKEN: ")


async def test_killed_in_the_middle_of_a_press_nothing_is_lost_and_no_ticket_is_logged(tmp_path):
    async with story(tmp_path, stand_in=BY_SOCKET, LOG_LEVEL="DEBUG") as s:
        await s.slack.until(lambda: s.slack.lines.open)
        pressing = asyncio.ensure_future(s.slack.types("U0ANA", "hi"))
        await s.slack.until(lambda: s.slack.lines.sent)
        await s.serve.kill()
        await pressing
        await s.serve.start()
        assert (await s.slack.again()).status == 200
        await s.slack.until(lambda: s.slack.reads("U0ANA"))
        s.slack.lines.open[0].cut()
        await s.slack.until(lambda: s.slack.lines.open)
        await s.keeps(lambda kept: not kept.owed())
        assert len(s.slack.reads("U0ANA")) == 1
        assert await s.serve.end() == 0
    said = s.serve.said.decode()
    assert "slack-noted" in said
    assert not [secret for secret in ("ticket", "xapp", "e0000", "ws://", "U0ANA") if secret in said]
