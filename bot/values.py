"""From what an operator writes to what the program means; each error continues the sentence "PEERSUPPORT_X ...".

No error quotes what it was given: it may be a secret, or somebody's id.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretBytes, SecretStr

from adapters.trust import trusting
from bot import limits, lines
from bot.limits import Limits
from bot.lines import Numbers
from conversations.model import OnCall, Person, Urgency

KEY_BYTES: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """As an operator writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_DURATION = re.compile(r"(\d{1,5})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError("must be a duration such as 30m, 24h, 3s or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def some_time(text: str) -> timedelta:
    found = duration(text)
    if not found:
        raise ValueError("must be longer than nothing, such as 30m, 24h or 7d")
    return found


def months(text: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,2})mo", text.strip())
    if not found:
        raise ValueError("must be months such as 24mo")
    return int(found[1])


def count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text.strip()):
        raise ValueError("must be a whole number of at least 1")
    return int(text)


def on_off(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("must be on or off")
    return text == "on"


def _named(example: str) -> Callable[[str], Mapping[str, timedelta]]:
    """A part that is left out keeps the value it has in `example`, which is the default."""
    defaults = {name: duration(value) for name, value in (part.split("=") for part in example.split(","))}

    def read(text: str) -> Mapping[str, timedelta]:
        given: dict[str, timedelta] = {}
        for part in text.split(","):
            name, found, value = (word.strip() for word in part.partition("="))
            if not found or name not in defaults or name in given:
                raise ValueError(f"must be durations by name, such as {example}")
            given[name] = some_time(value)
        return {**defaults, **given}

    return read


wave_steps = _named("soon=10m,other=60m")
talked_after = _named("soon=2h,other=12h")
_by_urgency = _named("soon=30m,today=4h,no-rush=24h")


def targets(text: str) -> Mapping[Urgency, timedelta]:
    by_name = _by_urgency(text)
    return {"soon": by_name["soon"], "today": by_name["today"], "no-rush": by_name["no-rush"]}


def waves(text: str) -> tuple[int, ...]:
    *sizes, last = (part.strip() for part in text.split(","))
    if last != "rest" or not all(re.fullmatch(r"[1-9]\d{0,3}", size) for size in sizes):
        raise ValueError("must be sizes that end with everybody else, such as 5,8,rest")
    return tuple(int(size) for size in sizes)


def check_ins(text: str) -> tuple[timedelta, ...]:
    times = tuple(some_time(part) for part in text.split(","))
    if list(times) != sorted(set(times)):
        raise ValueError("must be durations that grow, such as 24h,72h")
    return times


def quiet_hours(text: str) -> tuple[time, time] | None:
    if text == "none":
        return None
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", text.strip())
    if not found:
        raise ValueError("must be hours such as 21:00-08:00, or none")
    start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if start == end:
        raise ValueError("must begin and end at different times; for no quiet hours write none")
    return start, end


def zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        raise ValueError("must be a time zone such as America/Chicago or Europe/Zurich") from None
    return text


def country(text: str) -> str:
    if text not in lines.countries():
        raise ValueError(
            f"must be one of {', '.join(lines.countries())}; for another, name the nearest and set "
            "crisis and emergency in PEERSUPPORT_LINES_FILE"
        )
    return text


def name(text: str) -> str:
    if not 0 < len(text.strip()) <= 35:  # noqa: PLR2004  # what Slack allows for an app's name
        raise ValueError("must be a name of at most 35 characters")
    return text.strip()


_PEOPLE: Final = {
    "slack": re.compile(r"[A-Z0-9]{2,}"),
    "teams": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}


def _person(text: str) -> Person:
    platform, *ids = (part.strip() for part in text.split(":"))
    ids = [id.lower() for id in ids] if platform == "teams" else ids
    if platform not in _PEOPLE or len(ids) != 2 or not all(_PEOPLE[platform].fullmatch(id) for id in ids):  # noqa: PLR2004
        raise ValueError(
            "must name people as slack:WORKSPACE:USER, such as slack:T0123ABCD:U0456EFGH, or as teams:TENANT:OBJECTID, "
            "two ids that Entra shows"
        )
    return Person(platform, *ids)


def people(text: str) -> tuple[Person, ...]:
    people = [_person(part) for part in text.split(",")] if text else []
    return tuple(dict.fromkeys(people))


def on_call(text: str) -> OnCall | None:
    if not text:
        return None
    parts = [part.strip() for part in text.split(";")]
    if len(parts) not in {3, 4} or not all(parts[:3]) or not re.search(r"\d{3}", parts[1].replace(" ", "")):
        raise ValueError(
            "must be name; phone; hours, and if they can be reached in chat ; slack:WORKSPACE:USER or "
            "teams:TENANT:OBJECTID, "
            "such as Dr. Kim Lee; +1 555 0100; day and night; slack:T0123ABCD:U0456EFGH"
        )
    chat = parts[3] if len(parts) == 4 else ""  # noqa: PLR2004
    return OnCall(parts[0], parts[1], parts[2], _person(chat) if chat else None)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database on a server; the address may hold a password."""

    url: str = field(repr=False)


_HOSTS = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]|%2[Ff][\w.%-]*)?(?::\d{1,5})?"
_POSTGRES = re.compile(
    r"(?P<before>postgres(?:ql)?://(?:[^\s:@/?#]+(?::(?P<password>[^\s:@/?#]+))?@)?)"
    rf"(?P<after>{_HOSTS}(?:,{_HOSTS})*/[^\s:@/?#]+)"
    r"(?:\?(?P<more>[a-z_]+=[^\s&#?]*(?:&[a-z_]+=[^\s&#?]*)*))?"
)
_SECRET_PARTS: Final = ("password", "sslpassword")


def store(text: str) -> Path | Postgres:
    if text.startswith(("postgresql:", "postgres:")):
        if not _POSTGRES.fullmatch(text):
            raise ValueError(
                "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with whatever is not a letter or a digit in "
                "the password written as % and two hexadecimal digits"
            )
        return Postgres(text)
    scheme, _, path = text.partition("://")
    if scheme != "tinydb" or not path.startswith("/") or path == "/":
        raise ValueError(
            "must be tinydb:/// and a folder, such as tinydb:///var/lib/peersupport or tinydb:///./data, "
            "or postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    return Path(path[1:] if path.startswith("/./") else path)


def without_password(address: str, mask: str) -> str:
    """The address of a store as it may be shown; the very same text where it holds no password."""
    found = _POSTGRES.fullmatch(address)
    if found is None:
        return address
    shown = found["before"] + found["after"]
    if found["password"]:
        shown = found["before"].removesuffix(f"{found['password']}@") + f"{mask}@" + found["after"]
    parts = [part.partition("=") for part in (found["more"] or "").split("&") if part]
    more = "&".join(f"{name}={mask if name in _SECRET_PARTS and value else value}" for name, _, value in parts)
    return f"{shown}?{more}" if more else shown


def bind(text: str) -> Bind:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):(\d{1,5})", text.strip())
    if not found or int(found[2]) > 65535:  # noqa: PLR2004
        raise ValueError("must be an address and a port, such as 127.0.0.1:3000")
    return Bind(found[1].strip("[]"), int(found[2]))


def url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a web address such as https://slack.com/api/")
    return text if text.endswith("/") else text + "/"


def proxy(text: str) -> SecretStr | None:
    if not text:
        return None
    if not text.startswith(("http://", "https://")):
        raise ValueError("must be the proxy's web address, such as http://proxy.example:8080")
    return SecretStr(text)


def alert_url(text: str) -> SecretStr | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", text):
        raise ValueError("must be a whole web address, such as https://alerts.example.org/peersupport")
    return SecretStr(text)


def workspaces(text: str) -> frozenset[str]:
    names = frozenset(part.strip() for part in text.split(",")) if text else frozenset()
    if not all(re.fullmatch(r"[TE][A-Z0-9]+", name) for name in names):
        raise ValueError(
            "must be Slack's ids of workspaces such as T0123ABCD, or of organisations such as E0123ABCD, separated by "
            "commas"
        )
    return names


def root_key(text: str) -> SecretBytes:
    try:
        key = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or len(set(key)) == 1:
        raise ValueError("must be 32 random bytes in base64: run `peersupport keys new` and use what it prints")
    return SecretBytes(key)


def root_keys(text: str) -> tuple[SecretBytes, ...]:
    """One key, or two while rotating: the new one first."""
    keys = tuple(root_key(part) for part in text.split(","))
    if len({key.get_secret_value() for key in keys}) < len(keys) or len(keys) > 2:  # noqa: PLR2004  # new and old
        raise ValueError("must be one key, or while rotating the new one and the old one, separated by a comma")
    return keys


def whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text.strip()):
        raise ValueError("must be a whole number of days, such as 7, or 0")
    return int(text)


def folder(text: str) -> Path | None:
    if not text.strip():
        return None
    found = Path(text.strip()).expanduser()
    if found.exists() and not found.is_dir():
        raise ValueError("must be a folder: name one, or leave it out")
    return found


def bot_token(text: str) -> SecretStr:
    text = text.strip()
    if not text or text.startswith(("xapp-", "xoxp-")):
        raise ValueError("must be the Bot User OAuth Token (xoxb-...): in your Slack app, OAuth & Permissions")
    return SecretStr(text)


def app_token(text: str) -> SecretStr:
    text = text.strip()
    if not text.startswith("xapp-") or len(text.split()) > 1:
        raise ValueError(
            "must be the app-level token (xapp-...) with the scope connections:write: in your Slack app, Basic "
            "Information, App-Level Tokens; where Slack is to call us over HTTP, remove the setting"
        )
    return SecretStr(text)


def slack_client_id(text: str) -> str:
    if not re.fullmatch(r"\d{4,}\.\d{4,}", text.strip()):
        raise ValueError("must be the Client ID of your Slack app, two numbers with a point: Basic Information")
    return text.strip()


def slack_client_secret(text: str) -> SecretStr:
    if not text.strip():
        raise ValueError("must not be empty: it is the Client Secret of your Slack app, under Basic Information")
    return SecretStr(text.strip())


def signing_secrets(text: str) -> tuple[SecretStr, ...]:
    secrets = [part.strip() for part in text.split(",")]
    if not all(secrets) or len(secrets) > 2:  # noqa: PLR2004
        raise ValueError(
            "must be the Signing Secret of your Slack app (Basic Information), or two while rotating, "
            "separated by a comma"
        )
    return tuple(SecretStr(secret) for secret in secrets)


def uuid(text: str) -> str | None:
    """The id as Entra writes it, or None for what is not one."""
    text = text.strip().lower()
    return text if _PEOPLE["teams"].fullmatch(text) else None


def client_id(text: str) -> str:
    found = uuid(text)
    if found is None:
        raise ValueError(
            "must be the bot's Application (client) ID, a UUID: in Entra, App registrations, the bot's, Overview"
        )
    return found


def client_secret(text: str) -> SecretStr:
    if not text.strip():
        raise ValueError(
            "must not be empty: in Entra, App registrations, the bot's, Certificates & secrets, the Value of a secret"
        )
    return SecretStr(text.strip())


def tenants(text: str) -> tuple[str, ...]:
    """Only ids: `common`, `organizations` and domains would let in whom nobody named."""
    found = [uuid(part) for part in text.split(",")]
    if None in found:
        raise ValueError(
            "must be the Tenant ID that Entra shows under Overview, a UUID, or several separated by commas: "
            "words such as common, and domains, are not taken"
        )
    return tuple(dict.fromkeys(id for id in found if id))


_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def _is_safe(address: str) -> bool:
    """What a secret may be sent to, or a key asked from: TLS, or this very machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # read for its complaint
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    return bool(parts.hostname) and "@" not in parts.netloc and (plain or parts.scheme == "https")


def endpoint(text: str) -> str:
    if not _is_safe(text) or re.search(r"[\s{}]", text):
        raise ValueError("must be a whole address that begins with https:// (http:// only on this machine)")
    return text


def token_url(text: str) -> str:
    if not _is_safe(text) or re.search(r"[\s{}]", text.replace("{tenant}", "")):
        raise ValueError(
            "must be a whole address that begins with https:// (http:// only on this machine); {tenant} may stand in it"
        )
    return text


_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")
_ORIGIN = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):([1-9]\d{0,4})")


