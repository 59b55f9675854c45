"""What goes out to Slack, and what every failure there means to the engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from adapters.base import AccessRevoked, OutcomeUnknown, Profile, RetryLater, Unreachable
from adapters.fakes.slack.server import SlackServer
from adapters.rate_limit import RateLimiter
from adapters.slack import RATES, SlackAdapter, SlackApi, errors
from tests.adapters.network import Authority, behind_tls, proxy
from tests.adapters.slack.harness import REFUSAL, WELCOME, harness, no_wait, patient

PLAIN = replace(WELCOME, buttons=(), id="plain-1")


async def test_a_card_is_posted_edited_and_taken_away():
    async with harness() as h:
        ref = await h.deliver("U_ANA", WELCOME)
        assert [c.text for c in h.slack.reads("U_ANA")] == ["Would you like to talk?"]
        assert await h.deliver("U_ANA", replace(WELCOME, id="w2", text="Thank you."), replacing=ref) == ref
        assert [c.text for c in h.slack.reads("U_ANA")] == ["Thank you."]
        await h.adapter.erase(ref, REFUSAL)
        await h.adapter.erase(ref, REFUSAL)
        assert h.slack.reads("U_ANA") == []
        assert h.slack.mistakes == []


async def test_a_post_unfurls_nothing_links_nobody_and_carries_no_metadata():
    async with harness() as h:
        await h.deliver("U_ANA", WELCOME)
        (args,) = h.slack.called("chat.postMessage")
        assert set(args) == {"channel", "text", "blocks", "unfurl_links", "unfurl_media", "link_names"}
        assert not (args["unfurl_links"])
        assert not (args["unfurl_media"])
        assert not (args["link_names"])
        assert args["text"] == WELCOME.push


async def test_a_chat_is_opened_once_and_not_at_all_when_its_address_is_known():
    async with harness() as h:
        await h.deliver("U_ANA", WELCOME)
        await h.deliver("U_ANA", replace(WELCOME, id="w2"))
        await h.deliver("U_BO", WELCOME, address="D0U_BO")
        assert len(h.slack.called("conversations.open")) == 1


async def test_an_address_slack_no_longer_knows_is_looked_up_once():
    async with harness() as h:
        assert await h.deliver("U_ANA", WELCOME, address="D_OLD") == "D0U_ANA/" + h.slack.reads("U_ANA")[0].ts
        h.slack.fails("chat.postMessage", error="channel_not_found", times=9)
        with pytest.raises(Unreachable):
            await h.deliver("U_ANA", WELCOME, address="D_OLD")
        asked = len(h.slack.called("chat.postMessage"))
        with pytest.raises(Unreachable):
            await h.deliver("U_ANA", WELCOME, address="D0U_ANA")  # Slack knows it, and says no all the same
        assert len(h.slack.called("chat.postMessage")) == asked + 1


async def test_a_card_somebody_took_away_is_posted_afresh_only_if_it_can_be_answered():
    async with harness() as h:
        ref = await h.deliver("U_ANA", WELCOME)
        await h.adapter.erase(ref, REFUSAL)
        assert await h.deliver("U_ANA", PLAIN, replacing=ref) == ref
        assert h.slack.reads("U_ANA") == []
        assert await h.deliver("U_ANA", WELCOME, replacing=ref) != ref
        assert len(h.slack.reads("U_ANA")) == 1


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (e, Unreachable)
        for e in ("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot", "channel_not_found")
    ]
    + [(e, AccessRevoked) for e in ("account_inactive", "token_revoked", "invalid_auth")]
    + [(e, RetryLater) for e in ("missing_scope", "messages_tab_disabled", "not_enabled", "restricted_action")]
    + [
        (e, RetryLater)
        for e in ("ratelimited", "service_unavailable", "fatal_error", "request_timeout", "never_heard_of")
    ],
)
async def test_every_error_of_slack_s_means_one_of_four_things(error, means):
    async with harness() as h:
        h.slack.fails("chat.postMessage", error=error, times=9)
        h.slack.fails("auth.test", error=error, times=9 * (means is AccessRevoked))
        with pytest.raises(means):
            await h.deliver("U_ANA", WELCOME)


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "not_authed"])
async def test_a_refusal_that_slack_does_not_repeat_is_tried_again_within_seconds(error):
    async with harness() as h:
        h.slack.fails("chat.postMessage", error=error)
        with pytest.raises(RetryLater) as later:
            await h.deliver("U_ANA", WELCOME)
        assert later.value.after <= timedelta(seconds=5)
        await h.deliver("U_ANA", WELCOME)
        assert len(h.slack.reads("U_ANA")) == 1


async def test_a_refusal_that_slack_always_takes_back_is_tried_less_and_less_often():
    async with harness() as h:
        h.slack.fails("chat.postMessage", error="team_access_not_granted", times=12)
        waits = []
        for _ in range(12):
            with pytest.raises(RetryLater) as later:
                await h.deliver("U_ANA", WELCOME)
            waits.append(later.value.after)
        assert waits == sorted(waits)
        assert timedelta(minutes=10) < waits[-1] <= timedelta(minutes=15)


async def test_a_post_that_may_not_be_deleted_says_nothing_about_the_next():
    async with harness() as h:
        first, second = await h.deliver("U_ANA", WELCOME), await h.deliver("U_ANA", PLAIN)
        h.slack.fails("chat.delete", error="cant_delete_message")
        await h.adapter.erase(first, REFUSAL)
        await h.adapter.erase(second, REFUSAL)
        assert [card.text for card in h.slack.reads("U_ANA")] == [REFUSAL.text]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_html_page_from_a_gateway_means_later(status):
    async with harness() as h:
        h.slack.fails("chat.postMessage", status=status, html=True)
        with pytest.raises(RetryLater):
            await h.deliver("U_ANA", WELCOME)
        await h.deliver("U_ANA", WELCOME)
        assert len(h.slack.reads("U_ANA")) == 1


async def test_a_page_that_says_neither_yes_nor_no_is_unclear():
    async with harness() as h:
        h.slack.fails("chat.postMessage", status=200, html=True)
        with pytest.raises(OutcomeUnknown):
            await h.deliver("U_ANA", WELCOME)


async def test_too_many_requests_waits_as_long_as_slack_says_and_so_does_everybody_else():
    async with harness(pace=RateLimiter(RATES, sleep=no_wait)) as h:
        h.slack.fails("chat.postMessage", retry_after=7)
        with pytest.raises(RetryLater) as first:
            await h.deliver("U_ANA", WELCOME)
        with pytest.raises(RetryLater) as second:
            await h.deliver("U_BO", WELCOME)
        assert first.value.after == timedelta(seconds=7)
        assert timedelta(seconds=6) < second.value.after <= timedelta(seconds=7)
        assert len(h.slack.called("chat.postMessage")) == 1


async def test_whether_we_would_be_sent_away_is_asked_without_a_call_and_without_a_turn():
    async with harness(pace=RateLimiter({**RATES, "post": (60.0, 1)}, sleep=no_wait)) as h:
        ana = h.person("U_ANA")
        h.adapter.check_rate(ana, None, None)
        h.adapter.check_rate(ana, None, None)
        ref = await h.deliver("U_ANA", WELCOME)
        with pytest.raises(RetryLater):
            h.adapter.check_rate(ana, None, None)
        h.adapter.check_rate(ana, None, ref)
        assert len(h.slack.called("chat.postMessage")) == 1


async def test_a_line_that_broke_after_we_spoke_is_unclear_never_repeated_and_can_be_looked_up():
    async with harness() as h:
        h.slack.fails("chat.postMessage", reset=True, done=True)
        with pytest.raises(OutcomeUnknown):
            await h.deliver("U_ANA", WELCOME)
        assert len(h.slack.called("chat.postMessage")) == 1
        ref = await h.adapter.find(h.person("U_ANA"), None, WELCOME.id)
        assert ref == f"D0U_ANA/{h.slack.reads('U_ANA')[0].ts}"
        assert await h.adapter.find(h.person("U_ANA"), "D0U_ANA", "another") is None


async def test_an_answer_that_never_comes_is_unclear():
    async with SlackServer() as slack:
        slack.joins("U_ANA")
        api = SlackApi(slack.api_url, timeout=aiohttp.ClientTimeout(total=0.05))
        adapter = SlackAdapter(slack.token, api, pace=patient())
        await adapter.start()
        slack.fails("chat.postMessage", hang=True)
        with pytest.raises(OutcomeUnknown):
            await adapter.deliver(_person(slack, "U_ANA"), "D0U_ANA", WELCOME, None)
        await adapter.close()


async def test_nobody_listening_means_later_for_nothing_was_said():
    adapter = SlackAdapter("xoxb-1", SlackApi("http://127.0.0.1:9/api/"))
    with pytest.raises(RetryLater):
        await adapter.start()
    await adapter.close()


async def test_an_edit_that_is_unclear_is_simply_done_again():
    async with harness() as h:
        ref = await h.deliver("U_ANA", WELCOME)
        h.slack.fails("chat.update", reset=True, done=True)
        with pytest.raises(RetryLater):
            await h.deliver("U_ANA", PLAIN, replacing=ref)
        await h.deliver("U_ANA", PLAIN, replacing=ref)


async def test_without_the_scope_to_look_nothing_is_found():
    async with harness(stand_in={"scopes": "chat:write,commands,im:write,users:read"}) as h:
        await h.deliver("U_ANA", WELCOME)
        assert h.adapter.missing_scopes == {"im:history"}
        assert await h.adapter.find(h.person("U_ANA"), None, WELCOME.id) is None
        assert h.slack.called("conversations.history") == []


async def test_at_the_start_we_learn_who_we_are_and_what_we_may():
    async with harness() as h:
        assert (h.adapter.team, h.adapter.own_ids) == ("T0HOSPITAL", {"U0BOT", "B0BOT"})
        assert h.adapter.missing_scopes == frozenset()
        assert len(h.slack.called("auth.test")) == 1
        await h.slack.command("U_ANA")
        assert len(h.slack.called("auth.test")) == 1


async def test_a_token_that_opens_nothing_stops_at_the_start():
    async with SlackServer() as slack:
        adapter = SlackAdapter("xoxb-old", SlackApi(slack.api_url))
        with pytest.raises(AccessRevoked):
            await adapter.start()
        await adapter.close()


async def test_who_somebody_is_in_slack():
    async with harness() as h:
        h.slack.joins("U_EVA", name="Eva\u202e", tz="Europe/Zurich", locale="de-CH")
        assert await h.adapter.profile(h.person("U_EVA")) == Profile("Eva", "Europe/Zurich", "de", member=True)
        assert not (await h.adapter.profile(h.person("U_NOBODY"))).member
        h.slack.fails("users.info", status=500, html=True)
        with pytest.raises(RetryLater):
            await h.adapter.profile(h.person("U_BO"))


async def test_a_proxy_is_one_we_were_told_of_never_the_environment_s(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@127.0.0.1:9")
    async with harness() as h:
        await h.deliver("U_ANA", WELCOME)
        assert len(h.slack.reads("U_ANA")) == 1
        told = SlackAdapter(h.slack.token, SlackApi(h.slack.api_url, proxy="http://127.0.0.1:9"))
        with pytest.raises(RetryLater):
            await told.start()
        await told.close()


async def test_a_certificate_counts_where_its_maker_stands_in_the_bundle_and_nowhere_else(tmp_path):
    hospital, stranger = Authority(tmp_path / "hospital"), Authority(tmp_path / "stranger")
    async with SlackServer() as slack, behind_tls(slack, hospital) as place:
        slack.joins("U_ANA")
        for bundle in (None, stranger.bundle):
            adapter = SlackAdapter(slack.token, SlackApi(f"https://{place}/api/", ca_file=bundle), pace=patient())
            with pytest.raises(RetryLater):
                await adapter.start()
            await adapter.api.respond(f"https://{place}/response/U_ANA/1", WELCOME)
            await adapter.close()
        assert (slack.calls, slack.asides) == ([], [])
        adapter = SlackAdapter(slack.token, SlackApi(f"https://{place}/api/", ca_file=hospital.bundle), pace=patient())
        await adapter.start()
        await adapter.deliver(_person(slack, "U_ANA"), None, WELCOME, None)
        await adapter.api.respond(f"https://{place}/response/U_ANA/1", WELCOME)
        await adapter.close()
        assert len(slack.reads("U_ANA")) == len(slack.whispered("U_ANA")) == 1


async def test_a_proxy_carries_every_word_and_can_read_none(tmp_path):
    hospital = Authority(tmp_path)
    came: list[str] = []
    async with SlackServer() as slack, behind_tls(slack, hospital, came) as place, proxy() as (at, carried, seen):
        slack.joins("U_ANA")
        api = SlackApi(f"https://{place}/api/", ca_file=hospital.bundle, proxy=f"http://{at}")
        adapter = SlackAdapter(slack.token, api, pace=patient())
        await adapter.start()
        await adapter.deliver(_person(slack, "U_ANA"), None, WELCOME, None)
        await adapter.api.respond(f"https://{place}/response/U_ANA/1", WELCOME)
        await adapter.close()
        assert len(slack.reads("U_ANA")) == len(slack.whispered("U_ANA")) == 1
        assert carried == came == [place] * len(came) != []
        assert slack.token.encode() not in seen
        assert WELCOME.text.encode() not in seen


async def test_bolt_finds_nothing_of_its_own_in_the_environment(monkeypatch):
    monkeypatch.setenv("SLACK_CLIENT_ID", "1")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "2")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    async with harness() as h:
        assert h.webhook._bolt.oauth_flow is None
        assert h.webhook._bolt.installation_store is None
        await h.slack.command("U_ANA")
        assert len(h.inbound.received) == 1


def test_a_retry_after_that_makes_no_sense_is_half_a_minute_and_never_more_than_an_hour():
    for said, meant in (("7", 7), ("0", 1), ("soon", 30), ("-3", 30), ("9" * 6, 3600), ("٣", 30), ("9" * 60, 30)):
        found = errors.classify(429, {"Retry-After": said}, "")
        assert isinstance(found, RetryLater)
        assert found.after == timedelta(seconds=meant)


def _person(slack, user):
    from conversations.model import Person

    return Person("slack", slack.team, user)
