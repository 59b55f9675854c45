"""Values about people print their class and their stage alone, whichever they are and whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import bot.engine.codec
import bot.engine.unit_of_work
from conversations.immutable import Immutable, replace
from conversations.model import Person

assert bot.engine.codec
assert bot.engine.unit_of_work
CANARY = "quill"


def kinds_of(base: type[Immutable]) -> Iterator[type[Immutable]]:
    for each in base.__subclasses__():
        yield each
        yield from kinds_of(each)


KINDS = sorted({kind for kind in kinds_of(Immutable) if kind.__struct_fields__}, key=lambda kind: kind.__name__)


@dataclass
class Holder:
    """Something of another make that holds one."""

    value: Any


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_value_prints_what_it_says_of_somebody(kind: type[Immutable]):
    filled: Any = kind(
        **dict.fromkeys(kind.__struct_fields__, CANARY) | ({"stage": "asking"} if is_staged(kind) else {})
    )
    for printed in (repr(filled), str(filled), f"{filled}", repr([filled]), repr(Holder(filled))):
        assert CANARY not in printed
        assert kind.__name__ in printed
        assert not is_staged(kind) or "asking" in printed


def is_staged(kind: type[Immutable]) -> bool:
    return "stage" in kind.__struct_fields__


def test_all_that_is_stored_and_decided_is_held_to_it():
    assert {"Person", "Request", "PeerRecord", "Doorstep", "Outbox", "Delivery", "Message", "Facts", "Stored"} <= {
        kind.__name__ for kind in KINDS
    }


def test_a_value_cannot_be_changed_and_an_unknown_name_is_refused():
    ana = Person("slack", "T1", "U1")
    with pytest.raises(AttributeError):
        ana.id = "U2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        replace(ana, ide="U2")  # type: ignore[call-arg]
    assert replace(ana, id="U2") == Person("slack", "T1", "U2")
