"""An event loop whose clock jumps to the next thing that is planned: years pass in seconds, and nothing sleeps."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class NothingPlanned(RuntimeError):
    """Every task waits for something that nothing is going to do."""


class _JumpingSelector(selectors.BaseSelector):
    """Waits for no file: it moves the clock on by as long as the loop would have waited."""

    def __init__(self) -> None:
        self.moment = 0.0  # seconds since the loop was made

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let that much time pass. Raises NothingPlanned where it would be for ever."""
        if timeout is None:
            raise NothingPlanned
        self.moment += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Take note of nothing: the loop registers the pipe by which it would wake itself."""
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget it again."""
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return nothing: no file is watched."""
        return {}


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks in the same order every time; `time` is virtual seconds since it was made."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time."""
        return self._jumping.moment
