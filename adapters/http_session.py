"""One HTTP client session for a platform, what a broken connection means, and how long a busy platform asks to wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from adapters.base import A_PAUSE, CertificateNotTrusted, OutcomeUnknown, RetryLater
from adapters.tls import ssl_context

ConnectorFactory = Callable[[], aiohttp.BaseConnector]

BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)
"""How a request can fail without an answer."""

AFTER_REPAIR: Final = timedelta(minutes=15)
"""The pause where only an operator can help. What is to be said stays in the outbox until then."""

_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_LONGEST: Final = timedelta(hours=1)
_DIGITS: Final = 8  # of a number of seconds
_LARGEST_ANSWER: Final = 512 * 1024  # bytes


class HttpSession:
    """A connection pool that asks only the proxy and trusts only the authorities it was given.

    No redirect is followed, no proxy is taken from the environment and nothing is retried. `open` before the first
    request, `close` at the end.

    Args:
        timeout: For each request; aiohttp's own default, five minutes, is far too long for a person who waits.
        proxy: The address of an HTTP proxy, or None.
        ca_file: A file of further certificate authorities, in PEM.
        limit: How many connections may be open at once.
        connector: Makes the connection pool; by default one of TCP. Fake platforms give one that needs no socket.
    """

    def __init__(
        self,
        timeout: aiohttp.ClientTimeout,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        limit: int = 100,
        connector: ConnectorFactory | None = None,
    ) -> None:
        self.proxy = proxy
        self.tls = ssl_context(ca_file)
        self._timeout = timeout
        self._connector = connector or (lambda: aiohttp.TCPConnector(limit=limit))
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> aiohttp.ClientSession:
        """Return the session, opened if it was not."""
        if self._session is None:
            pool = self._connector()
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=pool, trust_env=False)
        return self._session

    @property
    def session(self) -> aiohttp.ClientSession | None:
        """The session if it is open."""
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def request(self, method: str, url: str, **args: Any) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request and return status, headers and body.

        Raises:
            aiohttp.ClientError, TimeoutError, OSError: No whole answer came, or the session is not open.
        """
        if self._session is None:
            raise aiohttp.ClientConnectionError
        how: Any = {"ssl": self.tls, "proxy": self.proxy, "allow_redirects": False}
        async with self._session.request(method, url, **how, **args) as answer:
            return answer.status, answer.headers, await _read(answer.content)


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Return the whole body, however many pieces it comes in."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError
    return bytes(body)


def connection_failure(error: Exception) -> Exception:
    """Return what a failed request stands for: RetryLater if it was never sent, OutcomeUnknown if it may have been."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return CertificateNotTrusted()
    return RetryLater() if isinstance(error, _NOT_SENT) else OutcomeUnknown()


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta:
    """Return how long a Retry-After header asks to wait: at least a second, at most an hour, 30 seconds by default.

    It may hold seconds or, where `now` is given, a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit() and len(value) < _DIGITS:
        asked = timedelta(seconds=int(value))
    else:
        asked = _until(value, now) if now is not None else A_PAUSE
    return min(max(asked, timedelta(seconds=1)), _LONGEST)


def _until(date: str, now: datetime) -> timedelta:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return A_PAUSE
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
