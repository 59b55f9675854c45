"""The Teams adapter: renders cards as Adaptive Cards, parses activities into interactions, and calls the connector.

Beside it stand the rooms for access tokens and signing keys (`identity`) and for the app package (`package`).
botbuilder is imported nowhere else.
"""

from adapters.teams.adapter import TeamsAdapter
from adapters.teams.client import RATES
from adapters.teams.webhook import PATIENCE, TeamsWebhook

__all__ = ["PATIENCE", "RATES", "TeamsAdapter", "TeamsWebhook"]
