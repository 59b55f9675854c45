"""When the connector's refusal of a tenant is believed: not the first, which may be a passing fault of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.base import AccessRevoked, RetryLater

BELIEVED_AFTER: Final = timedelta(minutes=1)
"""For how long it must refuse a fresh token, without one success in between."""

FORGOTTEN_AFTER: Final = timedelta(minutes=5)
"""After how long without another refusal it counts as passed."""

_AGAIN = timedelta(seconds=2)


@dataclass(slots=True)
class Refusals:
    """The tenants that the connector refuses now.

    Args:
        now: Tells the time.
    """

    now: Callable[[], datetime]
    _first: dict[str, datetime] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)

    def refused(self, tenant: str) -> AccessRevoked | RetryLater:
        """Note that a fresh token was refused, and return what that means: RetryLater until it has lasted."""
        now = self.now()
        if not self.refuses(tenant):
            self._first[tenant] = now
        self._last[tenant] = now
        return AccessRevoked() if now - self._first[tenant] >= BELIEVED_AFTER else RetryLater(_AGAIN)

    def accepted(self, tenant: str) -> None:
        """Note a success: nothing is held against the tenant any more."""
        self._last.pop(tenant, None)

    def refuses(self, tenant: str) -> bool:
        """Return whether a tenant was refused lately, without a success since."""
        last = self._last.get(tenant)
        return last is not None and self.now() - last < FORGOTTEN_AFTER
