"""What stands in a chat and what is owed: laws of the outbox, whatever is said and however the platform behaves."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot import outbox
from bot.outbox import Errand, Mail, Slot
from conversations.model import EVERY_SLOT, KEPT, Person, Say

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
ANA, BO = (Person("slack", "hospital", name) for name in ("Ana", "Bo"))
SLOTS = ("status", "line-1", min(KEPT))
profile = settings(derandomize=True, deadline=None, max_examples=200, stateful_step_count=30)

people = st.sampled_from((ANA, BO))
slots = st.sampled_from(SLOTS)


class Post(RuleBasedStateMachine):
    """Says anything in any manner while a platform delivers, stalls, or never answers."""

    @initialize()
    def morning(self) -> None:
        self.mail = Mail()
        self.ids = (f"{n:032x}" for n in itertools.count(1))
        self.texts = (f"text-{n}" for n in itertools.count(1))
        self.screen: dict[str, tuple[Person, str]] = {}  # ref → what stands there
        self.buttons: dict[str, int] = {}  # ref → the generation its buttons carry
        self.newest: dict[tuple[Person, str], str] = {}
        self.calls: list[tuple[Errand, Mail, bool]] = []  # under way: the mail they set out with, looked for first
        self.wrong: list[str] = []

    def new_id(self) -> str:
        return next(self.ids)

    @rule(to=people, slot=slots, manner=st.sampled_from(("news", "progress", "withdraw")), pressable=st.booleans())
    def say(self, to, slot, manner, pressable):
        text = next(self.texts)
        choices = ("yes",) if pressable else ()
        before = self.mail
        details = {"line": text} if slot.startswith("line") else {}
        said = Say(to, text, slot, choices, manner=manner, details=details)
        self.mail = outbox.say_all(self.mail, [said], self.new_id)
        known = before.slot(to, slot)
        seen = known is not None and (known.ref or under_way(before, to, slot))
        if manner == "withdraw" and not (seen and known and known.say.manner != "erase"):
            standing = self.mail.slot(to, slot)
            assert standing is None or under_way(before, to, slot), "something is withdrawn that nobody ever saw"
            if standing is None:
                self.newest.pop((to, slot), None)
                return
        self.newest[to, slot] = text

    @rule(to=people, slot=st.sampled_from((*SLOTS, EVERY_SLOT)))
    def take_away(self, to, slot):
        self.mail = outbox.say_all(self.mail, [Say(to, "", slot, manner="erase")], self.new_id)
        for name in SLOTS:
            if slot == name or (slot == EVERY_SLOT and name not in KEPT):
                self.newest.pop((to, name), None)

    @rule()
    def set_out(self):
        """The post begins its calls, as bot/post.py does; more may be said before they are answered."""
        self.answer("done")
        going = outbox.ready(self.mail, LATER + outbox.LEASE)
        again = {errand.id for errand in going if errand.sending}
        self.mail = outbox.set_out(self.mail, [errand.id for errand in going], NOW)
        self.calls = [(errand, self.mail, errand.id in again) for errand in going]
        for errand in going:
            slot = self.mail.slot(errand.to, errand.slot)
            if errand.deed != "erase" and slot and slot.say.manner != "erase":
                self.wrong += [slot.say.text] * (self.newest.get((errand.to, errand.slot)) != slot.say.text)

    @rule(how=st.sampled_from(("done", "done", "done", "busy", "unclear", "arrived, unclear")))
    def answer(self, how):
        """What the platform makes of the calls that are under way."""
        calls, self.calls = self.calls, []
        for errand, standing, look in calls:
            self.run_errand(errand, standing, how, look=look)

    def run_errand(self, errand: Errand, standing: Mail, how: str, *, look: bool) -> None:
        if how == "busy":
            self.mail = outbox.put_off(self.mail, errand, LATER)
            return
        slot = standing.slot(errand.to, errand.slot)
        found = look and self.found(errand, slot)
        ref = None if how == "unclear" else f"post-{errand.id}" if found else self.call(errand, slot)
        if "unclear" in how:
            self.mail = outbox.unclear(self.mail, errand.id, LATER)
        else:
            self.mail = outbox.done(self.mail, errand.id, ref, self.new_id, shown=None if found else slot)

    def found(self, errand: Errand, slot: Slot | None) -> bool:
        posts = errand.deed == "post" or (errand.deed == "edit" and not (slot and slot.ref))
        return posts and f"post-{errand.id}" in self.screen

    def call(self, errand: Errand, slot: Slot | None) -> str | None:
        if errand.deed == "erase":
            self.screen.pop(errand.ref or "", None)
            return None
        if slot is None or slot.say.manner == "erase":
            return None
        ref = slot.ref if errand.deed == "edit" and slot.ref else f"post-{errand.id}"
        self.screen[ref], self.buttons[ref] = (errand.to, slot.say.text), slot.generation
        return ref

    @invariant()
    def an_unsent_text_that_was_overtaken_is_never_sent(self):
        assert not self.wrong

    @invariant()
    def what_stands_or_will_stand_is_the_newest(self):
        held = {(slot.to, slot.name): slot.say.text for slot in self.mail.slots if slot.say.manner != "erase"}
        assert held == self.newest

    @invariant()
    def nobody_is_owed_two_deliveries_of_one_card(self):
        fresh = [(e.to, e.slot) for e in self.mail.errands if not e.sending and e.deed != "erase"]
        assert len(fresh) == len(set(fresh))

    @invariant()
    def each_key_belongs_to_one_slot_of_one_person(self):
        keys = [slot.key for slot in self.mail.slots]
        assert len(keys) == len(set(keys))

    def teardown(self):
        """In the end the platform answers: what stands on screens is what was said last, and nothing else."""
        for _ in range(60):
            self.set_out()
            self.answer("done")
        assert not self.mail.errands
        shown = sorted((who, text) for who, text in self.screen.values())
        assert shown == sorted((to, text) for (to, _), text in self.newest.items())
        assert all(slot.answers_to(self.buttons[slot.ref]) for slot in self.mail.slots), "a button that stands is dead"
        assert not any("line" in slot.say.details for slot in self.mail.slots), "a line is kept after it was delivered"


def under_way(mail: Mail, to: Person, slot: str) -> bool:
    return any(errand.sending for errand in mail.errands if (errand.to, errand.slot) == (to, slot))


TestPost = Post.TestCase
TestPost.settings = profile


def ids():
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


@profile
@given(st.lists(st.tuples(people, slots), min_size=1, max_size=8, unique=True))
def test_news_reaches_each_person_in_the_order_it_was_said(said):
    new_id = ids()
    mail = outbox.say_all(Mail(), [Say(to, f"text-{n}", slot) for n, (to, slot) in enumerate(said)], new_id)
    read: dict[Person, list[str]] = {ANA: [], BO: []}
    while going := outbox.ready(mail, NOW):
        mail = outbox.set_out(mail, [errand.id for errand in going], NOW)
        for errand in going:
            slot = mail.slot(errand.to, errand.slot)
            assert slot
            read[errand.to].append(slot.say.text)
            mail = outbox.done(mail, errand.id, f"ref-{errand.id}", new_id, slot)
    for who, texts in read.items():
        assert texts == [f"text-{n}" for n, (to, _) in enumerate(said) if to == who]


def test_somebody_whose_platform_is_slow_holds_up_nobody_else():
    mail = outbox.say_all(Mail(), [Say(ANA, "one", "status"), Say(BO, "two", "offer")], ids())
    mail = outbox.put_off(mail, mail.errands[0], LATER)
    assert [errand.to for errand in outbox.ready(mail, NOW)] == [BO]


def test_a_button_pressed_before_the_news_was_read_is_not_taken_for_an_answer_to_it():
    new_id = ids()
    mail = outbox.say_all(Mail(), [Say(ANA, "Bo can talk", "status", ("connect",))], new_id)
    mail = outbox.set_out(mail, [mail.errands[0].id], NOW)
    mail = outbox.done(mail, mail.errands[0].id, "ref", new_id, shown=mail.slot(ANA, "status"))
    first = mail.slot(ANA, "status")
    mail = outbox.say_all(mail, [Say(ANA, "Cy can talk", "status", ("connect",))], new_id)
    second = mail.slot(ANA, "status")
    assert first
    assert second
    assert first.answers_to(first.generation)
    assert not second.answers_to(first.generation)
