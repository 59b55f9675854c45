"""What goes out to Slack, and what every failure there means to the house."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from slack_house import REFUSAL, WELCOME, house, no_wait, patient
from slack_stand_in import SlackStandIn

from adapters.base import Profile, Stopped, TryLater, Unclear, Unreachable
from adapters.pace import Pace
from adapters.slack import RATES, Slack, errors

PLAIN = replace(WELCOME, buttons=(), id="plain-1")


async def test_a_card_is_posted_edited_and_taken_away():
    async with house() as h:
        ref = await h.show("U_ANA", WELCOME)
        assert [c.text for c in h.slack.reads("U_ANA")] == ["Would you like to talk?"]
        assert await h.show("U_ANA", replace(WELCOME, id="w2", text="Thank you."), replacing=ref) == ref
        assert [c.text for c in h.slack.reads("U_ANA")] == ["Thank you."]
        await h.adapter.erase(ref, REFUSAL)
        await h.adapter.erase(ref, REFUSAL)
        assert h.slack.reads("U_ANA") == []
        assert h.slack.mistakes == []


async def test_a_post_unfurls_nothing_links_nobody_and_carries_no_metadata():
    async with house() as h:
        await h.show("U_ANA", WELCOME)
        (args,) = h.slack.called("chat.postMessage")
        assert set(args) == {"channel", "text", "blocks", "unfurl_links", "unfurl_media", "link_names"}
        assert not (args["unfurl_links"])
        assert not (args["unfurl_media"])
        assert not (args["link_names"])
        assert args["text"] == WELCOME.push


async def test_a_chat_is_opened_once_and_not_at_all_when_its_address_is_known():
    async with house() as h:
        await h.show("U_ANA", WELCOME)
        await h.show("U_ANA", replace(WELCOME, id="w2"))
        await h.show("U_BO", WELCOME, address="D0U_BO")
        assert len(h.slack.called("conversations.open")) == 1


async def test_an_address_slack_no_longer_knows_is_looked_up_once():
    async with house() as h:
        assert await h.show("U_ANA", WELCOME, address="D_OLD") == "D0U_ANA/" + h.slack.reads("U_ANA")[0].ts
        h.slack.fails("chat.postMessage", error="channel_not_found", times=9)
        with pytest.raises(Unreachable):
            await h.show("U_ANA", WELCOME, address="D_OLD")
        asked = len(h.slack.called("chat.postMessage"))
        with pytest.raises(Unreachable):
            await h.show("U_ANA", WELCOME, address="D0U_ANA")  # Slack knows it, and says no all the same
        assert len(h.slack.called("chat.postMessage")) == asked + 1


async def test_a_card_somebody_took_away_is_posted_afresh_only_if_it_can_be_answered():
    async with house() as h:
        ref = await h.show("U_ANA", WELCOME)
        await h.adapter.erase(ref, REFUSAL)
        assert await h.show("U_ANA", PLAIN, replacing=ref) == ref
        assert h.slack.reads("U_ANA") == []
        assert await h.show("U_ANA", WELCOME, replacing=ref) != ref
        assert len(h.slack.reads("U_ANA")) == 1


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (e, Unreachable)
        for e in ("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot", "channel_not_found")
    ]
    + [(e, Stopped) for e in ("account_inactive", "token_revoked", "invalid_auth")]
    + [(e, TryLater) for e in ("missing_scope", "messages_tab_disabled", "not_enabled", "restricted_action")]
    + [
        (e, TryLater)
        for e in ("ratelimited", "service_unavailable", "fatal_error", "request_timeout", "never_heard_of")
    ],
)
async def test_every_error_of_slack_s_means_one_of_four_things(error, means):
    async with house() as h:
        h.slack.fails("chat.postMessage", error=error, times=9)
        with pytest.raises(means):
            await h.show("U_ANA", WELCOME)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_html_page_from_a_gateway_means_later(status):
    async with house() as h:
        h.slack.fails("chat.postMessage", status=status, html=True)
        with pytest.raises(TryLater):
            await h.show("U_ANA", WELCOME)
        await h.show("U_ANA", WELCOME)
        assert len(h.slack.reads("U_ANA")) == 1


async def test_a_page_that_says_neither_yes_nor_no_is_unclear():
    async with house() as h:
        h.slack.fails("chat.postMessage", status=200, html=True)
        with pytest.raises(Unclear):
            await h.show("U_ANA", WELCOME)


async def test_too_many_requests_waits_as_long_as_slack_says_and_so_does_everybody_else():
    async with house(pace=Pace(RATES, sleep=no_wait)) as h:
        h.slack.fails("chat.postMessage", retry_after=7)
        with pytest.raises(TryLater) as first:
            await h.show("U_ANA", WELCOME)
        with pytest.raises(TryLater) as second:
            await h.show("U_BO", WELCOME)
        assert first.value.after == timedelta(seconds=7)
        assert timedelta(seconds=6) < second.value.after <= timedelta(seconds=7)
        assert len(h.slack.called("chat.postMessage")) == 1


async def test_whether_we_would_be_sent_away_is_asked_without_a_call_and_without_a_turn():
    async with house(pace=Pace({**RATES, "post": (60.0, 1)}, sleep=no_wait)) as h:
        ana = h.person("U_ANA")
        h.adapter.look(ana, None, None)
        h.adapter.look(ana, None, None)
        ref = await h.show("U_ANA", WELCOME)
        with pytest.raises(TryLater):
            h.adapter.look(ana, None, None)
        h.adapter.look(ana, None, ref)
        assert len(h.slack.called("chat.postMessage")) == 1


async def test_a_line_that_broke_after_we_spoke_is_unclear_never_repeated_and_can_be_looked_up():
    async with house() as h:
        h.slack.fails("chat.postMessage", reset=True, done=True)
        with pytest.raises(Unclear):
            await h.show("U_ANA", WELCOME)
        assert len(h.slack.called("chat.postMessage")) == 1
        ref = await h.adapter.find(h.person("U_ANA"), None, WELCOME.id)
        assert ref == f"D0U_ANA/{h.slack.reads('U_ANA')[0].ts}"
        assert await h.adapter.find(h.person("U_ANA"), "D0U_ANA", "another") is None


async def test_an_answer_that_never_comes_is_unclear():
    async with SlackStandIn() as slack:
        slack.joins("U_ANA")
        adapter = Slack(slack.token, api_url=slack.api_url, pace=patient(), timeout=aiohttp.ClientTimeout(total=0.05))
        await adapter.start()
        slack.fails("chat.postMessage", hang=True)
        with pytest.raises(Unclear):
            await adapter.show(_person(slack, "U_ANA"), "D0U_ANA", WELCOME, None)
        await adapter.close()


async def test_nobody_listening_means_later_for_nothing_was_said():
    adapter = Slack("xoxb-1", api_url="http://127.0.0.1:9/api/")
    with pytest.raises(TryLater):
        await adapter.start()
    await adapter.close()


async def test_an_edit_that_is_unclear_is_simply_done_again():
    async with house() as h:
        ref = await h.show("U_ANA", WELCOME)
        h.slack.fails("chat.update", reset=True, done=True)
        with pytest.raises(TryLater):
            await h.show("U_ANA", PLAIN, replacing=ref)
        await h.show("U_ANA", PLAIN, replacing=ref)


async def test_without_the_scope_to_look_nothing_is_found():
    async with house(stand_in={"scopes": "chat:write,commands,im:write,users:read"}) as h:
        await h.show("U_ANA", WELCOME)
        assert h.adapter.lacks == {"im:history"}
        assert await h.adapter.find(h.person("U_ANA"), None, WELCOME.id) is None
        assert h.slack.called("conversations.history") == []


async def test_at_the_start_we_learn_who_we_are_and_what_we_may():
    async with house() as h:
        assert (h.adapter.team, h.adapter.ourselves) == ("T0HOSPITAL", {"U0BOT", "B0BOT"})
        assert h.adapter.lacks == frozenset()
        assert len(h.slack.called("auth.test")) == 1
        await h.slack.command("U_ANA")
        assert len(h.slack.called("auth.test")) == 1


async def test_a_token_that_opens_nothing_stops_at_the_start():
    async with SlackStandIn() as slack:
        adapter = Slack("xoxb-old", api_url=slack.api_url)
        with pytest.raises(Stopped):
            await adapter.start()
        await adapter.close()


async def test_who_somebody_is_in_slack():
    async with house() as h:
        h.slack.joins("U_EVA", name="Eva\u202e", tz="Europe/Zurich", locale="de-CH")
        assert await h.adapter.profile(h.person("U_EVA")) == Profile("Eva", "Europe/Zurich", "de", member=True)
        assert not (await h.adapter.profile(h.person("U_NOBODY"))).member
        h.slack.fails("users.info", status=500, html=True)
        with pytest.raises(TryLater):
            await h.adapter.profile(h.person("U_BO"))


async def test_a_proxy_is_one_we_were_told_of_never_the_environment_s(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@127.0.0.1:9")
    async with house() as h:
        await h.show("U_ANA", WELCOME)
        assert len(h.slack.reads("U_ANA")) == 1
        told = Slack(h.slack.token, api_url=h.slack.api_url, proxy="http://127.0.0.1:9")
        with pytest.raises(TryLater):
            await told.start()
        await told.close()


async def test_a_certificate_counts_where_its_maker_stands_in_the_bundle_and_nowhere_else(tmp_path):
    hospital, stranger = Authority(tmp_path / "hospital"), Authority(tmp_path / "stranger")
    async with SlackStandIn() as slack, behind_tls(slack, hospital) as place:
        slack.joins("U_ANA")
        for bundle in (None, stranger.bundle):
            adapter = Slack(slack.token, api_url=f"https://{place}/api/", pace=patient(), ca_file=bundle)
            with pytest.raises(TryLater):
                await adapter.start()
            await adapter.respond(f"https://{place}/response/U_ANA/1", WELCOME)
            await adapter.close()
        assert (slack.calls, slack.asides) == ([], [])
        adapter = Slack(slack.token, api_url=f"https://{place}/api/", pace=patient(), ca_file=hospital.bundle)
        await adapter.start()
        await adapter.show(_person(slack, "U_ANA"), None, WELCOME, None)
        await adapter.respond(f"https://{place}/response/U_ANA/1", WELCOME)
        await adapter.close()
        assert len(slack.reads("U_ANA")) == len(slack.whispered("U_ANA")) == 1


async def test_a_proxy_carries_every_word_and_can_read_none(tmp_path):
    hospital = Authority(tmp_path)
    came: list[str] = []
    async with SlackStandIn() as slack, behind_tls(slack, hospital, came) as place, proxy() as (door, carried, seen):
        slack.joins("U_ANA")
        adapter = Slack(
            slack.token,
            api_url=f"https://{place}/api/",
            pace=patient(),
            ca_file=hospital.bundle,
            proxy=f"http://{door}",
        )
        await adapter.start()
        await adapter.show(_person(slack, "U_ANA"), None, WELCOME, None)
        await adapter.respond(f"https://{place}/response/U_ANA/1", WELCOME)
        await adapter.close()
        assert len(slack.reads("U_ANA")) == len(slack.whispered("U_ANA")) == 1
        assert carried == came == [place] * len(came) != []
        assert slack.token.encode() not in seen
        assert WELCOME.text.encode() not in seen


async def test_bolt_finds_nothing_of_its_own_in_the_environment(monkeypatch):
    monkeypatch.setenv("SLACK_CLIENT_ID", "1")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "2")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    async with house() as h:
        assert h.door._bolt.oauth_flow is None
        assert h.door._bolt.installation_store is None
        await h.slack.command("U_ANA")
        assert len(h.desk.heard) == 1


def test_a_retry_after_that_makes_no_sense_is_half_a_minute_and_never_more_than_an_hour():
    for said, meant in (("7", 7), ("0", 1), ("soon", 30), ("-3", 30), ("9" * 6, 3600), ("٣", 30), ("9" * 60, 30)):
        found = errors.classify(429, {"Retry-After": said}, "")
        assert isinstance(found, TryLater)
        assert found.after == timedelta(seconds=meant)


# ---------------------------------------------------------------- pace


class Clock:
    def __init__(self) -> None:
        self.at = 0.0
        self.waited: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds


async def test_one_chat_hears_one_post_a_second_and_others_do_not_wait_for_it():
    clock = Clock()
    pace = Pace(RATES, now=clock.now, sleep=clock.sleep)
    await pace.turn("post", "D1")
    await pace.turn("post", "D2")
    assert clock.waited == []
    await pace.turn("post", "D1")
    assert clock.waited == [1.0]


async def test_a_workspace_hears_three_hundred_posts_a_minute_and_the_rest_stay_in_the_queue():
    clock = Clock()
    pace = Pace(RATES, now=clock.now, sleep=clock.sleep)
    sent = later = 0
    for i in range(1000):
        try:
            await pace.turn("post", f"D{i}")
        except TryLater as busy:
            later += 1
            clock.at += busy.after.total_seconds()
        else:
            sent += 1
        if clock.at >= 60:
            break
    assert 295 <= sent <= 325
    assert all(wait <= 2.0 for wait in clock.waited)


async def test_a_turn_that_is_handed_back_takes_nobody_s_place():
    clock = Clock()
    pace = Pace(RATES, patience=0.5, now=clock.now, sleep=clock.sleep)
    await pace.turn("post", "D1")
    for _ in range(5):
        with pytest.raises(TryLater):
            await pace.turn("post", "D1")
    clock.at += 1.0
    await pace.turn("post", "D1")
    assert clock.waited == []


def _person(slack, user):
    from conversations.model import Person

    return Person("slack", slack.team, user)


# ---------------------------------------------------------------- a network between us and Slack


class Authority:
    """Somebody who signs certificates. `bundle` is what a hospital would put into PEERSUPPORT_CA_FILE."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), _named("an authority")
        self.bundle = folder / "ca.pem"
        is_one = x509.BasicConstraints(ca=True, path_length=None)
        self.bundle.write_bytes(self._signed(self.name, self.key, is_one).public_bytes(serialization.Encoding.PEM))
        self.folder = folder

    def server(self) -> ssl.SSLContext:
        """A server's side of TLS, for 127.0.0.1."""
        key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
        place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        both = self.folder / "server.pem"
        both.write_bytes(
            key.private_bytes(pem, *plain) + self._signed(_named("a server"), key, place).public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, says: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return made.add_extension(says, critical=True).sign(self.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def listening(each: Callable[..., Awaitable[None]], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Somebody who listens on the loopback, and where; every line is put down at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def comes(*caller: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await each(*caller)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            caller[1].close()
            tasks.discard(task)

    server = await asyncio.start_server(comes, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def carry(one: Caller, other: Caller, heard: bytearray) -> None:
    """Both ways, until one of them has nothing more to say."""

    async def across(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            heard.extend(said)
            writer.write(said)
            await writer.drain()
        writer.close()

    try:
        await asyncio.gather(across(one[0], other[1]), across(other[0], one[1]))
    finally:
        other[1].close()


@asynccontextmanager
async def behind_tls(slack: SlackStandIn, authority: Authority, came: list[str] | None = None) -> AsyncIterator[str]:
    """The same Slack with TLS in front of it, and a note of every line that came there."""
    host, _, port = slack.url.removeprefix("http://").partition(":")

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if came is not None:
            came.append("{}:{}".format(*writer.get_extra_info("sockname")))
        await carry((reader, writer), await asyncio.open_connection(host, int(port)), bytearray())

    async with listening(each, authority.server()) as place:
        yield place


@asynccontextmanager
async def proxy() -> AsyncIterator[tuple[str, list[str], bytearray]]:
    """A proxy that opens a way for CONNECT and for nothing else: where, whither it was asked to, and what it saw."""
    carried: list[str] = []
    seen = bytearray()

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, place, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
        if asked != "CONNECT":
            return
        carried.append(place)
        host, _, port = place.partition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await carry((reader, writer), await asyncio.open_connection(host, int(port)), seen)

    async with listening(each) as place:
        yield place, carried, seen
