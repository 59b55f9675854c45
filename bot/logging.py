"""Filters every log line: known keys only, and as values only words from our code and numbers.

No person, text, token or id passes, whichever module logs it and at whatever level. A library's message is replaced by
the place in its source that wrote it, and an exception by its type and where it was raised. A library's line below
WARNING is dropped, because one line per interaction would tell when someone asked for support.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Literal

import structlog

WORD_KEYS: Final = frozenset(
    {
        "check",
        "event",
        "key",
        "kind",
        "mode",
        "outcome",
        "part",
        "platform",
        "record_kind",
        "setting",
        "shape",
        "stage",
        "state",
        "status",
        "version",
        "what",
        "why",
    }
)
"""Keys whose value is a word of our own, such as `slack-failed` or `http-503`; `kind` may be an exception's type."""

NUMBER_KEYS: Final = frozenset(
    {
        "attempt",
        "bytes",
        "count",
        "days",
        "limit",
        "milliseconds",
        "pid",
        "port",
        "seconds",
        "signal",
        "status",
        "tries",
    }
)
"""Keys whose value is a number."""

_WORD: Final = re.compile(r"(?!.*(?:\d{5}|xox|xapp))[a-z][a-z0-9 ._:/-]{0,59}")
_NAME: Final = {
    "setting": re.compile(r"[A-Z][A-Z_]{2,39}"),
    # the name of a class, as OSError or ClientConnectorDNSError; digits only between letters, as in OAuth2Error
    "kind": re.compile(r"(?=.*[a-z])_?[A-Z](?:[A-Za-z]|(?<=[A-Za-z0-9])\d(?=\d{0,3}[A-Z])){2,59}_?"),
}
_FRAMES: Final = 6


class _OwnEvent(dict[str, Any]):
    """An event that our code logged, on its way through logging; everything else that arrives there is a library's."""


def configure(log_format: Literal["json", "console"], level: str) -> None:
    """Send all that is logged, warned of or raised unhandled in this process through the filter, to stderr."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _wrap_event],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # else a malformed message is printed with its arguments
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FilteringFormatter(log_format))
    handler.addFilter(_is_relevant)
    for known in logging.root.manager.loggerDict.values():
        if isinstance(known, logging.Logger):
            known.handlers, known.propagate = [], True
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    sys.excepthook = _unhandled
    threading.excepthook = lambda failure: _unhandled(failure.exc_type, failure.exc_value, failure.exc_traceback)
    sys.unraisablehook = lambda failure: _unhandled(failure.exc_type, failure.exc_value, failure.exc_traceback)


class FilteringFormatter(logging.Formatter):
    """Formats a record as one line that holds only what `WORD_KEYS` and `NUMBER_KEYS` allow."""

    def __init__(self, log_format: Literal["json", "console"]) -> None:
        """Format as a JSON object, or for a person at a terminal."""
        super().__init__()
        self._format = log_format

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "logger": record.name if re.fullmatch(r"[A-Za-z_][\w.]{0,59}", record.name) else "withheld",
            **_event(record),
        }
        if self._format == "json":
            return json.dumps(line)
        rest = " ".join(f"{key}={value}" for key, value in line.items() if key not in {"time", "level", "event"})
        return f"{line['time']} {line['level']:<8} {line['event']}  {rest}"


Holds = Callable[[str, str, dict[str, Any]], bool]
"""Given the logger's name, the method and the event: whether the event is held back."""

_holders: list[Holds] = []


def hold_back(holds: Holds | None) -> None:
    """Ask this function about each event of our own from now on, before it is logged; None for no longer."""
    _holders[:] = [holds] if holds is not None else []


def _wrap_event(
    logger: logging.Logger, method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[_OwnEvent], dict[str, Any]]:
    if any(holds(logger.name, method, dict(event)) for holds in _holders):
        raise structlog.DropEvent
    raised = event.pop("exc_info", None)
    return (_OwnEvent(event),), {"exc_info": raised} if raised else {}


def _is_relevant(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, _OwnEvent) or record.levelno >= logging.WARNING


def _event(record: logging.LogRecord) -> Mapping[str, object]:
    raised = record.exc_info[1] if record.exc_info else None  # logging has made a tuple of whatever was given
    failure = {"error": _types(raised), "where": _where(raised.__traceback__)} if raised else {}
    if not isinstance(record.msg, _OwnEvent):
        return {"event": "library-message", "source": f"{_short(record.pathname)}:{record.lineno}", **failure}
    allowed = {key: value for key, value in record.msg.items() if _may_pass(key, value)}
    withheld = sorted(key for key in record.msg if key not in allowed)
    return {"event": "withheld", **allowed, **({"withheld": ",".join(withheld)} if withheld else {}), **failure}


def _may_pass(key: str, value: object) -> bool:
    if isinstance(value, bool | int | float):
        return key in NUMBER_KEYS
    if key not in WORD_KEYS or not isinstance(value, str):
        return False
    return any(shape.fullmatch(value) for shape in (_WORD, _NAME.get(key, _WORD)))


def _types(raised: BaseException) -> str:
    return " < ".join(type(failure).__name__ for failure in _causes(raised))


def _causes(raised: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    failure: BaseException | None = raised
    while failure is not None and failure not in seen and len(seen) < _FRAMES:
        seen.append(failure)
        yield failure
        failure = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)


def _where(traceback: TracebackType | None) -> str:
    places = []
    while traceback is not None:
        places.append(f"{_short(traceback.tb_frame.f_code.co_filename)}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " > ".join(places[-_FRAMES:])


def _short(path: str) -> str:
    return "/".join(PurePath(path).parts[-2:])


def _unhandled(kind: type[BaseException], failure: BaseException | None, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    raised = failure if failure is not None else kind()
    structlog.get_logger("bot").critical("unhandled", exc_info=(kind, raised, traceback))
