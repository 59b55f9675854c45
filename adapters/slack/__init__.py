"""Slack: cards become blocks, payloads become presses, and a thin shell stands at the door.

The only package that imports slack_bolt or slack_sdk.
"""

from adapters.slack.app import App
from adapters.slack.door import Door
from adapters.slack.oauth import Oauth
from adapters.slack.slack import RATES, Slack
from adapters.slack.socket import Socket, Times
from adapters.slack.ticket import Tickets
from adapters.slack.workspaces import Workspaces

__all__ = ["RATES", "App", "Door", "Oauth", "Slack", "Socket", "Tickets", "Times", "Workspaces"]
