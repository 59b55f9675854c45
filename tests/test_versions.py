"""An older version beside a newer one loses no field, and leaves alone what it cannot carry (law 27)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import story_scenes as scenes
from hypothesis import given
from hypothesis import strategies as st
from story_serve import at_home
from structlog.testing import capture_logs

from bot import beyond, records
from bot.outbox import Slot
from bot.records import FIELDS, MIXED, Saved, dump, load
from bot.script import Script
from bot.store.base import Newer, Record
from bot.theatre import KEY, MONDAY, Theatre
from bot.vault import Vault
from conversations.model import Person
from conversations.request import Offer, Request

VAULT = Vault(KEY)
ANA, BO, CY = (Person("slack", "hospital", name) for name in ("Ana", "Bo", "Cy"))
ASKED = """
Given peers Bo, Cy
Ana   types    /peersupport
Ana   reads    …
Ana   presses  [Talk to someone soon]
Ana   reads    …
Ana   presses  [Ask]
Ana   sees     …
Bo    reads    …
Cy    reads    …
"""


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    """Ana has asked, and Bo and Cy are asked."""
    theatre = Theatre(tmp_path)
    script = Script(theatre)
    for number, line in enumerate(ASKED.splitlines()):
        await script.line(number, line)
    yield theatre
    await theatre.stop()


def plain(record: Record) -> Any:
    return orjson.loads(VAULT.open(record.kind, record.id, record.shape, record.sealed))


async def stored(theatre: Theatre, kind: str = "support") -> Record:
    found = await theatre.engine.house.store.kind(kind)
    return found[0]


Change = Callable[[Any], None]


async def written_by_a_newer_one(theatre: Theatre, change: Change, of: str = "support", **clear: Any) -> Record:
    """The record as a version would have written it that knows more than ours."""
    record = await stored(theatre, of)
    body = plain(record)
    body["fields"] = "newer123"
    change(body)
    shape = clear.get("shape", record.shape)
    sealed = VAULT.seal(clear.get("kind", of), record.id, shape, orjson.dumps(body))
    await theatre.engine.house.store.save(replace(record, sealed=sealed, **clear))
    return await stored(theatre, clear.get("kind", of))


async def press(theatre: Theatre, who: str, label: str) -> Any:
    chat, person = theatre.chat(who), theatre.person(who)
    button, card = next((b, c) for c in chat.cards(person) for b in c.buttons if b.label == label)
    answer = await theatre.engine.receive(chat.press(person, button, card))  # type: ignore[attr-defined]
    await theatre.idle()
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


async def test_what_is_not_understood_is_written_back_at_its_place_at_any_depth(theatre: Theatre):
    before = plain(await written_by_a_newer_one(theatre, everywhere))
    assert {"", ".talk", ".talk.clinician", ".talk.wishes", ".talk.offers[].peer", ".mail.slots[].say.to"} <= holds(
        before
    )
    assert (await press(theatre, "Bo", "Not this time")).kind == "now"
    after = plain(await stored(theatre))
    assert after["fields"] == MIXED
    assert [offer["peer"]["id"] for offer in after["talk"]["offers"]] == ["Cy"]
    assert [person["id"] for person in after["talk"]["passed"]] == ["Bo"]
    assert holds(after) == holds(before)
    gone = [slot for slot in after["mail"]["slots"] if slot["to"]["id"] == "Bo" and slot["name"] == "offer"]
    assert ["newer" in slot and "newer" not in slot["say"] for slot in gone] == [True]  # another saying stands there


async def test_the_newer_version_finds_again_what_it_wrote(theatre: Theatre):
    """Whoever knows every field writes its own mark again, and need not look any more."""
    await written_by_a_newer_one(theatre, lambda body: None)
    await press(theatre, "Bo", "Not this time")
    record = await stored(theatre)
    assert plain(record)["fields"] == FIELDS
    assert load(record, VAULT).beyond is None


async def test_a_story_goes_on_to_the_end_with_fields_nobody_knows(theatre: Theatre):
    await written_by_a_newer_one(theatre, everywhere)
    await written_by_a_newer_one(theatre, everywhere, "doorstep")
    await press(theatre, "Cy", "Yes, I can")
    await press(theatre, "Ana", "Share my name and connect")
    assert {"", ".talk", ".talk.wishes", ".talk.clinician", ".mail"} <= holds(plain(await stored(theatre)))
    assert {"", ".talk", ".talk.person"} <= holds(plain(await stored(theatre, "doorstep")))
    await theatre.wait(theatre.now + timedelta(days=30))
    assert await theatre.engine.house.store.kind("support") == ()
    assert await theatre.engine.house.store.kind("doorstep") == ()


def test_what_is_gone_takes_along_what_it_held():
    known = {"peer": {"platform": "slack", "workspace": "h", "id": "Bo"}, "asked": [{"key": "1"}, {"key": "2"}]}
    written = {
        "peer": {**known["peer"], "x": 1},  # type: ignore[dict-item]
        "asked": [{"key": "1", "x": "one"}, {"key": "2", "x": "two"}],
    }
    more = beyond.found(written, known)
    assert more is not None
    assert beyond.carried(more, known) == written
    moved = {"peer": {"platform": "slack", "workspace": "h", "id": "Cy"}, "asked": [{"key": "3"}, {"key": "2"}]}
    assert beyond.carried(more, moved) == {**moved, "asked": [{"key": "3"}, {"key": "2", "x": "two"}]}
    assert beyond.carried(more, {"peer": None, "asked": []}) == {"peer": None, "asked": []}


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
        alike = [beyond._name_in_list(part) for part in value]
        return len(set(alike)) < len(alike) or any(map(several_alike, value))

    if several_alike(known):
        return
    written = added(known)
    more = beyond.found(written, known)
    assert as_it_is(beyond.carried(more, known) if more else known) == as_it_is(written)


def test_what_the_same_version_wrote_is_not_looked_at(monkeypatch: pytest.MonkeyPatch):
    def looked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(beyond, "found", looked)
    talk = Request(id="1" * 32, stage="asking", clinician=ANA, offers=(Offer(BO, 1), Offer(CY, 2)))
    record = dump(Saved(talk, "support"), VAULT, MONDAY)
    assert isinstance(record, Record)
    assert load(record, VAULT) == Saved(talk, "support", day=MONDAY.date())


def test_another_field_anywhere_gives_another_mark():
    known = beyond.known_fields(Request)
    assert {"Request.peer", "Conversation.id", "Offer.alias", "Person.id", "Wishes.who"} <= {*known, "Conversation.id"}
    assert beyond.mark(Request) != beyond.mark(Request, Slot)


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
    (nothing, {"shape": len(records.UPGRADES) + 1}),
    (nothing, {"kind": "circle"}),
]


@pytest.mark.parametrize(("change", "clear"), UNREADABLE)
async def test_what_we_could_only_damage_is_left_to_the_newer_version(theatre: Theatre, change: Change, clear: Any):
    record = await written_by_a_newer_one(theatre, change, due=MONDAY, **clear)
    with pytest.raises(Newer):
        load(record, VAULT)
    with capture_logs() as said:
        for who, label in (("Ana", "Change my mind"), ("Bo", "Yes, I can")):
            answer = await press(theatre, who, label)
            assert answer.kind == "refused"
            assert answer.card.text.startswith("We are being updated just now")
        await theatre.engine.wake()
        await theatre.engine.resume()
        await theatre.idle()
        await theatre.engine.house.archive.roster()
    assert await stored(theatre, record.kind) == record
    assert {(line["event"], line["log_level"]) for line in said} == {("left-to-a-newer-version", "warning")}


async def test_a_peer_a_newer_version_has_written_is_not_asked_meanwhile_and_the_others_are(theatre: Theatre):
    def moved(body: Any) -> None:
        body["talk"]["stage"] = "wondering"

    before = await theatre.engine.house.archive.roster()
    await written_by_a_newer_one(theatre, moved, "volunteering", stage="wondering")
    after = await theatre.engine.house.archive.roster()
    assert (len(before.peers), len(after.peers)) == (2, 1)


async def test_a_button_of_a_newer_version_does_not_look_like_an_old_one(theatre: Theatre):
    def offered(body: Any) -> None:
        for slot in body["mail"]["slots"]:
            if slot["name"] == "status":
                slot["say"]["choices"] = ["sing", *slot["say"]["choices"]]

    record = await written_by_a_newer_one(theatre, offered)
    slot = next(slot for slot in load(record, VAULT).mail.slots if slot.name == "status")
    chat, person = theatre.chat("Ana"), theatre.person("Ana")
    (card, *_), token = chat.cards(person), VAULT.token(record.id, slot.key, slot.generation, "sing")
    pressed = chat.press(person, replace(card.buttons[0], token=token), card)  # type: ignore[attr-defined]
    answer = await theatre.engine.receive(pressed)
    assert answer.card
    assert answer.card.text.startswith("We are being updated just now")
    assert await stored(theatre) == record


async def test_what_we_have_no_words_for_waits_for_who_has_and_is_not_kept_from_anybody_for_ever(theatre: Theatre):
    def said(body: Any) -> None:
        slot = next(slot for slot in body["mail"]["slots"] if slot["name"] == "status")
        slot["say"]["text"] = "support-sung"
        errand = {"id": "e" * 32, "to": slot["to"], "slot": "status", "deed": "edit"}
        body["mail"]["errands"] = [errand]

    await written_by_a_newer_one(theatre, said, due=MONDAY)
    shown = len(theatre.chat("Ana").happenings)
    await theatre.settle()
    (errand,) = load(await stored(theatre), VAULT).mail.errands
    assert errand.tries == 1
    assert len(theatre.chat("Ana").happenings) == shown
    with capture_logs() as logged:
        await theatre.wait(theatre.now + timedelta(minutes=7))
    assert load(await stored(theatre), VAULT).mail.errands == ()
    assert {"event": "words-missing", "key": "support-sung", "log_level": "error"} in logged


# ---------------------------------------------------------------- over real doors


@pytest.mark.parametrize("on_teams", [(), (scenes.BO,)], ids=["slack", "teams"])
async def test_whoever_presses_what_only_a_newer_version_can_read_is_told_so(tmp_path: Path, on_teams: Any):
    async with at_home(tmp_path, on_teams=on_teams) as home:
        await scenes.play(home, scenes.ASKED)
        await home.engine.idle()
        store = home.engine.house.store
        (record,) = await store.kind("support")
        await store.save(replace(record, shape=len(records.UPGRADES) + 1))
        before = home.revisions()
        reply = await home.at(scenes.BO).presses(scenes.BO, "Yes, I can")
        assert reply.status == 200
        assert on_teams or reply.body == b""  # Slack is told behind the acknowledgement

        def told() -> bool:
            said = [reply.body, *(raw for _, raw in home.slack.asides)]
            return any(b"We are being updated just now" in each for each in said)

        await home.until(told)
        assert home.revisions() == before
