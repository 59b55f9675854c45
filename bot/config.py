"""Every setting, once: its name, its default as an operator writes it, and what reads it.

A setting stands in the environment, in `.env`, or in the file that PEERSUPPORT_CONFIG names; the first to have it wins.
Each `X` may also be given as `X_FILE`, a file that holds the value. A refusal names settings and fixes, never values.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, PrivateAttr, SecretBytes, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot import lines, needed, values
from bot.limits import Limits
from bot.lines import Numbers
from bot.sources import OURS, Text, Texts, read
from bot.values import Bind, Postgres
from conversations.model import OnCall, Person, Programme, Urgency

MASK: Final = "********"


class Refused(Exception):
    """The settings cannot be run with. Each problem is a sentence that names the setting and the fix."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of `peersupport config`: secrets are masked already."""

    name: str
    value: str
    source: str


def _setting(part: str, name: str, default: str | None, about: str, *, secret: bool = False, unset: Any = None) -> Any:
    """`default` is written as an operator would, and read by the same function; None means: not set."""
    value: Any = unset if default is None else default
    return Field(
        value,
        validate_default=default is not None,
        alias=name,
        description=about,
        repr=False,
        json_schema_extra={"part": part, "secret": secret},
    )


_programme, _asking, _afterwards, _house, _slack, _teams = (
    partial(_setting, part) for part in ("The programme", "Asking", "Afterwards", "The house", "Slack", "Teams")
)

Parsed = PlainValidator


