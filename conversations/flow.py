"""A flow is one table: stage, who, what they choose or what runs out or is told, where it leads, and which function.

Rule 1: `Flow.decide` is the only way anything changes.
Rule 2: it is pure; everything it may look at is in its arguments.
Rule 3: an event that no row expects is not an error: it changes nothing and says nothing.
Rule 4: a deadline that the new stage does not wait for is dropped by `move`, so no timer outlives its reason.
Rule 5: a decision lands in a stage that its row names. Tests fail on any other; in service it stands and is logged.

A row that names a stage, choice, timer or message that does not exist fails when the table is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Generic, TypeVar

from conversations.immutable import Immutable
from conversations.model import Chose, Effect, Elapsed, Event, Facts, Opened, Person, Tell, Told, Unreached, change
from conversations.vocabulary import Choice, Kind, Timer

FORGOTTEN: Final = "forgotten"
TIDIED_BEFORE: Final = timedelta(minutes=5)
"""How long before a record goes its cards are taken away: a call is given up after one minute, and another replica goes
on with what is left."""
"""The stage in which the record itself is destroyed; every flow's stages end with it."""


class Stay(Enum):
    """The target of a row that leaves a conversation where it is."""

    SAME = "same"


SAME: Final = Stay.SAME

Deadlines = Mapping[Timer, datetime | None]


class Conversation(Immutable, frozen=True, kw_only=True):
    """What every conversation remembers, whatever it is about."""

    id: str
    stage: str
    deadlines: Mapping[Timer, datetime] = {}

    @property
    def due(self) -> datetime | None:
        """The earliest deadline, or None when nothing is waited for."""
        return min(self.deadlines.values(), default=None)


C = TypeVar("C", bound=Conversation)
Decision = tuple[C, tuple[Effect, ...]]
Handler = Callable[[C, Any, Facts], Decision[C]]
Begin = Callable[[str, Event, Facts], C | None]
Before = Callable[[C, Event, Facts], C]
Ripple = Callable[[C, C, Facts], tuple[Tell, ...]]


@dataclass(frozen=True, slots=True)
class Role(Generic[C]):
    """Who a person is to this conversation, asked anew at every press."""

    name: str
    holds: Callable[[C, Person, Facts], bool] = field(repr=False)


# ---------------------------------------------------------------- rows

Target = StrEnum | Stay
Targets = Target | tuple[Target, ...]
Stages = StrEnum | tuple[StrEnum, ...]
Trigger = tuple[type[Event], str]
"""What sets a row off: the class of the event, and which choice or timer it is about."""


@dataclass(frozen=True, slots=True)
class Row(Generic[C]):
    """One line of a table. `on`, `after`, `told`, `opened` and `unreached` write it."""

    stages: tuple[StrEnum, ...]
    trigger: Trigger
    by: tuple[Role[C], ...]
    to: tuple[Target, ...]
    do: Handler[C]

    def may(self, conversation: C, event: Event, facts: Facts) -> bool:
        """Whether this event is accepted: a choice only from a person who holds one of the roles."""
        return not isinstance(event, Chose) or any(role.holds(conversation, event.by, facts) for role in self.by)

    def targets(self, stage: str) -> frozenset[str]:
        """The stages in which a decision of this row may land, from this one."""
        return frozenset(stage if target is SAME else str(target) for target in self.to)


def on(stages: Stages, by: Role[C] | tuple[Role[C], ...], choice: Choice, *, to: Targets, do: Handler[C]) -> Row[C]:
    """This function decides when one of these people makes that choice."""
    return Row(_stages(stages), (Chose, choice), by if isinstance(by, tuple) else (by,), _targets(to), do)


def after(stages: Stages, timer: Timer, *, to: Targets, do: Handler[C]) -> Row[C]:
    """This function decides when that deadline passes; the stage waits for it."""
    return Row(_stages(stages), (Elapsed, timer), (), _targets(to), do)


def told(stages: Stages, message: type[Told], *, to: Targets, do: Handler[C]) -> Row[C]:
    """This function decides when another conversation says that."""
    return Row(_stages(stages), (message, ""), (), _targets(to), do)


def opened(stages: Stages, *, to: Targets, do: Handler[C]) -> Row[C]:
    """This function decides when a person comes back to the front door."""
    return Row(_stages(stages), (Opened, ""), (), _targets(to), do)


def unreached(stages: Stages, *, to: Targets, do: Handler[C]) -> Row[C]:
    """This function decides when a person cannot be reached any more."""
    return Row(_stages(stages), (Unreached, ""), (), _targets(to), do)


def _stages(stages: Stages) -> tuple[StrEnum, ...]:
    return stages if isinstance(stages, tuple) else (stages,)


def _targets(to: Targets) -> tuple[Target, ...]:
    return to if isinstance(to, tuple) else (to,)


def trigger_of(event: Event) -> Trigger:
    """What this event sets off."""
    match event:
        case Chose(choice=choice):
            return Chose, choice
        case Elapsed(timer=timer):
            return Elapsed, timer
        case _:
            return type(event), ""


# ---------------------------------------------------------------- the table


