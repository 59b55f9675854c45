"""What stands in a chat and what is owed: laws of the outbox, whatever is said and however the platform behaves."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.card_content import CardContent, Manner
from bot.engine.outbox import LEASE, CardSlot, Delivery, Outbox
from bot.engine.outbox_builder import Erasure, with_changes
from conversations.model import Person
from tests.running.examples import examples

KEPT = frozenset(("worried", "page"))

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
ANA, BO = (Person("slack", "hospital", name) for name in ("Ana", "Bo"))
SLOTS = ("status", "line-1", min(KEPT))
profile = settings(derandomize=True, deadline=None, max_examples=examples(200), stateful_step_count=30)

people = st.sampled_from((ANA, BO))
slots = st.sampled_from(SLOTS)


class Deliveries(RuleBasedStateMachine):
    """Says anything in any manner while a platform delivers, stalls, or never answers."""

    @initialize()
    def morning(self) -> None:
        self.outbox = Outbox()
        self.ids = (f"{n:032x}" for n in itertools.count(1))
        self.texts = (f"text-{n}" for n in itertools.count(1))
        self.screen: dict[str, tuple[Person, str]] = {}  # ref → what stands there
        self.buttons: dict[str, int] = {}  # ref → the generation its buttons carry
        self.newest: dict[tuple[Person, str], str] = {}
        self.calls: list[tuple[Delivery, Outbox, bool]] = []  # under way: the mail they set out with, looked for first
        self.wrong: list[str] = []

    def new_id(self) -> str:
        return next(self.ids)

    @rule(to=people, slot=slots, manner=st.sampled_from(("news", "progress", "withdraw")), pressable=st.booleans())
    def say(self, to, slot, manner, pressable):
        text = next(self.texts)
        choices = ("yes",) if pressable else ()
        before = self.outbox
        details = {"line": text} if slot.startswith("line") else {}
        said = CardContent(to, text, slot, choices, manner=Manner(manner), details=details)
        self.outbox = with_changes(self.outbox, [said], self.new_id)
        known = before.slot(to, slot)
        seen = known is not None and (known.ref or under_way(before, to, slot))
        if manner == "withdraw" and not (seen and known and known.content.manner != "erase"):
            standing = self.outbox.slot(to, slot)
            assert standing is None or under_way(before, to, slot), "something is withdrawn that nobody ever saw"
            if standing is None:
                self.newest.pop((to, slot), None)
                return
        self.newest[to, slot] = text

    @rule(to=people, slot=st.sampled_from((*SLOTS, None)))
    def take_away(self, to, slot):
        self.outbox = with_changes(self.outbox, [Erasure(to, slot, KEPT)], self.new_id)
        for name in SLOTS:
            if slot == name or (slot is None and name not in KEPT):
                self.newest.pop((to, name), None)

    @rule()
    def set_out(self):
        """The post begins its calls, as bot/engine/delivery.py does; more may be said before they are answered."""
        self.answer("done")
        going = self.outbox.ready(LATER + LEASE)
        again = {errand.id for errand in going if errand.in_flight}
        self.outbox = self.outbox.marked_in_flight([errand.id for errand in going], NOW)
        self.calls = [(errand, self.outbox, errand.id in again) for errand in going]
        for errand in going:
            slot = self.outbox.slot(errand.to, errand.slot)
            if errand.action != "erase" and slot and slot.content.manner != "erase":
                self.wrong += [slot.content.card] * (self.newest.get((errand.to, errand.slot)) != slot.content.card)

    @rule(how=st.sampled_from(("done", "done", "done", "busy", "unclear", "arrived, unclear")))
    def answer(self, how):
        """What the platform makes of the calls that are under way."""
        calls, self.calls = self.calls, []
        for errand, standing, look in calls:
            self.run_errand(errand, standing, how, look=look)

    def run_errand(self, errand: Delivery, standing: Outbox, how: str, *, look: bool) -> None:
        if how == "busy":
            self.outbox = self.outbox.put_off(errand, LATER, now=NOW)
            return
        slot = standing.slot(errand.to, errand.slot)
        found = look and self.found(errand, slot)
        ref = None if how == "unclear" else f"post-{errand.id}" if found else self.call(errand, slot)
        if "unclear" in how:
            self.outbox = self.outbox.outcome_unknown(errand, LATER, now=NOW)
        else:
            self.outbox = self.outbox.delivered(errand.id, ref, self.new_id, shown=None if found else slot)

    def found(self, errand: Delivery, slot: CardSlot | None) -> bool:
        posts = errand.action == "post" or (errand.action == "edit" and not (slot and slot.ref))
        return posts and f"post-{errand.id}" in self.screen

    def call(self, errand: Delivery, slot: CardSlot | None) -> str | None:
        if errand.action == "erase":
            self.screen.pop(errand.ref or "", None)
            return None
        if slot is None or slot.content.manner == "erase":
            return None
        ref = slot.ref if errand.action == "edit" and slot.ref else f"post-{errand.id}"
        self.screen[ref], self.buttons[ref] = (errand.to, slot.content.card), slot.generation
        return ref

    @invariant()
    def an_unsent_text_that_was_overtaken_is_never_sent(self):
        assert not self.wrong

    @invariant()
    def what_stands_or_will_stand_is_the_newest(self):
        held = {(slot.to, slot.name): slot.content.card for slot in self.outbox.slots if slot.content.manner != "erase"}
        assert held == self.newest

    @invariant()
    def nobody_is_owed_two_deliveries_of_one_card(self):
        fresh = [(e.to, e.slot) for e in self.outbox.deliveries if not e.in_flight and e.action != "erase"]
        assert len(fresh) == len(set(fresh))

    @invariant()
    def each_key_belongs_to_one_slot_of_one_person(self):
        keys = [slot.key for slot in self.outbox.slots]
        assert len(keys) == len(set(keys))

    def teardown(self):
        """In the end the platform answers: what stands on screens is what was said last, and nothing else."""
        for _ in range(60):
            self.set_out()
            self.answer("done")
        assert not self.outbox.deliveries
        shown = sorted((who, text) for who, text in self.screen.values())
        assert shown == sorted((to, text) for (to, _), text in self.newest.items())
        assert all(slot.answers_to(self.buttons[slot.ref]) for slot in self.outbox.slots), (
            "a button that stands is dead"
        )
        assert not any("line" in slot.content.details for slot in self.outbox.slots), (
            "a line is kept after it was delivered"
        )


def under_way(mail: Outbox, to: Person, slot: str) -> bool:
    return any(errand.in_flight for errand in mail.deliveries if (errand.to, errand.slot) == (to, slot))


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = profile


def ids():
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


@profile
@given(st.lists(st.tuples(people, slots), min_size=1, max_size=8, unique=True))
def test_news_reaches_each_person_in_the_order_it_was_said(said):
    new_id = ids()
    mail = with_changes(Outbox(), [CardContent(to, f"text-{n}", slot) for n, (to, slot) in enumerate(said)], new_id)
    read: dict[Person, list[str]] = {ANA: [], BO: []}
    while going := mail.ready(NOW):
        mail = mail.marked_in_flight([errand.id for errand in going], NOW)
        for errand in going:
            slot = mail.slot(errand.to, errand.slot)
            assert slot
            read[errand.to].append(slot.content.card)
            mail = mail.delivered(errand.id, f"ref-{errand.id}", new_id, slot)
    for who, texts in read.items():
        assert texts == [f"text-{n}" for n, (to, _) in enumerate(said) if to == who]


def test_somebody_whose_platform_is_slow_holds_up_nobody_else():
    mail = with_changes(Outbox(), [CardContent(ANA, "one", "status"), CardContent(BO, "two", "offer")], ids())
    mail = mail.put_off(mail.deliveries[0], LATER, now=NOW)
    assert [errand.to for errand in mail.ready(NOW)] == [BO]


def test_a_start_takes_up_only_what_was_in_flight():
    mail = with_changes(Outbox(), [CardContent(ANA, "one", "status"), CardContent(BO, "two", "offer")], ids())
    mail = mail.marked_in_flight([mail.deliveries[0].id], NOW).put_off(mail.deliveries[1], LATER, now=NOW)
    assert mail.ready(NOW) == ()
    assert [delivery.to for delivery in mail.ready(NOW, started=NOW)] == [ANA]
    assert [delivery.to for delivery in mail.ready(NOW + LEASE)] == [ANA, BO]


def test_what_was_unclear_before_a_platform_was_busy_is_still_looked_for():
    mail = with_changes(Outbox(), [CardContent(ANA, "one", "status")], ids())
    fresh = mail.deliveries[0]
    begun = mail.marked_in_flight([fresh.id], NOW)
    assert not begun.put_off(fresh, LATER, now=NOW).deliveries[0].in_flight
    unclear = begun.outcome_unknown(fresh, LATER, now=NOW).deliveries[0]
    assert begun.put_off(unclear, LATER, now=NOW).deliveries[0].in_flight


def test_what_waits_for_the_morning_lets_by_what_does_not():
    considerate = CardContent(ANA, "how are you", "check-in", considerate=True)
    mail = with_changes(Outbox(), [considerate, CardContent(ANA, "news", "status")], ids())
    mail = mail.put_off(mail.deliveries[0], LATER, now=NOW)
    assert [delivery.slot for delivery in mail.ready(NOW)] == ["status"]


def test_words_of_a_person_are_gone_once_they_are_delivered():
    new_id = ids()
    mail = with_changes(Outbox(), [CardContent(ANA, "line", "line-1", details={"line": "told nobody"})], new_id)
    mail = mail.marked_in_flight([mail.deliveries[0].id], NOW)
    assert mail.slots[0].content.quote == "told nobody"
    mail = mail.delivered(mail.deliveries[0].id, "ref", new_id, shown=mail.slots[0])
    assert (mail.slots[0].content.quote, mail.slots[0].quoted) == ("", True)


def test_a_button_is_found_for_whom_it_was_shown_to_and_for_nobody_else():
    mail = with_changes(Outbox(), [CardContent(ANA, "one", "status", ("close",))], ids())
    (slot,) = mail.slots
    assert mail.pressed(ANA, slot.key) == slot
    assert mail.pressed(BO, slot.key) is None
    assert mail.pressed(ANA, slot.key[::-1]) is None


def test_a_button_pressed_before_the_news_was_read_is_not_taken_for_an_answer_to_it():
    new_id = ids()
    mail = with_changes(Outbox(), [CardContent(ANA, "Bo can talk", "status", ("connect",))], new_id)
    mail = mail.marked_in_flight([mail.deliveries[0].id], NOW)
    mail = mail.delivered(mail.deliveries[0].id, "ref", new_id, shown=mail.slot(ANA, "status"))
    first = mail.slot(ANA, "status")
    mail = with_changes(mail, [CardContent(ANA, "Cy can talk", "status", ("connect",))], new_id)
    second = mail.slot(ANA, "status")
    assert first
    assert second
    assert first.answers_to(first.generation)
    assert not second.answers_to(first.generation)
