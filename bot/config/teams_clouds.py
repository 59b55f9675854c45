"""What differs between Microsoft's clouds, as the settings that say it; for the commercial one these are the defaults.

Tokens and keys of the clouds for the US government are Azure Government's, those of GCC the commercial ones:
https://learn.microsoft.com/python/api/botframework-connector/botframework.connector.auth.governmentconstants
Each has a service of its own:
https://learn.microsoft.com/dotnet/api/microsoft.agents.extensions.msteams.teamsproactiveserviceendpoints
and GCC High and DoD a Teams of their own:
https://learn.microsoft.com/microsoft-365/enterprise/microsoft-365-u-s-government-gcc-high-endpoints
https://learn.microsoft.com/microsoft-365/enterprise/microsoft-365-u-s-government-dod-endpoints
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.config.sources import RawSetting, RawSettings

_AZURE_GOVERNMENT: Final = {
    "TEAMS_OPENID_URL": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    "TEAMS_ISSUER": "https://api.botframework.us",
    "TEAMS_TOKEN_URL": "https://login.microsoftonline.us/{tenant}/oauth2/v2.0/token",
    "TEAMS_SCOPE": "https://api.botframework.us/.default",
}
CLOUDS: Final[Mapping[str, Mapping[str, str]]] = {
    "gcc": {"TEAMS_SERVICE_HOSTS": "smba.infra.gcc.teams.microsoft.com"},
    "gcc-high": _AZURE_GOVERNMENT
    | {
        "TEAMS_SERVICE_HOSTS": "smba.infra.gov.teams.microsoft.us",
        "TEAMS_CHAT_URL": "https://gov.teams.microsoft.us/",
    },
    "dod": _AZURE_GOVERNMENT
    | {
        "TEAMS_SERVICE_HOSTS": "smba.infra.dod.teams.microsoft.us",
        "TEAMS_CHAT_URL": "https://dod.teams.microsoft.us/",
    },
}


def settings_of_cloud(raw: RawSettings) -> RawSettings:
    """Return the settings that follow from TEAMS_CLOUD, without those that are set to something themselves."""
    cloud = CLOUDS.get(raw["TEAMS_CLOUD"].value, {}) if "TEAMS_CLOUD" in raw else {}
    own = {name for name, text in raw.items() if text.value}
    return {name: RawSetting(name, value, "TEAMS_CLOUD") for name, value in cloud.items() if name not in own}