class Flow(Generic[C]):
    """One kind of conversation: its stages and its table.

    Args:
        kind: What kind of conversation this is.
        stages: The places where it rests, in order; the first is where it begins, the last is FORGOTTEN.
        begin: Makes the conversation an event opens, or None where that event opens nothing.
        before: Notes what every accepted event means, so that no function of the table can forget it.
        ripple: Says what a step means for other conversations, likewise.
    """

    def __init__(
        self,
        kind: Kind,
        stages: type[StrEnum],
        begin: Begin[C],
        before: Before[C] = lambda conversation, event, facts: conversation,
        ripple: Ripple[C] = lambda before, after, facts: (),
    ) -> None:
        self.kind = kind
        self.stages: tuple[StrEnum, ...] = tuple(stages)
        self.begin = begin
        self.before = before
        self.ripple = ripple
        self.rows: tuple[Row[C], ...] = ()
        self._rows: dict[tuple[str, Trigger], Row[C]] = {}
        self._waits: dict[str, tuple[Timer, ...]] = {}

    def table(self, *rows: Row[C]) -> None:
        """Declare every row, once.

        Raises:
            ValueError: a stage or target is none of this flow, two rows answer the same, or a choice has no person.
        """
        self.rows = rows
        for row, stage in _by_stage(rows):
            self._check(row, stage)
            if (stage, row.trigger) in self._rows:
                raise ValueError(f"{self.kind}: two rows for {stage} and {row.trigger[1] or row.trigger[0].__name__}")
            self._rows[stage, row.trigger] = row
        for stage in self.stages:
            waits = (row.trigger[1] for row in rows if stage in row.stages and row.trigger[0] is Elapsed)
            self._waits[stage] = tuple(Timer(timer) for timer in waits)

    def _check(self, row: Row[C], stage: StrEnum) -> None:
        if stage not in self.stages or any(target is not SAME and target not in self.stages for target in row.to):
            raise ValueError(f"{self.kind}: {stage} or one of {row.to} is no stage of this flow")
        if not row.to or (row.trigger[0] is Chose) != bool(row.by):
            raise ValueError(f"{self.kind}: a row of {stage} lacks its target, or who chooses")

    def waits(self, stage: str) -> tuple[Timer, ...]:
        """What may run out in this stage."""
        return self._waits.get(stage, ())

    def roles_for(self, stage: str, choice: str) -> tuple[Role[C], ...]:
        """Who may make this choice in this stage."""
        row = self._rows.get((stage, (Chose, choice)))
        return row.by if row else ()

    def choices(self, stage: str) -> tuple[Choice, ...]:
        """Everything that can be chosen in this stage."""
        return tuple(Choice(row.trigger[1]) for row in self.rows if row.trigger[0] is Chose and stage in row.stages)

    def knows(self, conversation: C) -> bool:
        """Whether this conversation stands where the table has a place, and waits for nothing but what it names."""
        return conversation.stage in self._waits and set(conversation.deadlines) <= set(self.waits(conversation.stage))

    def knows_choice(self, choice: str) -> bool:
        """Whether any row answers this choice."""
        return any(row.trigger == (Chose, choice) for row in self.rows)

    def row(self, stage: str, event: Event) -> Row[C] | None:
        """The row that answers this event in this stage, or None."""
        return self._rows.get((stage, trigger_of(event)))

    def arrows(self) -> Iterator[tuple[str, Trigger, str]]:
        """Every stage, trigger and target that the table names."""
        for row, stage in _by_stage(self.rows):
            yield from ((str(stage), row.trigger, target) for target in sorted(row.targets(stage)))

    def decide(self, conversation: C, event: Event, facts: Facts) -> Decision[C]:
        """Answer one event. The same arguments give the same answer; nothing is touched."""
        row = self.row(conversation.stage, event)
        if row is None or not row.may(conversation, event, facts):
            return _past(conversation, event), ()
        decided, effects = row.do(self.before(_past(conversation, event), event, facts), event, facts)
        return decided, (*effects, *self.ripple(conversation, decided, facts))

    def strayed(self, before: C, event: Event, facts: Facts, decided: C) -> bool:
        """Whether a decision landed in a stage that its row does not name: a fault in our own table."""
        row = self.row(before.stage, event)
        answered = row is not None and row.may(before, event, facts)
        return row is not None and answered and decided.stage not in row.targets(before.stage)

    def move(self, conversation: C, stage: StrEnum | str, deadlines: Deadlines | None = None) -> C:
        """Go to a stage; what it does not wait for is dropped, what is given replaces what ran."""
        running = {**conversation.deadlines, **(deadlines or {})}
        waits = self.waits(stage)
        kept = {timer: at for timer, at in running.items() if at is not None and timer in waits}
        return change(conversation, stage=stage, deadlines=kept)

    def wait(self, conversation: C, deadlines: Deadlines) -> C:
        """Stay, with these deadlines changed; None drops one."""
        return self.move(conversation, conversation.stage, deadlines)


def _by_stage(rows: Iterable[Row[C]]) -> Iterator[tuple[Row[C], StrEnum]]:
    return ((row, stage) for row in rows for stage in row.stages)


def _past(conversation: C, event: Event) -> C:
    """A deadline that has passed is over, whichever function handles it."""
    if not isinstance(event, Elapsed):
        return conversation
    return change(conversation, deadlines={n: at for n, at in conversation.deadlines.items() if n != event.timer})
