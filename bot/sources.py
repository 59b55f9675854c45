"""Where settings come from: the environment, `.env`, a file of settings, and files that hold one value each."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

ALSO_READ: Final[Mapping[str, str]] = {
    "TEAMS_CLIENT_ID": "CLIENT_ID",
    "TEAMS_CLIENT_SECRET": "CLIENT_SECRET",
    "TEAMS_TENANT_ID": "TENANT_ID",
}
"""Names that Microsoft's own tools write. They are nobody's in particular, so two of them must stand together to mean
us, or one of Teams' own settings beside them (docs/decisions/teams-settings.md)."""
NO_SOCKET: Final = (
    "is set, but Socket Mode is not in this version yet: remove it, set SLACK_SIGNING_SECRET, and let Slack call "
    "PEERSUPPORT_BIND through a TLS proxy (docs/operating.md)."
)


OURS: Final = ("PEERSUPPORT_", "SLACK_", "TEAMS_")


@dataclass(frozen=True, slots=True)
class Text:
    """A setting as somebody wrote it, and where."""

    value: str = field(repr=False)
    source: str
    file: Path | None = field(default=None, repr=False)  # that holds it; None: the environment
    written_as: str = ""  # the other name it stands under, where it has one


Texts = Mapping[str, Text]


def read(environ: Mapping[str, str], folder: Path, names: Iterable[str]) -> tuple[Texts, tuple[str, ...], list[str]]:
    """What is set, by name; names that look like ours and are not; and what could not be read."""
    problems: list[str] = []
    everything: dict[str, Text] = {name: Text(value, "environment") for name, value in environ.items()}
    dotenv = folder / ".env"
    if _is_there(dotenv, problems):
        _add(everything, dotenv, ".env", problems)
    named = everything.pop("PEERSUPPORT_CONFIG", None)
    if named and named.value:
        _add(everything, folder / named.value, Path(named.value).name, problems)

    texts = {name: text for name in names if (text := _take(everything, name, folder, problems))}
    if _are_for_teams(texts, everything):
        for name, other in ALSO_READ.items():
            text = None if name in texts else _take(everything, other, folder, problems)
            if text:
                source = text.source if text.source.startswith(other) else f"{other} ({text.source})"
                texts[name] = replace(text, source=source, written_as=other)
    problems += [f"{name} {NO_SOCKET}" for name in ("SLACK_APP_TOKEN", "SLACK_APP_TOKEN_FILE") if name in everything]
    unknown = tuple(sorted(name for name in everything if name.startswith(OURS)))
    return texts, unknown, problems


def _is_there(dotenv: Path, problems: list[str]) -> bool:
    try:
        return dotenv.is_file()
    except OSError as problem:
        problems.append(
            f".env cannot be looked for ({problem.strerror}): run this in a folder that this user may enter."
        )
        return False


def _take(everything: dict[str, Text], name: str, folder: Path, problems: list[str]) -> Text | None:
    direct, by_file = everything.pop(name, None), everything.pop(f"{name}_FILE", None)
    if direct and by_file:
        problems.append(f"{name} and {name}_FILE are both set: remove one.")
        return None
    return direct or (_read_value(name, by_file, folder, problems) if by_file else None)


def _are_for_teams(texts: Texts, everything: Texts) -> bool:
    """Whether the names of ALSO_READ mean us."""
    there = {name for name in ALSO_READ.values() if name in everything or f"{name}_FILE" in everything}
    return there >= {"CLIENT_ID", "CLIENT_SECRET"} or any(name.startswith("TEAMS_") for name in texts)


def _read_value(name: str, by_file: Text, folder: Path, problems: list[str]) -> Text | None:
    try:
        value = (folder / by_file.value).read_text("utf-8-sig").strip() if by_file.value else ""
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        problems.append(f"{name}_FILE names a file that cannot be read ({why}): correct the path or its permissions.")
        return None
    return Text(value, f"{name}_FILE ({by_file.source})", folder / by_file.value)


def _add(everything: dict[str, Text], path: Path, source: str, problems: list[str]) -> None:
    """Add what a file sets and nobody before it did."""
    where = ".env" if source == ".env" else "PEERSUPPORT_CONFIG"
    read: Callable[[str], Mapping[str, str]] = _toml if path.suffix == ".toml" else _env
    try:
        found = read(path.read_text("utf-8"))
    except OSError as problem:
        problems.append(f"{where} cannot be read ({problem.strerror}): correct the path or its permissions.")
    except ValueError:
        problems.append(f"{where} is not a well-formed file of settings: docs/settings.md shows both forms.")
    else:
        for name, value in found.items():
            everything.setdefault(name, Text(value, source, path))


def _env(text: str) -> Mapping[str, str]:
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items()}


def _toml(text: str) -> Mapping[str, str]:
    return {name: _as_text(value) for name, value in tomllib.loads(text).items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ",".join(_as_text(part) for part in value)
    if isinstance(value, dict):
        return ",".join(f"{name}={_as_text(part)}" for name, part in value.items())
    return str(value)
