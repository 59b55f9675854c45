"""Nobody and nothing of theirs is found where it does not belong: not in a log, a file, an exception or a repr."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import re
import traceback
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Button, Card, Field, Interaction, Link, Profile, Reply, RetryLater
from adapters.slack import parse
from bot import config
from bot.card_content import CardContent, Manner
from bot.engine.codec import Stored, decode
from bot.engine.outbox import Action, CardSlot, Delivery, Outbox
from bot.store.base import Deletion, Record
from conversations import messages, model, slots
from conversations.front_door.doorstep import DOOR, Doorstep
from conversations.options import NAMES
from conversations.peers.record import READY, PeerRecord
from conversations.support.request import ASKING, Offer, Request, Wishes
from conversations.vocabulary import CardKind, Kind
from tests.security.loggers import every_logger_at_debug
from tests.stories.scenes import ANA, ASKED, BO, CY, GRACE, STORY, play
from tests.stories.serve import KEY, MORNING, VAULT, Home, Hospital, Kept, at_home, kept_in, story

STAND_IN = {"token": "xoxb-quill-token", "secret": "quill-signing-secret"}
WORDS = "quill: she died on my shift, bed 12"
TYPED_NAME = "Brandreth"
"""Whom Ana leaves out by name: one whom no directory knows."""

CANARIES = (
    *(re.escape(part) for part in ("U0ANA", "U0BO", "U0CY", "U0DANA", "T0HOSPITAL", "D0U0", "C0HALLWAY", "/response/")),
    *(re.escape(part) for part in ("1.2.0000", "Ev0000", "1700000000.", base64.b64encode(KEY).decode()[:20])),
    r"(?i:quill)",
    r"(?i:bed 12)",
    rf"(?i:{TYPED_NAME})",
    r"\b(Ana|Bo|Cy|Dana)\b",
)
"""Ids of people, workspace, chats, triggers, events, messages; secrets; words; names."""


def found_in(text: str, *more: str) -> list[str]:
    """Every canary that sings in this text, with what stands around it."""
    every = (*CANARIES, *(re.escape(part) for part in more))
    hits = (hit for canary in every for hit in re.finditer(canary, text))
    return [text[max(0, hit.start() - 80) : hit.end() + 80] for hit in hits]


FAULTS: tuple[Mapping[str, Any], ...] = (
    {"status": 500, "html": True},
    {"status": 200, "html": True},
    {"retry_after": 1},
    {"reset": True},
    {"reset": True, "done": True},
    {"error": "invalid_blocks"},
    {"error": "channel_not_found"},
    {"error": "quill U0ANA"},
    {"error": "missing_scope"},
    {"error": "ratelimited", "status": 429},
)
CALLS = (
    "chat.postMessage",
    "chat.update",
    "chat.delete",
    "chat.postEphemeral",
    "conversations.open",
    "conversations.history",
    "users.info",
    "views.open",
    "views.publish",
)


async def in_relay(h: Hospital) -> None:
    """Two people write through the bot, unnamed; a third was left out by name."""
    await play(h, ASKED[:-1])
    await h.slack.presses(ANA, "Choose more")
    await h.slack.until(lambda: "Ask" in buttons(h, ANA))
    await h.slack.presses(ANA, "Ask", {NAMES: f"Dr. {TYPED_NAME}"})
    await h.slack.until(lambda: "Yes, I can" in buttons(h, BO))
    await h.slack.presses(BO, "Yes, I can")
    await h.slack.until(lambda: "Stay unnamed and write here" in buttons(h, ANA))
    await h.slack.presses(ANA, "Stay unnamed and write here")
    await h.slack.until(lambda: "Write" in buttons(h, ANA) and "Write" in buttons(h, BO))


async def writes(h: Hospital, user: str, words: str) -> None:
    await h.slack.presses(user, "Write")
    await h.slack.until(lambda: h.slack.form(user))
    reply = await h.slack.presses(user, "Send", {"line": words})
    assert reply.status == 200


def buttons(h: Hospital, user: str) -> list[str]:
    return [label for card in h.slack.reads(user) for label in card.buttons]


def tokens(h: Hospital) -> list[str]:
    """Everything a button ever carried."""
    sent = json.dumps([args.get("blocks") for _, args in h.slack.calls])
    return sorted(set(re.findall(r'"value": "([\w-]{100,})"', sent)))


async def everything_goes_wrong(h: Hospital, settle: Callable[[], Any]) -> None:
    """Every kind of failure at every call, in the middle of a relay; and whatever a stranger can send."""
    for fault in FAULTS:
        for method in CALLS:
            h.slack.fails(method, **fault)
        await h.slack.types(ANA, WORDS)
        await h.slack.command(ANA, WORDS)
        await h.slack.command(BO, "status")
        await h.slack.opens_home(ANA)
        if "Write" in buttons(h, ANA):
            await h.slack.presses(ANA, "Write")
            if h.slack.form(ANA):
                await h.slack.presses(ANA, "Send", {"line": WORDS})
        await settle()
        h.slack.heals()
        h.time.pass_(timedelta(minutes=16))
        await settle()
    await h.slack.post(WORDS.encode(), signed=False)
    await h.slack.post(WORDS.encode(), secret="quill")
    await h.slack.post(b'{"type": "event_callback", "event": "quill U0ANA", "authorizations": "quill"}')
    await h.slack.post(b'{"type": "quill"}')
    await h.slack.post(WORDS.encode() * 20_000)
    await h.slack.event({"type": "message", "channel_type": "im", "text": WORDS, "user": ANA, "channel": "D0U0ANA"})
    await h.slack.types(ANA, WORDS, event={"subtype": "message_changed"})
    await h.slack.command(ANA, WORDS, team="T0QUILL")
    h.slack.fails("chat.postMessage", user=BO, error="user_not_found", times=99)
    h.slack.fails("conversations.open", user=BO, error="user_not_found", times=99)
    h.time.pass_(timedelta(hours=26))
    await settle()
    await h.slack.uninstalls()


# ---------------------------------------------------------------- logs


async def test_no_failure_anywhere_puts_anybody_into_a_log(tmp_path: Path) -> None:
    with every_logger_at_debug() as out:
        async with at_home(tmp_path, stand_in=STAND_IN) as home:

            async def settle() -> None:
                await home.engine.idle()
                await home.engine.wake()
                await home.engine.idle()

            await in_relay(home)
            await writes(home, ANA, WORDS)
            await everything_goes_wrong(home, settle)
            store = home.engine.services.store
            home.keeps_in(Broken(store))
            assert (await home.slack.types(ANA, WORDS)).status == 503
            assert (await home.slack.command(BO, WORDS)).status == 503
            await home.engine.wake()
            home.keeps_in(store)
        carried = tokens(home)
    assert len(carried) > 20
    said = out.getvalue()
    assert "slack-failed" in said
    assert "apscheduler" in said
    assert found_in(without_our_folder(said, tmp_path), *carried) == []


class Broken:
    """A store that fails with the worst message there could be."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def save(self, *changes: Record | Deletion) -> None:
        raise OSError(5, f"{WORDS} {changes!r} {ANA}")


