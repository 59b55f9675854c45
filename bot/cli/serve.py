"""`peersupport serve`: runs the programme with the platforms that are configured."""

from __future__ import annotations

import asyncio

import structlog

from bot import config, logging
from bot.cli import command
from bot.config import phone_lines
from bot.config.settings import Refused, Settings


def serve() -> None:
    """Run the programme with the platforms that are configured."""
    settings = config.load_to_serve()
    logging.configure(settings.log_format, settings.log_level)
    from bot.diagnostics import machine
    from bot.server.app import serve as run
    from bot.server.platforms import PlatformNotStarted

    machine.forbid_dumps()
    log_warnings(settings)
    try:
        asyncio.run(run(settings))
    except (*command.FAILURES, PlatformNotStarted) as failure:
        raise Refused([describe_failed_start(failure)]) from None


def log_warnings(settings: Settings) -> None:
    """Log what an operator should look at though it keeps nothing from starting; `doctor` says how to mend it."""
    log = structlog.get_logger("bot")
    if phone_lines.numbers(settings.country, settings.own_lines).overdue(command.today()):
        log.warning("lines-not-verified-lately", check="lines-verified")
    for name in settings.unknown:
        log.warning("setting-unknown", check="unknown-settings", setting=name)


def describe_failed_start(failure: Exception) -> str:
    """Return what kept the programme from starting as one sentence; where that is no setting's fault, log the place."""
    from bot.server.platforms import PlatformNotStarted

    if isinstance(failure, OSError) or (isinstance(failure, PlatformNotStarted) and not failure.shut_out):
        structlog.get_logger("bot").error("not-started", exc_info=failure)
    if isinstance(failure, PlatformNotStarted):
        return failure.sentence()
    return command.describe_failure(failure)