class Settings(BaseSettings):
    """The effective settings. Make one with `load` or `load_to_serve`, which know where each value came from."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    # ---- the programme
    name: Annotated[str, Parsed(values.name)] = _programme(
        "PEERSUPPORT_NAME",
        "Peer Support",
        "What the bot is called. Keep it neutral: it stands on screens.",
    )
    zone: Annotated[str, Parsed(values.zone)] = _programme(
        "PEERSUPPORT_ZONE", "UTC", "The programme's time zone, for people whose own is unknown."
    )
    country: Annotated[str, Parsed(values.country)] = _programme(
        "PEERSUPPORT_COUNTRY",
        "US",
        "Whose crisis and professional lines are shown: US, CA, UK, CH or EU.",
    )
    own_lines: Annotated[Numbers | None, Parsed(values.own_lines)] = _programme(
        "PEERSUPPORT_LINES_FILE", "", "The hospital's own lines, shown first (operating.md)."
    )
    limits: Annotated[Limits | None, Parsed(values.signed_limits)] = _programme(
        "PEERSUPPORT_EXCEPTIONS_FILE",
        "",
        "The limits of secrecy, signed by counsel and the clinical lead (operating.md). Without it `doctor` fails.",
    )
    coordinators: Annotated[tuple[Person, ...], Parsed(values.people)] = _programme(
        "PEERSUPPORT_COORDINATORS",
        "",
        "The humans at the end of every wait, in the order they are told: `slack:T0123ABCD:U0456EFGH,slack:...`; "
        "on Teams `teams:TENANT:OBJECTID`. Needed unless approval is automatic.",
    )
    approval: Annotated[Literal["coordinator", "automatic"], Parsed(values.approval)] = _programme(
        "PEERSUPPORT_APPROVAL",
        "coordinator",
        "Who approves a peer. `automatic` is for trials: the pledge date counts as training date, and `doctor` fails.",
    )
    on_call: Annotated[OnCall | None, Parsed(values.on_call)] = _programme(
        "PEERSUPPORT_ON_CALL",
        "",
        "The licensed person behind *I'm worried*: name; phone; hours; and, if reachable in chat, who they are there: "
        "`Dr. Kim Lee; +1 555 0100; day and night; slack:T0123ABCD:U0456EFGH` "
        "or `...; teams:TENANT:OBJECTID`. Without it the button is absent.",
    )
    relay: Annotated[bool, Parsed(values.on_off)] = _programme(
        "PEERSUPPORT_RELAY",
        "on",
        "Whether two people may write unnamed through the bot: on or off.",
    )

    # ---- waiting and asking
    targets: Annotated[Mapping[Urgency, timedelta], Parsed(values.targets)] = _asking(
        "PEERSUPPORT_TARGETS",
        "soon=30m,today=4h,no-rush=24h",
        "By when somebody should have said yes. At half of it a coordinator is told; at the end the clinician is.",
    )
    waves: Annotated[tuple[int, ...], Parsed(values.waves)] = _asking(
        "PEERSUPPORT_WAVES",
        "5,8,rest",
        "How many peers are asked at once, wave by wave; ends with rest.",
    )
    wave_steps: Annotated[Mapping[str, timedelta], Parsed(values.wave_steps)] = _asking(
        "PEERSUPPORT_WAVE_STEPS", "soon=10m,other=60m", "The pause between two waves."
    )
    talked_after: Annotated[Mapping[str, timedelta], Parsed(values.talked_after)] = _asking(
        "PEERSUPPORT_TALKED_AFTER",
        "soon=2h,other=12h",
        "When a silent peer is asked whether they talked, and a silent clinician's peer is released.",
    )
    peer_limit: Annotated[int, Parsed(values.count)] = _asking(
        "PEERSUPPORT_PEER_LIMIT", "2", "Open requests one peer walks with, unless they chose otherwise."
    )
    rest: Annotated[timedelta, Parsed(values.duration)] = _asking(
        "PEERSUPPORT_REST", "48h", "How long a peer rests after a close."
    )
    offers_a_week: Annotated[int, Parsed(values.count)] = _asking(
        "PEERSUPPORT_OFFERS_A_WEEK",
        "5",
        "Offers one peer gets in a week; more only when nobody else is left.",
    )
    requests_a_day: Annotated[int, Parsed(values.count)] = _asking(
        "PEERSUPPORT_REQUESTS_A_DAY", "3", "Requests one person may open in a day."
    )
    training_months: Annotated[int, Parsed(values.months)] = _asking(
        "PEERSUPPORT_TRAINING_VALID", "24mo", "How long a peer's training counts."
    )

    # ---- afterwards
    check_ins: Annotated[tuple[timedelta, ...], Parsed(values.check_ins)] = _afterwards(
        "PEERSUPPORT_CHECK_INS", "24h,72h", "When the bot checks in."
    )
    quiet_hours: Annotated[tuple[time, time] | None, Parsed(values.quiet_hours)] = _afterwards(
        "PEERSUPPORT_QUIET_HOURS",
        "21:00-08:00",
        "No check-in or reminder then, in each person's own time; or none.",
    )
    close_after: Annotated[timedelta, Parsed(values.some_time)] = _afterwards(
        "PEERSUPPORT_CLOSE_AFTER", "7d", "A request closes this long after the last touch."
    )
    erase_after: Annotated[timedelta, Parsed(values.duration)] = _afterwards(
        "PEERSUPPORT_ERASE_AFTER",
        "7d",
        "What a request held is destroyed this long after its close.",
    )

    # ---- the house
    store: Annotated[Path | Postgres, Parsed(values.store)] = _house(
        "PEERSUPPORT_STORE",
        "tinydb:///./data",
        "The folder of the embedded database, `tinydb:///var/lib/peersupport` or relative `tinydb:///./data`; or a "
        "PostgreSQL of your own, `postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full` (operating.md).",
    )
    root_keys: Annotated[tuple[SecretBytes, ...], Parsed(values.root_keys)] = _house(
        "PEERSUPPORT_ROOT_KEY",
        None,
        "32 random bytes in base64; `peersupport keys new` prints one. While rotating, the new one and the old one, "
        "separated by a comma (operating.md).",
        unset=(),
        secret=True,
    )
    key_ring: Annotated[Path | None, Parsed(values.folder)] = _house(
        "PEERSUPPORT_KEY_RING",
        "",
        "The folder of the keys that expire day by day: outside the store and whatever copies it, and the same for "
        "every `serve`. Default: `ring` in the store's folder; for PostgreSQL `ring` in the working folder.",
    )
    key_days: Annotated[int, Parsed(values.whole)] = _house(
        "PEERSUPPORT_KEY_DAYS",
        "7",
        "How many days a key is kept after its own: for so long what was forgotten can still be read in a copy of the "
        "store, and for so long a backup can be restored. 0: only today's.",
    )
    bind: Annotated[Bind, Parsed(values.bind)] = _house(
        "PEERSUPPORT_BIND", "127.0.0.1:3000", "Where the public routes listen; put TLS in front."
    )
    ops_bind: Annotated[Bind, Parsed(values.bind)] = _house(
        "PEERSUPPORT_OPS_BIND",
        "127.0.0.1:9090",
        "Where `/livez`, `/readyz` and `/metrics` listen; never public.",
    )
    https_proxy: Annotated[SecretStr | None, Parsed(values.proxy)] = _house(
        "HTTPS_PROXY", "", "The proxy for what we send.", secret=True
    )
    no_proxy: Annotated[str, Parsed(str)] = _house(
        "NO_PROXY", "", "Hosts and domains that are called without it, by comma."
    )
    ca_file: Annotated[Path | None, Parsed(values.certificates)] = _house(
        "PEERSUPPORT_CA_FILE", "", "Certificates to trust besides the system's (PEM), as for TLS inspection."
    )
    alert_url: Annotated[SecretStr | None, Parsed(values.alert_url)] = _house(
        "PEERSUPPORT_ALERT_URL",
        "",
        "Where the operator is told that something is wrong, and that nothing is: the kind, and never more.",
        secret=True,
    )
    log_format: Annotated[Literal["json", "console"], Parsed(values.log_format)] = _house(
        "LOG_FORMAT", "json", "json or console."
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Parsed(values.log_level)] = _house(
        "LOG_LEVEL",
        "INFO",
        "DEBUG, INFO, WARNING or ERROR. No level shows a person or a word of theirs.",
    )

    # ---- Slack
    slack_bot_token: Annotated[SecretStr | None, Parsed(values.bot_token)] = _slack(
        "SLACK_BOT_TOKEN", None, "The Bot User OAuth Token, `xoxb-...`.", secret=True
    )
    slack_signing_secrets: Annotated[tuple[SecretStr, ...], Parsed(values.signing_secrets)] = _slack(
        "SLACK_SIGNING_SECRET",
        None,
        "The Signing Secret; two, separated by a comma, while rotating.",
        unset=(),
        secret=True,
    )
    slack_app_token: Annotated[SecretStr | None, Parsed(values.app_token)] = _slack(
        "SLACK_APP_TOKEN",
        None,
        "The app-level token, `xapp-...`: Socket Mode. We call Slack, nothing of ours need be reached from there, and "
        "the Signing Secret is not needed.",
        secret=True,
    )
    slack_client_id: Annotated[str, Parsed(values.slack_client_id)] = _slack(
        "SLACK_CLIENT_ID",
        None,
        "The app's Client ID. With it and SLACK_CLIENT_SECRET the app is installed from `/slack/install`, in several "
        "workspaces if you like; SLACK_BOT_TOKEN is then not set, and SLACK_WORKSPACES is required (operating.md).",
        unset="",
    )
    slack_client_secret: Annotated[SecretStr | None, Parsed(values.slack_client_secret)] = _slack(
        "SLACK_CLIENT_SECRET", None, "The app's Client Secret.", secret=True
    )
    slack_workspaces: Annotated[frozenset[str], Parsed(values.workspaces)] = _slack(
        "SLACK_WORKSPACES",
        "",
        "Ids of the workspaces (`T...`) that may use the bot, by comma; `E...` is an organisation of Enterprise Grid, "
        "with all its workspaces. Empty: the workspace of the bot token.",
    )
    slack_api_url: Annotated[str, Parsed(values.url)] = _slack(
        "SLACK_API_URL", "https://slack.com/api/", "Where Slack is."
    )

    # ---- Teams
    teams_client_id: Annotated[str, Parsed(values.client_id)] = _teams(
        "TEAMS_CLIENT_ID",
        None,
        "The bot's Application (client) ID. Also read as `CLIENT_ID`, as the secret is as `CLIENT_SECRET` and the "
        "tenant as `TENANT_ID`; these three count only when the first two of them, or a setting of Teams, are there.",
        unset="",
    )
    teams_client_secret: Annotated[SecretStr | None, Parsed(values.client_secret)] = _teams(
        "TEAMS_CLIENT_SECRET", None, "The Value of a client secret of that app, not its Secret ID.", secret=True
    )
    teams_tenants: Annotated[tuple[str, ...], Parsed(values.tenants)] = _teams(
        "TEAMS_TENANT_ID",
        None,
        "The Tenant ID of the organisation that may use the bot; several, separated by commas.",
        unset=(),
    )
    teams_openid_url: Annotated[str, Parsed(values.endpoint)] = _teams(
        "TEAMS_OPENID_URL",
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        "Where the keys are that Microsoft signs with.",
    )
    teams_issuer: Annotated[str, Parsed(values.endpoint)] = _teams(
        "TEAMS_ISSUER", "https://api.botframework.com", "Who must have issued what comes in, to the letter."
    )
    teams_token_url: Annotated[str, Parsed(values.token_url)] = _teams(
        "TEAMS_TOKEN_URL",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "Where the bot gets its token; the tenant's id takes the place of `{tenant}`.",
    )
    teams_service_hosts: Annotated[tuple[str, ...], Parsed(values.service_hosts)] = _teams(
        "TEAMS_SERVICE_HOSTS",
        "",
        "Where else that token may be sent than to Microsoft: hosts, by comma, or `http://127.0.0.1:PORT` here.",
    )

    _texts: Texts = PrivateAttr(default_factory=dict)
    _unknown: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` found: it remembers where each value came from, which the stock sources do not."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    # ------------------------------------------------------------ what the rest of the house asks

    def programme(self) -> Programme:
        """What conversations may know of these settings."""
        numbers = lines.numbers(self.country, self.own_lines)
        return Programme(
            name=self.name,
            zone=self.zone,
            crisis=numbers.crisis,
            crisis_texts=bool(numbers.crisis_texts),
            emergency=numbers.emergency,
            lines=numbers.lines,
            limits=self.limits.text if self.limits else "",
            targets=self.targets,
            waves=self.waves,
            step_soon=self.wave_steps["soon"],
            step_other=self.wave_steps["other"],
            talked_soon=self.talked_after["soon"],
            talked_other=self.talked_after["other"],
            check_ins=self.check_ins,
            quiet=self.quiet_hours,
            peer_limit=self.peer_limit,
            rest=self.rest,
            offers_a_week=self.offers_a_week,
            requests_a_day=self.requests_a_day,
            training_months=self.training_months,
            close_after=self.close_after,
            erase_after=self.erase_after,
            relay=self.relay,
            automatic_approval=self.approval == "automatic",
            coordinators=self.coordinators,
            on_call=self.on_call,
        )

    @property
    def slack(self) -> bool:
        """Whether Slack is configured: any of its settings is present, even empty."""
        return needed.has_slack(self._texts)

    @property
    def slack_oauth(self) -> bool:
        """Whether Slack is installed from our own page, perhaps in several workspaces, rather than by one bot token."""
        return needed.has_oauth(self._texts)

    @property
    def teams(self) -> bool:
        """Whether Teams is configured, likewise; names it shares with others count as docs/decisions says."""
        return needed.has_teams(self._texts)

    @property
    def anything(self) -> bool:
        """Whether an operator has configured anything of ours; otherwise bare `peersupport` is the demo."""
        return any(name.startswith(OURS) for name in self._texts)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names that look like ours and mean nothing to this version; probably a slip of the pen."""
        return self._unknown

    @property
    def root_key(self) -> SecretBytes | None:
        """The root key; while rotating, the new one."""
        return self.root_keys[0] if self.root_keys else None

    def is_set(self, name: str) -> bool:
        return name in self._texts

    def kept_in_files(self) -> Mapping[str, Path]:
        """The file of each secret that stands in one."""
        found = {name: text.file for name, text in self._texts.items() if _is_secret(name, text.value)}
        return {name: file for name, file in found.items() if file is not None}

    def missing_to_serve(self) -> tuple[str, ...]:
        """What `serve` still needs, as sentences; empty when it can start."""
        return tuple(needed.missing(self._texts))

    def shown(self) -> tuple[Shown, ...]:
        """Every setting as it is in force, in the order of the documentation."""
        return tuple(
            Shown(name, _shown_value(name, text.value), text.source)
            for name in NAMES
            for text in [self._texts.get(name) or Text(_default(name), "default")]
        )


