"""What the fake Slack alone promises: forms, asides, several workspaces and Socket Mode; on both networks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import aiohttp
import pytest

from adapters.fakes.network import InProcess, Loopback
from adapters.fakes.slack.server import SlackServer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(params=[Loopback, InProcess], ids=["over sockets", "in process"])
def network(request):
    return request.param()


async def call(session: aiohttp.ClientSession, slack: SlackServer, method: str, token: str, **args):
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(slack.api_url + method, json=args, headers=headers) as answer:
        return await answer.json()


async def test_a_trigger_opens_one_form_once(network):
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": []}
    view["blocks"] = [{"type": "section", "text": {"type": "plain_text", "text": "One."}}]
    async with (
        SlackServer(now=lambda: NOON, network=network) as slack,
        aiohttp.ClientSession(connector=network.connector()) as session,
    ):
        slack.joins("ana")
        trigger = slack.payloads.trigger("ana")
        said = [await call(session, slack, "views.open", slack.token, trigger_id=trigger, view=view) for _ in range(2)]
        assert [each.get("error") for each in said] == [None, "expired_trigger_id"]
        assert slack.form("ana").text == "One."


async def test_a_token_speaks_in_its_own_workspace_alone(network):
    async with (
        SlackServer(now=lambda: NOON, network=network) as slack,
        aiohttp.ClientSession(connector=network.connector()) as session,
    ):
        slack.joins("ana")
        slack.joins("bo", team=slack.adds("T0CLINIC"))
        token = slack.spaces.installed("T0CLINIC").token
        known = [(await call(session, slack, "users.info", token, user=who))["ok"] for who in ("ana", "bo")]
        assert known == [False, True]
        said = await call(session, slack, "chat.postMessage", token, channel=slack.spaces.chat("ana"), text="x")
        assert said["error"] == "channel_not_found"
        assert slack.mistakes == ["a chat was spoken to with the token of another workspace"]


async def test_a_ticket_opens_one_socket_on_which_an_envelope_is_acknowledged(network):
    async with (
        SlackServer(now=lambda: NOON, network=network, app_token="xapp-1") as slack,
        aiohttp.ClientSession(connector=network.connector()) as session,
    ):
        slack.joins("ana")
        url = (await call(session, slack, "apps.connections.open", "xapp-1"))["url"]
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await slack.until(lambda: slack.lines.open)
            number = await slack.lines.send(b'{"type": "event_callback"}', "application/json", slack.lines.open[0])
            envelope = await socket.receive_json()
            assert (envelope["type"], envelope["envelope_id"]) == ("events_api", number)
            await socket.send_str(json.dumps({"envelope_id": number}))
            await slack.until(lambda: slack.lines.acks)
        assert slack.lines.mistakes == []
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
