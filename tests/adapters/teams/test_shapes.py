"""An activity is Microsoft's, and its shape is nobody's promise: whatever it is, the door does not fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.teams.test_webhook import asked, press
from tests.running.examples import examples
from tests.stories.scenes import ANA, BO, CY
from tests.stories.serve import Home

ODD = st.sampled_from(
    [
        *(None, "", 0, -1, 1e300, True, [], {}, [[]], [None], ["a"], {"id": {}}, {"id": "\ud800"}, {"tenant": None}),
        *(
            "x" * 5000,
            "\ud800",
            "\u202e",
            "\x00",
            "../..",
            "America",
            "message",
            "invoke",
            "remove",
            "=soon",
            "<at>" * 500,
        ),
        *({"a": {"b": [{}]}}, 10**400, {"several:showing": "\ud800,b"}, {"people:not": "a,,b"}, {"asked": [[], "x:"]}),
    ]
)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The same with one of its parts turned into something else, or left out."""
    if isinstance(value, dict) and value and draw(st.integers(0, 6)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 9)):
            return {name: part for name, part in value.items() if name != key}
        return value | {key: draw(mutated(value[key]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [draw(mutated(value[0])), *value[1:]]
    return draw(ODD)


def deeds(home: Home) -> list[dict[str, Any]]:
    """One activity of every kind that does something, as whoever may do it sends it."""
    teams = home.teams
    details = press(home, ANA, "Change my mind")["value"]["action"]["data"] | {
        "text:line": "x",
        "several:showing": "a,b",
    }
    return [
        teams.envelope(user) | fields
        for user, fields in (
            (CY, press(home, CY, "Yes, I can")),
            (ANA, {"type": "message", "value": details, "replyToId": "1"}),
            (ANA, {"type": "message", "text": "<at>Peer Support</at> status"}),
            (BO, {"type": "installationUpdate", "action": "add"}),
            (BO, {"type": "message", "text": "x", "conversation": teams.activities.in_group()}),
            (BO, {"type": "invoke", "name": "task/fetch", "value": {"data": {}}}),
        )
    ]


@contextmanager
def hospital_of(runner: asyncio.Runner, folder: Path) -> Iterator[Home]:
    """The hospital, for a test that is itself no coroutine. It is opened and closed in one task."""
    opened, ending = asyncio.Event(), asyncio.Event()
    found: list[Home] = []

    async def lives() -> None:
        async with asked(folder) as home:
            found.append(home)
            opened.set()
            await ending.wait()

    async def begins() -> asyncio.Task[None]:
        living = asyncio.ensure_future(lives())
        await asyncio.wait({living, asyncio.ensure_future(opened.wait())}, return_when=asyncio.FIRST_COMPLETED)
        return living

    async def ends() -> None:
        ending.set()
        await living

    living = runner.run(begins())
    try:
        yield found[0]
    finally:
        runner.run(ends())


def test_no_activity_of_microsoft_s_makes_the_door_fail_whatever_its_shape(tmp_path: Path) -> None:
    statuses: set[int] = set()
    with asyncio.Runner() as runner, hospital_of(runner, tmp_path) as home:
        whole = deeds(home)
        twice = st.sampled_from(whole).flatmap(mutated).flatmap(lambda odd: st.just(odd) | mutated(odd))

        @given(twice)
        @settings(max_examples=examples(800), deadline=None, derandomize=True, database=None)
        def it_is_answered(odd: Any) -> None:
            reply = runner.run(home.teams.post(json.dumps(odd).encode()))
            statuses.add(reply.status)
            assert reply.status in {200, 400, 401, 501}
            assert len(reply.body) < 5000

        it_is_answered()
        runner.run(home.engine.idle())
        assert all(runner.run(home.teams.post(json.dumps(each).encode())).status == 200 for each in whole)
    assert statuses == {200, 400, 401, 501}
