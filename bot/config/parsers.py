"""The types of the settings: how a text that an operator writes becomes a value.

pydantic checks what it can, and a function of ours reads the rest. Where a text cannot be read they raise ValueError
without words: `settings` says what the setting must be. Nothing here repeats a text: it may be a secret, or identify a
person.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from annotated_types import Predicate
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretBytes, SecretStr

from adapters.tls import ssl_context
from bot.config import confidentiality, crisis_words, phone_lines
from bot.config.sources import read_text
from conversations.model import OnCall, Person, Urgency

T = TypeVar("T")

KEY_BYTES: Final = 32
SIGNING_SECRET: Final = "[0-9a-f]{32}"  # noqa: S105  # the shape of one
"""A signing secret as Slack makes them."""
UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""An id as Entra writes it, in lower case."""


class UnusableFile(ValueError):
    """A setting names a file that cannot be used. The message completes "PEERSUPPORT_X names a file that ..."."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a server listens."""

    host: str
    port: Annotated[int, Field(lt=2**16)]

    def __str__(self) -> str:
        """As an operator writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database on a server; the address may hold a password."""

    url: str = field(repr=False)


def _matched(pattern: str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise ValueError
    return found


def _like(pattern: str) -> BeforeValidator:
    return BeforeValidator(lambda text: _matched(pattern, text)[0])


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


_COMMAS: Final = BeforeValidator(_comma_separated)
_AT_MOST_TWO: Final = Field(max_length=2)  # the new one and the old one, while rotating
_EACH_ONCE: Final = AfterValidator(lambda values: tuple(dict.fromkeys(values)))

# ---------------------------------------------------------------- numbers and times


def _duration(text: str) -> timedelta:
    number, unit = _matched(r"(\d{1,5})([smhd])", text).groups()
    return timedelta(seconds=int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit])


def by_name(text: str) -> dict[str, str]:
    """Read `soon=10m,other=60m`. Raises ValueError where a part has no name, or two have the same."""
    pairs = [part.split("=") for part in text.replace(" ", "").split(",")]
    values = {name: value for name, value in pairs}  # noqa: C416  # raises where a part is not two
    if len(values) < len(pairs):
        raise ValueError
    return values


def _waves(text: str) -> list[str]:
    return re.findall(r"\d+", _matched(r"((?:\d+ *, *)*)rest", text)[1])


def _clock(text: str) -> time:
    return time.fromisoformat(_matched(r"\d\d:\d\d", text)[0])


def _quiet_hours(text: str) -> tuple[time, ...] | None:
    between = r"(?!(.{5})-\1)(\d\d:\d\d)-(\d\d:\d\d)"  # not twice the same
    return None if text == "none" else tuple(map(time.fromisoformat, _matched(between, text).groups()[1:]))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[Duration, Field(gt=timedelta())]
Durations = Annotated[tuple[PositiveDuration, ...], _COMMAS, Predicate(lambda each: list(each) == sorted(set(each)))]
DurationByName = Mapping[str, PositiveDuration]
DurationByUrgency = Mapping[Urgency, PositiveDuration]
TimesByPart = Mapping[str, Annotated[time, BeforeValidator(_clock)]]
Count = Annotated[int, Field(ge=1, le=9999)]
Months = Annotated[int, BeforeValidator(lambda text: _matched(r"([1-9]\d{0,2})mo", text)[1])]
Waves = Annotated[tuple[Count, ...], BeforeValidator(_waves)]
QuietHours = Annotated[tuple[time, time] | None, PlainValidator(_quiet_hours)]

# ---------------------------------------------------------------- words and people


def _person(text: str) -> Person:
    platform, _, ids = (part.strip() for part in text.partition(":"))
    one = {"slack": r"[A-Z0-9]{2,}", "teams": UUID}.get(platform, "(?!)")  # which matches nothing
    return Person(platform, *_matched(rf"({one})\s*:\s*({one})", ids.lower() if platform == "teams" else ids).groups())


def _on_call(text: str) -> OnCall:
    shape = r"([^;]*[^;\s][^;]*);([^;]*\d *\d *\d[^;]*);([^;]*[^;\s][^;]*)(?:;([^;]*))?"
    name, phone, hours, chat = (part.strip() for part in _matched(shape, text).groups(""))
    return OnCall(name, phone, hours, _person(chat) if chat else None)


Country = Annotated[str, Predicate(lambda text: text in phone_lines.countries())]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]
People = Annotated[tuple[Annotated[Person, PlainValidator(_person)], ...], _COMMAS, _EACH_ONCE]
OnCallPerson = Annotated[OnCall | None, PlainValidator(_on_call)]

# ---------------------------------------------------------------- stores, files and keys

_HOSTS = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]|%2[Ff][\w.%-]*)?(?::\d{1,5})?"
_POSTGRES: Final = (
    r"postgres(?:ql)?://(?:[^\s:@/?#]+(?::[^\s:@/?#]+)?@)?"
    rf"{_HOSTS}(?:,{_HOSTS})*/[^\s:@/?#]+(?:\?[a-z_]+=[^\s&#?]*(?:&[a-z_]+=[^\s&#?]*)*)?"
)


