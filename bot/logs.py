"""One gate for every log line: a known set of keys, values that are words from our code, and nothing else.

Whoever logs, at whatever level, a person, a text, a token or an id cannot pass. A library's message is replaced by the
place in its source that wrote it; an exception by its type and where it was raised. A library's line below WARNING is
dropped, because one line per press would say when somebody asked.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Literal

import structlog

WORDS: Final = frozenset(
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

NUMBERS: Final = frozenset(
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
_NAME: Final = {"setting": re.compile(r"[A-Z][A-Z_]{2,39}"), "kind": re.compile(r"(?:[A-Z][a-z]+){1,5}")}
_FRAMES: Final = 6


class _Line(dict[str, Any]):
    """A line of our own, on its way through logging; whatever else arrives there is a library's."""


def configure(log_format: Literal["json", "console"], level: str) -> None:
    """Send all that is logged, warned of or raised unhandled in this process through the gate, to stderr."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _hand_over],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # else a malformed message is printed with its arguments
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Gate(log_format))
    handler.addFilter(_speaks_up)
    for known in logging.root.manager.loggerDict.values():
        if isinstance(known, logging.Logger):
            known.handlers, known.propagate = [], True
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    sys.excepthook = _unhandled
    threading.excepthook = lambda failure: _unhandled(failure.exc_type, failure.exc_value, failure.exc_traceback)
    sys.unraisablehook = lambda failure: _unhandled(failure.exc_type, failure.exc_value, failure.exc_traceback)


class Gate(logging.Formatter):
    """Writes a record as one line that holds only what `WORDS` and `NUMBERS` allow."""

    def __init__(self, log_format: Literal["json", "console"]) -> None:
        super().__init__()
        self._format = log_format

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "logger": record.name if re.fullmatch(r"[A-Za-z_][\w.]{0,59}", record.name) else "withheld",
            **_said(record),
        }
        if self._format == "json":
            return json.dumps(line)
        rest = " ".join(f"{key}={value}" for key, value in line.items() if key not in {"time", "level", "event"})
        return f"{line['time']} {line['level']:<8} {line['event']}  {rest}"


def _hand_over(_: object, __: str, event: MutableMapping[str, Any]) -> tuple[tuple[_Line], dict[str, Any]]:
    raised = event.pop("exc_info", None)
    return (_Line(event),), {"exc_info": raised} if raised else {}


def _speaks_up(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, _Line) or record.levelno >= logging.WARNING


def _said(record: logging.LogRecord) -> Mapping[str, object]:
    raised = record.exc_info[1] if record.exc_info else None  # logging has made a tuple of whatever was given
    failure = {"error": _types(raised), "where": _where(raised.__traceback__)} if raised else {}
    if not isinstance(record.msg, _Line):
        return {"event": "library-message", "source": f"{_short(record.pathname)}:{record.lineno}", **failure}
    allowed = {key: value for key, value in record.msg.items() if _may_pass(key, value)}
    withheld = sorted(key for key in record.msg if key not in allowed)
    return {"event": "withheld", **allowed, **({"withheld": ",".join(withheld)} if withheld else {}), **failure}


def _may_pass(key: str, value: object) -> bool:
    if isinstance(value, bool | int | float):
        return key in NUMBERS
    if key not in WORDS or not isinstance(value, str):
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
