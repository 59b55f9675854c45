"""Slack: cards become blocks, payloads become presses, and a thin shell stands at the door.

The only package that imports slack_bolt or slack_sdk.
"""

from adapters.slack.door import Door
from adapters.slack.slack import RATES, Slack
from adapters.slack.socket import Socket, Times
from adapters.slack.ticket import Tickets

__all__ = ["RATES", "Door", "Slack", "Socket", "Tickets", "Times"]
