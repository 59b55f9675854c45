"""The Slack adapter: renders cards as blocks, parses payloads into interactions, and calls the Web API.

Beside it stand the rooms for installing by OAuth (`install`), for Socket Mode (`socket_mode`) and for the app manifest
(`package`). slack_bolt and slack_sdk are imported nowhere else.
"""

from adapters.slack.adapter import SlackAdapter
from adapters.slack.client import RATES, SlackApi
from adapters.slack.webhook import PATIENCE, SlackWebhook

__all__ = ["PATIENCE", "RATES", "SlackAdapter", "SlackApi", "SlackWebhook"]
