"""Which presses of a coordinator are acts: those that did something, and every *Take it*."""

from __future__ import annotations

import pytest

from conversations.immutable import replace
from conversations.messages import Invited
from conversations.model import Chose, Person, Tell
from conversations.peers.acts import Act, CoordinatorAct, act_of
from conversations.support.request import Request
from conversations.vocabulary import Choice, Kind

ANA, DANA, BO = (Person("slack", "hospital", name) for name in ("Ana", "Dana", "Bo"))
WAITS = Request(id="r", stage="asking", clinician=ANA)


@pytest.mark.parametrize("after", [WAITS, replace(WAITS, stage="chosen")], ids=["it did not fit", "it fitted"])
def test_a_take_is_noted_whether_it_fitted_or_not(after):
    """Without an entry a coordinator who looks at the log would learn that they were left out."""
    noted = act_of(Kind.REQUEST, WAITS, Chose(DANA, Choice.TAKE_IT), after, ())
    assert noted == CoordinatorAct(Act.TOOK_IT, DANA)


def test_what_a_clinician_presses_on_their_own_request_is_never_an_act():
    assert act_of(Kind.REQUEST, WAITS, Chose(ANA, Choice.TAKE_IT), WAITS, ()) is None
    assert act_of(Kind.REQUEST, WAITS, Chose(ANA, Choice.CHANGE_MY_MIND), WAITS, ()) is None


def test_an_invitation_of_none_is_no_act_and_one_of_many_says_how_many():
    pressed = Chose(DANA, Choice.INVITE)
    told = [Tell(Kind.PEER, who, Invited(who, DANA)) for who in (ANA, BO)]
    assert act_of(Kind.FRONT_DOOR, WAITS, pressed, WAITS, ()) is None
    assert act_of(Kind.FRONT_DOOR, WAITS, pressed, WAITS, told) == CoordinatorAct(Act.ENROLLED, DANA, 2)
