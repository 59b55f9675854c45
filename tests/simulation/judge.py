"""Holds the laws: the cheap ones at every write, change of a screen and step, the dear ones now and then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.base import Card, Interaction, Reply
from adapters.fakes.screens import Change
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, json_of
from bot.engine.outbox import CardSlot
from bot.playground.chat_script import said
from bot.rendering import Renderer
from bot.store.base import Deletion, Record
from conversations import slots
from conversations.hours import waking
from conversations.immutable import replace
from conversations.model import Facts, Person, Programme
from conversations.registry import ENTRIES
from conversations.support.request import ACCOMPANIED, Request, between_reminders
from conversations.vocabulary import Choice
from tests import laws
from tests.laws import Witness, World
from tests.simulation.memory_store import Tables
from tests.simulation.platform import HostilePlatform
from tests.simulation.promises import CheckIns, LastNo, Owed

NAME: Final = re.compile(r"\b(?:Ana|Bo)\d{3}\b")
GAP: Final = re.compile(r"[{}]|\?\?\?|\bNone\b")
TAKES_AWAY: Final = frozenset({"hide", "forget me", "stop", "stop-asking"})
"""What a person does who wants an answer to words of danger gone."""
OFFICIALLY: Final = ("offers to be a peer", "Nothing is approved yet", "is worried about", "talk first")
A_DAY: Final = timedelta(hours=24)
LATELY: Final = timedelta(minutes=15)
MOMENT: Final = timedelta(seconds=3)


def _same_but_for_times(old: Stored[Any] | None, new: Stored[Any]) -> bool:
    """Whether nothing was decided but what comes when: no role and no button depends on that."""
    if old is None or old.outbox.slots != new.outbox.slots:
        return False
    return bool(replace(old.conversation, deadlines=new.conversation.deadlines) == new.conversation)


def _asks_how_it_goes(saved: Stored[Request], reader: Person) -> bool:
    """Whether a check-in that can be answered is shown to its reader, or is going to be."""
    slot = saved.outbox.slot(reader, slots.CHECK_IN)
    return slot is not None and not slot.is_erased and Choice.OKAY_FOR_NOW in slot.content.choices


class LawBroken(AssertionError):
    """A law does not hold; the message names it."""


class Judge:
    """Watches one hospital. What it finds wrong it keeps, because the engine would take an exception for its own.

    Args:
        tables: What is written down.
        platforms: What stands on screens.
        vault: Opens records and tokens.
        programme: What the hospital decided.
        renderer: Says what is on a button.
        now: The time.
    """

    def __init__(
        self,
        tables: Tables,
        platforms: Mapping[str, HostilePlatform],
        vault: Vault,
        programme: Programme,
        renderer: Renderer,
        now: Callable[[], datetime],
    ) -> None:
        self._tables, self._platforms, self._vault, self._now = tables, platforms, vault, now
        self._programme, self._renderer = programme, renderer
        on_call = programme.on_call.person if programme.on_call else None
        self._house = frozenset((*programme.coordinators, *((on_call,) if on_call else ())))
        self.world, self.witness = World(), Witness()
        self.check_ins, self.owed, self.last_no = CheckIns(), Owed(), LastNo(programme)
        self.well_since = self.down_until = now()
        self.broken: AssertionError | None = None
        self.about: tuple[Any, ...] = ()  # what the broken law was held about
        self.requests: set[str] = set()  # that began to look for a peer
        self._stored: dict[str, Stored[Any]] = {}
        self._did: dict[Person, tuple[str, datetime]] = {}  # what each person did last
        self._heard: dict[tuple[str, Person], datetime] = {}  # when a peer last pressed something of a request
        self._closed: dict[str, datetime] = {}
        self._in_danger: dict[tuple[str, Person], datetime] = {}  # since when an answer to words of danger stands
        self._visible: set[Person] = set()
        self._walked: set[tuple[Person, Person]] = set()  # peers, and the clinicians who were told of them
        self._left_out: set[tuple[Person, str]] = set()
        self._lines: dict[str, dict[str, tuple[Person, str]]] = {}
        self._refusals: set[tuple[str, str, int]] = set()

    def _hold(self, law: Callable[..., None], *about: Any) -> None:
        """Hold one law; the first that is broken is kept."""
        if self.broken is None:
            try:
                law(*about)
            except AssertionError as broken:
                self.broken, self.about = broken, about

    def _hold_lately(self, law: Callable[..., None], *about: Any) -> None:
        """Hold a law of this moment, or of the moment in which it was decided."""

        def either() -> None:
            try:
                law(*about, self._now())
            except AssertionError:
                law(*about, self._now() - MOMENT)

        self._hold(either)

    def after_step(self) -> None:
        """Hold what is cheap to hold. Raises LawBroken."""
        self._hold(laws.the_roster_knows_who_walks_with_whom, self.world, self._house)
        self._hold(laws.the_door_knows_its_request, self.world)
        self._hold(self.last_no.is_heard, self.world.requests, self._now(), self.well_since)
        if self.broken is not None:
            raise LawBroken(str(self.broken) or "a law") from self.broken

    # ------------------------------------------------------------ what is written

    def written(self, changes: Sequence[Record | Deletion]) -> None:
        """Judge one save, in the step in which it was made."""
        is_of_a_request = any(isinstance(one, Record) and one.kind == "support" for one in changes)
        world = self.world  # as it was matters to offers alone
        before = World(dict(world.requests), dict(world.volunteers), world.doors) if is_of_a_request else world
        touched = []
        for change in changes:
            old = self._stored.pop(change.id, None)
            new = None
            if isinstance(change, Record):
                if change.kind not in ENTRIES:
                    continue
                new = self._stored[change.id] = decode(self._tables.records[change.id], self._vault)
            self._place(old, new)
            touched.append((old, new))
        for old, new in touched:
            self._of_any(old, new)
            kind = (new or old).kind if new or old else ""
            if kind == "support":
                self._of_a_request(old, new, before)

    def _place(self, old: Stored[Any] | None, new: Stored[Any] | None) -> None:
        one = new or old
        if one is None:
            return
        place: dict[Any, Any] = {
            "support": self.world.requests, "volunteering": self.world.volunteers, "doorstep": self.world.doors
        }[one.kind]  # fmt: skip
        key = one.conversation.peer.person if one.kind == "volunteering" else one.id
        if new is None:
            place.pop(key, None)
        else:
            place[key] = new
        if one.kind == "volunteering" and one.conversation.peer.visible:
            self._visible.add(key)

    def _of_any(self, old: Stored[Any] | None, new: Stored[Any] | None) -> None:
        self._note_danger(old, new)
        if new is None:
            if old is not None:
                self.owed.forgotten(old.id)
                self._hold(self._no_crisis_card_vanishes, old, None)
            return
        self.owed.written(new.id, new.outbox.deliveries, self._now())
        if old is not None and old.conversation == new.conversation:
            return  # only what is shown of it has changed
        if new.kind != "doorstep" and not _same_but_for_times(old, new):
            facts = Facts(self._now(), self._programme)
            self._hold(laws.no_button_is_dead, new.kind, new, facts, self.is_gone)
        if old is not None:
            self._hold(self._no_crisis_card_vanishes, old, new)

    def _of_a_request(self, old: Stored[Request] | None, new: Stored[Request] | None, before: World) -> None:
        now, id_ = self._now(), (new or old).id if new or old else ""
        self._hold(self.check_ins.written, old, new, now)
        self.last_no.written(id_, new.conversation if new else None, now)
        if new is None:
            self._lines.pop(id_, None)
            self.witness.asked.pop(id_, None)
            return
        talk = new.conversation
        if old is not None and old.conversation == talk:
            return
        if talk.searching_since is not None:
            self.requests.add(id_)
        if talk.stage == "closed":
            self._closed.setdefault(id_, now)
        if talk.peer is not None:
            self._walked.add((talk.peer, talk.clinician))
        self._left_out |= {(talk.clinician, who.id) for who in talk.wishes.leave_out}
        self._left_out |= {(talk.clinician, name) for name in talk.wishes.names}
        self._hold_lately(laws.a_request_is_in_order, new, self.witness, self._house)
        self._hold_lately(laws.offers_are_fair, talk, before, self.world.requests)
        self._hold(laws.lines_are_gone, new, self._lines.get(id_, {}))
        if old is not None:
            self._hold(self._one_at_a_time, old.conversation, talk)
            self._hold(self._no_one_is_torn_away, old.conversation, talk)
            self._hold(self._a_no_is_unseen, old, new)
            self._hold(self._a_check_in_stands_until_answered, old, new)

    def _one_at_a_time(self, was: Request, talk: Request) -> None:
        paired = was.stage in laws.PAIRED and talk.stage in laws.PAIRED
        assert not paired or was.peer == talk.peer, "a second peer takes the place of the first"

    def _no_one_is_torn_away(self, was: Request, talk: Request) -> None:
        """A peer who pressed something lately is not replaced because they are silent."""
        peer = was.peer
        if peer is None or was.stage != "together" or talk.stage != "asking" or self.is_gone(peer):
            return
        volunteer = self.world.volunteers.get(peer)
        serves = volunteer is not None and volunteer.conversation.stage == "ready"
        asked_for = {self._lately(peer), self._lately(was.clinician)} & {"hand-back", "was-there", "someone-else"}
        heard = self._heard.get((talk.id, peer))
        if serves and not asked_for and heard is not None:
            waited = self._now() - heard
            assert waited >= between_reminders(talk, Facts(self._now(), self._programme)) - LATELY, (
                "a peer is torn away who was just writing"
            )

    def _a_no_is_unseen(self, old: Stored[Request], new: Stored[Request]) -> None:
        """Nothing changes on another's screen in the moment in which a peer says no."""
        was, talk = old.conversation, new.conversation
        said_no = {
            who for who in set(talk.passed) - set(was.passed) if self._lately(who) in ("not-this-time", "not-today")
        }
        if said_no and talk.stage == was.stage == "asking":
            known = {one.id for one in old.outbox.deliveries}
            told = {one.to for one in new.outbox.deliveries if one.id not in known}
            assert told <= said_no, "others see that a peer said no"

    def _a_check_in_stands_until_answered(self, old: Stored[Request], new: Stored[Request]) -> None:
        """While a request goes on, a check-in that fell due is taken away by its reader's own act, and by no other."""
        was, talk = old.conversation, new.conversation
        reader = talk.clinician
        goes_on = was.stage in ACCOMPANIED and talk.stage in ACCOMPANIED and talk.wishes.check_in
        if not goes_on or self._lately(reader) or self.is_gone(reader):
            return
        fell_due = any(at <= self._now() for at in set(was.check_ins) - set(talk.check_ins))
        if fell_due or _asks_how_it_goes(old, reader):
            assert _asks_how_it_goes(new, reader), "a check-in is taken away unanswered"

    def _note_danger(self, old: Stored[Any] | None, new: Stored[Any] | None) -> None:
        """Note since when each answer to words of danger has been on a screen."""
        for slot in new.outbox.slots if new else ():
            if slot.name != slots.CRISIS or slot.ref is None or slot.is_erased:
                continue
            before = old.outbox.slot(slot.to, slot.name) if old else None
            if before is None or before.ref != slot.ref:
                self._in_danger[new.id, slot.to] = self._now()

    def _no_crisis_card_vanishes(self, old: Stored[Any], new: Stored[Any] | None) -> None:
        """An answer to words of danger leaves by its reader's own act, or after a day (of a request: a day closed)."""
        for slot in old.outbox.slots:
            if slot.name != slots.CRISIS or slot.is_erased or self.is_gone(slot.to):
                continue
            kept = new is not None and (now := new.outbox.slot(slot.to, slot.name)) is not None and not now.is_erased
            since = self._closed.get(old.id) if old.kind == "support" else self._in_danger.get((old.id, slot.to))
            over = since is not None and self._now() >= since + A_DAY - LATELY
            read = slot.ref is not None
            if kept or self._lately(slot.to) in TAKES_AWAY or (read and (over or new is None)):
                continue
            raise AssertionError("a crisis card vanishes" if read else "a crisis card vanishes unread")

    def _lately(self, who: Person) -> str:
        did, at = self._did.get(who, ("", None))
        return did if at is not None and abs(self._now() - at) <= LATELY else ""

    def has_left(self, who: Person) -> bool:
        """Whether their account is gone."""
        return who in self._platforms[who.platform].left

    def is_gone(self, who: Person) -> bool:
        """Whether their account is gone, or was said to be."""
        return self.has_left(who) or who in self._platforms[who.platform].turned_away

    # ------------------------------------------------------------ what people do and read

    def saw_press(self, press: Interaction) -> None:
        """Note what somebody does, in the moment in which it reaches us."""
        token = self._vault.read_token(press.token) if press.token[0] != "=" else None
        choice = token.choice if token else press.token[1:]
        self._did[press.by] = choice, self._now()
        if choice == "hide":
            for id_, saved in self.world.requests.items():
                if saved.conversation.clinician == press.by:
                    self.check_ins.hidden(id_)
        saved = self.world.requests.get(token.record_id) if token else None
        if token is None or saved is None:
            return
        line = press.answers.get("line", "")
        self.witness.saw_press(saved.conversation, press.by, token, line)
        if token.choice == "send":
            self._lines.setdefault(saved.id, {})[str(line)] = press.by, saved.id

    def saw_answer(self, press: Interaction, answer: Reply, *, foreign: bool) -> None:
        """Note what a press was answered with."""
        token = self._vault.read_token(press.token) if press.token[0] != "=" else None
        if token is not None and answer.kind != "refused" and not foreign:
            self._heard[token.record_id, press.by] = self._now()
        if token is None and press.source != "pressed":  # whatever a peer types shows that they are there
            walks = [saved for saved in self.world.requests.values() if saved.conversation.peer == press.by]
            self._heard.update(((saved.id, press.by), self._now()) for saved in walks)
        answered_to_anyone = token is not None and token.choice == "worried"  # they read whom to call, as at the door
        if foreign and not answered_to_anyone:
            self._hold(self._tells_a_stranger_nothing, press, answer)

    def _tells_a_stranger_nothing(self, press: Interaction, answer: Reply) -> None:
        assert answer.kind == "refused", "another's button is taken"
        assert answer.card is not None
        self._refusals.add((answer.card.text, answer.card.push, len(answer.card.buttons)))
        assert len(self._refusals) <= 1, "refusals differ"
        mark = self._vault.keyed_hash("event", press.id)
        assert mark not in self._tables.records, "another's button does something"

    def saw_screen(self, reader: Person, change: Change, since: datetime | None) -> None:
        """Judge what somebody reads now; `since` is when the call set out."""
        card: Card = change.body
        told = said(card)
        if not self._says_more(reader):
            self._hold(laws.a_lock_screen_says_nothing, card)
        self._hold(laws.a_line_is_for_the_other_one, card, reader, self.witness, self.world)
        self._hold(self._no_text_has_a_gap, told)
        named = [Person(reader.platform, reader.workspace, name) for name in sorted(set(NAME.findall(told)))]
        self._hold(laws.names_are_known, told, reader, named, self._may_know)
        post = self.owed.posts.get(card.id)
        if post is None or change.shown.kind != "card":
            return
        saved = self._stored.get(post[0])
        if saved is not None and since is not None:
            self._hold(self._leaves_in_peace, saved, reader, post[2], since)
        choices = [token.choice for button in card.buttons if (token := self._vault.read_token(button.token))]
        if post[2] == slots.CHECK_IN and "okay-for-now" in choices and not self.has_left(reader):
            self._hold(self.check_ins.shown, post[0], card.id)

    def _says_more(self, reader: Person) -> bool:
        """Whether they chose that their lock screen says what a message is."""
        volunteer = self.world.volunteers.get(reader)
        return volunteer is not None and volunteer.conversation.peer.plain_push

    def _no_text_has_a_gap(self, told: str) -> None:
        assert not GAP.search(told), f"a text with a gap: {told}"
        assert "canary-typed" not in told, "what was typed comes back"

    def _may_know(self, person: Person, reader: Person, told: str) -> bool:
        accounts = {Person(platform, person.workspace, person.id) for platform in self._platforms}
        official = reader in self._house and any(words in told for words in OFFICIALLY)
        visible = any(one in self._visible and (one, reader) in self._walked for one in accounts)
        pairs = {(one, reader) for one in accounts}
        chose = (reader, person.id) in self._left_out
        return official or visible or chose or not pairs.isdisjoint(self.witness.knows) or reader in accounts

    def _leaves_in_peace(self, saved: Stored[Any], reader: Person, name: str, since: datetime) -> None:
        slot = saved.outbox.slot(reader, name)
        if slot is None or not slot.content.considerate or slot.content.awaited:
            return
        peer = self.world.volunteers.get(reader)
        own = ENTRIES[saved.kind].preferences(saved.conversation, reader).zone
        zone = own or (peer.conversation.peer.zone if peer else "") or self._programme.zone
        for moment in (since, since - MOMENT):
            nights = ENTRIES[saved.kind].on_nights(saved.conversation, reader, moment)
            if waking(moment, zone, self._programme.quiet, nights=nights) == moment:
                return
        raise AssertionError(f"a considerate card in quiet hours: {slot.content.card}")

    # ------------------------------------------------------------ now and then

    def when_all_is_well(self, shut_out: Mapping[str, set[str]]) -> None:
        """Hold the dear laws, after some hours in which nothing broke. Raises LawBroken."""
        self._hold(self.check_ins.none_is_lost, self.well_since, self.down_until)
        self._hold(self._the_outbox_has_drained)
        self._hold(self._every_platform_is_used, shut_out)
        self._hold(self._nothing_is_overdue)
        facts = Facts(self._now(), self._programme)
        for kind, saved in self.world.everything():
            self._hold(laws.the_screen_shows_what_was_decided, saved, self._platforms, self._renderer, self._excused)
            if kind != "doorstep":
                self._hold(laws.no_button_is_dead, kind, saved, facts, self.is_gone)
            if kind == "volunteering":
                self._hold(self._the_roster_names_no_clinician, saved)
        self.after_step()

    def _excused(self, slot: CardSlot) -> bool:
        """Whether nothing has to stand there: its reader is gone or deleted it, or a call is under way."""
        platform = self._platforms[slot.to.platform]
        return self.is_gone(slot.to) or platform.under_way[slot.to] > 0 or slot.ref in platform.lost

    def _the_outbox_has_drained(self) -> None:
        for saved in self._stored.values():
            for one in saved.outbox.deliveries:
                slot, since = saved.outbox.slot(one.to, one.slot), self.owed.since(saved.id, one)
                sleeps = slot is not None and (slot.content.considerate or slot.veiled is not None)
                assert sleeps or since is None or since >= self.well_since, (
                    f"an outbox does not drain: {one.action} {one.slot} after {one.attempts} attempts"
                )

    def _every_platform_is_used(self, shut_out: Mapping[str, set[str]]) -> None:
        for replica, shut in shut_out.items():
            assert not shut, f"a platform stays shut for {replica}"

    def _nothing_is_overdue(self) -> None:
        due = self._tables.next_due()
        assert due is None or due > self._now() - LATELY, "what is due is not looked at"

    def _the_roster_names_no_clinician(self, saved: Stored[Any]) -> None:
        kept = {name for name in NAME.findall(json_of(saved).decode()) if name.startswith("Ana")}
        peer = saved.conversation.peer
        assert kept <= {who.id for who in (peer.person, *peer.also)}, "the roster names a clinician"

    def when_all_is_over(self) -> None:
        """Hold that everything was forgotten. Raises LawBroken."""
        self._hold(self._all_is_forgotten)
        self.after_step()

    def _all_is_forgotten(self) -> None:
        assert not self.world.requests, "a request is never forgotten"
        assert not self.world.doors, "a visitor is never forgotten"
        kinds = {record.kind for record in self._tables.records.values()}
        assert kinds <= {"volunteering"}, f"something is kept for ever: {kinds}"
        for saved in self.world.volunteers.values():
            peer = saved.conversation.peer
            kept = (*peer.holding, *peer.asked, *((peer.resting_until,) if peer.resting_until else ()))
            assert not kept, "the roster remembers who helped when"
