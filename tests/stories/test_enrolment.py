"""Two hundred colleagues are invited from one list, over real HTTP on both platforms."""

from __future__ import annotations

import pytest

from conversations.peers.enrolment import FIELDS
from tests.stories.serve import Home, at_home

DANA = "U0DANA"
LISTED = tuple(f"U0COLLEAGUE{number:03d}" for number in range(200))
BROKEN = {7: "Dr Somebody", 70: "slack:T0HOSPITAL", 199: "U0COLLEAGUE001,U0COLLEAGUE002"}
IN_A_FIELD = 60
"""Lines of this list that fit into one field."""


def written(home: Home) -> list[str]:
    """The list as a CSV, with a heading and a name in the first column."""
    people = (home.person(user) for user in LISTED)
    lines = (f"Colleague {number},{who.platform}:{who.workspace}:{who.id}" for number, who in enumerate(people))
    return ["Name,Id", *lines]


def pasted(lines: list[str]) -> dict[str, str]:
    """The list in the fields of the card."""
    parts = ("\n".join(lines[first : first + IN_A_FIELD]) for first in range(0, len(lines), IN_A_FIELD))
    return dict(zip(FIELDS, parts, strict=True))


def is_invited(home: Home, user: str) -> bool:
    """Whether they read an invitation, and nothing else."""
    texts = [card.text for card in home.at(user).reads(user)]
    return len(texts) == 1 and texts[0].startswith("A coordinator of")


@pytest.mark.parametrize("dana", ["slack", "teams"])
async def test_a_list_of_200_invites_everyone_and_with_three_broken_lines_no_one(tmp_path, dana):
    on_teams = {"slack": LISTED[1::40], "teams": (DANA, *LISTED[1::40])}[dana]
    async with at_home(tmp_path, DANA, *LISTED, on_teams=on_teams) as home:
        there = home.at(DANA)
        await there.types(DANA, "enrol")
        await there.until(lambda: there.reads(DANA))
        lines = written(home)

        faulty = [BROKEN.get(number, line) for number, line in enumerate(lines, 1)]
        assert (await there.presses(DANA, "Invite", pasted(faulty))).status == 200
        said = "Nobody was invited yet. 3 lines hold no account, or more than one: 7, 70, 199."
        await there.until(lambda: there.reads(DANA)[-1].text.startswith(said))
        await home.settles()
        assert not any(home.at(user).reads(user) for user in LISTED)
        assert await home.kinds("volunteering") == 0

        assert (await there.presses(DANA, "Invite", pasted(lines))).status == 200
        await home.until(lambda: all(is_invited(home, user) for user in LISTED))
        assert there.reads(DANA)[-1].text.startswith("200 invitations go out")
        assert await home.kinds("volunteering") == len(LISTED)
