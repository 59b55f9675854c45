"""An older version beside a newer one loses no field, and leaves alone what it cannot carry (law 27)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.crypto.vault import Vault
from bot.engine import codec, unknown_fields
from bot.engine.codec import FIELDS, MIXED, Stored, decode, encode
from bot.engine.outbox import CardSlot
from bot.errors import WrittenByNewerVersion
from bot.playground.chat_script import ChatScript
from bot.playground.simulator import KEY, MONDAY, Simulator
from bot.store.base import Record
from conversations.model import Person
from conversations.support.request import ASKING, Offer, Request
from tests.stories import scenes
from tests.stories.serve import at_home

VAULT = Vault(KEY)
ANA, BO, CY = (Person("slack", "hospital", name) for name in ("Ana", "Bo", "Cy"))
ASKED = """
Given peers Bo, Cy
Ana   types    /peersupport
Ana   reads    …
Ana   presses  [Talk to someone soon]
Ana   reads    …
Ana   presses  [Ask now]
Ana   sees     …
Bo    reads    …
Cy    reads    …
"""


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """Ana has asked, and Bo and Cy are asked."""
    simulator = Simulator(tmp_path)
    script = ChatScript(simulator)
    for number, line in enumerate(ASKED.splitlines()):
        await script.line(number, line)
    yield simulator
    await simulator.stop()


def plain(record: Record) -> Any:
    return orjson.loads(VAULT.open(record.kind, record.id, record.shape, record.sealed))


async def stored(simulator: Simulator, kind: str = "support") -> Record:
    found = await simulator.engine.services.store.all_of_kind(kind)
    return found[0]


Change = Callable[[Any], None]


async def written_by_a_newer_one(simulator: Simulator, change: Change, of: str = "support", **clear: Any) -> Record:
    """The record as a version would have written it that knows more than ours."""
    record = await stored(simulator, of)
    body = plain(record)
    body["fields"] = "newer123"
    change(body)
    shape = clear.get("shape", record.shape)
    sealed = VAULT.seal(clear.get("kind", of), record.id, shape, orjson.dumps(body))
    await simulator.engine.services.store.save(replace(record, sealed=sealed, **clear))
    return await stored(simulator, clear.get("kind", of))


async def press(simulator: Simulator, who: str, label: str) -> Any:
    chat, person = simulator.chat(who), simulator.person(who)
    button, card = next((b, c) for c in chat.cards(person) for b in c.buttons if b.label == label)
    answer = await simulator.engine.receive(chat.press(person, button, card))  # type: ignore[attr-defined]
    await simulator.idle()
    return answer


def everywhere(value: Any, path: str = "") -> None:
    """A field that nobody knows, in every part there is; what it holds says where it was put."""
    if isinstance(value, dict):
        for name, part in value.items():
            everywhere(part, f"{path}.{name}")
        if not path.endswith((".deadlines", ".details", ".times", ".people")):  # those may hold any name
            value["newer"] = {"at": path}
    if isinstance(value, list):
        for part in value:
            everywhere(part, f"{path}[]")


def holds(value: Any, path: str = "") -> set[str]:
    """Where such a field is found."""
    if isinstance(value, list):
        return set().union(*(holds(part, f"{path}[]") for part in value))
    if not isinstance(value, dict):
        return set()
    mine = {path} if value.get("newer") == {"at": path} else set()
    return mine.union(*(holds(part, f"{path}.{name}") for name, part in value.items()))


# ---------------------------------------------------------------- nothing is lost


async def test_what_is_not_understood_is_written_back_at_its_place_at_any_depth(simulator: Simulator):
    before = plain(await written_by_a_newer_one(simulator, everywhere))
    assert {"", ".talk", ".talk.clinician", ".talk.wishes", ".talk.offers[].peer", ".mail.slots[].say.to"} <= holds(
        before
    )
    assert (await press(simulator, "Bo", "Not this time")).kind == "acknowledged"
    after = plain(await stored(simulator))
    assert after["fields"] == MIXED
    assert [offer["peer"]["id"] for offer in after["talk"]["offers"]] == ["Cy"]
    assert [person["id"] for person in after["talk"]["passed"]] == ["Bo"]
    assert holds(after) == holds(before)
    gone = [slot for slot in after["mail"]["slots"] if slot["to"]["id"] == "Bo" and slot["name"] == "offer"]
    assert ["newer" in slot and "newer" not in slot["say"] for slot in gone] == [True]  # another saying stands there


async def test_the_newer_version_finds_again_what_it_wrote(simulator: Simulator):
    """Whoever knows every field writes its own mark again, and need not look any more."""
    await written_by_a_newer_one(simulator, lambda body: None)
    await press(simulator, "Bo", "Not this time")
    record = await stored(simulator)
    assert plain(record)["fields"] == FIELDS
    assert decode(record, VAULT).unknown is None


async def test_a_story_goes_on_to_the_end_with_fields_nobody_knows(simulator: Simulator):
    await written_by_a_newer_one(simulator, everywhere)
    await written_by_a_newer_one(simulator, everywhere, "doorstep")
    await press(simulator, "Cy", "Yes, I can")
    await press(simulator, "Ana", "Share my name and connect")
    assert {"", ".talk", ".talk.wishes", ".talk.clinician", ".mail"} <= holds(plain(await stored(simulator)))
    assert {"", ".talk", ".talk.person"} <= holds(plain(await stored(simulator, "doorstep")))
    await simulator.wait(simulator.now + timedelta(days=30))
    assert await simulator.engine.services.store.all_of_kind("support") == ()
    assert await simulator.engine.services.store.all_of_kind("doorstep") == ()


def test_what_is_gone_takes_along_what_it_held():
    known = {"peer": {"platform": "slack", "workspace": "h", "id": "Bo"}, "asked": [{"key": "1"}, {"key": "2"}]}
    written = {
        "peer": {**known["peer"], "x": 1},  # type: ignore[dict-item]
        "asked": [{"key": "1", "x": "one"}, {"key": "2", "x": "two"}],
    }
    more = unknown_fields.extract(written, known)
    assert more is not None
    assert unknown_fields.merge(more, known) == written
    moved = {"peer": {"platform": "slack", "workspace": "h", "id": "Cy"}, "asked": [{"key": "3"}, {"key": "2"}]}
    assert unknown_fields.merge(more, moved) == {**moved, "asked": [{"key": "3"}, {"key": "2", "x": "two"}]}
    assert unknown_fields.merge(more, {"peer": None, "asked": []}) == {"peer": None, "asked": []}


names = st.sampled_from(("a", "b", "id", "key"))
plains = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(("x", "y")),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=3),
    max_leaves=12,
)


@given(plains, st.randoms(use_true_random=False))
def test_whatever_was_added_comes_back_where_nothing_has_changed(known, chance):
    def added(value: Any) -> Any:
        if isinstance(value, dict):
            more = {"newer": chance.randrange(9)} if chance.random() < 0.5 else {}
            return {**{name: added(part) for name, part in value.items()}, **more}
        return [added(part) for part in value] if isinstance(value, list) else value

    def as_it_is(value: Any) -> Any:
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))

    def several_alike(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(several_alike, value.values()))
        if not isinstance(value, list):
            return False
        alike = [unknown_fields._name_in_list(part) for part in value]
        return len(set(alike)) < len(alike) or any(map(several_alike, value))

    if several_alike(known):
        return
    written = added(known)
    more = unknown_fields.extract(written, known)
    assert as_it_is(unknown_fields.merge(more, known) if more else known) == as_it_is(written)


def test_what_the_same_version_wrote_is_not_looked_at(monkeypatch: pytest.MonkeyPatch):
    def looked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(unknown_fields, "extract", looked)
    talk = Request(id="1" * 32, stage=ASKING, clinician=ANA, offers=(Offer(BO, 1), Offer(CY, 2)))
    record = encode(Stored(talk, "support"), VAULT, MONDAY)
    assert isinstance(record, Record)
    assert decode(record, VAULT) == Stored(talk, "support", day=MONDAY.date())


def test_another_field_anywhere_gives_another_mark():
    known = unknown_fields.known_fields(Request)
    assert {"Request.peer", "Conversation.id", "Offer.alias", "Person.id", "Wishes.who"} <= {*known, "Conversation.id"}
    assert unknown_fields.mark(Request) != unknown_fields.mark(Request, CardSlot)


# ---------------------------------------------------------------- what cannot be carried is left alone


def a_stage(body: Any) -> None:
    body["talk"]["stage"] = "wondering"


def a_deadline(body: Any) -> None:
    body["talk"]["deadlines"]["wonder"] = body["talk"]["deadlines"]["wave"]


def a_deadline_of_another_stage(body: Any) -> None:
    body["talk"]["deadlines"]["give-up"] = body["talk"]["deadlines"]["wave"]


def a_manner(body: Any) -> None:
    body["mail"]["slots"][0]["say"]["manner"] = "sung"


def a_deed(body: Any) -> None:
    body["mail"]["errands"] = [{"id": "1", "to": body["talk"]["clinician"], "slot": "status", "deed": "sing"}]


def another_kind_of_value(body: Any) -> None:
    body["talk"]["clinician"] = [body["talk"]["clinician"]]


def nothing(_: Any) -> None:
    """Only what stands outside is new."""


UNREADABLE = [
    (a_stage, {"stage": "wondering"}),
    (a_deadline, {}),
    (a_deadline_of_another_stage, {}),
    (a_manner, {}),
    (a_deed, {}),
    (another_kind_of_value, {}),
    (nothing, {"shape": len(codec.UPGRADES) + 1}),
    (nothing, {"kind": "circle"}),
]


@pytest.mark.parametrize(("change", "clear"), UNREADABLE)
async def test_what_we_could_only_damage_is_left_to_the_newer_version(simulator: Simulator, change: Change, clear: Any):
    record = await written_by_a_newer_one(simulator, change, due=MONDAY, **clear)
    with pytest.raises(WrittenByNewerVersion):
        decode(record, VAULT)
    with capture_logs() as said:
        for who, label in (("Ana", "Change my mind"), ("Bo", "Yes, I can")):
            answer = await press(simulator, who, label)
            assert answer.kind == "refused"
            assert answer.card.text.startswith("We are being updated just now")
        await simulator.engine.wake()
        await simulator.engine.resume()
        await simulator.idle()
        await simulator.engine.services.repository.roster()
    assert await stored(simulator, record.kind) == record
    assert {(line["event"], line["log_level"]) for line in said} == {("left-to-a-newer-version", "warning")}


async def test_a_peer_a_newer_version_has_written_is_not_asked_meanwhile_and_the_others_are(simulator: Simulator):
    def moved(body: Any) -> None:
        body["talk"]["stage"] = "wondering"

    before = await simulator.engine.services.repository.roster()
    await written_by_a_newer_one(simulator, moved, "volunteering", stage="wondering")
    after = await simulator.engine.services.repository.roster()
    assert (len(before.peers), len(after.peers)) == (2, 1)


async def test_a_button_of_a_newer_version_does_not_look_like_an_old_one(simulator: Simulator):
    def offered(body: Any) -> None:
        for slot in body["mail"]["slots"]:
            if slot["name"] == "status":
                slot["say"]["choices"] = ["sing", *slot["say"]["choices"]]

    record = await written_by_a_newer_one(simulator, offered)
    slot = next(slot for slot in decode(record, VAULT).outbox.slots if slot.name == "status")
    chat, person = simulator.chat("Ana"), simulator.person("Ana")
    (card, *_), token = chat.cards(person), VAULT.token(record.id, slot.key, slot.generation, "sing")
    pressed = chat.press(person, replace(card.buttons[0], token=token), card)  # type: ignore[attr-defined]
    answer = await simulator.engine.receive(pressed)
    assert answer.card
    assert answer.card.text.startswith("We are being updated just now")
    assert await stored(simulator) == record


async def test_what_we_have_no_words_for_waits_for_who_has_and_is_not_kept_from_anybody_for_ever(simulator: Simulator):
    def said(body: Any) -> None:
        slot = next(slot for slot in body["mail"]["slots"] if slot["name"] == "status")
        slot["say"]["text"] = "support-sung"
        errand = {"id": "e" * 32, "to": slot["to"], "slot": "status", "deed": "edit"}
        body["mail"]["errands"] = [errand]

    await written_by_a_newer_one(simulator, said, due=MONDAY)
    shown = len(simulator.chat("Ana").happenings)
    await simulator.settle()
    (errand,) = decode(await stored(simulator), VAULT).outbox.deliveries
    assert errand.attempts == 1
    assert len(simulator.chat("Ana").happenings) == shown
    with capture_logs() as logged:
        await simulator.wait(simulator.now + timedelta(minutes=7))
    assert decode(await stored(simulator), VAULT).outbox.deliveries == ()
    assert {"event": "words-missing", "key": "support-sung", "log_level": "error"} in logged


# ---------------------------------------------------------------- over real doors


@pytest.mark.parametrize("on_teams", [(), (scenes.BO,)], ids=["slack", "teams"])
async def test_whoever_presses_what_only_a_newer_version_can_read_is_told_so(tmp_path: Path, on_teams: Any):
    async with at_home(tmp_path, on_teams=on_teams) as home:
        await scenes.play(home, scenes.ASKED)
        await home.engine.idle()
        store = home.engine.services.store
        (record,) = await store.all_of_kind("support")
        await store.save(replace(record, shape=len(codec.UPGRADES) + 1))
        before = home.revisions()
        reply = await home.at(scenes.BO).presses(scenes.BO, "Yes, I can")
        assert reply.status == 200
        assert on_teams or reply.body == b""  # Slack is told behind the acknowledgement

        def told() -> bool:
            said = [reply.body, *(raw for _, raw in home.slack.asides)]
            return any(b"We are being updated just now" in each for each in said)

        await home.until(told)
        assert home.revisions() == before
