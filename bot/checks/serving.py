"""What a programme that serves on this machine says of itself, at its own probes."""

from __future__ import annotations

import http.client
import re
from typing import Final

from bot.checks.finding import Finding
from bot.values import Bind

_PATIENCE: Final = 3.0  # seconds
_MOST: Final = 10_000  # bytes of an answer
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  bound there it is heard here


def ask(ops: Bind) -> Finding:
    """One question to /readyz. Of the answer only the ids of checks are passed on."""
    line = http.client.HTTPConnection(_ANYWHERE.get(ops.host, ops.host), ops.port, timeout=_PATIENCE)
    try:
        line.request("GET", "/readyz?verbose")
        said = line.getresponse().read(_MOST).decode("ascii", "replace")
    except (OSError, http.client.HTTPException):
        return Finding("serving", "ok", "No programme answers at PEERSUPPORT_OPS_BIND now.")
    finally:
        line.close()
    found = re.findall(r"^(ok|warn|fail) +([a-z][a-z-]{2,20}) ", said, re.MULTILINE)
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