def service_hosts(text: str) -> tuple[str, ...]:
    """Where the bot's token may be sent; so nothing is guessed, and nothing travels in the clear."""
    hosts = [part.strip().lower().removesuffix("/") for part in text.split(",")] if text else []
    if not all(_HOST.fullmatch(host) or _ORIGIN.fullmatch(host) for host in hosts):
        raise ValueError(
            "must be names of hosts that speak https, such as smba.trafficmanager.net, or addresses on this machine "
            "such as http://127.0.0.1:3979, separated by commas"
        )
    return tuple(dict.fromkeys(hosts))


def _contents(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError as problem:
        raise ValueError(f"names a file that cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("names a file that is not UTF-8 text") from None


def own_lines(path: str) -> Numbers | None:
    return _parsed(path, lines.parse) if path else None


def signed_limits(path: str) -> Limits | None:
    return _parsed(path, limits.parse) if path else None


def _parsed(path: str, parse: Callable[[str], T]) -> T:
    text = _contents(path)
    try:
        return parse(text)
    except ValueError as problem:
        raise ValueError(f"names a file that {problem}") from None


def certificates(path: str) -> Path | None:
    if not path:
        return None
    _contents(path)
    try:
        trusting(Path(path))
    except OSError:
        raise ValueError("names a file that holds no certificate: it must be PEM (BEGIN CERTIFICATE)") from None
    return Path(path)


def approval(text: str) -> str:
    return _one_of(text, "coordinator", "automatic")


def log_format(text: str) -> str:
    return _one_of(text, "json", "console")


def log_level(text: str) -> str:
    return _one_of(text.upper(), "DEBUG", "INFO", "WARNING", "ERROR")


def _one_of(text: str, *words: str) -> str:
    if text not in words:
        raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
    return text
