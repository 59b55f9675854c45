"""Any number of us, on one database: one story, one winner, nobody forgotten, whoever of us is killed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from tests.store.postgres_server import Server
from tests.stories.replicas import Replicated, replicated
from tests.stories.scenes import ANA, ASKED, BO, GRACE, NEUTRAL, OFFER, STORY, TOGETHER, play
from tests.stories.test_kills import cards_posted
from tests.stories.test_races import asks, becomes_a_peer, last

SERVED = 200
TWENTY = tuple(f"U0P{n}" for n in range(20))
CLINICIANS = tuple(f"U0C{n}" for n in range(5))
TRIAL = {
    "PEERSUPPORT_APPROVAL": "automatic",
    "PEERSUPPORT_WAVES": "20,rest",
    "PEERSUPPORT_PEER_LIMIT": "9",
    "PEERSUPPORT_OFFERS_A_WEEK": "99",
}


async def test_three_replicas_tell_the_same_story(tmp_path: Path, new_database: str) -> None:
    async with replicated(tmp_path, new_database) as s:
        await play(s, STORY)
        s.time.pass_(GRACE)
        await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2} and b"U0ANA" not in kept.plain())
        assert set(cards_posted(s).values()) == {1}
        assert s.balancer.broke == 0
        assert [await each.end() for each in s.replicas] == [0, 0, 0]
    assert b'"error"' not in b"".join(each.said for each in s.replicas)


async def test_killed_in_turn_at_every_scene_the_others_bring_the_story_to_the_same_end(
    tmp_path: Path, new_database: str
) -> None:
    async with replicated(tmp_path, new_database) as s:
        for number, scene in enumerate(STORY):
            reply = await scene.happens(s)
            assert reply is None or reply.status == SERVED, f"{scene}: {reply}"
            victim = s.replicas[number % 3]
            await victim.kill()
            s.a_lease_ends()
            await s.reads(scene.then)
            await victim.start()
        s.time.pass_(GRACE)
        await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2} and b"U0ANA" not in kept.plain())
        assert [await each.end() for each in s.replicas] == [0, 0, 0]


async def test_deployed_one_by_one_in_mid_conversation_no_press_is_lost(tmp_path: Path, new_database: str) -> None:
    async with replicated(tmp_path, new_database) as s:
        for number, scene in enumerate(STORY):
            each = s.replicas[number % 3]
            s.balancer.leaving = {each.public}
            going = asyncio.ensure_future(each.end())
            await play(s, (scene,))
            assert await going == 0
            await each.start()
        assert s.balancer.broke == 0
        assert set(cards_posted(s).values()) == {1}


async def everybody_says_yes(s: Replicated, clinician: str) -> None:
    """All twenty at once, wherever each press happens to go; whoever hears nothing presses again."""
    await asks(s, clinician)
    await s.slack.until(lambda: all(last(s, peer).startswith(OFFER) for peer in TWENTY))
    await asyncio.gather(*(presses_until_heard(s, peer) for peer in TWENTY))


async def there_is_one_winner(s: Replicated, clinician: str) -> None:
    await s.slack.until(lambda: not any(last(s, peer).startswith(OFFER) for peer in TWENTY))
    await s.slack.until(lambda: "is a trained peer" in last(s, clinician))
    lines = Counter(last(s, peer).startswith("Thank you. We'll tell you by") for peer in TWENTY)
    assert lines == {True: 1, False: 19}
    assert sum(last(s, peer).startswith(NEUTRAL) for peer in TWENTY) == 19


async def test_of_twenty_simultaneous_yeses_on_three_replicas_exactly_one_hears_yes(
    tmp_path: Path, new_database: str
) -> None:
    async with replicated(tmp_path, new_database, *CLINICIANS, *TWENTY, **TRIAL) as s:
        await asyncio.gather(*(becomes_a_peer(s, peer) for peer in TWENTY))
        for clinician in CLINICIANS:
            await everybody_says_yes(s, clinician)
            await there_is_one_winner(s, clinician)
        assert [await each.end() for each in s.replicas] == [0, 0, 0]


async def test_the_server_goes_down_under_twenty_yeses_and_there_is_still_one_winner(
    tmp_path: Path, postgres: Server, new_database: str
) -> None:
    async with replicated(tmp_path, new_database, CLINICIANS[0], *TWENTY, **TRIAL) as s:
        await asyncio.gather(*(becomes_a_peer(s, peer) for peer in TWENTY))
        await asks(s, CLINICIANS[0])
        await s.slack.until(lambda: all(last(s, peer).startswith(OFFER) for peer in TWENTY))
        pressing = asyncio.gather(*(presses_until_heard(s, peer) for peer in TWENTY))
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        await pressing
        s.a_lease_ends()
        await there_is_one_winner(s, CLINICIANS[0])
        assert [await each.end() for each in s.replicas] == [0, 0, 0]


async def presses_until_heard(s: Replicated, peer: str) -> None:
    """As Slack and a person would: it says that it did not work, and they press again."""
    while last(s, peer).startswith(OFFER):
        reply = await s.slack.presses(peer, "Yes, I can")
        if reply.status == SERVED:
            return


async def test_a_repeat_by_another_replica_is_looked_for_and_recorded(tmp_path: Path, new_database: str) -> None:
    async with replicated(tmp_path, new_database) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, hang=True, done=True)
        await s.slack.presses(ANA, "Ask now")
        await s.turns(lambda: len(s.slack.reads(BO)) > 1)
        for each in s.replicas[:2]:
            await each.kill()
        s.slack.heals()
        s.a_lease_ends()
        if s.kept().owed():  # it was the third who posted, and it waits still
            await s.replicas[2].kill()
            await s.replicas[0].start()
            s.a_lease_ends()
        await s.keeps(lambda kept: not kept.owed())
        await s.reads(ASKED[-1].then)
        assert set(cards_posted(s).values()) == {1}
        for each in s.replicas[:2]:
            if not each.pid:
                await each.start()
        await play(s, TOGETHER)
        assert [await each.end() for each in s.replicas[:2]] == [0, 0]  # what they counted is told at the end
    assert b"delivery-looked-for" in b"".join(each.said for each in s.replicas)
