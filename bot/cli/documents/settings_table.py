"""Prints docs/settings.md from the declarations of the settings; a test compares the two."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import Final

from bot.config import settings

_HEAD: Final = (
    "# Settings\n\n<!-- Written by `peersupport config --markdown`; a test fails when it is out of date. -->\n\n"
)


def page() -> str:
    """Return the whole page: the docstring of the settings' class, and a table of each part."""
    out = [_HEAD, inspect.getdoc(settings.Settings) or "", "\n"]
    for part, names in groupby(settings.NAMES, lambda name: settings.FIELDS[name].title):
        out += [f"\n## {part}\n\n| setting | default | meaning |\n|---|---|---|\n", *map(_row, names)]
    return "".join(out)


def _row(name: str) -> str:
    default = f"`{settings.DEFAULTS[name]}`" if settings.DEFAULTS[name] else "none"
    secret = " *Secret.*" if name in settings.SECRETS else ""
    return f"| `{name}` | {default} | {settings.about(name)}{secret} |\n"
