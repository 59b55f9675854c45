"""Builds the Teams app package that an administrator uploads: a zip of the manifest and two icons.

The manifest asks for one thing: a bot in a person's own chat. It reads no channel and no group, takes no files, offers
no sign-in and needs no Microsoft Graph permission. The same arguments always give the same bytes.

https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package
"""

from __future__ import annotations

import io
import json
import zipfile
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

SCHEMA: Final = "1.29"
PATH: Final = "/api/messages"
EXAMPLE: Final = "https://peersupport.example.org"  # stands in the manifest until an operator gives theirs
LONGEST_NAME: Final = 30  # characters that Teams shows of a name
ACCENT: Final = "#2c4a5a"  # the ground of color.png
ICONS: Final = ("color.png", "outline.png")  # 192 by 192, and 32 by 32 in white on nothing

SHORT: Final = "Talk with a trained colleague, privately."
FULL: Final = """\
Hard days happen in this work. Here you can ask to talk with a trained colleague. You don't need a reason.

Until you share your name, the colleagues who are asked do not learn it. We keep no notes. Afterwards we check in, as \
you like, and then we forget.

This is not therapy, not a report and not a crisis line. If you can't stay safe, call your local emergency number now.

Your organisation can see messages in Teams, so we keep stories out of chat. Please leave out patient details.

You can change your mind at any time. If you would like to be there for others, you can offer that here too."""

COMMANDS: Final = (
    ("help", "Where you stand, and what you can do"),
    ("I am not safe", "Whom to call now"),
    ("status", "Where your request stands"),
    ("stop", "Close your request"),
    ("hide", "Take our cards out of this chat"),
    ("privacy", "Who can see what"),
    ("data", "What we hold about you now"),
    ("forget me", "Erase it now"),
    ("peer", "Be there for colleagues, or change how"),
    ("pause", "As a peer: no questions for a while"),
    ("resume", "As a peer: be asked again"),
    ("leave", "Stop being a peer"),
)
"""What a person can type, and what comes of it. Teams offers them beside the compose box."""


def manifest(client_id: str, name: str, url: str, version: str) -> dict[str, Any]:
    """Return the app manifest.

    https://learn.microsoft.com/microsoftteams/platform/resources/schema/manifest-schema

    Args:
        client_id: The bot's application id in Microsoft Entra.
        name: The bot's name, of at most `LONGEST_NAME` characters.
        url: Our public address, without a path.
        version: The version of the package, as three numbers.
    """
    base = url.rstrip("/")
    bot = {
        "botId": client_id,
        "scopes": ["personal"],
        "isNotificationOnly": False,
        "supportsFiles": False,
        "supportsCalling": False,
        "supportsVideo": False,
        "commandLists": [
            {
                "scopes": ["personal"],
                "commands": [{"title": title, "description": about} for title, about in COMMANDS],
            }
        ],
    }
    return {
        "$schema": f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA}/MicrosoftTeams.schema.json",
        "manifestVersion": SCHEMA,
        "version": version,
        "id": client_id,
        "localizationInfo": {"defaultLanguageTag": "en"},
        "developer": {
            "name": name,
            "websiteUrl": base,
            "privacyUrl": f"{base}/privacy",
            "termsOfUseUrl": f"{base}/terms",
        },
        "name": {"short": name, "full": name},
        "description": {"short": SHORT, "full": FULL},
        "icons": {"color": ICONS[0], "outline": ICONS[1]},
        "accentColor": ACCENT,
        "bots": [bot],
        "defaultInstallScope": "personal",
        "validDomains": [urlsplit(base).netloc],
    }


def package(client_id: str, name: str, url: str, version: str) -> bytes:
    """Return the app package: a zip with the manifest and the icons at its root. Takes the arguments of `manifest`."""
    written = json.dumps(manifest(client_id, name, url, version), indent=2, ensure_ascii=False) + "\n"
    files = {"manifest.json": written.encode()} | {name: icon(name) for name in ICONS}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for file, data in files.items():
            entry = zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0))  # the earliest a zip can say
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same wherever it is made
            archive.writestr(entry, data)
    return made.getvalue()


def icon(name: str) -> bytes:
    """Return one of `ICONS`, a PNG that ships beside this module."""
    return resources.files(__package__).joinpath(name).read_bytes()
