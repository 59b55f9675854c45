"""Nobody in Teams, and nothing they said, stands in a log, an exception or a repr: with every logger at DEBUG."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botbuilder.schema import Activity

from adapters.base import Button, Card, Field
from adapters.teams import parse
from adapters.teams.adapter import KnownPerson
from adapters.teams.identity.access_token import AccessToken
from adapters.teams.identity.signing_keys import SigningKey
from adapters.teams.references import MessageReference, PersonalChat
from adapters.teams.verify import VerifiedToken
from tests.adapters.teams.harness import Harness, harness
from tests.adapters.teams.test_story import RELAY, in_teams
from tests.security.test_canaries import WORDS, Broken, every_logger_at_debug, found_in, without_our_folder
from tests.stories.scenes import ANA, BO, CY, DANA, play
from tests.stories.serve import EVERYBODY, Home, Hospital, at_home, story

FAULTS: tuple[Mapping[str, Any], ...] = (
    {"status": 500, "html": True},
    {"status": 200, "html": True},
    {"retry_after": 1},
    {"reset": True},
    {"reset": True, "done": True},
    {"status": 400, "error": "quill U0ANA"},
    {"status": 403, "error": "quill U0ANA", "quoted": True},
    {"status": 404, "error": "quill U0ANA"},
    {"status": 412, "body": "quill U0ANA"},
    {"status": 200, "body": {"id": ["quill"], "name": ["quill"], "access_token": ["quill"]}},
)
CALLS = ("openid", "keys", "token", "create", "post", "update", "delete", "member")
QUILL = Card(
    "quill-id",
    WORDS,
    "push quill",
    quote=WORDS,
    fields=(Field("words", "text", "quill label"),),
    buttons=(Button("Ask", "quill-token"),),
    title="quill title",
)


def secrets(h: Hospital) -> tuple[str, ...]:
    """Whatever tells who somebody is in Teams, where they are reached, or opens something."""
    teams = h.teams
    ids = [id_(user) for user in EVERYBODY for id_ in (teams.aad, teams.mri, teams.chat)]
    ids += [id_[:12] for id_ in ids] + [f"{user.lower()}@hospital" for user in EVERYBODY]
    mine = (
        teams.tenant,
        teams.client_id,
        teams.client_secret,
        "stand-in-0",
        "eyJ",
        "17000000000",
        "f:0000",
    )
    posted = json.dumps([call.body for call in teams.calls])
    return *ids, *mine, *sorted(set(re.findall(r'"token": "([\w-]{100,})"', posted)))


async def in_relay(h: Hospital) -> None:
    await play(h, in_teams(RELAY))


async def presses_if_there(h: Hospital, user: str, label: str, answers: Mapping[str, Any] | None = None) -> None:
    if any(label in card.buttons for card in h.teams.reads(user)):
        await h.teams.presses(user, label, answers)


async def everything_goes_wrong(h: Hospital, settle: Callable[[], Any]) -> None:
    """Every kind of failure at every call, in the middle of a relay; and whatever a stranger can send."""
    teams = h.teams
    for fault in FAULTS:
        for method in CALLS:
            teams.fails(method, times=2, **fault)
        teams.login.revokes()
        await teams.types(ANA, WORDS)
        await teams.command(BO, "status")
        await teams.mentions_in_group(ANA, WORDS)
        await teams.command_in_group(BO, WORDS)
        await teams.installs(CY)
        await presses_if_there(h, ANA, "Write")
        await settle()
        await presses_if_there(h, ANA, "Send", {"line": WORDS})
        await settle()
        teams.heals()
        h.time.pass_(timedelta(minutes=16))
        await settle()
    for token in teams.wrong_tokens().values():
        await teams.activity(ANA, {"type": "message", "text": WORDS}, token=token)
    await teams.post(WORDS.encode(), signed=False)
    await teams.post(WORDS.encode())
    await teams.post(WORDS.encode(), "text/quill")
    await teams.post(WORDS.encode() * 20_000)
    await teams.types(ANA, WORDS, tenant="quill")
    for odd in (
        {"type": "quill"},
        {"type": "invoke", "name": "quill", "value": WORDS},
        {"type": "invoke", "name": "adaptiveCard/action", "value": {"action": {"data": {"token": "quill"}}}},
        {"type": "message", "value": WORDS},
        {"type": "message", "text": WORDS, "attachments": WORDS, "entities": [WORDS]},
        {"type": "message", "text": WORDS, "expiration": WORDS, "conversation": WORDS},
        {"type": "message", "text": WORDS, "from": [WORDS]},
        {"type": "message", "text": WORDS, "recipient": {"role": {"quill": 1}}},
    ):
        await teams.activity(ANA, odd)
    await teams.uninstalls_for(BO)
    h.time.pass_(timedelta(hours=26))
    await settle()


async def test_no_failure_anywhere_puts_anybody_of_teams_into_a_log(tmp_path: Path) -> None:
    with every_logger_at_debug() as out:
        async with at_home(tmp_path, on_teams=EVERYBODY) as home:

            async def settle() -> None:
                await home.engine.idle()
                await home.engine.wake()
                await home.engine.idle()

            await in_relay(home)
            await everything_goes_wrong(home, settle)
            await nothing_can_be_written(home)
            found = secrets(home)
    said = out.getvalue()
    assert said.count("teams-failed") > 40
    assert found_in(without_our_folder(said, tmp_path), *found) == []


async def nothing_can_be_written(home: Home) -> None:
    store = home.engine.services.store
    home.keeps_in(Broken(store))
    assert (await home.teams.types(ANA, WORDS)).status == 503
    assert (await home.teams.uninstalls_for(DANA)).status in {200, 503}
    home.keeps_in(store)


async def test_what_the_process_says_of_teams_at_debug_names_nobody(tmp_path: Path) -> None:
    noisy = {"LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
    async with story(tmp_path, on_teams=EVERYBODY, **noisy) as s:

        async def settle() -> None:
            await s.turns(lambda: True)

        await in_relay(s)
        await everything_goes_wrong(s, settle)
        found = secrets(s)
        assert await s.serve.end() == 0
    said = s.serve.said.decode()
    assert said.count("teams-failed") > 20
    assert "Traceback" not in said
    assert found_in(without_our_folder(said, tmp_path), *found) == []


async def test_no_exception_of_a_send_quotes_anybody() -> None:
    texts: list[str] = []
    async with harness() as h:
        ref = await h.deliver("ana", QUILL)
        for fault in FAULTS:
            for method in CALLS:
                h.teams.fails(method, times=3, **fault)
            h.teams.login.revokes()
            for deed in (
                lambda: h.deliver("ana", QUILL),
                lambda: h.deliver("bo", QUILL),
                lambda: h.deliver("ana", QUILL, ref),
                lambda: h.adapter.erase(ref, QUILL),
                lambda: h.adapter.profile(h.person("ana")),
                lambda: h.deliver(
                    "ana", QUILL, None, PersonalChat("https://quill.example", "quill", "quill", "quill").address()
                ),
            ):
                try:
                    await deed()
                except Exception as failure:  # noqa: BLE001  whatever it is, it is looked at
                    texts += traceback.format_exception(failure, chain=True)
            h.teams.heals()
        sayings = [line for text in texts for line in text.splitlines() if not line.startswith("    ")]
        assert len(texts) > 50
        assert found_in("\n".join(sayings), *ids_of(h)) == []


def ids_of(h: Harness) -> tuple[str, ...]:
    teams = h.teams
    return (
        *(id_(user) for user in ("ana", "bo") for id_ in (teams.aad, teams.mri, teams.chat)),
        teams.tenant,
        "stand-in-",
    )


@pytest.mark.parametrize("kind", ["typed", "pressed", "in a group"])
async def test_what_is_heard_prints_without_anybody_in_it(kind: str) -> None:
    async with harness() as h:
        fields: dict[str, Any] = {"type": "message", "text": "quill"}
        if kind == "pressed":
            data = {"token": "quill", "text:line": WORDS, "several:showing": "quill", "people:not": h.teams.aad("bo")}
            fields = {"type": "message", "value": data}
        if kind == "in a group":
            fields |= {
                "conversation": h.teams.activities.in_group(),
                "recipient": {"id": h.teams.bot, "isTargeted": True},
            }
        whole = h.teams.envelope("ana") | fields
        whole = {name: value for name, value in whole.items() if "imestamp" not in name}
        received = parse.parse(Activity.deserialize(whole), lambda _: "peer")
        assert received.interaction is not None
        for value in (received, received.interaction, received.chat, received.by):
            assert found_in(repr(value), *ids_of(h), "f:0", "=peer", "America", "en-US") == []


async def test_nothing_the_adapter_holds_prints_what_it_holds() -> None:
    async with harness() as h:
        ref = await h.deliver("ana", QUILL)
        await h.teams.types("ana", "help")
        known: KnownPerson | None = h.adapter._people.get(f"{h.teams.tenant}:{h.teams.aad('ana')}")
        assert known is not None
        assert known.chat is not None
        place = MessageReference(*json.loads(ref))
        for value in (
            known,
            known.chat,
            known.profile,
            place,
            h.adapter,
            h.adapter._http,
            h.adapter._tokens,
            h.adapter._client,
            h.adapter._keys,
            h.adapter.verifier,
            h.adapter._people,
            AccessToken("quill", h.clock[0], h.clock[0]),
            VerifiedToken("https://quill.example", frozenset()),
            SigningKey("quill", frozenset()),
            QUILL.buttons[0],
        ):
            assert found_in(repr(value), *ids_of(h), h.teams.client_secret, h.teams.service_url) == []
