"""Every setting, once: its name, its default as an operator writes it, its type, and what it means.

The docstring below a setting is its line in docs/settings.md, and what an operator reads where its text cannot be used.
`sources` collects the texts and pydantic makes them values; docs/decisions/settings.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from bot.config import crisis_words, parsers, phone_lines
from bot.config.sources import ALSO_READ, OURS, RawSetting, RawSettings
from conversations.model import Programme

MASK: Final = "********"
NEVER_EMPTY: Final = frozenset(ALSO_READ) | {
    *("PEERSUPPORT_ROOT_KEY", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_CLIENT_ID"),
    "SLACK_CLIENT_SECRET",
}
"""Settings that are refused when they are present and empty; any other is then as if it were not there."""


class Refused(Exception):
    """The command cannot be run as it is. Each problem is a sentence that names the setting or option, and the fix."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _setting(part: str, name: str, default: str = "", *, unset: Any = None) -> Any:
    """Declare a setting.

    Args:
        part: Its heading in the documentation.
        name: Its name in the environment.
        default: Its default as an operator would write it, read like any other text; empty where it has none.
        unset: Its value where it has no default and is not set.
    """
    value: Any = default or unset
    return Field(value, alias=name, title=part, validate_default=bool(default), repr=False)


_programme, _asking, _afterwards, _running, _slack, _teams = (
    partial(_setting, part) for part in ("The programme", "Asking", "Afterwards", "Running it", "Slack", "Teams")
)