def without_our_folder(text: str, folder: Path) -> str:
    return text.replace(str(folder), "")


async def test_what_the_process_says_at_debug_names_nobody(tmp_path: Path) -> None:
    noisy = {"LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
    async with story(tmp_path, stand_in=STAND_IN, **noisy) as s:

        async def settle() -> None:
            await s.turns(lambda: True)

        await in_relay(s)
        await writes(s, ANA, WORDS)
        await everything_goes_wrong(s, settle)
        carried = tokens(s)
        assert await s.serve.end() == 0
        (s.folder / "store.peersupport").write_bytes(b"quill")
        assert not await s.serve.begin()  # a record nobody can read
    said = s.serve.said.decode()
    failed = [json.loads(line) for line in said.splitlines() if "slack-failed" in line]
    assert sum(line["count"] for line in failed) > 20
    assert "Traceback" not in said
    assert found_in(without_our_folder(said, tmp_path), *carried) == []


# ---------------------------------------------------------------- exceptions


async def test_no_exception_that_anybody_could_print_quotes_anybody(tmp_path: Path) -> None:
    async with at_home(tmp_path, stand_in=STAND_IN) as home:
        await play(home, ASKED)
        adapter: Any = home.engine.services.adapters["slack"]
        ana = home.person(ANA)
        card = Card("id", WORDS, "push", quote=WORDS, buttons=(Button("Ask", "quill-token"),))
        texts = []
        for fault in FAULTS:
            for method in CALLS:
                home.slack.fails(method, times=3, **fault)
            adapter.forget_profile(ANA)
            for deed in (
                adapter.deliver(ana, None, card, None),
                adapter.deliver(ana, None, card, "D0U0ANA/1700000000.000001"),
                adapter.erase("D0U0ANA/1700000000.000001", card),
                adapter.find(ana, None, "id"),
                adapter.profile(ana),
            ):
                try:
                    await deed
                except Exception as failure:  # noqa: BLE001  whatever it is, it is looked at
                    texts += traceback.format_exception(failure, chain=True)
            home.slack.heals()
        for damage in (b"", b"quill", VAULT.seal("support", "x", 0, WORDS.encode())):
            record = Record("x", "support", "asking", None, MORNING.date(), sealed=damage)
            try:
                decode(replace(record, id="y"), VAULT)
            except Exception as failure:  # noqa: BLE001
                texts += traceback.format_exception(failure, chain=True)
        try:
            config.load_to_serve({"SLACK_BOT_TOKEN": "xapp-quill", "PEERSUPPORT_ROOT_KEY": "quill"}, tmp_path)
        except config.Refused as failure:
            texts += [str(failure), repr(failure)]
    sayings = [line for text in texts for line in text.splitlines() if not line.startswith("    ")]
    assert len(texts) > 50
    assert found_in(without_our_folder("\n".join(sayings), tmp_path)) == []


# ---------------------------------------------------------------- files


def disguises(word: str) -> set[bytes]:
    """The ways in which bytes hide in a file."""
    raw = word.encode()
    hidden = {raw, raw.hex().encode(), raw.hex().upper().encode(), word.encode("utf-16-le"), word.encode("utf-16-be")}
    for before in range(3):  # base64 looks different at each alignment
        text = base64.b64encode(bytes(before) + raw)
        inner = text[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        hidden |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return hidden


def unpacked(data: bytes) -> bytes:
    """The data, and whatever is compressed in it."""
    found = [data]
    for begin in (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        at = data.find(begin)
        while at >= 0:
            with suppress(zlib.error):
                found.append(zlib.decompressobj(31 if begin == b"\x1f\x8b" else 15).decompress(data[at:], 1 << 20))
            at = data.find(begin, at + 1)
    return b"".join(found)


def hidden_in(data: bytes, words: tuple[str, ...]) -> list[bytes]:
    whole = unpacked(data)
    return [form for word in words for form in disguises(word) if form in whole]


@pytest.mark.parametrize(
    "hide",
    [
        str.encode,
        lambda word: b"ab" + base64.b64encode(b"x" + word.encode()),
        lambda word: b"." + base64.urlsafe_b64encode(b"xy" + word.encode() + b"z"),
        lambda word: word.encode().hex().encode(),
        lambda word: ("x" + word).encode("utf-16-le"),
        lambda word: b"...." + gzip.compress(b"before " + word.encode()),
        lambda word: zlib.compress(word.encode()),
    ],
)
def test_what_is_hidden_would_be_found(hide: Callable[[str], bytes]) -> None:
    assert hidden_in(b"some file \x00" + hide(WORDS) + b"\xff end", (WORDS,))


async def test_a_line_is_on_disk_only_sealed_and_only_until_it_is_delivered(tmp_path: Path) -> None:
    async with at_home(tmp_path, stand_in=STAND_IN) as home:
        await in_relay(home)
        await home.engine.idle()
        home.slack.fails("chat.postMessage", user=BO, retry_after=60)
        await writes(home, ANA, WORDS)
        await home.engine.idle()
        owed = kept_in(home.folder)
        assert WORDS.encode() in owed.plain()  # so this test can see it
        assert hidden_in(owed.files, (WORDS, TYPED_NAME, ANA, BO, CY)) == []
        home.time.pass_(timedelta(seconds=61))
        await home.engine.wake()
        await home.slack.until(lambda: any(WORDS in card.text for card in home.slack.reads(BO)))
        await home.engine.idle()
        assert WORDS.encode() not in kept_in(home.folder).plain()
        await home.engine.services.store.purge()
        assert hidden_in(kept_in(home.folder).history, (WORDS,)) == []


STAYS = {"volunteering"}
"""What forgetting a request leaves."""


async def test_after_forgetting_no_byte_of_the_request_is_left(tmp_path: Path) -> None:
    async with at_home(tmp_path, stand_in=STAND_IN) as home:
        await in_relay(home)
        await writes(home, ANA, WORDS)
        await writes(home, BO, WORDS)
        await home.engine.idle()
        before = kept_in(home.folder)
        assert TYPED_NAME.encode() in before.plain()  # so this test can see it
        await home.slack.presses(ANA, "Close")
        await home.engine.idle()
        closed = kept_in(home.folder)
        await home.slack.presses(BO, "Okay")
        await home.engine.idle()
        home.time.pass_(GRACE + timedelta(hours=26))
        await home.engine.wake()
        await home.engine.wake()  # her doorstep follows the request it knew
        await home.engine.idle()
        await home.engine.services.store.purge()
        after = kept_in(home.folder)
    assert after.kinds() == {"volunteering": 2}
    gone = [record for kept in (before, closed) for record in kept.records.values() if record.kind not in STAYS]
    ids = (ANA, "D0U0ANA", *(record.id for record in gone), VAULT.pseudonym("peer", home.person(ANA)))
    theirs = (WORDS, TYPED_NAME, *ids)
    assert hidden_in(after.files + after.history + after.plain(), theirs) == []
    assert not any(record.sealed in after.history for record in gone if record.sealed)
    assert leftovers(before, after) == leftovers(closed, after) == 0
    assert {path.name for path in home.folder.iterdir()} == {"lock", "ring", "store.peersupport"}


async def test_a_stop_leaves_nothing_of_what_was_forgotten_a_moment_before(tmp_path: Path) -> None:
    async with at_home(tmp_path, stand_in=STAND_IN, tick=timedelta(hours=1)) as home:  # no tick comes to purge
        await in_relay(home)
        await home.slack.presses(ANA, "Close")
        await home.engine.idle()
        before = kept_in(home.folder)
        home.time.pass_(GRACE)
        await home.engine.wake()
        await home.engine.wake()
        assert await home.kinds("support") == 0
    gone = [record for record in before.records.values() if record.kind not in STAYS]
    after = kept_in(home.folder)
    assert hidden_in(after.history, (ANA, TYPED_NAME, *(record.id for record in gone))) == []
    assert not any(record.sealed in after.history for record in gone if record.sealed)


def leftovers(before: Kept, after: Kept) -> int:
    """How many of the old file's bytes, thirty-two at a time, still stand in the new one.

    Not counted are the first, which say whose file it is, and which day's key it hangs on.
    """
    pieces = (before.files[at : at + 32] for at in range(32, len(before.files) - 32, 32))
    return sum(piece in after.files for piece in pieces if any(piece))


# ---------------------------------------------------------------- repr


async def test_nothing_that_was_written_prints_anybody(tmp_path: Path) -> None:
    """Whatever stands in memory in the middle of everything, as a debugger or a stray f-string would print it."""
    async with at_home(tmp_path, stand_in=STAND_IN) as home:
        await in_relay(home)
        await writes(home, ANA, WORDS)
        await home.engine.idle()
        printed = [repr(thing) for thing in await everything_of(home)]
        printed += [repr(home.engine.services), repr(home.engine.services.vault), repr(home.engine.services.programme)]
    assert len(printed) > 10
    assert found_in("\n".join(printed).replace(str(tmp_path), "")) == []


async def everything_of(home: Home) -> list[object]:
    records = [record for kind in ("support", "volunteering", "doorstep") for record in await of_kind(home, kind)]
    saved: list[Stored[Any]] = [decode(record, home.engine.services.vault) for record in records]
    gc.collect()
    return [*records, *saved, *(one.conversation for one in saved), *(one.outbox for one in saved)]


async def of_kind(home: Home, kind: str) -> list[Record]:
    return list(await home.engine.services.store.all_of_kind(kind))


ANA_HERSELF = model.Person("slack", "T0HOSPITAL", ANA)
MESSAGE = model.Message(ANA_HERSELF, CardKind.RELAY_LINE, slots.OFFER, quote=WORDS, people={"peer": ANA_HERSELF})
CONTENT = CardContent.of(MESSAGE, Manner.NEWS)
PEER = model.Peer(ANA_HERSELF, holding=("quill",))
HEARD_COMMAND = {
    "team_id": "T0HOSPITAL",
    "user_id": ANA,
    "text": WORDS,
    "trigger_id": "1.2.00001",
    "response_url": WORDS,
}
HEARD_PRESS = {
    "type": "block_actions",
    "user": {"id": ANA, "team_id": "T0HOSPITAL"},
    "team": {"id": "T0HOSPITAL"},
    "container": {"message_ts": "1700000000.000001", "channel_id": "D0U0ANA"},
    "channel": {"id": "D0U0ANA"},
    "actions": [{"type": "button", "action_id": "press:0", "value": "quill", "action_ts": "1700000000.000002"}],
    "trigger_id": "1.2.00001",
    "response_url": WORDS,
}


@pytest.mark.parametrize(
    "value",
    [
        ANA_HERSELF,
        MESSAGE,
        model.Post(MESSAGE),
        CONTENT,
        PEER,
        model.Opened(ANA_HERSELF),
        model.Chose(ANA_HERSELF, "ask", {"line": WORDS, "leave-out": (ANA_HERSELF,)}),
        model.Unreached(ANA_HERSELF),
        messages.RequestOpens(ANA_HERSELF),
        model.Erase(ANA_HERSELF),
        model.Tell(Kind.FRONT_DOOR, ANA_HERSELF, messages.RequestEnded("quill")),
        model.Tell(Kind.REQUEST, "quill", model.Opened(ANA_HERSELF)),
        model.Facts(MORNING, peers=(PEER,), known_in=("quill",)),
        model.Programme(coordinators=(ANA_HERSELF,)),
        model.Programme(on_call=model.OnCall("Dr. Quill", "+1 quill", "always", ANA_HERSELF)),
        Request(id="quill", stage=ASKING, clinician=ANA_HERSELF, wishes=Wishes(leave_out=(ANA_HERSELF,))),
        Offer(ANA_HERSELF, 3),
        Wishes(about="quill", department="quill", leave_out=(ANA_HERSELF,), names=(TYPED_NAME,)),
        PeerRecord(id="quill", stage=READY, peer=PEER),
        Doorstep(id="quill", stage=DOOR, person=ANA_HERSELF, request="quill"),
        CardSlot(ANA_HERSELF, "offer", "key", 1, CONTENT, ref="D0U0ANA/1"),
        Delivery("id", ANA_HERSELF, "offer", Action.ERASE, ref="D0U0ANA/1"),
        Outbox(addresses=((ANA_HERSELF, "D0U0ANA"),)),
        Stored(Doorstep(id="quill", stage=DOOR, person=ANA_HERSELF), "doorstep"),
        Record("quill", "support", "asking", None, MORNING.date(), keys={"peer": ("quill",)}, sealed=b"quill"),
        Deletion("quill", 3),
        Interaction("press:1700000000.000001:U0ANA:1", ANA_HERSELF, "quill", {"line": WORDS}, "D0U0ANA"),
        Card("id", WORDS, "push", quote=WORDS),
        Card("id", "", "push", fields=(Field("line", "text", "Your words", initial=(WORDS,)),)),
        Card("id", "", "push", fields=(Field("leave-out", "people", "People", initial=(ANA,)),)),
        Reply("acknowledged", Card("id", WORDS, "push")),
        Button("Ask", "quill"),
        Link("Open a private chat: Ana", ANA_HERSELF),
        Profile("Ana"),
        VAULT.read_token(VAULT.token("quill", "quill", 1, "quill")),
        parse.command(HEARD_COMMAND, parse.Words.of(("help",))) if hasattr(parse, "Words") else None,
        parse.action(HEARD_PRESS),
        RetryLater(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_somebody_prints_without_them(value: object) -> None:
    assert found_in(repr(value) + str(value)) == []


# ---------------------------------------------------------------- the whole story


async def test_the_whole_story_leaves_no_trace_in_files_or_logs(tmp_path: Path) -> None:
    async with story(tmp_path, stand_in=STAND_IN, LOG_LEVEL="DEBUG") as s:
        await play(s, STORY)
        before = await s.keeps(lambda kept: not kept.owed())
        assert hidden_in(before.files, (ANA, BO, CY, "D0U0ANA")) == []
        s.time.pass_(GRACE)
        gone = [record.id for record in before.records.values() if record.kind not in STAYS]
        after = await s.keeps(lambda kept: not hidden_in(kept.history, tuple(gone)))
        assert await s.serve.end() == 0
    assert hidden_in(after.files + after.history + after.plain(), (ANA, "D0U0ANA", *gone)) == []
    assert leftovers(before, after) == 0
    assert found_in(without_our_folder(s.serve.said.decode(), tmp_path), *tokens(s)) == []
