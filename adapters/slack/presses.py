"""The response URLs of recent presses, by the message that was pressed. Held in memory only.

Through it Slack edits the pressed message without a token and beside the rate limits of the Web API, five times within
half an hour: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.lru import LruCache

LASTS: Final = 25 * 60.0  # seconds; Slack says thirty minutes
USES: Final = 3  # of five: a refusal or a pointer to the chat may use others


@dataclass(frozen=True, slots=True)
class _Press:
    url: str = field(repr=False)
    until: float
    uses: int = USES


class RecentPresses:
    """Remembers with which URL a message can be edited.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._presses = LruCache[_Press]()

    def remember(self, message: str, url: str) -> None:
        """Note the URL that came with the newest press of this message."""
        self._presses.put(message, _Press(url, self._now() + LASTS))

    def knows(self, message: str) -> bool:
        """Return whether the message can be edited without a call of the Web API."""
        press = self._presses.get(message)
        return press is not None and press.uses > 0 and self._now() < press.until

    def use(self, message: str) -> str:
        """Return a URL for one edit, or ""."""
        press = self._presses.get(message)
        if press is None or not self.knows(message):
            return ""
        self._presses.put(message, replace(press, uses=press.uses - 1))
        return press.url

    def drop(self, message: str) -> None:
        """Forget a URL that Slack no longer takes."""
        self._presses.drop(message)