def store(text: str) -> Path | Postgres:
    """Read the address of a store: the folder of an embedded one, or PostgreSQL. Raises ValueError for any other."""
    if text.startswith("postgres"):
        return Postgres(_matched(_POSTGRES, text)[0])
    folder = _matched(r"tinydb://(/.+)", text)[1]
    return Path(folder[1:] if folder.startswith("/./") else folder)


def without_password(address: str, mask: str) -> str:
    """The address of a store as it may be shown: `mask` stands for a password."""
    return re.sub(r"(://[^:@/?]*:)[^@/?]+(?=@)|([?&](?:ssl)?password=)[^&]+", rf"\1\2{mask}", address)


def _listen(text: str) -> dict[str, str]:
    host, port = _matched(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):(\d{1,5})", text).groups()
    return {"host": host.strip("[]"), "port": port}


def _folder(text: str) -> Path:
    found = Path(os.path.expanduser(text))  # noqa: PTH111  # Path's raises RuntimeError where the user is unknown
    if (found.exists() and not found.is_dir()) or str(found).startswith("~"):
        raise ValueError
    return found


def _file(parse: Callable[[str], T]) -> PlainValidator:
    """Read and parse the TOML file that is named. Raises UnusableFile where that raises ValueError."""

    def named(path: str) -> T:
        try:
            return parse(read_text(Path(path)))
        except tomllib.TOMLDecodeError:
            raise UnusableFile("is not valid TOML") from None
        except ValueError as problem:
            raise UnusableFile(*problem.args) from None

    return PlainValidator(named)


def _certificates(path: str) -> Path:
    try:
        ssl_context(Path(path))
    except ssl.SSLError:
        raise UnusableFile("holds no certificate: it must be PEM (BEGIN CERTIFICATE)") from None
    except OSError as problem:
        raise UnusableFile(f"cannot be read ({problem.strerror})") from None
    return Path(path)


def _root_key(text: str) -> bytes:
    key = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    if len(key) != KEY_BYTES or len(set(key)) == 1:
        raise ValueError
    return key


Store = Annotated[Path | Postgres, PlainValidator(store)]
Listen = Annotated[Bind, BeforeValidator(_listen)]
Folder = Annotated[Path | None, PlainValidator(_folder)]
CertificatesFile = Annotated[Path | None, PlainValidator(_certificates)]
PhoneLinesFile = Annotated[phone_lines.PhoneLines | None, _file(phone_lines.parse)]
CrisisWordsFile = Annotated[tuple[str, ...], _file(crisis_words.parse)]
ConfidentialityFile = Annotated[confidentiality.ConfidentialityLimits | None, _file(confidentiality.parse)]
_RootKey = Annotated[SecretBytes, BeforeValidator(_root_key)]
RootKeys = Annotated[tuple[_RootKey, ...], _COMMAS, Predicate(lambda keys: len(set(keys)) == len(keys)), _AT_MOST_TWO]

# ---------------------------------------------------------------- web addresses

_PORT = r"(?::[1-6]?\d{1,4})?"
_NAMED = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])"
_LOCAL = r"(?i:http)://(?:127\.0\.0\.1|localhost|\[::1\])"
_WEB = rf"(?i:https?)://(?:[^\s/?#]*@)?{_NAMED}{_PORT}(?:[/?#]\S*)?"
_SAFE = rf"(?:(?i:https)://{_NAMED}|{_LOCAL}){_PORT}(?:[/?#][^\s{{}}]*)?"
"""Where a secret may be sent, or a key asked for: over TLS, or on this machine."""
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?"
_ServiceHost = Annotated[
    str, BeforeValidator(lambda text: _matched(rf"({_HOST}|{_LOCAL}:[1-9]\d{{0,4}})/?", text.lower())[1])
]
WebFolder = Annotated[str, BeforeValidator(lambda text: _matched(_WEB, text)[0].removesuffix("/") + "/")]
SecretAddress = Annotated[SecretStr | None, _like(_WEB)]
SafeAddress = Annotated[str, _like(_SAFE)]
TokenAddress = Annotated[str, Predicate(lambda text: _matched(_SAFE, text.replace("{tenant}", "tenant")))]
ServiceHosts = Annotated[tuple[_ServiceHost, ...], _COMMAS, _EACH_ONCE]

# ---------------------------------------------------------------- what the platforms give out

Uuid = Annotated[str, BeforeValidator(lambda text: _matched(UUID, text.lower())[0])]
_NotEmpty = Annotated[SecretStr, Field(min_length=1)]
Secret = _NotEmpty | None
BotToken = Annotated[SecretStr | None, _like("(?!xapp-|xoxp-).+")]
AppToken = Annotated[SecretStr | None, _like(r"xapp-\S+")]
_SigningSecret = Annotated[SecretStr, _like(r"(?!xox|xapp-)\S+")]
SigningSecrets = Annotated[tuple[_SigningSecret, ...], _COMMAS, _AT_MOST_TWO]
SlackClientId = Annotated[str, _like(r"\d{4,}\.\d{4,}")]
Workspaces = Annotated[frozenset[Annotated[str, _like("[TE][A-Z0-9]+")]], _COMMAS]
Tenants = Annotated[tuple[Uuid, ...], _COMMAS, _EACH_ONCE]
