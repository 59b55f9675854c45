"""Asks a programme that serves on this machine for its readiness."""

from __future__ import annotations

import http.client
import re
from typing import Final

from bot.config.parsers import Bind
from bot.health import Finding

_TIMEOUT: Final = 3.0  # seconds
_MAX_BYTES: Final = 10_000  # of a response
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what is bound there answers here


def ask_readiness(ops: Bind) -> Finding:
    """Ask /readyz at this address. Of its response only the ids of the checks are passed on."""
    connection = http.client.HTTPConnection(_ANY_ADDRESS.get(ops.host, ops.host), ops.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/readyz?verbose")
        body = connection.getresponse().read(_MAX_BYTES).decode("ascii", "replace")
    except (OSError, http.client.HTTPException):
        return Finding("serving", "ok", "No programme answers at PEERSUPPORT_OPS_BIND now.")
    finally:
        connection.close()
    found = re.findall(r"^(ok|warn|fail) +([a-z][a-z-]{2,20}) ", body, re.MULTILINE)
    ill = [id for status, id in found if status != "ok"]
    if not found:
        return Finding(
            "serving",
            "warn",
            "What answers at PEERSUPPORT_OPS_BIND is another program.",
            "Give PEERSUPPORT_OPS_BIND a port of its own.",
        )
    if not ill:
        return Finding("serving", "ok", "The programme that serves here says it is well.")
    return Finding(
        "serving",
        "fail" if "fail" in {status for status, _ in found} else "warn",
        f"The programme that serves here is not well: {', '.join(ill)}.",
        "Open /readyz?verbose at PEERSUPPORT_OPS_BIND: it says what to do about each.",
    )
