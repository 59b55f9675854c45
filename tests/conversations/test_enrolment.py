"""A list of colleagues is read whole or not at all, and three names a year are all that one person gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.immutable import replace
from conversations.messages import Invited, Nominated
from conversations.model import Chose, Facts, Peer, Person, Programme, Tell
from conversations.peers import enrolment
from conversations.peers.enrolment import enrol, left_to_name, nominate, read_list

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
DANA = Person("slack", "T0HOSPITAL", "U0DANA00")
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TENANT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ON_TEAMS = Person("teams", TENANT, GUID)
FACTS = Facts(NOW, programme=Programme(coordinators=(DANA,)))


@pytest.mark.parametrize(
    ("line", "account"),
    [
        ("slack:T0OTHER:U0BO0000", Person("slack", "T0OTHER", "U0BO0000")),
        ("U0BO0000", Person("slack", "T0HOSPITAL", "U0BO0000")),
        ("<@U0BO0000>", Person("slack", "T0HOSPITAL", "U0BO0000")),
        ('"Bo, the nurse";U0BO0000', Person("slack", "T0HOSPITAL", "U0BO0000")),
        (f"Bo\tteams : {TENANT.upper()} : {GUID.upper()}", ON_TEAMS),
    ],
)
def test_a_line_may_name_an_account_in_any_of_these_ways(line, account):
    assert read_list(line, DANA, FACTS) == ((account,), ())


def test_an_id_alone_is_enough_where_everyone_we_know_there_is_in_one_tenant():
    assert read_list(GUID, DANA, FACTS) == ((), (1,))
    one = replace(FACTS, peers=(Peer(ON_TEAMS),))
    assert read_list(GUID, DANA, one) == ((ON_TEAMS,), ())
    two = replace(one, peers=(*one.peers, Peer(Person("teams", "another", GUID))))
    assert read_list(GUID, DANA, two) == ((), (1,))


def test_a_heading_is_passed_over_and_a_first_line_that_names_no_account_is_not():
    assert read_list("Name;User ID\nU0BO0000", DANA, FACTS)[1] == ()
    assert read_list("Dr Bo Somebody\nU0BO0000", DANA, FACTS)[1] == (1,)
    assert read_list("Name;User ID\nName;User ID", DANA, FACTS)[1] == (2,)


def test_empty_lines_are_counted_and_passed_over_and_who_stands_twice_is_invited_once():
    listed, broken = read_list("U0BO0000\n\n ; \nU0BO0000\nnobody\n", DANA, FACTS)
    assert (len(listed), broken) == (1, (5,))


@given(st.lists(st.sampled_from(("U0BO0000", "U0CY0000", "slack:T:X", "Dr Bo", "U0BO0000,U0CY0000", "")), max_size=30))
def test_every_line_is_an_account_or_is_named_as_broken(lines):
    listed, broken = read_list("\n".join(("Id", *lines)), DANA, FACTS)
    faulty = [number for number, line in enumerate(lines, 2) if line in {"slack:T:X", "Dr Bo", "U0BO0000,U0CY0000"}]
    assert list(broken) == faulty
    assert {who.id for who in listed} == {line for line in lines if line in {"U0BO0000", "U0CY0000"}}


def invites(event: Chose, facts: Facts = FACTS) -> list[Person]:
    return [
        each.event.who for each in enrol(event, facts) if isinstance(each, Tell) and isinstance(each.event, Invited)
    ]


def test_at_most_200_are_invited_at_once_and_who_coordinates_no_more_invites_nobody():
    people = tuple(replace(DANA, id=f"U0{number:06d}") for number in range(201))
    assert len(invites(Chose(DANA, "invite", {"invite": people[:200]}))) == enrolment.MOST
    assert invites(Chose(DANA, "invite", {"invite": people})) == []
    assert invites(Chose(DANA, "invite", {"invite": people[:1]}), replace(FACTS, programme=Programme())) == []


def test_one_broken_line_invites_nobody_of_those_who_were_picked_either():
    picked = (replace(DANA, id="U0CY0000"),)
    assert invites(Chose(DANA, "invite", {"invite": picked, "invite-list": "U0BO0000\nsomebody"})) == []
    assert len(invites(Chose(DANA, "invite", {"invite": picked, "invite-list": "U0BO0000"}))) == len(picked) + 1


def test_what_was_pasted_stands_there_again_when_it_cannot_be_read():
    *_, shown = enrol(Chose(DANA, "invite", {"invite-list": "U0BO0000\nsomebody"}), FACTS)
    assert shown.message.questions[1].chosen == ("U0BO0000\nsomebody",)


def test_three_names_a_year_and_none_of_oneself():
    bo, cy, di, eli = (replace(DANA, id=f"U0{name}0000") for name in ("BO", "CY", "DI", "ELI"))
    named, effects = nominate(Chose(DANA, "nominate", {"nominate": (bo, DANA, bo, cy)}), (), FACTS)
    assert [each.event for each in effects if isinstance(each, Tell)] == [Nominated(bo), Nominated(cy)]
    assert left_to_name(named, FACTS) == 1
    assert nominate(Chose(DANA, "nominate", {"nominate": (di, eli)}), named, FACTS)[0] == named
    assert left_to_name(named, replace(FACTS, now=NOW + timedelta(days=364))) == 1
    assert left_to_name(named, replace(FACTS, now=NOW + timedelta(days=365))) == enrolment.NOMINATIONS
