"""Where an answer may be sent: to Slack, whatever address a payload names."""

from __future__ import annotations

import pytest

from adapters.background import BackgroundTasks
from adapters.slack import SlackApi
from adapters.slack.respond import Responder


@pytest.mark.parametrize(
    ("url", "is_slacks"),
    [
        ("https://hooks.slack.com/actions/T1/1/x", True),
        ("https://slack.com/x", True),
        ("https://HOOKS.slack.com/x", True),
        ("http://hooks.slack.com/x", False),
        ("https://hooks.slack.com.example/x", False),
        ("https://example/hooks.slack.com", False),
        ("https://me@hooks.slack.com/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://[hooks.slack.com/x", False),
        ("", False),
    ],
)
def test_an_answer_is_sent_to_an_address_of_slacks_own_and_to_no_other(url: str, is_slacks: bool) -> None:
    responder = Responder(SlackApi(), BackgroundTasks(lambda what, kind: None), "Peer Support")
    assert responder.accepts(url) is is_slacks
