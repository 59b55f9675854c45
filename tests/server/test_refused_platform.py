"""A platform that goes on refusing us while the other serves is a warning; who presses on the other is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.serve import Home, at_home, probe

HERE = {"slack": "U0ANA", "teams": "U0BO"}
OTHER = {"slack": "teams", "teams": "slack"}
FOR_EVER = 1_000_000
PRESSED = "No trained colleague can be asked just now."


async def is_refused(home: Home, platform: str) -> None:
    """From now on this platform refuses whatever we ask of it; somebody there asks, and it is noticed."""
    if platform == "slack":
        for method in ("auth.test", "conversations.open", "chat.postMessage", "chat.update", "users.info"):
            home.slack.fails(method, times=FOR_EVER, error="invalid_auth")
    else:
        home.teams.fails("token", times=FOR_EVER, status=401, error="invalid_client")
        for method in ("create", "post", "reply", "update", "member"):
            home.teams.fails(method, times=FOR_EVER, status=401)
    assert (await home.at(HERE[platform]).types(HERE[platform], "help")).status == 200
    await passes(home, timedelta(minutes=2))
    assert platform in home.engine.shut_out


async def passes(home: Home, time: timedelta) -> None:
    """Time passes, and what falls due meanwhile is done."""
    await home.engine.idle()
    for _ in range(int(time / timedelta(seconds=30))):
        home.time.pass_(timedelta(seconds=30))
        await home.engine.wake()
        await home.engine.idle()


async def findings(home: Home) -> dict[str, str]:
    """What `/readyz?verbose` says, by check."""
    _, text = await probe(home.ops, "verbose")
    return {line.split()[1]: line.split()[0] for line in text.splitlines() if "->" not in line}


@pytest.mark.parametrize("platform", ["slack", "teams"])
async def test_a_platform_that_refuses_us_is_a_warning_and_the_other_is_served(tmp_path, platform):
    other = OTHER[platform]
    async with at_home(tmp_path, *HERE.values(), on_teams=(HERE["teams"],)) as home:
        await is_refused(home, platform)
        assert await home.is_ready() == (200, "ok")
        found = await findings(home)
        assert (found[platform], found[other]) == ("warn", "ok")

        there = home.at(HERE[other])
        assert (await there.types(HERE[other], "help")).status == 200
        await there.until(lambda: there.reads(HERE[other]))
        assert (await there.presses(HERE[other], "Talk to someone soon")).status == 200
        await there.until(lambda: any(PRESSED in card.text for card in there.reads(HERE[other])))
        assert await home.is_ready() == (200, "ok")

        await is_refused(home, other)
        assert await home.is_ready() == (503, "slack\nteams")

        there.heals()
        await passes(home, timedelta(minutes=10))
        assert await home.is_ready() == (200, "ok")
        found = await findings(home)
        assert (found[platform], found[other]) == ("warn", "ok")
