"""What must be true of every flow, whoever writes it. Every flow is run from its beginning with everything tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from draw import FLOWS, KIM_ON_CALL, MONDAY, choices_at, tried
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from bot.texts import FOLDER, LANGUAGE
from conversations import anywhere, privacy
from conversations.flow import FORGOTTEN, Flow, Stage
from conversations.model import Facts, Say, Tell, Told
from conversations.request import CODE_NAMES

each_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)

# Said by the house itself, around what conversations decide.
HOUSE = {
    "push",
    "old-button",
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
HOUSE |= {"span-days", "span-hours", "push-offer", "taken-away"}
TABLE = {
    *map(privacy.reader_key, privacy.READERS),
    *map(privacy.group_key, privacy.GROUPS),
    *map(privacy.thing_key, privacy.THINGS),
    *map(privacy.why_key, privacy.reasons()),
}
NAMES = {f"{whose}-name-{n}" for whose in ("code", "peer") for n in range(CODE_NAMES)}
TOLD_BY_THE_POST = {("support", "undelivered")}
NO_DEADLINE = {("volunteering", "ready")}  # a peer serves until they say otherwise


@each_flow
def test_every_button_of_a_stage_is_handled(flow: Flow[Any]):
    for stage in flow.stages.values():
        for choice in choices_at(flow, stage.name):
            assert (stage.name, f"chose {choice}") in flow.table


@each_flow
def test_every_deadline_is_handled_where_it_may_run_out(flow: Flow[Any]):
    for stage in flow.stages.values():
        for timer in stage.waits:
            assert (stage.name, f"elapsed {timer}") in flow.table


@each_flow
def test_nothing_is_handled_that_cannot_happen(flow: Flow[Any]):
    told = {(tell.flow, tell.event.what) for tell in tells() if isinstance(tell.event, Told)} | TOLD_BY_THE_POST
    for name, answer in flow.table:
        stage: Stage[Any] = flow.stages[name]
        kind, _, what = answer.partition(" ")
        assert {
            "chose": what in choices_at(flow, name),
            "elapsed": what in stage.waits,
            "told": (flow.name, what) in told,
            "opened": True,
            "unreached": True,
        }[kind], (name, answer)


def tells() -> Iterator[Tell]:
    for flow in FLOWS:
        for step in tried(flow.name):
            yield from (effect for effect in step.effects if isinstance(effect, Tell))


@each_flow
def test_every_stage_is_reached(flow: Flow[Any]):
    assert {step.after.stage for step in tried(flow.name)} >= flow.stages.keys() - {next(iter(flow.stages))}


@each_flow
def test_no_deadline_outlives_the_stage_that_waits_for_it(flow: Flow[Any]):
    for step in tried(flow.name):
        if step.after.stage != FORGOTTEN:
            assert step.after.deadlines.keys() <= set(flow.stages[step.after.stage].waits)


@each_flow
def test_every_wait_ends(flow: Flow[Any]):
    """Nobody is forgotten: wherever a conversation stands, something falls due, until its record is destroyed."""
    for step in tried(flow.name):
        if step.after.stage != FORGOTTEN and (flow.name, step.after.stage) not in NO_DEADLINE:
            assert step.after.due is not None, step


@each_flow
def test_no_deadline_is_set_in_the_past(flow: Flow[Any]):
    """Or the clock would go round and round."""
    for step in tried(flow.name):
        for timer, at in step.after.deadlines.items():
            if step.before.deadlines.get(timer) != at:
                assert at >= step.facts.now or timer == "expired", (timer, step)


@each_flow
def test_every_button_is_shown_only_to_whom_may_press_it_now(flow: Flow[Any]):
    for step in tried(flow.name):
        for say in step.says:
            for choice in say.choices:
                assert may(flow, step.after, say, choice, step.facts), (choice, say, step.after.stage)


def may(flow: Flow[Any], talk: Any, say: Say, choice: str, facts: Facts) -> bool:
    if say.slot == "door":
        return choice in anywhere.WORDS
    return any(role.holds(talk, say.to, facts) for role in flow.stages[talk.stage].roles_for(choice))


@each_flow
def test_deciding_twice_decides_the_same(flow: Flow[Any]):
    for step in tried(flow.name)[::37]:
        assert flow.decide(step.before, step.event, step.facts) == (step.after, step.effects)


def test_nothing_is_said_from_the_grave():
    for flow in FLOWS:
        for step in tried(flow.name):
            assert not step.says or step.after.stage != FORGOTTEN


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


def keys_of(say: Say) -> Iterator[str]:
    if say.text:
        yield say.text
    yield from (f"button-{choice}" for choice in say.choices)
    if say.manner == "form":
        yield f"{say.text}-title"
    for question in say.questions:
        yield f"ask-{question.name}"
        yield from (f"ask-{question.name}-{option}" for option in question.options)
    for name in ("role", "department"):
        if name in say.details:
            yield f"ask-{name}-{say.details[name] or 'none'}"


def used() -> set[str]:
    keys = {key for flow in FLOWS for step in tried(flow.name) for say in step.says for key in keys_of(say)}
    keys |= {f"button-{choice}" for flow in FLOWS for stage in flow.stages for choice in choices_at(flow, stage)}
    return keys | HOUSE | NAMES | TABLE


class References(Visitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802 - the parser's own name
        self.found.add(node.id.name)


def test_everything_that_is_said_has_words():
    assert used() - messages().keys() == set()


def test_no_words_are_left_over():
    referred = References()
    for message in messages().values():
        referred.visit(message)
    options = {key for key in messages() if re.fullmatch(r"ask-(role|department)-[a-z-]+", key)}
    shown = {
        key for key in messages() if key.startswith(("page-", "coming-", "install-"))
    }  # test_playground, test_slack_oauth
    assert messages().keys() - used() - referred.found - options - shown == set()


def test_the_words_hold_exactly_as_many_code_names_as_are_given():
    assert {key for key in messages() if re.fullmatch(r"\w+-name-\d+", key)} == NAMES


def test_the_stage_is_set():
    """The worlds that are tried are the ones the other tests believe in."""
    assert KIM_ON_CALL.person
    assert MONDAY.weekday() == 0
