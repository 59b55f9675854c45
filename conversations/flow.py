"""A flow is a table: its stages, who may answer what there, what may run out, and one small function for each.

Rule 1: `Flow.decide` is the only way anything changes.
Rule 2: it is pure; everything it may look at is in its arguments.
Rule 3: an answer that nobody asked for is not an error: it changes nothing and says nothing.
Rule 4: a deadline that the new stage does not wait for is dropped by `move`, so no timer outlives its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from conversations.model import Chose, Elapsed, Event, Facts, Opened, Person, Say, Tell, Told, Unreached

FORGOTTEN = "forgotten"  # the stage in which the record itself is destroyed


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What every conversation remembers, whatever it is about."""

    id: str = field(repr=False)
    stage: str
    deadlines: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def due(self) -> datetime | None:
        """The earliest deadline, or None when nothing is waited for."""
        return min(self.deadlines.values(), default=None)


C = TypeVar("C", bound=Conversation)
Effect = Say | Tell
Decision = tuple[C, tuple[Effect, ...]]
Handler = Callable[[C, Any, Facts], Decision[C]]
Begin = Callable[[str, Event, Facts], C | None]
Before = Callable[[C, Event, Facts], C]
Ripple = Callable[[C, C, Facts], tuple[Tell, ...]]


@dataclass(frozen=True, slots=True)
class Role(Generic[C]):
    """Who somebody is to this conversation, asked anew at every press."""

    name: str
    holds: Callable[[C, Person, Facts], bool] = field(repr=False)

    def may(self, *choices: str) -> tuple[Role[C], tuple[str, ...]]:
        return self, choices


@dataclass(frozen=True, slots=True)
class Stage(Generic[C]):
    """A place where a conversation rests: who may answer what, and which deadlines may run meanwhile."""

    name: str
    answers: tuple[tuple[Role[C], tuple[str, ...]], ...] = ()
    waits: tuple[str, ...] = ()

    def roles_for(self, choice: str) -> tuple[Role[C], ...]:
        return tuple(role for role, choices in self.answers if choice in choices)


class Flow(Generic[C]):
    """The table of one kind of conversation, filled by declarations and decorators at import time.

    `begin` makes the conversation an event opens, or None where that event opens nothing. `before` notes what every
    accepted event means, and `ripple` what a step means for other conversations, so no handler can forget either.
    """

    def __init__(
        self,
        name: str,
        begin: Begin[C],
        before: Before[C] = lambda talk, event, facts: talk,
        ripple: Ripple[C] = lambda before, after, facts: (),
    ) -> None:
        self.name = name
        self.begin = begin
        self.before = before
        self.ripple = ripple
        self.stages: dict[str, Stage[C]] = {}
        self.table: dict[tuple[str, str], Handler[C]] = {}

    def stage(self, name: str, *answers: tuple[Role[C], tuple[str, ...]], waits: tuple[str, ...] = ()) -> Stage[C]:
        self.stages[name] = Stage(name, answers, waits)
        return self.stages[name]

    def on(self, *stages: Stage[C], choice: str) -> Callable[[Handler[C]], Handler[C]]:
        """This function decides when one of the stage's people makes that choice."""
        return self._register(stages, f"chose {choice}")

    def after(self, *stages: Stage[C], timer: str) -> Callable[[Handler[C]], Handler[C]]:
        """This function decides when that deadline passes."""
        return self._register(stages, f"elapsed {timer}")

    def told(self, *stages: Stage[C], what: str) -> Callable[[Handler[C]], Handler[C]]:
        """This function decides when another conversation tells us that."""
        return self._register(stages, f"told {what}")

    def opened(self, *stages: Stage[C]) -> Callable[[Handler[C]], Handler[C]]:
        """This function decides when someone comes back to the front door."""
        return self._register(stages, "opened")

    def unreached(self, *stages: Stage[C]) -> Callable[[Handler[C]], Handler[C]]:
        """This function decides when somebody cannot be reached."""
        return self._register(stages, "unreached")

    def _register(self, stages: tuple[Stage[C], ...], answer: str) -> Callable[[Handler[C]], Handler[C]]:
        def register(handler: Handler[C]) -> Handler[C]:
            for stage in stages:
                key = stage.name, answer
                if key in self.table:
                    message = f"{self.name}: two functions for {key}"
                    raise ValueError(message)
                self.table[key] = handler
            return handler

        return register

    def knows(self, talk: C) -> bool:
        """Whether this conversation stands where the table has a place, and waits for nothing but what it names."""
        stage = self.stages.get(talk.stage)
        return stage is not None and set(talk.deadlines) <= set(stage.waits)

    def knows_choice(self, choice: str) -> bool:
        """Whether anybody may ever answer this."""
        return any(choice in choices for stage in self.stages.values() for _, choices in stage.answers)

    def decide(self, talk: C, event: Event, facts: Facts) -> Decision[C]:
        """Answer one event. Same arguments, same answer; nothing is touched."""
        handler = self.table.get((talk.stage, _key(event)))
        if handler is None or not self._may(talk, event, facts):
            return _past(talk, event), ()
        after, effects = handler(self.before(_past(talk, event), event, facts), event, facts)
        return after, (*effects, *self.ripple(talk, after, facts))

    def _may(self, talk: C, event: Event, facts: Facts) -> bool:
        if not isinstance(event, Chose):
            return True
        roles = self.stages[talk.stage].roles_for(event.choice)
        return any(role.holds(talk, event.by, facts) for role in roles)

    def move(self, talk: C, stage: Stage[C], **deadlines: datetime | None) -> C:
        """Go to a stage; what it does not wait for is dropped, what is given replaces what ran."""
        running = {**talk.deadlines, **deadlines}
        kept = {name: at for name, at in running.items() if at is not None and name in stage.waits}
        return replace(talk, stage=stage.name, deadlines=kept)

    def wait(self, talk: C, **deadlines: datetime | None) -> C:
        """Stay, with these deadlines changed; None drops one."""
        return self.move(talk, self.stages[talk.stage], **deadlines)


def _key(event: Event) -> str:
    match event:
        case Chose(choice=choice):
            return f"chose {choice}"
        case Elapsed(timer=timer):
            return f"elapsed {timer}"
        case Told(what=what):
            return f"told {what}"
        case Opened():
            return "opened"
        case Unreached():
            return "unreached"


def _past(talk: C, event: Event) -> C:
    """A deadline that has passed is over, whoever handles it."""
    if not isinstance(event, Elapsed):
        return talk
    return replace(talk, deadlines={n: at for n, at in talk.deadlines.items() if n != event.timer})
