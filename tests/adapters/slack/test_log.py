"""Nothing anybody said, and nothing that identifies anybody, is ever logged: with every logger at DEBUG."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog

from adapters.base import AccessRevoked, Button, Card, Field, OutcomeUnknown, Reply, RetryLater, Unreachable
from tests.adapters.slack.harness import REFUSAL, WELCOME, harness

CANARY = "canary"
SECRETS = (CANARY, "U_ANA", "U_BO", "D0U_ANA", "T0HOSPITAL", "xoxb-fake", "fake-signing-secret", "127.0.0.1")
CARD = Card(
    "canary-id",
    "canary text",
    "canary push",
    quote="canary quote",
    fields=(Field("words", "text", "canary label"),),
    buttons=(Button("Ask", "canary-token"),),
    title="canary title",
)


@contextmanager
def everything_logged():
    """Every logger there is, at DEBUG, into one string; even those that were switched off."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    every = [x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    levels = [(x, x.level, x.propagate) for x in every]
    for logger in every:
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    with structlog.testing.capture_logs() as ours:
        yield lambda: out.getvalue() + json.dumps(ours)
    root.removeHandler(handler)
    root.setLevel(before)
    for logger, level, propagate in levels:
        logger.setLevel(level)
        logger.propagate = propagate


async def test_no_path_through_the_door_writes_a_word_of_it_into_a_log():
    with everything_logged() as logged:
        async with harness() as h:
            for logger in [x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger)]:
                logger.setLevel(logging.DEBUG)
            body = json.dumps({"type": "event_callback", "text": CANARY}).encode()
            await h.slack.post(body, signed=False)
            await h.slack.post(body, secret="canary")
            await h.slack.post(body + b"}")
            await h.slack.post(CANARY.encode() * 70_000)
            await h.slack.post(b'{"type": "event_callback", "event": "canary", "authorizations": "canary"}')
            await h.slack.post(b'{"type": "canary"}')
            await h.slack.post(b'{"type": "block_actions", "actions": ["canary"]}')
            h.inbound.answers |= {"canary-token": Reply("form", CARD), "=": Reply("ephemeral", CARD)}
            await h.deliver("U_ANA", CARD)
            for act in (
                lambda: h.slack.command("U_ANA", CANARY),
                lambda: h.slack.types("U_ANA", CANARY),
                lambda: h.slack.types("U_ANA", CANARY, event={"bot_id": CANARY}),
                lambda: h.slack.presses("U_ANA", "Ask", {"words": CANARY}),
                lambda: h.slack.presses("U_ANA", "Ask", {"words": CANARY}),
                lambda: h.slack.opens_home("U_ANA"),
                lambda: h.slack.command("U_ANA", CANARY, team="T0CANARY"),
                lambda: h.slack.event({"type": "reaction_added", "user": CANARY, "item": {"channel": CANARY}}),
            ):
                await act()
                h.inbound.failing = RuntimeError(CANARY)
                await act()
                h.inbound.failing = None
                for method in ("views.open", "views.publish", "chat.postEphemeral", "users.info"):
                    h.slack.fails(method, status=500, html=True)
                await act()
                h.slack.heals()
            await h.slack.uninstalls()
            await h.webhook.drain()
        text = logged().replace("'slack-", "")
    assert "slack-failed" in text
    for secret in SECRETS:
        assert secret not in text, f"{secret} stands in a log"


async def test_no_failure_on_the_way_out_writes_a_word_of_it_into_a_log():
    faults = [
        {"error": CANARY},
        {"error": "channel_not_found"},
        {"error": "invalid_auth"},
        {"status": 500, "html": True},
        {"status": 200, "html": True},
        {"retry_after": 3},
        {"reset": True},
    ]
    with everything_logged() as logged:
        async with harness() as h:
            ref = await h.deliver("U_ANA", CARD)
            for fault in faults:
                for method in ("chat.postMessage", "chat.update", "chat.delete", "users.info", "conversations.history"):
                    h.slack.fails(method, **fault)
                for deed in (
                    h.deliver("U_BO", CARD),
                    h.deliver("U_ANA", CARD, replacing=ref),
                    h.adapter.erase(ref, REFUSAL),
                    h.adapter.profile(h.person("U_BO")),
                    h.adapter.find(h.person("U_ANA"), None, CARD.id),
                ):
                    failed = await _failure(deed)
                    assert CANARY not in str(failed)
                    assert failed is None or failed.__cause__ is None
                h.slack.heals()
        text = logged()
    for secret in SECRETS:
        assert secret not in text, f"{secret} stands in a log"


async def _failure(deed):
    try:
        await deed
    except (RetryLater, OutcomeUnknown, Unreachable, AccessRevoked) as error:
        return error
    return None


@pytest.mark.parametrize("value", [WELCOME, replace(WELCOME, quote="canary"), CARD.buttons[0]])
def test_cards_and_buttons_print_without_their_secrets(value):
    assert "tok-ask" not in repr(value)
    assert "canary-token" not in repr(value)
    assert "quote" not in repr(value)


async def test_what_is_heard_prints_without_anybody_in_it():
    async with harness() as h:
        await h.slack.command("U_ANA", "help")
        assert "U_ANA" not in repr(h.inbound.received[0])