class Settings(BaseModel):
    """A setting may stand in the environment, in a file `.env` in the working folder (where there is none, in
    `/etc/peersupport/.env`), or in the file that `PEERSUPPORT_CONFIG` names; the first of these that has it wins. That
    file is read as TOML when its name ends in `.toml` (`PEERSUPPORT_RELAY = "off"`), else like `.env`
    (`PEERSUPPORT_RELAY=off`).

    A line of `.env` is `NAME=value`, with `export` before it or quotes around the value if you like, or it begins with
    `#`. The last of two lines with one name counts. Any other line is refused with its number, by every command; so is
    a value that goes on in the next line.

    Every setting `X` may instead be given as `X_FILE`, the path of a file that holds the value; this is how secrets are
    best given. Both at once are refused. A setting that is empty has its default, except the root key, Slack's secrets,
    and Teams' ids and secret, which must not be empty.

    Durations are written `3s`, `30m`, `24h`, `7d`. `peersupport config` shows what is in force and where it came from;
    `peersupport doctor` says what is missing.
    """

    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True, arbitrary_types_allowed=True
    )

    name: Annotated[str, Field(max_length=35)] = _programme("PEERSUPPORT_NAME", "Peer Support")
    """What the bot is called, in at most 35 characters. Keep it neutral: it stands on screens."""
    zone: ZoneInfo = _programme("PEERSUPPORT_ZONE", "UTC")
    """The programme's time zone, such as America/Chicago, for people whose own is unknown."""
    country: parsers.Country = _programme("PEERSUPPORT_COUNTRY", "US")
    """Whose crisis and professional lines are shown: US, CA, UK, CH or EU. For another, name the nearest and set crisis
    and emergency in PEERSUPPORT_LINES_FILE."""
    own_lines: parsers.PhoneLinesFile = _programme("PEERSUPPORT_LINES_FILE")
    """The hospital's own lines, shown first (operating.md)."""
    own_crisis_words: parsers.CrisisWordsFile = _programme("PEERSUPPORT_CRISIS_WORDS_FILE", unset=())
    """The hospital's own words that bring the crisis card, a phrase a line. They are added to ours in English and
    Spanish, which stay (operating.md)."""
    complaints: Annotated[str, Field(max_length=80)] = _programme("PEERSUPPORT_COMPLAINTS", unset="")
    """Who hears that something felt wrong with a peer: name and phone, in at most 80 characters. Without it the button
    is absent. Nothing that is pressed there is recorded."""
    limits: parsers.ConfidentialityFile = _programme("PEERSUPPORT_EXCEPTIONS_FILE")
    """The limits of secrecy, signed by counsel and the clinical lead (operating.md). Without it `doctor` fails."""
    coordinators: parsers.People = _programme("PEERSUPPORT_COORDINATORS", unset=())
    """The people at the end of every wait, in the order they are notified: `slack:T0123ABCD:U0456EFGH,slack:...`; on
    Teams `teams:TENANT:OBJECTID`, two ids that Entra shows. Needed unless approval is automatic."""
    approval: Literal["coordinator", "automatic"] = _programme("PEERSUPPORT_APPROVAL", "coordinator")
    """Who approves a peer. `automatic` is for trials: the pledge date counts as training date, and `doctor` fails."""
    on_call: parsers.OnCallPerson = _programme("PEERSUPPORT_ON_CALL")
    """The licensed person behind *I'm worried*: name; phone; hours; and, if reachable in chat, who they are there:
    `Dr. Kim Lee; +1 555 0100; day and night; slack:T0123ABCD:U0456EFGH` or `...; teams:TENANT:OBJECTID`. Without it the
    button is absent."""
    small_cell: Annotated[int, Field(ge=5, le=999)] = _programme("PEERSUPPORT_SMALL_CELL", "11")
    """The smallest number of requests that a report says anything of, at least 5. A share is said of twice as many."""
    relay: bool = _programme("PEERSUPPORT_RELAY", "on")
    """Whether two people may write unnamed through the bot: on or off."""

    targets: parsers.DurationByUrgency = _asking("PEERSUPPORT_TARGETS", "soon=30m,today=4h,no-rush=24h")
    """By when a peer should have said yes. At half of it a coordinator is told; at the end the clinician is."""
    waves: parsers.Waves = _asking("PEERSUPPORT_WAVES", "5,8,rest")
    """How many peers are asked at once, wave by wave; ends with rest."""
    wave_steps: parsers.DurationByName = _asking("PEERSUPPORT_WAVE_STEPS", "soon=10m,other=60m")
    """The pause between two waves."""
    talked_after: parsers.DurationByName = _asking("PEERSUPPORT_TALKED_AFTER", "soon=2h,other=12h")
    """When a silent peer is asked whether they talked, and a silent clinician's peer is released."""
    talk_times: parsers.TimesByPart = _asking(
        "PEERSUPPORT_TALK_TIMES", "before-shift=06:30,break=12:00,after-shift=15:30,evening=19:00"
    )
    """When the four parts of a day begin that two can agree to talk in, in each person's own time; for who works
    nights, twelve hours later."""
    peer_limit: parsers.Count = _asking("PEERSUPPORT_PEER_LIMIT", "2")
    """Open requests one peer walks with, at least 1, unless they chose otherwise."""
    rest: parsers.Duration = _asking("PEERSUPPORT_REST", "48h")
    """How long a peer rests once they have finished, or after a close; a week at least after a death, a lawsuit or a
    worry."""
    offers_a_week: parsers.Count = _asking("PEERSUPPORT_OFFERS_A_WEEK", "5")
    """Offers one peer gets in a week, at least 1; more only when no other peer is left."""
    requests_a_day: parsers.Count = _asking("PEERSUPPORT_REQUESTS_A_DAY", "3")
    """Requests one person may open in a day, at least 1."""
    training_months: parsers.Months = _asking("PEERSUPPORT_TRAINING_VALID", "24mo")
    """How long a peer's training counts, in months."""

    check_ins: parsers.Durations = _afterwards("PEERSUPPORT_CHECK_INS", "24h,72h")
    """When the bot checks in, each time later than the one before."""
    quiet_hours: parsers.QuietHours = _afterwards("PEERSUPPORT_QUIET_HOURS", "21:00-08:00")
    """No check-in or reminder then, in each person's own time; none for no quiet hours."""
    close_after: parsers.PositiveDuration = _afterwards("PEERSUPPORT_CLOSE_AFTER", "7d")
    """A request closes this long after the last touch; not at once."""
    erase_after: parsers.Duration = _afterwards("PEERSUPPORT_ERASE_AFTER", "7d")
    """What a request held is destroyed this long after its close; with less than a day, a crisis card goes with it."""

    store: parsers.Store = _running("PEERSUPPORT_STORE", "tinydb:///./data")
    """The folder of the embedded database, `tinydb:///var/lib/peersupport` or relative `tinydb:///./data`; or a
    PostgreSQL of your own, `postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full` (operating.md), with what is
    not a letter or a digit in the password written as % and two hexadecimal digits."""
    root_keys: parsers.RootKeys = _running("PEERSUPPORT_ROOT_KEY", unset=())
    """32 random bytes in base64: run `peersupport keys new`, keep what it prints in a file that only the service can
    read, and name that file in PEERSUPPORT_ROOT_KEY_FILE. While rotating, the new one and the old one, separated by a
    comma (operating.md)."""
    key_ring: parsers.Folder = _running("PEERSUPPORT_KEY_RING")
    """The folder of the keys that expire day by day: outside the store and whatever copies it, and the same for every
    `serve`. Default: `ring` in the store's folder; for PostgreSQL `ring` in the working folder."""
    key_days: Annotated[int, Field(ge=0, le=999)] = _running("PEERSUPPORT_KEY_DAYS", "7")
    """How many days a key is kept after its own: for so long what was forgotten can still be read in a copy of the
    store, and for so long a backup can be restored. 0: only today's."""
    bind: parsers.Listen = _running("PEERSUPPORT_BIND", "127.0.0.1:3000")
    """Where the public routes listen; put TLS in front."""
    ops_bind: parsers.Listen = _running("PEERSUPPORT_OPS_BIND", "127.0.0.1:9090")
    """Where `/livez`, `/readyz` and `/metrics` listen; never public."""
    https_proxy: parsers.SecretAddress = _running("HTTPS_PROXY")
    """The address of the proxy for what we send, such as `http://proxy.example:8080`."""
    no_proxy: str = _running("NO_PROXY", unset="")
    """Hosts and domains that are called without it, by comma."""
    ca_file: parsers.CertificatesFile = _running("PEERSUPPORT_CA_FILE")
    """Certificates to trust besides the system's (PEM), as for TLS inspection."""
    alert_url: parsers.SecretAddress = _running("PEERSUPPORT_ALERT_URL")
    """The web address that alerts for the operator are sent to, such as `https://alerts.example.org/peersupport`: the
    kind of what is wrong, or that nothing is, and never more."""
    log_format: Literal["json", "console"] = _running("LOG_FORMAT", "json")
    """How the log is written: json or console."""
    log_level: parsers.LogLevel = _running("LOG_LEVEL", "INFO")
    """What is logged: DEBUG, INFO, WARNING or ERROR. No level shows a person or a word of theirs."""

    slack_bot_token: parsers.BotToken = _slack("SLACK_BOT_TOKEN")
    """The Bot User OAuth Token (xoxb-...): in your Slack app, OAuth & Permissions."""
    slack_signing_secrets: parsers.SigningSecrets = _slack("SLACK_SIGNING_SECRET", unset=())
    """The Signing Secret: in your Slack app, Basic Information; two, separated by a comma, while rotating. Not needed
    with SLACK_APP_TOKEN."""
    slack_app_token: parsers.AppToken = _slack("SLACK_APP_TOKEN")
    """The app-level token (xapp-...) with the scope connections:write: in your Slack app, Basic Information,
    App-Level Tokens. With it we call Slack (Socket Mode), nothing of ours need be reached from there, and the Signing
    Secret is not needed; where Slack is to call us, leave it out."""
    slack_client_id: parsers.SlackClientId = _slack("SLACK_CLIENT_ID", unset="")
    """The app's Client ID, two numbers with a point: in your Slack app, Basic Information. With it and
    SLACK_CLIENT_SECRET the app is installed from `/slack/install`, in several workspaces if you like; SLACK_BOT_TOKEN
    is then not set, and SLACK_WORKSPACES is required (operating.md)."""
    slack_client_secret: parsers.Secret = _slack("SLACK_CLIENT_SECRET")
    """The app's Client Secret: in your Slack app, Basic Information."""
    slack_workspaces: parsers.Workspaces = _slack("SLACK_WORKSPACES", unset=frozenset())
    """The ids of the workspaces (`T...`) that may use the bot, by comma; `E...` is an organisation of Enterprise Grid,
    with all its workspaces. Empty: the workspace of the bot token."""
    slack_api_url: parsers.WebFolder = _slack("SLACK_API_URL", "https://slack.com/api/")
    """Where Slack is."""

    teams_client_id: parsers.Uuid = _teams("TEAMS_CLIENT_ID", unset="")
    """The bot's Application (client) ID: in Entra, App registrations, the bot's, Overview. Also read as `CLIENT_ID`, as
    the secret is as `CLIENT_SECRET` and the tenant as `TENANT_ID`; these three count only when the first two of them,
    or a setting of Teams, are there."""
    teams_client_secret: parsers.Secret = _teams("TEAMS_CLIENT_SECRET")
    """The Value of a client secret of that app, not its Secret ID: in Entra, App registrations, the bot's, Certificates
    & secrets."""
    teams_tenants: parsers.Tenants = _teams("TEAMS_TENANT_ID", unset=())
    """The Tenant ID of the organisation that may use the bot: in Entra, Overview; several, separated by commas. Words
    such as common, and domains, are not taken."""
    teams_cloud: Literal["commercial", "gcc", "gcc-high", "dod"] = _teams("TEAMS_CLOUD", "commercial")
    """Which of Microsoft's clouds the organisation is in: commercial, or for the US government gcc, gcc-high or dod.
    The settings below follow from it: the defaults here are the commercial ones, and one that is set itself wins."""
    teams_openid_url: parsers.SafeAddress = _teams(
        "TEAMS_OPENID_URL", "https://login.botframework.com/v1/.well-known/openidconfiguration"
    )
    """Where Microsoft publishes the keys it signs with; `http://` is taken only for this machine."""
    teams_issuer: parsers.SafeAddress = _teams("TEAMS_ISSUER", "https://api.botframework.com")
    """Who must have issued what comes in, to the letter; `http://` is taken only for this machine."""
    teams_token_url: parsers.TokenAddress = _teams(
        "TEAMS_TOKEN_URL", "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    )
    """Where the bot gets its token; the tenant's id takes the place of `{tenant}`. `http://` is taken only for this
    machine."""
    teams_scope: parsers.SafeAddress = _teams("TEAMS_SCOPE", "https://api.botframework.com/.default")
    """What the token is asked for."""
    teams_chat_url: parsers.WebFolder = _teams("TEAMS_CHAT_URL", "https://teams.microsoft.com/")
    """The Teams that a link to a private chat leads to."""
    teams_service_hosts: parsers.ServiceHosts = _teams("TEAMS_SERVICE_HOSTS", unset=())
    """The hosts that this token may be sent to besides Microsoft's, by comma, or `http://127.0.0.1:PORT` here."""

    raw: RawSettings = Field(default_factory=dict, repr=False)
    """What is set, even to nothing, by name: as it was written, and where."""
    unknown: tuple[str, ...] = ()
    """Names that look like ours and mean nothing to this version; probably misspelt."""

    @field_validator("targets", "wave_steps", "talked_after", "talk_times", mode="before")
    @classmethod
    def _keep_what_is_left_out(cls, text: str, info: ValidationInfo) -> dict[str, str]:
        """A part that is left out keeps the value it has in the default."""
        default, given = (parsers.by_name(each) for each in (cls.model_fields[str(info.field_name)].default, text))
        if not given.keys() <= default.keys():
            raise ValueError
        return default | given

    def programme(self) -> Programme:
        """What conversations may know of these settings. Fields of one name in both are copied."""
        numbers = phone_lines.numbers(self.country, self.own_lines)
        same = {name: getattr(self, name) for name in Programme.__struct_fields__ if name in Settings.model_fields}
        others: dict[str, Any] = {
            "zone": self.zone.key,
            "crisis": numbers.crisis,
            "crisis_texts": bool(numbers.crisis_texts),
            "emergency": numbers.emergency,
            "lines": numbers.lines,
            "listener": crisis_words.listener(self.own_crisis_words),
            "limits": self.limits.text if self.limits else "",
            "quiet": self.quiet_hours,
            "automatic_approval": self.approval == "automatic",
            **{f"step_{urgency}": step for urgency, step in self.wave_steps.items()},
            **{f"talked_{urgency}": after for urgency, after in self.talked_after.items()},
        }
        return Programme(**same | others)

    @property
    def slack(self) -> bool:
        """Whether Slack is configured: any of its settings is present, even empty."""
        return any(name.startswith("SLACK_") for name in self.raw)

    @property
    def slack_oauth(self) -> bool:
        """Whether Slack is installed from our own page, perhaps in several workspaces, rather than by one bot token."""
        return "SLACK_CLIENT_ID" in self.raw or "SLACK_CLIENT_SECRET" in self.raw

    @property
    def teams(self) -> bool:
        """Whether Teams is configured, likewise; docs/decisions/teams-settings.md says which names count."""
        return any(name.startswith("TEAMS_") for name in self.raw)

    @property
    def anything(self) -> bool:
        """Whether an operator has configured anything of ours; otherwise bare `peersupport` is the demo."""
        return any(name.startswith(OURS) for name in self.raw)

    @property
    def root_key(self) -> SecretBytes | None:
        """The root key; while rotating, the new one."""
        return self.root_keys[0] if self.root_keys else None

    def kept_in_files(self) -> Mapping[str, Path]:
        """The file of each secret that stands in one, by the name of the setting."""
        found = {name: raw.file for name, raw in self.raw.items() if raw.value and _shown(raw) != raw.value}
        return {name: file for name, file in found.items() if file is not None}

    def effective(self) -> tuple[RawSetting, ...]:
        """Every setting as it is in force, in the order of the documentation; secrets are masked."""
        found = [self.raw.get(name) or RawSetting(name, "", "default") for name in NAMES]
        return tuple(replace(raw, value=_shown(raw)) for raw in found)


def _is_secret(type_: object) -> bool:
    return type_ in {SecretStr, SecretBytes} or any(map(_is_secret, get_args(type_)))


FIELDS: Final = {info.alias: info for info in Settings.model_fields.values() if info.alias}
"""The declaration of each setting by its name, in the order of the documentation."""
NAMES: Final = tuple(FIELDS)
DEFAULTS: Final = {name: info.default if info.validate_default else "" for name, info in FIELDS.items()}
"""The default of each setting as an operator would write it; empty where there is none."""
SECRETS: Final = frozenset(name for name, info in FIELDS.items() if _is_secret(info.annotation))
"""The settings whose values are never shown."""


def about(name: str) -> str:
    """What a setting means, and what its text must be."""
    return " ".join((FIELDS[name].description or "").split())


def must_be(name: str) -> str:
    """The same, to follow "it is" or "it must be"."""
    return about(name)[:1].lower() + about(name)[1:]


def _shown(raw: RawSetting) -> str:
    value = parsers.without_password(raw.value, MASK) if raw.name == "PEERSUPPORT_STORE" else raw.value
    return MASK if value and raw.name in SECRETS else value or DEFAULTS[raw.name] or "(not set)"
