"""Reads the settings and checks them as a whole; every problem is a sentence, and all are said at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.config import requirements, sources
from bot.config.parsers import UnusableFile
from bot.config.settings import DEFAULTS, NAMES, NEVER_EMPTY, Refused, Settings, about, must_be
from bot.config.teams_clouds import settings_of_cloud


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None, *, to_serve: bool = False) -> Settings:
    """Collect, read and check the settings.

    Args:
        environ: The environment; the process's own by default.
        folder: Where `.env` is looked for, and where relative paths begin. By default the working folder; where that
            has no `.env`, the one in /etc/peersupport is read.
        to_serve: Whether they have to be complete enough to serve people.

    Raises:
        Refused: With everything at once that cannot be read or understood, contradicts something else, or is missing.
    """
    dotenv = sources.find_dotenv() if folder is None else None
    surroundings = os.environ if environ is None else environ
    raw, unknown, problems = sources.read(surroundings, folder or Path(), NAMES, dotenv)
    raw = {**raw, **settings_of_cloud(raw)}
    given: dict[str, Any] = {
        name: text.value for name, text in raw.items() if text.value or (name in NEVER_EMPTY and text.is_readable)
    }
    settings = Settings(raw=raw, unknown=unknown)
    try:
        settings = Settings(**given, raw=raw, unknown=unknown)
    except ValidationError as refusal:
        causes = {str(error["loc"][0]): error.get("ctx", {}).get("error") for error in refusal.errors()}
        problems += [_refusal(raw[name], cause) for name, cause in causes.items()]
    problems += [*requirements.out_of_reach(settings), *(requirements.unmet(settings) if to_serve else ())]
    if problems:
        raise Refused(problems)
    return settings


load_to_serve = partial(load, to_serve=True)
"""`load`, and complete enough to serve people."""


def _refusal(raw: sources.RawSetting, cause: object) -> str:
    """Why this text is not taken; without the text, which may be a secret."""
    written = f"{raw.written_as}, read as {raw.name}," if raw.written_as else raw.name
    if isinstance(cause, UnusableFile):
        return f"{written} names a file that {cause}."
    if DEFAULTS[raw.name]:
        return f"{written} cannot be used as it is written: write it like {DEFAULTS[raw.name]}. {about(raw.name)}"
    return f"{written} must be {must_be(raw.name)}"
