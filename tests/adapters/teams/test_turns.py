"""What Teams may tell us, how it is answered, and that it has one effect however often it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Link, Reply
from adapters.fakes.base import BotReply as Sent
from adapters.fakes.teams.activities import BOT_NAME
from adapters.fakes.teams.core import MESSAGE_TYPE
from adapters.fakes.teams.limits import CARD_TYPE
from bot.crypto.vault import Vault
from bot.engine.codec import decode
from tests.adapters.slack.harness import WELCOME as CARD
from tests.adapters.teams.harness import NOT_HERE, NOTED, REFUSAL, harness
from tests.adapters.teams.test_story import RELAY, WELCOME, in_teams
from tests.adapters.teams.test_webhook import OLD, asked, nothing_happens, press
from tests.security.test_canaries import Broken
from tests.stories.scenes import ANA, ASKED, BO, CY, DANA, GUIDE, MET, NEUTRAL, OFFER, PEER, TOGETHER, play
from tests.stories.serve import EVERYBODY, VAULT, Home, at_home, kept_in

TEXT = {"statusCode": 200, "type": MESSAGE_TYPE}

# ---------------------------------------------------------------- every kind of activity


@pytest.mark.parametrize(
    "spoken",
    [
        {},
        {"attachments": [{"contentType": "image/png", "contentUrl": "https://example.org/1"}]},
        {"value": {"something": "else"}},
        {"type": "messageUpdate"},
    ],
)
async def test_a_person_is_heard_however_teams_calls_what_they_say(spoken: Mapping[str, Any]) -> None:
    async with harness() as h:
        assert (await h.teams.types("ana", "help", activity=spoken)).status == 200
        assert [(press.token, press.source) for press in h.inbound.received] == [("=help", "typed")]


async def test_a_message_that_is_changed_twice_is_heard_twice_and_once_however_often_it_is_delivered() -> None:
    async with harness() as h:
        for text in ("hel", "hel", "help"):
            await h.teams.types("ana", text, activity={"type": "messageUpdate", "id": "1"})
        first, again, other = [press.id for press in h.inbound.received]
        assert first == again != other


async def test_what_is_no_deed_of_a_person_is_200_and_does_nothing(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams = home.teams
        added = [{"id": teams.bot}, {"id": teams.mri(BO), "aadObjectId": teams.aad(BO)}]
        async with nothing_happens(home):
            for fields in (
                {"type": "conversationUpdate", "membersAdded": added},
                {"type": "conversationUpdate", "membersRemoved": added},
                {"type": "conversationUpdate"},
                {"type": "installationUpdate", "action": "add-upgrade"},
                {"type": "installationUpdate", "action": "remove-upgrade"},
                {"type": "installationUpdate"},
                {"type": "installationUpdate", "action": "add", "conversation": teams.activities.in_group()},
                {"type": "installationUpdate", "action": "remove", "conversation": teams.activities.in_group()},
                {"type": "messageReaction", "reactionsAdded": [{"type": "like"}], "replyToId": "1"},
                {"type": "messageReaction", "reactionsRemoved": [{"type": "like"}]},
                {"type": "messageDelete"},
                {"type": "typing"},
                {"type": "event", "name": "application/vnd.microsoft.readReceipt", "value": {"lastReadMessageId": "1"}},
                {"type": "endOfConversation"},
                {"type": "never heard of"},
                {"type": ""},
                {},
            ):
                assert await teams.activity(BO, fields) == Sent(200, b""), fields


async def test_an_invoke_is_answered_so_that_teams_understands_and_an_unknown_one_is_501(tmp_path: Path) -> None:
    async with asked(tmp_path) as home, nothing_happens(home):
        for name in ("composeExtension/query", "signin/verifyState", "", None, "adaptivecard/action"):
            reply = await home.teams.activity(BO, {"type": "invoke", "name": name, "value": {}})
            assert reply == Sent(501, b""), name
        for name in ("task/fetch", "task/submit"):
            reply = await home.teams.activity(BO, {"type": "invoke", "name": name, "value": {"data": {}}})
            assert reply.json == {"task": {"type": "message", "value": OLD}}
        yes = press(home, BO, "Yes, I can")
        for odd in (
            {"value": None},
            {"value": {}},
            {"value": {"action": None}},
            {"value": {"action": {"data": {"token": ["x"]}}}},
            {"value": {"action": {"data": {"token": ""}}}},
            {"value": {"action": {"data": {"token": "x" * 5000}}}},
            {"value": "text"},
            {"conversation": home.teams.activities.in_group()},
            {"id": None},
            {"id": ""},
            {"id": "\ud800"},
        ):
            reply = await home.teams.activity(BO, yes | odd)
            assert (reply.status, reply.json) == (200, TEXT | {"value": OLD}), odd


async def test_there_is_one_welcome_when_the_bot_is_installed_and_none_when_it_is_renewed(tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=EVERYBODY) as home:
        assert (await home.teams.installs(ANA)).status == 200
        await home.teams.again()
        await home.teams.installs(ANA, action="add-upgrade")
        await home.engine.idle()
        await home.reads({ANA: (WELCOME,)})
        assert len(home.teams.connector.pushes) == 1


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("peer", "peer"),
        ("/peersupport peer", "peer"),
        ("/PeerSupport  PEER\n", "peer"),
        ("<at>Peer Support</at> peer\n", "peer"),
        ('<at id="0">Peer Support</at>&nbsp;/peersupport peer', "peer"),
        ("\u00a0forget\u00a0me\u00a0", "forget me"),
        ("/forget me.", "forget me"),
        ("<p>I&#39;m not safe</p>", "i am not safe"),
        ("I\u2019M NOT SAFE\r\n", "i am not safe"),
        ("<at>Peer Support</at>", ""),
        ("<at>", ""),
        ("my patient died", ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
async def test_typed_words_are_known_words_or_nothing(typed: object, word: str) -> None:
    async with harness() as h:
        assert await h.teams.activity("ana", {"type": "message", "text": typed}) == Sent(200, b"")
        (received,) = h.inbound.received
        assert (received.by, received.token, received.answers, received.source) == (
            h.person("ana"),
            "=" + word,
            {},
            "typed",
        )


async def test_whatever_is_typed_is_met_with_the_card_and_never_said_back(tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=EVERYBODY) as home:
        for words in ("my patient quill died", "<at>quill</at> quill", "\ud83d\ude00", "quill" * 5000):
            assert await home.teams.types(ANA, words) == Sent(200, b"")
        await home.engine.idle()
        await home.teams.until(lambda: home.teams.reads(ANA))
        assert all(card.text.startswith(WELCOME) for card in home.teams.reads(ANA))
        assert "quill" not in json.dumps([call.body for call in home.teams.calls])
        assert b"quill" not in kept_in(home.folder).plain()


# ---------------------------------------------------------------- among others


async def test_in_a_group_there_is_one_neutral_line_and_no_effect(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        records, read = home.revisions(), {user: home.teams.reads(user) for user in EVERYBODY}
        for times, tenant in enumerate(({"tenant": {"id": home.teams.tenant}}, {"tenant": None}, {}, [], None), 1):
            mention = {"conversation": home.teams.activities.in_group(), "channelData": tenant}
            said = f"<at>{BOT_NAME}</at> stop"
            assert await home.teams.types(ANA, said, activity=mention) == Sent(200, b"")
            await home.teams.until(lambda times=times: len(home.teams.group()) == times)
        await home.engine.idle()
        assert {(line.said, line.push, line.card == {}) for line in home.teams.group()} == {
            (line_of(), line_of(), True)
        }
        assert home.revisions() == records
        assert {user: home.teams.reads(user) for user in EVERYBODY} == read


def line_of() -> str:
    return "I only answer where nobody else reads. Please write to me in a chat of our own."


async def test_a_command_for_the_bot_s_eyes_is_answered_in_a_chat_of_their_own(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        home.teams.joins("U0EVE")
        assert await home.teams.command_in_group("U0EVE", "privacy") == Sent(200, b"")
        await home.teams.until(lambda: home.teams.reads("U0EVE"))
        assert home.teams.reads("U0EVE")[0].text.startswith("Peers promise")
        assert home.teams.group() == []


async def test_a_command_for_the_bot_s_eyes_is_not_answered_before_others_whoever_gave_it(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        home.teams.joins("U0GUEST", userRole="guest")
        records = home.revisions()
        assert await home.teams.command_in_group("U0GUEST", "peer") == Sent(200, b"")
        await home.engine.idle()
        assert await home.teams.types("U0GUEST", "peer") == Sent(200, b"")
        await home.teams.until(lambda: OLD in [line.said for line in home.teams.reads("U0GUEST")])
        assert home.teams.group() == []
        assert home.revisions() == records


# ---------------------------------------------------------------- once


@pytest.mark.parametrize("how", ["execute", "submit"])
async def test_a_press_has_one_effect_however_often_it_comes(tmp_path: Path, how: str) -> None:
    async with asked(tmp_path) as home:
        teams = home.teams
        act = teams.presses if how == "execute" else teams.submits
        replies = [await act(BO, "Yes, I can")]
        await home.engine.idle()
        written = home.revisions()
        replies += [await teams.again() for _ in range(5)]
        replies += await asyncio.gather(*(teams.again() for _ in range(20)))
        await home.engine.idle()
        assert home.revisions() == written
        assert {reply.status for reply in replies} == {200}
        if how == "execute":
            assert {reply.json["type"] for reply in replies} == {CARD_TYPE}
            assert {text_of(reply) for reply in replies[1:]} == {teams.reads(BO)[1].text}
        await home.reads({ANA: (WELCOME, "Bo is a trained peer"), BO: (PEER, "Thank you."), CY: (PEER, NEUTRAL)})
        assert len(teams.reads(BO)) == 2


def text_of(reply: Sent) -> str:
    lines = [part for part in reply.json["value"]["body"] if part["type"] == "RichTextBlock"]
    return "\n".join("".join(run["text"] for run in line["inlines"]) for line in lines)


@pytest.mark.parametrize("how", ["message", "execute", "submit"])
async def test_twenty_deliveries_at_once_have_one_effect(tmp_path: Path, how: str) -> None:
    async with asked(tmp_path) as home:
        teams, records = home.teams, home.revisions()
        yes = press(home, BO, "Yes, I can")
        fields = {
            "message": {"type": "message", "text": "peer"},
            "execute": yes,
            "submit": {"type": "message", "value": yes["value"]["action"]["data"], "replyToId": yes["replyToId"]},
        }[how] | {"id": "f:same"}
        who = CY if how == "message" else BO
        replies = await asyncio.gather(*(teams.activity(who, fields) for _ in range(20)))
        await home.engine.idle()
        assert {reply.status for reply in replies} == {200}
        if how == "execute":
            assert {reply.json["type"] for reply in replies} <= {CARD_TYPE, MESSAGE_TYPE}
            assert not any(OLD in str(reply.json) for reply in replies)
        assert len(home.revisions()) == len(records) + 1  # the mark that it was seen
        if how != "message":
            await home.reads({ANA: (WELCOME, "Bo is a trained peer"), BO: (PEER, "Thank you."), CY: (PEER, NEUTRAL)})
        elif home.teams.reads(CY)[0].text.startswith(PEER):
            await home.reads({CY: (PEER, OFFER)})


async def test_of_two_who_say_yes_at_once_one_is_thanked_and_the_other_reads_the_neutral_line(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        replies = await asyncio.gather(*(home.teams.presses(who, "Yes, I can") for who in (BO, CY)))
        await home.engine.idle()
        assert {reply.status for reply in replies} == {200}
        screens = [[card.text for card in home.teams.reads(who)] for who in (BO, CY)]
        (winner,) = (cards for cards in screens if any(text.startswith("Thank you. We'll tell") for text in cards))
        (loser,) = (cards for cards in screens if cards is not winner)
        assert len(winner) == len(loser) == 2
        assert loser[1].startswith(NEUTRAL)
        assert len([card for card in home.teams.reads(ANA) if "is a trained peer" in card.text]) == 1


# ---------------------------------------------------------------- an older Teams


async def test_where_execute_is_not_known_the_whole_card_of_details_is_sent_all_the_same(tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=EVERYBODY) as home:
        *before, _ = in_teams(ASKED)
        await play(home, tuple(before))
        assert (await home.teams.presses(ANA, "Choose more")).status == 200
        await home.engine.idle()
        card = next(card for card in home.teams.reads(ANA) if "Ask" in card.buttons)
        answers = {question["id"]: [] for question in inputs_of(card.card) if "choices.data" in question}
        answers = {id_: [CY] for id_ in answers}
        assert await home.teams.submits(ANA, "Ask", answers) == Sent(200, b"")
        await home.engine.idle()
        await home.reads({ANA: (WELCOME, "Thank you for asking. We've asked one"), BO: (PEER, OFFER), CY: (PEER,)})


def inputs_of(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part for part in card["body"] if part["type"].startswith("Input.")]


async def test_a_pen_is_sent_once_however_it_is_pressed(tmp_path: Path) -> None:
    async with at_home(tmp_path, on_teams=EVERYBODY) as home:
        teams = home.teams
        await play(home, in_teams(RELAY))
        await teams.presses(BO, "Write")
        await home.engine.idle()
        pen = next(card for card in teams.reads(BO) if "Send" in card.buttons)
        replies = await asyncio.gather(
            teams.submits(BO, "Send", {"line": "I am here."}, card=pen),
            teams.presses(BO, "Send", {"line": "I am here."}, card=pen),
            teams.submits(BO, "Send", {"line": "And again."}, card=pen),
        )
        await home.engine.idle()
        replies += [await teams.presses(BO, "Send", {"line": "Once more."}, card=pen), await teams.again()]
        assert {reply.status for reply in replies} == {200}
        await home.engine.idle()
        lines = [card.text for card in teams.reads(ANA) if "I am here." in card.text or "again" in card.text]
        assert len(lines) == 1
        assert "Once more." not in json.dumps([call.body for call in teams.calls])
        await teams.presses(BO, "Write")  # another pen is another line
        await home.engine.idle()
        assert (await teams.presses(BO, "Send", {"line": "Another line."})).status == 200
        await teams.until(lambda: any("Another line." in card.text for card in teams.reads(ANA)))


# ---------------------------------------------------------------- other people's buttons


async def test_every_refusal_is_the_same_bytes_and_edits_nothing(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams, yes = home.teams, press(home, BO, "Yes, I can")
        ours = yes["value"]["action"]["data"]["token"]
        genuine = VAULT.read_token(ours)
        assert genuine is not None
        foreign = Vault(bytes(reversed(range(32))))
        forged = (
            foreign.token(genuine.record_id, genuine.slot, genuine.generation, "yes"),
            VAULT.token("0" * 32, genuine.slot, genuine.generation, "yes"),
            VAULT.token(genuine.record_id, "0" * 16, genuine.generation, "yes"),
            ours[:40] + ("A" if ours[40] != "A" else "B") + ours[41:],
            ours[:-1],
            ours + "A",
            "x",
            "A" * 200,
        )
        async with nothing_happens(home):
            answers = {(await teams.activity(who, yes)).body for who in (ANA, CY, DANA)}
            answers |= {(await teams.activity(BO, press(home, BO, "Yes, I can", token=token))).body for token in forged}
            stop = press(home, ANA, "Change my mind")
            answers.add((await teams.activity(BO, stop)).body)
        assert len(answers) == 1
        assert json.loads(answers.pop()) == TEXT | {"value": OLD}
        submitted = {"type": "message", "value": {"token": ours}, "replyToId": "1"}
        records = home.revisions()
        assert await teams.activity(CY, submitted) == Sent(200, b"")
        await teams.until(lambda: [line.said for line in teams.reads(CY)][-1] == OLD)
        assert home.revisions() == records


async def test_an_old_button_of_ones_own_edits_nothing(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        old = [(CY, press(home, CY, "Yes, I can")), (BO, press(home, BO, "Yes, I can"))]
        welcomed = {ANA: (WELCOME, "Bo knows your name"), BO: (PEER, MET, GUIDE), CY: (PEER, NEUTRAL)}
        await play(home, in_teams(TOGETHER))
        async with nothing_happens(home):
            for who, activity in old:
                assert (await home.teams.activity(who, activity)).status == 200
        await home.reads(welcomed)


# ---------------------------------------------------------------- who goes, and comes back


async def test_who_takes_the_bot_away_is_reached_nowhere_any_more_until_they_come_back(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams = home.teams
        await teams.types(ANA, "status")
        await teams.presses(BO, "Yes, I can")
        await home.engine.idle()
        assert held(home, ANA) == {"doorstep", "support"}
        assert "volunteering" in held(home, BO)
        for who in (ANA, BO):
            assert await teams.uninstalls_for(who, action="remove-upgrade") == Sent(200, b"")
            assert held(home, who)
            assert await teams.uninstalls_for(who) == Sent(200, b"")
            assert await teams.again() == Sent(200, b"")
            await home.engine.idle()
            assert held(home, who) == set()
        assert any("we can no longer reach them" in card.text for card in home.at(DANA).reads(DANA))
        assert await teams.installs(ANA) == Sent(200, b"")
        assert await teams.installs(BO) == Sent(200, b"")
        await home.engine.idle()
        assert "doorstep" in held(home, ANA)
        assert held(home, BO) >= {"doorstep"}
        assert "Talk to someone soon" in [button for card in teams.reads(ANA) for button in card.buttons]


def held(home: Home, user: str) -> set[str]:
    """In which kinds of record it stands where somebody is reached; opened with the key."""
    kept = kept_in(home.folder)
    opened = [decode(record, kept.vault) for record in kept.records.values() if record.kind != "seen"]
    assert all(len(saved.outbox.addresses) == len(dict(saved.outbox.addresses)) for saved in opened)
    chat = home.teams.chat(user)
    return {saved.kind for saved in opened for _, address in saved.outbox.addresses if chat in address}


# ---------------------------------------------------------------- what cannot be written


async def test_what_could_not_be_written_is_503_and_counts_when_it_comes_again(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        store, yes = home.engine.services.store, press(home, BO, "Yes, I can")
        typed, gone = {"type": "message", "text": "peer"}, {"type": "installationUpdate", "action": "remove"}
        deeds = [(BO, yes), (CY, typed), (ANA, gone)]
        home.keeps_in(Broken(store))
        records = home.revisions()
        for who, fields in deeds:
            assert await home.teams.activity(who, fields | {"id": f"f:{who}"}) == Sent(503, b"")
        assert home.revisions() == records
        home.keeps_in(store)
        for who, fields in deeds:
            assert (await home.teams.activity(who, fields | {"id": f"f:{who}"})).status == 200
        await home.engine.idle()
        assert held(home, ANA) == set()
        assert any(card.text.startswith(NEUTRAL) for card in home.teams.reads(BO))  # he said yes, then she was gone
        assert sum(card.text.startswith(PEER) for card in home.teams.reads(CY)) >= 1


async def test_a_write_that_takes_too_long_is_503_and_is_not_cut_off() -> None:
    async with harness(patience=0.05) as h:
        h.inbound.waiting = asyncio.Event()
        assert await h.teams.types("ana", "help") == Sent(503, b"")
        h.inbound.waiting.set()
        await h.webhook.drain()
        assert len(h.inbound.received) == 1


async def test_what_is_written_is_acknowledged_whatever_can_be_shown_of_it() -> None:
    async with harness() as h:
        await h.deliver("ana")
        for failure in (TimeoutError(), ValueError("quill"), OSError()):
            h.inbound.stands = Failing(failure)
            reply = await h.teams.presses("ana", "Ask")
            assert (reply.status, reply.json) == (200, TEXT | {"value": NOTED.text})
        h.inbound.stands = {"tok-ask": CARD}
        assert (await h.teams.presses("ana", "Ask")).json["type"] == CARD_TYPE
        h.inbound.answers["tok-ask"] = Reply("refused", NOT_HERE)
        assert (await h.teams.presses("ana", "Ask")).json == TEXT | {"value": NOT_HERE.text}
        h.inbound.answers["tok-ask"] = Reply("refused")
        assert (await h.teams.presses("ana", "Ask")).json == TEXT | {"value": REFUSAL.text}
        assert h.teams.mistakes == []


async def test_what_is_written_is_acknowledged_though_teams_never_says_who_somebody_is() -> None:
    async with harness(look_up_seconds=0.05) as h:
        await h.deliver("ana")
        await h.teams.types("ana", "help")
        h.inbound.stands = {"tok-ask": replace(CARD, link=Link("Write to Bo", h.person("bo")))}
        await h.deliver("bo")
        h.teams.fails("member", user="bo", hang=True)
        assert (await h.teams.presses("ana", "Ask")).json == TEXT | {"value": NOTED.text}


class Failing(dict[str, Any]):
    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def get(self, *_: object) -> Any:
        raise self.failure


async def test_nobody_of_the_tenant_is_turned_away_because_teams_is_slow() -> None:
    async with harness() as h:
        for fault in (
            {"status": 503, "html": True},
            {"reset": True},
            {"status": 400},
            {"status": 401},
            {"status": 429},
        ):
            h.pass_(timedelta(hours=25))  # who she is was known for a day
            h.teams.fails("member", times=2, **fault)
            assert (await h.teams.types("ana", "help")).status == 200
            h.teams.heals()
        assert len(h.inbound.received) == 5
