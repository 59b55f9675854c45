"""Whatever is validly signed is answered: never a failure of ours, never "no such page", never late.

Recorded payloads are not ours to ship; `replay.py` sends a folder of them.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack import parse
from conversations.model import Person
from tests.adapters.slack.harness import harness
from tests.running.examples import examples
from tests.typed import parse_word

KEYS = st.sampled_from(
    [
        "type",
        "event",
        "event_id",
        "team",
        "team_id",
        "user",
        "user_id",
        "enterprise",
        "enterprise_id",
        "authorizations",
        "actions",
        "action_id",
        "value",
        "container",
        "channel",
        "channel_id",
        "channel_type",
        "view",
        "state",
        "values",
        "trigger_id",
        "callback_id",
        "private_metadata",
        "payload",
        "command",
        "text",
        "id",
        "bot_id",
        "subtype",
        "tab",
        "tokens",
        "bot",
        "message",
        "previous_message",
        "item",
        "response_url",
        "response_urls",
        "is_enterprise_install",
        "app_installed_team_id",
        "function_data",
        "selected_option",
        "selected_options",
        "selected_users",
        "assistant_thread",
        "hash",
        "is_ext_shared_channel",
        "user_team",
        "ssl_check",
        "challenge",
    ]
) | st.text(max_size=4)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "event_callback",
            "block_actions",
            "view_submission",
            "view_closed",
            "block_suggestion",
            "shortcut",
            "message_action",
            "message",
            "interactive_message",
            "dialog_submission",
            "app_home_opened",
            "tokens_revoked",
            "app_uninstalled",
            "user_change",
            "url_verification",
            "press:0",
            "field:a",
            "form",
            "home",
            "im",
            "button",
            "radio_buttons",
            "checkboxes",
            "multi_users_select",
            "plain_text_input",
            "T0HOSPITAL",
            "U_ANA",
            "D0U_ANA",
            "1.2",
            "tok-ask",
            "/peersupport",
        ]
    )
)
JSON = st.recursive(SCALARS, lambda j: st.lists(j, max_size=3) | st.dictionaries(KEYS, j, max_size=6), max_leaves=25)
OBJECTS = st.dictionaries(KEYS, JSON, min_size=1, max_size=8)


@pytest.fixture(scope="module")
def inside():
    """One harness for many requests: Hypothesis asks hundreds of times."""
    loop = asyncio.new_event_loop()
    around = harness()
    h = loop.run_until_complete(around.__aenter__())
    yield h, loop.run_until_complete
    loop.run_until_complete(around.__aexit__(None, None, None))
    loop.close()


MANY = settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FINE = {200, 400}


@MANY
@given(
    body=st.binary(max_size=400), kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "x/y"])
)
def test_any_signed_bytes_are_answered(inside, body, kind):
    h, run = inside
    assert run(h.slack.post(body, kind)).status in FINE


@MANY
@given(body=OBJECTS)
def test_any_signed_object_is_answered(inside, body):
    h, run = inside
    raw = json.dumps(body).encode()
    assert run(h.slack.post(raw)).status in FINE
    form = urlencode({"payload": raw}).encode()
    assert run(h.slack.post(form, "application/x-www-form-urlencoded")).status in FINE


@MANY
@given(wrong=OBJECTS, kind=st.sampled_from(["block_actions", "view_submission", "event_callback"]))
def test_a_right_payload_with_wrong_parts_is_answered(inside, wrong, kind):
    h, run = inside
    body = GOOD[kind] | wrong | {"type": kind}
    assert run(h.slack.post(json.dumps(body).encode())).status in FINE


@given(OBJECTS)
def test_no_object_breaks_the_reading_of_it(body):
    heard = (
        *(parse.action(body), parse.submission(body), parse.shortcut(body), parse.command(body, parse_word)),
        parse.message(body, parse_word, frozenset()),
    )
    assert all(isinstance(found, parse.SlackInteraction | None) for found in heard)
    assert isinstance(parse.home_opened(body), Person | None)
    assert isinstance(parse.switched_off(body), Person | None)
    assert isinstance(parse.event_time(body), datetime | None)
    assert isinstance(parse.revokes_access(body), bool)
    assert isinstance(parse.origin(body), parse.Origin)
    assert {type(parse.event_type(body)), type(parse.changed_user(body))} == {str}


GOOD: dict[str, dict[str, Any]] = {
    "block_actions": {
        "team": {"id": "T0HOSPITAL"},
        "user": {"id": "U_ANA", "team_id": "T0HOSPITAL"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "D0U_ANA"},
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "action_id": "press:0", "action_ts": "3.4", "value": "tok"}],
        "state": {"values": {"b": {"field:about": {"type": "radio_buttons", "selected_option": {"value": "x"}}}}},
    },
    "view_submission": {
        "team": {"id": "T0HOSPITAL"},
        "user": {"id": "U_ANA", "team_id": "T0HOSPITAL"},
        "view": {"id": "V1", "callback_id": "form", "private_metadata": "tok", "state": {"values": {}}},
    },
    "event_callback": {
        "team_id": "T0HOSPITAL",
        "event_id": "Ev1",
        "event": {"type": "message", "channel_type": "im", "channel": "D0U_ANA", "user": "U_ANA", "text": "help"},
    },
}


def test_the_right_payloads_are_right():
    assert parse.action(GOOD["block_actions"] | {"type": "block_actions"}).interaction.answers == {"about": "x"}
    assert parse.submission(GOOD["view_submission"] | {"type": "view_submission"}).interaction.token == "tok"
    assert parse.message(GOOD["event_callback"], parse_word, frozenset()).interaction.token == "=help"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "block_suggestion", "action_id": "a", "value": "x"},
        {"type": "shortcut", "callback_id": "c"},
        {"type": "message_action", "callback_id": "c"},
        {"type": "view_closed", "view": {"callback_id": "c"}},
        {"type": "interactive_message", "callback_id": "c", "actions": [{"name": "a"}]},
        {"type": "event_callback", "event": {"type": "reaction_added"}},
        {"type": "something_new"},
        {"ssl_check": "1"},
    ],
)
async def test_what_we_did_not_ask_for_is_heard_and_has_no_effect(body):
    async with harness() as h:
        assert (await h.slack.post(json.dumps(body).encode())).status == 200
        assert h.inbound.received == []
