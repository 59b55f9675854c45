"""docs/settings.md, printed from the class of the settings; a test compares the two."""

from __future__ import annotations

from typing import Final

from bot.config import DESCRIBED


def table() -> str:
    """The whole page, as it stands in the repository."""
    out = [_INTRODUCTION]
    part = ""
    for each in DESCRIBED:
        if each.part != part:
            part = each.part
            out.append(f"\n## {part}\n\n| setting | default | meaning |\n|---|---|---|\n")
        default = f"`{each.default}`" if each.default else "none"
        secret = " *Secret.*" if each.secret else ""
        out.append(f"| `{each.name}` | {default} | {each.about}{secret} |\n")
    return "".join(out)


_INTRODUCTION: Final = """\
# Settings

<!-- Written by `peersupport config --markdown`; a test fails when it is out of date. -->

A setting may stand in the environment, in a file `.env` in the working folder, or in the file that `PEERSUPPORT_CONFIG`
names; the first of these that has it wins. That file is read as TOML when its name ends in `.toml`
(`PEERSUPPORT_RELAY = "off"`), else like `.env` (`PEERSUPPORT_RELAY=off`).

Every setting `X` may instead be given as `X_FILE`, the path of a file that holds the value; this is how secrets are
best given. Both at once are refused. A setting that is empty has its default, except the root key, Slack's secrets,
and Teams' ids and secret, which must not be empty.

Durations are written `3s`, `30m`, `24h`, `7d`. `peersupport config` shows what is in force and where it came from;
`peersupport doctor` says what is missing.
"""
