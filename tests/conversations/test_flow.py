"""What must be true of every flow, whoever writes it. Every flow is run from its beginning with everything tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from bot.rendering import FOLDER, LANGUAGE, SHARED_OPTIONS, SPELT_OUT
from conversations import privacy, slots
from conversations.flow import FORGOTTEN, SAME, Flow, after, on
from conversations.messages import IsThere, ReadLate, TakenAwayUnread, Undelivered
from conversations.model import Facts, Message, Opened, OpenForm, Post, Respond, Show, Tell, Told
from conversations.support.request import CODE_NAMES
from conversations.vocabulary import FRONT_DOOR_ONLY, CardKind, Choice, Kind, Timer, Word
from tests.conversations.explore import FLOWS, KIM_ON_CALL, MONDAY, seldom, tried

each_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.kind)

# Said by the house itself, around what conversations decide.
HOUSE = {
    "push",
    "old-button",
    "still-open",
    "noted",
    "link-elsewhere",
    "link-another-workspace",
    "not-here",
    "being-updated",
    "door-see-chat",
    "a-colleague",
    "link-to-chat",
    "when-tomorrow",
    "when-weekday",
}
HOUSE |= {"span-days", "span-hours", "push-offer", "taken-away", "without-buttons", "show-card"}
TABLE = {
    *map(privacy.reader_key, privacy.READERS),
    *map(privacy.group_key, privacy.GROUPS),
    *map(privacy.thing_key, privacy.THINGS),
    *map(privacy.why_key, privacy.reasons()),
}
NAMES = {f"{whose}-name-{n}" for whose in ("code", "peer") for n in range(CODE_NAMES)}
TOLD_BY_THE_ENGINE = {
    *((Kind.REQUEST, message) for message in (Undelivered, TakenAwayUnread, ReadLate)),
    (Kind.FRONT_DOOR, IsThere),
}
NO_DEADLINE = {(Kind.PEER, "ready")}  # a peer serves until they say otherwise


@each_flow
def test_every_message_of_the_table_is_told(flow: Flow[Any]):
    told = {(tell.kind, type(tell.event)) for tell in tells()} | TOLD_BY_THE_ENGINE
    for row in flow.rows:
        if issubclass(row.trigger[0], Told):
            assert (flow.kind, row.trigger[0]) in told, row


@each_flow
def test_every_choice_of_the_table_is_on_a_card(flow: Flow[Any]):
    shown = {choice for each in FLOWS for step in tried(each.kind) for say in step.says for choice in say.choices}
    assert {choice for stage in flow.stages for choice in flow.choices(stage)} <= shown


@each_flow
def test_every_decision_lands_where_its_row_says(flow: Flow[Any]):
    for step in tried(flow.kind):
        assert not flow.strayed(step.before, step.event, step.facts, step.after), step


@each_flow
def test_every_arrow_of_the_table_is_walked(flow: Flow[Any]):
    """A target that no event leads to is no target: it goes out of the table, or something to explore is missing."""
    walked = set()
    for step in (*tried(flow.kind), *(seldom() if flow.kind == Kind.REQUEST else ())):
        row = flow.row(step.before.stage, step.event)
        assert not flow.strayed(step.before, step.event, step.facts, step.after), step
        if row is not None and row.may(step.before, step.event, step.facts):
            walked.add((step.before.stage, row.trigger, step.after.stage))
    assert set(flow.arrows()) - walked == set()


def test_a_row_that_cannot_be_is_refused_at_import():
    one = FLOWS[2]
    visitor, stage = one.rows[1].by, one.stages[0]

    def refuses(*rows: Any) -> bool:
        with pytest.raises(ValueError, match=one.kind):
            Flow(one.kind, type(stage), one.begin).table(*rows)
        return True

    handler = one.rows[0].do
    assert refuses(after(FLOWS[0].stages[1], Timer.GO, to=SAME, do=handler))
    assert refuses(after(stage, Timer.GO, to=FLOWS[0].stages[1], do=handler))
    assert refuses(after(stage, Timer.GO, to=SAME, do=handler), after(stage, Timer.GO, to=SAME, do=handler))
    assert refuses(after(stage, Timer.GO, to=(), do=handler))
    assert refuses(on(stage, (), Choice.LINK_ME, to=SAME, do=handler))
    assert visitor


def tells() -> Iterator[Tell]:
    for flow in FLOWS:
        for step in tried(flow.kind):
            yield from (effect for effect in step.effects if isinstance(effect, Tell))


@each_flow
def test_every_stage_is_reached(flow: Flow[Any]):
    assert {step.after.stage for step in tried(flow.kind)} >= set(flow.stages[1:])


@each_flow
def test_no_deadline_outlives_the_stage_that_waits_for_it(flow: Flow[Any]):
    for step in tried(flow.kind):
        if step.after.stage != FORGOTTEN:
            assert step.after.deadlines.keys() <= set(flow.waits(step.after.stage))


@each_flow
def test_every_wait_ends(flow: Flow[Any]):
    """Nobody is forgotten: wherever a conversation stands, something falls due, until its record is destroyed."""
    for step in tried(flow.kind):
        if step.after.stage != FORGOTTEN and (flow.kind, step.after.stage) not in NO_DEADLINE:
            assert step.after.due is not None, step


@each_flow
def test_no_deadline_is_set_in_the_past(flow: Flow[Any]):
    """Or the clock would go round and round."""
    for step in tried(flow.kind):
        for timer, at in step.after.deadlines.items():
            if step.before.deadlines.get(timer) != at:
                assert at >= step.facts.now or timer == "expired", (timer, step)


@each_flow
def test_every_button_is_shown_only_to_whom_may_press_it_now(flow: Flow[Any]):
    for step in tried(flow.kind):
        for say in step.says:
            for choice in say.choices:
                assert may(flow, step.after, say, choice, step.facts), (choice, say, step.after.stage)


def may(flow: Flow[Any], talk: Any, say: Message, choice: str, facts: Facts) -> bool:
    if say.slot == slots.DOOR or choice in FRONT_DOOR_ONLY:
        return choice in set(Word)
    return any(role.holds(talk, say.to, facts) for role in flow.roles_for(talk.stage, choice))


@each_flow
def test_what_is_typed_is_answered_at_the_bottom_of_the_chat(flow: Flow[Any]):
    """An edit further up is no answer; a request that is hidden or forgotten is answered by the front door."""
    for step in tried(flow.kind):
        event = step.event
        if not isinstance(event, Opened) or event.how == "pressed" or event.word in (Word.HIDE, Word.FORGET_ME):
            continue
        row = flow.row(step.before.stage, event)
        own = flow.kind != Kind.REQUEST or (event.by == step.before.clinician and step.before.stage != "closed")
        if row is None or not own:
            continue
        news = [show for show in step.shows if isinstance(show, Post | Respond | OpenForm) and show.to == event.by]
        passed_on = [effect for effect in step.effects if isinstance(effect, Tell)]
        assert news or passed_on, (event.word, step.before.stage)


@each_flow
def test_deciding_twice_decides_the_same(flow: Flow[Any]):
    for step in tried(flow.kind)[::37]:
        assert flow.decide(step.before, step.event, step.facts) == (step.after, step.effects)


def test_nothing_is_said_from_the_grave():
    for flow in FLOWS:
        for step in tried(flow.kind):
            assert not step.shows or step.after.stage != FORGOTTEN


# ---------------------------------------------------------------- words


@cache
def messages() -> dict[str, ast.Message]:
    found = {}
    for file in sorted((FOLDER / LANGUAGE).glob("*.ftl")):
        for entry in FluentParser().parse(file.read_text("utf-8")).body:
            assert not isinstance(entry, ast.Junk), f"{file.name}: {entry.content}"
            if isinstance(entry, ast.Message):
                assert entry.id.name not in found, f"{file.name}: {entry.id.name} twice"
                found[entry.id.name] = entry
    return found


def keys_of(show: Show) -> Iterator[str]:
    say = show.message
    yield say.card
    yield from (f"button-{choice}" for choice in say.choices)
    if isinstance(show, OpenForm):
        yield f"{say.card}-title"
    for question in say.questions:
        yield f"ask-{question.name}"
        words = SHARED_OPTIONS.get(question.name, f"ask-{question.name}")
        yield from (f"{words}-{option}" for option in question.options)
    for name in ("role", "department"):
        if name in say.details:
            yield f"ask-{name}-{say.details[name] or 'none'}"


def used() -> set[str]:
    keys = {key for flow in FLOWS for step in tried(flow.kind) for show in step.shows for key in keys_of(show)}
    keys |= {f"button-{choice}" for flow in FLOWS for stage in flow.stages for choice in flow.choices(stage)}
    return keys | HOUSE | NAMES | TABLE


class References(Visitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802 - the parser's own name
        self.found.add(node.id.name)


def test_every_card_there_is_is_shown():
    shown = {say.card for flow in FLOWS for step in tried(flow.kind) for say in step.says}
    assert set(CardKind) - shown == {CardKind.DOOR_SEE_CHAT}  # shown by the engine


def test_everything_that_is_said_has_words():
    assert used() - messages().keys() == set()


def test_no_words_are_left_over():
    referred = References()
    for message in messages().values():
        referred.visit(message)
    options = {key for key in messages() if re.fullmatch(r"ask-(role|department)-[a-z-]+", key)}
    options |= {f"{text}-none" for text in SPELT_OUT.values()}
    options |= {f"{SPELT_OUT['stage']}-{stage}" for stage in FLOWS[0].stages}
    shown = {
        key for key in messages() if key.startswith(("page-", "coming-", "install-"))
    }  # test_playground, test_slack_oauth
    complaint = {f"ask-{asked}-complaint" for asked in ("about", "been-through", "rather-not")}
    of_before = {"door-hidden", *complaint}  # what a card or a record of 0.2.0 may still hold
    assert messages().keys() - used() - referred.found - options - shown - of_before == set()


def test_the_words_hold_exactly_as_many_code_names_as_are_given():
    assert {key for key in messages() if re.fullmatch(r"\w+-name-\d+", key)} == NAMES


def test_the_stage_is_set():
    """The worlds that are tried are the ones the other tests believe in."""
    assert KIM_ON_CALL.person
    assert MONDAY.weekday() == 0
