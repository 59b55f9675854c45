"""What may come in from Slack, how it is answered, and what never gets through."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from adapters.base import Button, Card, Field, Interaction, Option, Reply
from adapters.signature_record import REFUSALS
from adapters.slack import SlackAdapter, SlackApi, SlackWebhook
from conversations.model import Person
from tests.adapters.slack.harness import NOON, REFUSAL, WELCOME, harness

ASKING = Card(
    "ask-1",
    "A few things, all optional.",
    "You have a message.",
    fields=(
        Field(
            "about",
            "choice",
            "About",
            (Option("work", "Something at work"), Option("home", "Something at home")),
            ("work",),
        ),
        Field(
            "who", "several", "Who", (Option("role", "Same role"), Option("away", "Not from my department")), ("away",)
        ),
        Field("not", "people", "People to leave out"),
        Field("words", "text", "Anything else"),
    ),
    buttons=(Button("Ask", "tok-send", "primary"), Button("Change my mind", "tok-stop")),
    title="Before we ask",
)


# ---------------------------------------------------------------- signatures


async def test_nothing_unsigned_wrongly_signed_or_stale_gets_in():
    async with harness() as h:
        body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
        old, new = NOON - timedelta(seconds=301), NOON + timedelta(seconds=301)
        attempts = [
            await h.slack.post(body, signed=False),
            await h.slack.post(body, secret="another"),
            await h.slack.post(body, at=old),
            await h.slack.post(body, at=new),
            await h.slack.post(body, headers={"X-Slack-Signature": ""}),
            await h.slack.post(body, headers={"X-Slack-Signature": "v0=ü"}),
            await h.slack.post(body, headers={"X-Slack-Signature": "v1=" + "0" * 64}),
            await h.slack.post(body, headers={"X-Slack-Request-Timestamp": ""}),
            await h.slack.post(body, headers={"X-Slack-Request-Timestamp": "soon"}),
            await h.slack.post(body, headers={"X-Slack-Request-Timestamp": "-1"}),
            await h.slack.post(body, headers={"X-Slack-Request-Timestamp": "٣٣٣"}),
            await h.slack.post(body, headers={"X-Slack-Request-Timestamp": "9" * 400}),
            await h.slack.post(b"\xff\xfe{", signed=False),
        ]
        assert {(a.status, a.body) for a in attempts} == {(401, b"unauthorized")}
        assert h.inbound.received == []


async def test_requests_of_slack_s_that_are_all_refused_are_noticed_and_those_of_others_are_not():
    async with harness() as h:
        body, signatures = b'{"type": "url_verification", "challenge": "c"}', h.webhook.signatures
        for _ in range(REFUSALS * 2):
            await h.slack.post(body, signed=False)
            await h.slack.post(body, headers={"X-Slack-Signature": "v0=canary"})
        assert not signatures.all_refused()
        for refused in ({"secret": "another"}, {"at": NOON - timedelta(seconds=301)}):  # a wrong secret, a wrong clock
            for _ in range(REFUSALS - 1):
                await h.slack.post(body, **refused)
            assert not signatures.all_refused()
            await h.slack.post(body, **refused)
            assert signatures.all_refused()
            assert (await h.slack.post(body)).status == 200
            assert not signatures.all_refused()


async def test_two_signing_secrets_are_accepted_while_one_replaces_the_other():
    async with harness(secrets=["new-secret", "fake-signing-secret"]) as h:
        body = b'{"type": "url_verification", "challenge": "c"}'
        assert (await h.slack.post(body)).json == {"challenge": "c"}
        assert (await h.slack.post(body, secret="new-secret")).json == {"challenge": "c"}
        assert (await h.slack.post(body, secret="old-secret")).status == 401


@pytest.mark.parametrize("secrets", [[], [""], ["good", " "]])
async def test_an_empty_signing_secret_refuses_to_start(secrets):
    slack = SlackAdapter("xoxb-1", SlackApi())
    with pytest.raises(ValueError, match="SLACK_SIGNING_SECRET"):
        SlackWebhook(slack, ANY, secrets=secrets, parse_word=str, now=lambda: NOON)


def test_an_empty_token_refuses_to_start():
    with pytest.raises(ValueError, match="SLACK_BOT_TOKEN"):
        SlackAdapter(" ", SlackApi())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b"null", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"a":' * 60_000, "application/json"),
        (b"payload=%7B", "application/x-www-form-urlencoded"),
        (b"payload=3", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % i for i in range(2000)), "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_signed_and_holds_nothing_is_400(body, content_type):
    async with harness() as h:
        assert (await h.slack.post(body[:200_000], content_type)).status == 400


async def test_a_body_over_256_kib_is_413():
    async with harness() as h:
        assert (await h.slack.post(b" " * (256 * 1024 + 1))).status == 413
        assert (await h.slack.post(b" " * (256 * 1024))).status == 400

        async def pieces():
            for _ in range(257):
                yield b" " * 1024

        async with h.slack.wire.client().post(h.slack.app_url, data=pieces()) as answer:  # its length is not announced
            assert answer.status == 413


async def test_a_body_that_trickles_is_told_so_in_time_and_gets_no_further():
    async with harness(patience=0.05) as h:
        answered = asyncio.Event()

        async def pieces():
            yield b"payload=%7B"
            await answered.wait()

        try:
            async with h.slack.wire.client().post(h.slack.app_url, data=pieces()) as answer:
                assert answer.status == 408
                answer.close()  # else the end of the server waits for the rest
        finally:
            answered.set()
        assert h.inbound.received == []
        assert not h.webhook.signatures.all_refused()


async def test_headers_of_bolt_s_own_are_never_believed():
    async with harness() as h:
        body = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
        lazy = {"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "handle"}
        assert (await h.slack.post(body, headers=lazy)).status == 200


async def test_only_one_path_and_one_method_exist():
    async with harness() as h:
        base = h.slack.app_url.removesuffix("/slack/events")
        async with h.slack.wire.client().get(h.slack.app_url) as a, h.slack.wire.client().post(base + "/x") as b:
            assert {(a.status, await a.read()), (b.status, await b.read())} == {(404, b"not found")}
            assert "Server" not in a.headers


# ---------------------------------------------------------------- presses come in


async def test_a_command_reaches_the_desk_without_its_channel_or_its_words():
    async with harness() as h:
        h.inbound.answers["=privacy"] = Reply("ephemeral", WELCOME)
        reply = await h.slack.command("U_ANA", "  PRIVACY! ")
        assert h.inbound.received == [Interaction(ANY, h.person("U_ANA"), "=privacy", {}, None, "command")]
        assert reply.json["response_type"] == "ephemeral"
        assert h.slack.whispered("U_ANA")[-1].buttons == ["Ask"]
        await h.slack.command("U_ANA", "my patient died")
        assert h.inbound.received[-1].token == "="
        assert "died" not in repr(h.inbound.received[-1])
        await h.slack.presses("U_ANA", "Ask")  # on the answer, still in the corridor
        assert h.inbound.received[-1].token == "tok-ask"
        assert h.inbound.received[-1].address is None


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("I'm not safe", "i am not safe"),
        ("i\u2019m NOT safe.", "i am not safe"),
        ("/peersupport forget me", "forget me"),
        (" <@U0BOT>  help?", "help"),
        ("<@U0BOT|peer> <!here> status", "status"),
        ("I want to die", "i am not safe"),
        ("honestly, <@U_BO>, i can\u2019t go on like this", "i am not safe"),
        ("help me with my patient", ""),
        ("", ""),
    ],
)
async def test_typed_words_are_known_words_or_nothing(typed, word):
    async with harness() as h:
        assert (await h.slack.types("U_ANA", typed)).status == 200
        assert h.inbound.received == [Interaction(ANY, h.person("U_ANA"), "=" + word, {}, "D0U_ANA", "typed")]


async def test_somebody_who_types_that_they_want_to_die_reads_whom_to_call():
    async with harness() as h:
        h.inbound.answers["=i am not safe"] = Reply("ephemeral", replace(WELCOME, text="You matter."))
        reply = await h.slack.command("U_ANA", "I want to die")
        assert reply.json["blocks"][0]["text"]["text"] == "You matter."
        assert "die" not in repr(h.inbound.received) + h.inbound.received[0].token


PICTURE = {"id": "F1", "mimetype": "image/png"}
VOICE = {"id": "F2", "mimetype": "audio/webm", "subtype": "slack_audio"}


def edited(text: str, before: str, **more: Any) -> dict[str, Any]:
    """What Slack sends when a person changes what they wrote."""
    now = {"type": "message", "user": "U_ANA", "ts": "1.1", "text": text, "edited": {"user": "U_ANA", "ts": "1.2"}}
    was = {"type": "message", "user": "U_ANA", "ts": "1.1", "text": before}
    return {"subtype": "message_changed", "hidden": True, "message": now | more, "previous_message": was, "user": None}


@pytest.mark.parametrize(
    "spoken",
    [
        {"subtype": "file_share", "files": [PICTURE]},
        {"subtype": "file_share", "files": [VOICE]},
        {"subtype": "thread_broadcast", "thread_ts": "1.1"},
        {"subtype": "me_message"},
        {"subtype": "something_new"},
        {"bot_id": "B1"},  # an app that a person let speak for them
        edited("help", "hel"),
        edited("help", "hel", subtype="file_share"),
    ],
)
async def test_a_person_is_heard_however_slack_calls_what_they_say(spoken):
    async with harness() as h:
        assert (await h.slack.types("U_ANA", "help", event=spoken)).status == 200
        assert h.inbound.received == [Interaction(ANY, h.person("U_ANA"), "=help", {}, "D0U_ANA", "typed")]


async def test_a_picture_or_a_voice_clip_without_a_word_is_heard_too():
    async with harness() as h:
        await h.slack.types("U_ANA", "", event={"subtype": "file_share", "files": [VOICE]})
        assert [press.token for press in h.inbound.received] == ["="]


async def test_a_shortcut_opens_the_front_door():
    async with harness() as h:
        pressed = {"type": "shortcut", "callback_id": "x", "trigger_id": "1.2.x", "team": {"id": h.slack.team}}
        await h.slack.interacts(pressed | {"user": {"id": "U_ANA", "team_id": h.slack.team}})
        assert [(press.token, press.source) for press in h.inbound.received] == [("=", "command")]


@pytest.mark.parametrize(
    "strange",
    [
        {"bot_id": "B1", "user": "U_ROBOT"},
        {"bot_id": "B1", "user": None, "subtype": "bot_message"},
        {"user": "USLACKBOT"},
        {"subtype": "message_changed"},
        edited("help", "help"),  # a preview of a link was added
        edited("help", "hel", edited={"user": "U_BO", "ts": "1.2"}),
        edited("help", "hel", user="U0BOT", edited={"user": "U0BOT", "ts": "1.2"}),
        {"subtype": "message_deleted", "user": None, "previous_message": {"user": "U_ANA", "text": "help"}},
        {"subtype": "channel_join"},
        {"subtype": "huddle_thread"},
        {"subtype": "something_new", "text": " "},
        {"subtype": "file_share", "channel_type": "group"},
        {"channel_type": "channel"},
        {"channel_type": "mpim"},
        {"user": "U0BOT"},
        {"user": None},
    ],
)
async def test_machines_edits_and_other_rooms_are_not_heard(strange):
    async with harness() as h:
        h.slack.joins("U0BOT", name="ourselves, as a user")
        h.slack.joins("U_ROBOT", name="Robot", is_bot=True)
        assert (await h.slack.types("U_ANA", "help", event=strange)).status == 200
        await h.webhook.drain()
        assert h.inbound.received == []
        assert h.slack.called("chat.postEphemeral") == []


async def test_a_button_brings_its_token_what_was_ticked_and_where_to_reach_the_person():
    async with harness() as h:
        await h.deliver("U_ANA", ASKING)
        answers = {"About": "Something at home", "not": ["U_BO"], "words": "nights\ud800 this week"}
        await h.slack.presses("U_ANA", "Ask", answers)
        left_out = (Person("slack", h.slack.team, "U_BO"),)
        given = {"about": "home", "who": ("away",), "not": left_out, "words": "nights this week"}
        assert h.inbound.received == [Interaction(ANY, h.person("U_ANA"), "tok-send", given, "D0U_ANA", "pressed")]


async def test_unticking_everything_is_an_answer():
    async with harness() as h:
        await h.deliver("U_ANA", ASKING)
        await h.slack.presses("U_ANA", "Ask", {"who": []})
        assert h.inbound.received[0].answers == {"about": "work", "who": (), "not": ()}


async def test_what_slack_sends_again_has_the_same_id():
    async with harness() as h:
        await h.deliver("U_ANA", ASKING)
        for act in (h.slack.presses("U_ANA", "Ask"), h.slack.types("U_ANA", "help"), h.slack.command("U_ANA")):
            await act
            await h.slack.again()
        ids = [p.id for p in h.inbound.received]
        assert [ids[0], ids[2], ids[4]] == [ids[1], ids[3], ids[5]]
        assert len(set(ids)) == 3


async def test_a_first_delivery_that_never_came_is_not_missed():
    async with harness() as h:
        body = b"command=%2Fpeersupport&user_id=U_ANA&team_id=T0HOSPITAL&trigger_id=1.2.3"
        retried = {"X-Slack-Retry-Num": "1"}
        await h.slack.post(body, "application/x-www-form-urlencoded", headers=retried)
        assert len(h.inbound.received) == 1


async def test_a_link_to_a_colleague_is_acknowledged_and_does_nothing():
    async with harness() as h:
        from adapters.base import Link

        await h.deliver("U_ANA", replace(WELCOME, link=Link("Write to Bo", h.person("U_BO"))))
        assert (await h.slack.presses("U_ANA", "Write to Bo")).status == 200
        assert h.inbound.received == []


# ---------------------------------------------------------------- answers go out


async def test_a_write_that_failed_is_not_acknowledged():
    async with harness() as h:
        await h.deliver("U_ANA", ASKING)
        h.inbound.failing = OSError("disk full: my patient died")
        for act in (h.slack.presses("U_ANA", "Ask"), h.slack.types("U_ANA", "help"), h.slack.uninstalls()):
            reply = await act
            assert (reply.status, reply.body) == (503, b"")
        h.inbound.failing = None
        assert (await h.slack.again()).status == 200
        assert h.inbound.withdrawn == ["slack"]


async def test_a_write_that_takes_too_long_is_not_acknowledged_and_not_cut_off():
    async with harness(patience=0.05) as h:
        h.inbound.waiting = asyncio.Event()
        assert (await h.slack.types("U_ANA", "help")).status == 503
        h.inbound.waiting.set()
        await h.webhook.drain()
        assert len(h.inbound.received) == 1


@pytest.mark.parametrize("kind", ["ephemeral", "acknowledged", "form", "refused"])
async def test_the_answer_to_a_command_that_took_too_long_is_shown_once_it_is_written(kind):
    async with harness(patience=0.05) as h:
        h.inbound.waiting = asyncio.Event()
        h.inbound.answers["=help"] = Reply(kind, Card("late-1", "Here is who you can call.", "You have a message."))
        assert (await h.slack.command("U_ANA", "help")).status == 503
        assert not h.slack.whispered("U_ANA")
        h.inbound.waiting.set()
        await h.webhook.drain()
        assert len(h.slack.whispered("U_ANA")) == 1


@pytest.mark.parametrize(("where", "pointed"), [("D0U_ANA", False), ("D0COLLEAGUE", True), ("C0HALLWAY", True)])
async def test_whoever_presses_on_an_aside_is_pointed_to_our_chat_unless_they_stand_there(where, pointed):
    async with harness() as h:
        h.inbound.answers["tok-soon"] = Reply(
            "ephemeral", Card("a-1", "Please go on in our own chat.", "You have a message.")
        )
        button = {"type": "button", "action_id": "press:0", "block_id": "b", "value": "tok-soon", "action_ts": "1.2"}
        reply = await h.slack.interacts(
            {
                "type": "block_actions",
                "user": {"id": "U_ANA", "team_id": h.slack.team},
                "team": {"id": h.slack.team},
                "trigger_id": "1.2.3",
                "container": {"type": "message", "message_ts": "1.1", "channel_id": where, "is_ephemeral": True},
                "channel": {"id": where},
                "actions": [button],
                "response_url": f"{h.slack.url}/response/U_ANA/1",
            }
        )
        assert reply.status == 200
        await h.webhook.drain()
        assert bool(h.slack.whispered("U_ANA")) is pointed


async def test_a_form_opens_before_the_acknowledgement_and_comes_back_as_one_press():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("form", ASKING)
        await h.deliver("U_ANA", WELCOME)
        await h.slack.presses("U_ANA", "Ask")
        form = h.slack.form("U_ANA")
        assert form is not None
        assert (form.title, form.questions) == (
            "Before we ask",
            ["About", "Who", "People to leave out", "Anything else"],
        )
        assert (await h.slack.presses("U_ANA", "Ask", {"About": "home"})).body == b""
        assert h.inbound.received[-1].token == "tok-send"
        assert h.inbound.received[-1].answers["about"] == "home"
        assert h.slack.form("U_ANA") is None
        assert h.slack.mistakes == []


async def test_a_form_whose_moment_has_passed_comes_as_an_aside_with_its_questions():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("form", ASKING)
        await h.deliver("U_ANA", WELCOME)
        h.slack.fails("views.open", error="expired_trigger_id")
        await h.slack.presses("U_ANA", "Ask")
        await h.slack.until(lambda: h.slack.whispered("U_ANA"))
        await h.slack.presses("U_ANA", "Ask", {"About": "home"})
        assert h.inbound.received[-1].token == "tok-send"
        assert h.inbound.received[-1].answers["about"] == "home"


async def test_a_form_after_a_command_opens_too():
    async with harness() as h:
        h.inbound.answers["="] = Reply("form", ASKING)
        assert (await h.slack.command("U_ANA")).body == b""
        assert h.slack.form("U_ANA") is not None
        await h.slack.types("U_ANA", "anything")
        await h.slack.until(lambda: h.slack.whispered("U_ANA"))
        assert h.slack.whispered("U_ANA")[0].questions


async def test_a_refusal_is_seen_by_the_presser_only_and_edits_nothing():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("refused", WELCOME)
        await h.deliver("U_ANA", WELCOME)
        before = h.slack.reads("U_ANA")[0].blocks
        await h.slack.presses("U_ANA", "Ask")
        await h.slack.until(lambda: h.slack.asides)
        assert h.slack.reads("U_ANA")[0].blocks == before
        assert h.slack.called("chat.update") == []
        assert h.slack.mistakes == []


async def test_a_form_that_comes_too_late_says_so_in_its_own_place():
    async with harness() as h:
        h.inbound.answers |= {"tok-ask": Reply("form", ASKING), "tok-send": Reply("refused")}
        await h.deliver("U_ANA", WELCOME)
        await h.slack.presses("U_ANA", "Ask")
        await h.slack.presses("U_ANA", "Ask")
        form = h.slack.form("U_ANA")
        assert form is not None
        assert form.text == REFUSAL.text


async def test_the_home_tab_is_written_when_somebody_looks_at_it_and_its_buttons_answer():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("ephemeral", replace(WELCOME, text="Here are the numbers.", id="n"))
        await h.slack.opens_home("U_ANA", tab="messages")
        await h.slack.opens_home("U_ANA")
        await h.slack.until(lambda: h.slack.home("U_ANA"))
        await h.slack.presses("U_ANA", "Ask")
        await h.slack.until(lambda: h.slack.form("U_ANA"))
        assert h.inbound.received[0].address is None
        assert h.slack.form("U_ANA").text == "Here are the numbers."
        await h.slack.presses("U_ANA", "Ask")
        await h.slack.until(lambda: h.slack.called("views.update"))
        assert h.slack.mistakes == []


async def test_an_acknowledgement_survives_an_answer_that_cannot_be_shown():
    async with harness() as h:
        h.inbound.answers["="] = Reply("ephemeral", replace(WELCOME, id="x" * 300))
        assert (await h.slack.command("U_ANA")).status == 200


# ---------------------------------------------------------------- who may not


GUESTS = {
    "U_GUEST": {"is_restricted": True},
    "U_VISITOR": {"is_ultra_restricted": True},
    "U_ROBOT": {"is_bot": True},
    "U_STRANGER": {"is_stranger": True},
    "U_NEIGHBOUR": {"team_id": "T0OTHER"},
    "U_LEFT": {"deleted": True},
}


async def test_guests_strangers_machines_and_other_workspaces_read_the_same_bytes():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("refused")
        for user, flags in GUESTS.items():
            h.slack.joins(user, **flags)
        commands = [await h.slack.command(user) for user in GUESTS]
        commands += [await h.slack.command("U_ANA", team="T0ELSEWHERE"), await h.slack.command("U_NOBODY")]
        assert len({c.body for c in commands}) == 1
        assert commands[0].json["blocks"][0]["text"]["text"] == REFUSAL.text
        assert h.inbound.received == []

        card = await _a_card(h, "U_ANA")
        for user in [*GUESTS, "U_ANA"]:
            await h.slack.presses(user, "Ask", card=card)
        payload = h.slack.press_of("U_ANA", card, card.button("Ask"), {})
        payload |= {"team": {"id": "T0ELSEWHERE"}, "user": {"id": "U_ANA", "team_id": "T0ELSEWHERE"}}
        await h.slack.interacts(payload)
        await h.slack.until(lambda: len(h.slack.asides) == len(GUESTS) + 2)
        assert len({body for _, body in h.slack.asides}) == 1
        assert [p.by.id for p in h.inbound.received] == ["U_ANA"]


async def _a_card(h, user):
    await h.deliver(user, WELCOME)
    return h.slack.reads(user)[-1]


async def test_a_guest_who_writes_or_looks_reads_the_neutral_line():
    async with harness() as h:
        h.slack.joins("U_GUEST", is_restricted=True)
        await h.slack.types("U_GUEST", "help")
        await h.slack.opens_home("U_GUEST")
        await h.slack.until(lambda: h.slack.whispered("U_GUEST") and h.slack.home("U_GUEST"))
        assert h.slack.whispered("U_GUEST")[0].text == h.slack.home("U_GUEST").text == REFUSAL.text
        assert h.inbound.received == []


async def test_colleagues_of_the_same_organisation_are_no_strangers():
    async with harness() as h:
        h.slack.joins("U_GRID", team_id="T0OTHER", enterprise_user={"id": "U_GRID", "teams": ["T0OTHER", h.slack.team]})
        await h.slack.command("U_GRID")
        assert len(h.inbound.received) == 1


async def test_nobody_at_home_is_turned_away_because_slack_is_slow():
    async with harness() as h:
        h.slack.fails("users.info", times=99, status=503, html=True)
        await h.slack.command("U_ANA")
        assert len(h.inbound.received) == 1
        elsewhere = {"team": "T0OTHER", "user_team": "T0OTHER"}
        await h.slack.types("U_NEIGHBOUR", "help", event=elsewhere)
        assert len(h.inbound.received) == 1


async def test_an_invitation_to_another_workspace_is_a_setting():
    async with harness(workspaces=["T0SISTER"]) as h:
        await h.slack.command("U_ANA")
        assert h.inbound.received == []
        h.slack.people["U_ANA"]["team_id"] = "T0HOSPITAL"
        await h.slack.command("U_ANA", team="T0SISTER")
        assert len(h.inbound.received) == 1


# ---------------------------------------------------------------- what happens to a workspace


async def test_when_the_app_is_removed_the_desk_hears_of_it():
    async with harness() as h:
        await h.slack.event({"type": "app_uninstalled"}, team="T0ELSEWHERE")
        await h.slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["U_ANA"]}})
        assert h.inbound.withdrawn == []
        await h.slack.uninstalls()
        await h.slack.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}})
        assert h.inbound.withdrawn == ["slack", "slack"]


async def test_somebody_who_becomes_a_guest_is_one_from_then_on():
    async with harness() as h:
        await h.slack.command("U_ANA")
        await h.slack.command("U_ANA")
        assert len(h.slack.called("users.info")) == 1
        await h.slack.changes("U_ANA", is_restricted=True)
        await h.slack.command("U_ANA")
        assert len(h.inbound.received) == 2


async def test_an_answer_goes_to_slack_and_to_nowhere_else():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("refused")
        card = await _a_card(h, "U_ANA")
        for url in (
            "http://evil.example/x",
            h.slack.url.replace("http://", "http://hooks.slack.com@"),
            h.slack.url.replace("127.0.0.1", "localhost") + "/response/U_ANA/1",
            "http://[",
        ):
            payload = h.slack.press_of("U_ANA", card, card.button("Ask"), {}) | {"response_url": url}
            assert (await h.slack.interacts(payload)).status == 200
        await h.slack.until(lambda: len(h.slack.called("views.open")) == 4)  # by the other way that press left open
        assert h.slack.asides == []


async def test_an_answer_that_is_sent_elsewhere_does_not_follow():
    async with harness() as h:
        h.inbound.answers["tok-ask"] = Reply("refused")
        h.slack.redirects_asides_to = h.slack.api_url + "elsewhere"
        await _a_card(h, "U_ANA")
        await h.slack.presses("U_ANA", "Ask")
        await h.webhook.drain()
        assert len(h.slack.asides) == 1
        assert h.slack.called("elsewhere") == []


async def test_a_packed_body_is_not_even_unpacked():
    async with harness() as h:
        reply = await h.slack.post(b"\x1f\x8b garbage", headers={"Content-Encoding": "gzip"}, signed=False)
        assert (reply.status, h.inbound.received) == (415, [])
