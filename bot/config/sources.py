"""Where settings come from: the environment, `.env`, a file of settings, and files that hold one value each.

docs/decisions/settings.md says which of these a library reads, and under which promises.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

ALSO_READ: Final = {f"TEAMS_{name}": name for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")}
"""Names that Microsoft's own tools write. Other programs use them too, so they count only where two of them stand
together, or one of them beside a setting of Teams (docs/decisions/teams-settings.md)."""

EVERYWHERE: Final = Path("/etc/peersupport/.env")
"""Read where the working folder has no `.env`, so that commands find the settings of the service from anywhere."""

_READABLE: Final = re.compile(r"\s*(#.*|(export\s+)?'?[A-Za-z_][\w.-]*'?\s*=.*)?\s*")  # . is no end of line
OURS: Final = ("PEERSUPPORT_", "SLACK_", "TEAMS_")
"""What the names of our settings begin with, except the few that many programs share."""


@dataclass(frozen=True, slots=True)
class RawSetting:
    """A setting as it was written, without the blanks around it, and where.

    Args:
        name: Its name in the documentation.
        value: The text. It may be a secret.
        source: Where it stands, as `peersupport config` shows it.
        file: The file that holds it; None for the environment.
        written_as: The name of ALSO_READ it stands under, if it does.
        is_readable: Whether the file that is to hold it could be read; where not, that is a problem of its own.
    """

    name: str
    value: str = field(repr=False)
    source: str
    file: Path | None = field(default=None, repr=False)
    written_as: str = ""
    is_readable: bool = True


RawSettings = Mapping[str, RawSetting]


def find_dotenv(folder: Path = Path(), everywhere: Path = EVERYWHERE) -> Path:
    """Return the `.env` of the folder, or the one for everywhere where there is none; neither needs to be there."""
    own = folder / ".env"
    return own if _is_file(own) or not _is_file(everywhere) else everywhere


def describe_search(folder: Path = Path(), everywhere: Path = EVERYWHERE) -> str:
    """Say in a sentence where a command looks for settings, and whether there is a file."""
    found = find_dotenv(folder, everywhere)
    if _is_file(found):
        return f"Settings were read from the environment and from {found.absolute()}."
    return f"Settings were read from the environment alone: there is no {found.absolute()} and no {everywhere}."


def read(
    environ: Mapping[str, str], folder: Path, names: Iterable[str], dotenv: Path | None = None
) -> tuple[RawSettings, tuple[str, ...], list[str]]:
    """Collect the settings of these names; the first source to have one wins.

    Args:
        environ: The environment.
        folder: Where relative paths begin, but those in `dotenv`, which begin in its own folder.
        names: The settings there are.
        dotenv: The file `.env`; the folder's by default.

    Returns:
        What is set, by name; names that look like ours and are not; and a sentence for each thing that cannot be read.
    """
    problems: list[str] = []
    found = {name: RawSetting(name, value.strip(), "environment") for name, value in environ.items()}
    dotenv = dotenv or folder / ".env"
    _add(found, dotenv, ".env" if dotenv.parent == folder else str(dotenv), problems)
    named = found.pop("PEERSUPPORT_CONFIG", None)
    if named and named.value:
        _add(found, folder / named.value, "PEERSUPPORT_CONFIG", problems)
    raw = {name: value for name in names if (value := _take(found, name, folder, problems))}
    shared = {name for name in ALSO_READ.values() if name in found or f"{name}_FILE" in found}
    if shared >= {"CLIENT_ID", "CLIENT_SECRET"} or any(name.startswith("TEAMS_") for name in raw):
        for name, other in ALSO_READ.items():
            value = None if name in raw else _take(found, other, folder, problems)
            if value:
                source = value.source if value.source.startswith(other) else f"{other} ({value.source})"
                raw[name] = replace(value, name=name, source=source, written_as=other)
    return raw, tuple(sorted(name for name in found if name.startswith(OURS))), problems


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises ValueError with words that follow "the file"."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as problem:
        raise ValueError(f"cannot be read ({problem.strerror})") from None
    except ValueError:
        raise ValueError("is not UTF-8 text") from None


def _is_file(path: Path) -> bool:
    """Whether there is such a file, as far as we may look; one that may not be looked at is refused as it is read."""
    try:
        return path.is_file()
    except OSError:
        return True


def _take(found: dict[str, RawSetting], name: str, folder: Path, problems: list[str]) -> RawSetting | None:
    direct, by_file = found.pop(name, None), found.pop(f"{name}_FILE", None)
    if direct and by_file:
        problems.append(f"{name} and {name}_FILE are both set: remove one.")
    if direct or not by_file:
        return direct
    base = by_file.file.parent if by_file.file and by_file.file.name == ".env" else folder
    path = base / by_file.value
    try:
        value = read_text(path).strip() if by_file.value else ""
    except ValueError as problem:
        problems.append(f"{name}_FILE names a file that {problem}: correct the path or its permissions.")
        return RawSetting(name, "", f"{name}_FILE ({by_file.source})", path, is_readable=False)
    return RawSetting(name, value, f"{name}_FILE ({by_file.source})", path)


def _add(found: dict[str, RawSetting], path: Path, where: str, problems: list[str]) -> None:
    """Add what a file sets and no earlier source did."""
    try:
        if path.name == ".env" and where != "PEERSUPPORT_CONFIG" and not path.is_file():
            return
        text = path.read_text("utf-8-sig")
        values = _toml(text) if path.suffix == ".toml" else _dotenv(text, where, problems)
    except OSError as problem:
        problems.append(f"{where} cannot be read ({problem.strerror}): correct the path or its permissions.")
    except ValueError:
        problems.append(f"{where} is not a well-formed file of settings: docs/settings.md shows both forms.")
    else:
        source = path.name if where == "PEERSUPPORT_CONFIG" else where
        for name, value in values.items():
            found.setdefault(name, RawSetting(name, value.strip(), source, path))


def _dotenv(text: str, where: str, problems: list[str]) -> Mapping[str, str]:
    """What the lines set, as python-dotenv reads them; the last of two with one name counts.

    A line that it would pass over, or could only take for something else, is a problem: an operator wrote it for a
    purpose. That is also a name without `=`, and a value that goes on in the next line, where a quote was not closed.
    """
    values: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        written = line.original.string
        if line.error or not _READABLE.fullmatch(written):
            number = line.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            problems.append(
                f"{where}, line {number}, is not of the form NAME=value: correct it, close a quote on the line that "
                "opens it, or put # in front."
            )
        elif line.key:
            values[line.key] = line.value or ""
    return values


def _toml(text: str) -> Mapping[str, str]:
    return {name: _as_text(value) for name, value in tomllib.loads(text).items()}


def _as_text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