def _default(name: str) -> str:
    default = Settings.model_fields[_FIELDS[name]].default
    return default if isinstance(default, str) else ""


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and (name in SECRETS or _shown_value(name, value) != value)


def _shown_value(name: str, value: str) -> str:
    if name in SECRETS and value:
        return MASK
    if name == "PEERSUPPORT_STORE":
        value = values.without_password(value, MASK)
    return value or _default(name) or "(not set)"


_FIELDS: Final = {str(info.alias): attribute for attribute, info in Settings.model_fields.items()}
NAMES: Final = tuple(_FIELDS)


@dataclass(frozen=True, slots=True)
class Described:
    """What docs/settings.md says of one setting."""

    name: str
    part: str
    default: str
    about: str
    secret: bool


def _described(name: str) -> Described:
    info = Settings.model_fields[_FIELDS[name]]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return Described(name, str(extra["part"]), _default(name), info.description or "", bool(extra["secret"]))


DESCRIBED: Final = tuple(_described(name) for name in NAMES)
SECRETS: Final = frozenset(each.name for each in DESCRIBED if each.secret)
_MUST_NOT_BE_EMPTY: Final = frozenset(
    {
        *("PEERSUPPORT_ROOT_KEY", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"),
        *("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"),
        *("TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET", "TEAMS_TENANT_ID"),
    }
)

# ---------------------------------------------------------------- loading


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings as they stand, perhaps incomplete. Raises Refused when one of them cannot be understood."""
    texts, unknown, problems = read(os.environ if environ is None else environ, folder or Path(), NAMES)
    settings, more = _validated(texts, unknown)
    if settings is None or problems or more:
        raise Refused([*problems, *more])
    return settings


def load_to_serve(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings, complete enough to serve people. Raises Refused with everything that is wrong or missing."""
    texts, unknown, problems = read(os.environ if environ is None else environ, folder or Path(), NAMES)
    settings, more = _validated(texts, unknown)
    missing = needed.missing(texts)
    if settings is None or problems or more or missing:
        raise Refused([*problems, *more, *missing])
    return settings


def _validated(texts: Texts, unknown: tuple[str, ...]) -> tuple[Settings | None, list[str]]:
    given: dict[str, Any] = {
        name: text.value for name, text in texts.items() if text.value or name in _MUST_NOT_BE_EMPTY
    }
    try:
        settings = Settings(**given)
    except ValidationError as refusal:
        return None, [
            f"{_as_written(texts, str(error['loc'][0]))} {error['ctx']['error']}."
            for error in refusal.errors(include_input=False)
        ]
    settings._texts, settings._unknown = texts, unknown  # noqa: SLF001  # frozen for everybody else
    return settings, _contradictions(settings)


def _as_written(texts: Texts, name: str) -> str:
    other = texts[name].written_as if name in texts else ""
    return f"{other}, read as {name}," if other else name


def _contradictions(settings: Settings) -> list[str]:
    on_call = settings.on_call.person if settings.on_call else None
    named = {
        "PEERSUPPORT_COORDINATORS": settings.coordinators,
        "PEERSUPPORT_ON_CALL": (on_call,) if on_call else (),
    }
    return needed.strangers(settings._texts, named, settings.slack_workspaces, settings.teams_tenants)  # noqa: SLF001
