"""What is said in a group chat is no interaction, unless it was said for the bot's eyes only."""

from __future__ import annotations

import pytest
from botbuilder.schema import Activity

from adapters.base import front_door_token
from adapters.teams.parse import parse

GROUP = {"id": "19:group@thread.v2", "isGroup": True, "conversationType": "groupChat", "tenantId": "tenant"}


@pytest.mark.parametrize(
    ("recipient", "is_heard"), [({}, False), ({"isTargeted": False}, False), ({"isTargeted": True}, True)]
)
def test_in_a_group_only_a_command_for_the_bots_eyes_is_heard(recipient: dict[str, bool], is_heard: bool) -> None:
    said = {
        "type": "message",
        "id": "1",
        "text": "help",
        "conversation": GROUP,
        "channelData": {"tenant": {"id": "tenant"}},
        "from": {"id": "29:ana", "aadObjectId": "ana"},
        "recipient": {"id": "28:bot", "name": "bot", **recipient},
    }
    found = parse(Activity.deserialize(said), lambda text: text)
    assert (found.what, found.chat) == ("typed" if is_heard else "group", None)
    assert (found.interaction.token if found.interaction else None) == (front_door_token("help") if is_heard else None)
