"""The web server under the pretend Microsoft: it remembers every call, and misbehaves when it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

Body = dict[str, Any]
Deed = Callable[[web.Request, Body], web.Response]


class Call(NamedTuple):
    """One call that the bot made."""

    method: str  # by the name that `fails` and `called` use
    path: str  # with its query
    body: Body


class Route(NamedTuple):
    method: str
    verb: str
    path: str
    deed: Deed


@dataclass
class Fault:
    """How one method misbehaves, for one person or for all, so many times."""

    method: str
    user: str | None
    times: int
    error: str
    status: int
    retry_after: int | datetime | str | None
    body: Any
    quoted: bool
    html: bool
    reset: bool
    hang: bool
    done: bool  # the effect happens all the same


class Refused(Exception):
    """What Microsoft answers instead of doing it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.answer = web.json_response({"error": {"code": code, "message": message or f"{code}."}}, status=status)


class Server:
    """Everything that is the same for the login and for the connector."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections: set[tuple[str, int]] = set()  # the far ends of all TCP connections there were
        self._faults: list[Fault] = []
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()

    def routes(self) -> list[Route]:
        """What can be called."""
        return []

    def concerns(self, request: web.Request, body: Body) -> str | None:
        """Whom a call is about, if it is about one person."""
        return None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        for route in self.routes():
            app.router.add_route(route.verb, route.path, partial(self._take, route))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._session.close()
        await self._runner.cleanup()

    async def until(self, condition: Callable[[], object], within: float = 10.0) -> None:
        """Wait for what the bot does next, until the condition holds; fails loudly when it never does."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))

    def called(self, method: str) -> list[Body]:
        """The body of every call of one method; its length is how often it was asked."""
        return [call.body for call in self.calls if call.method == method]

    def fails(
        self,
        method: str,
        *,
        user: str | None = None,
        times: int = 1,
        error: str = "ServiceError",
        status: int | None = None,
        retry_after: int | datetime | str | None = None,
        body: Any = None,
        quoted: bool = False,
        html: bool = False,
        reset: bool = False,
        hang: bool = False,
        done: bool = False,
    ) -> None:
        """The next calls of a method fail. Methods: openid keys token create post reply update delete member.

        By status (429 with `retry_after`, else 503) and error code, which stands in JSON inside a JSON string when
        `quoted`; by any other JSON body, an HTML page, a reset, or by never answering.
        """
        assert method in {route.method for route in self.routes()}, f"no method {method!r}"
        status = status or (503 if retry_after is None else 429)
        self._faults.append(
            Fault(method, user, times, error, status, retry_after, body, quoted, html, reset, hang, done)
        )

    def heals(self) -> None:
        """No fault is left."""
        self._faults.clear()

    async def _take(self, route: Route, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        body = _body(request.content_type, await request.read())
        self.calls.append(Call(route.method, request.path_qs, body))
        try:
            return await self._answer(route, request, body)
        finally:
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, route: Route, request: web.Request, body: Body) -> web.Response:
        fault = self._fault(route.method, self.concerns(request, body))
        if fault is None:
            return _done(route, request, body)
        if fault.done:
            _done(route, request, body)
        if fault.hang:
            await self._tell()
            await self._closing.wait()
        if fault.reset:
            assert request.transport is not None
            request.transport.abort()
        return _failure(fault)

    def _fault(self, method: str, user: str | None) -> Fault | None:
        for fault in self._faults:
            if fault.method == method and fault.times > 0 and fault.user in {None, user}:
                fault.times -= 1
                return fault
        return None


def _body(content_type: str, raw: bytes) -> Body:
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode()))
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _done(route: Route, request: web.Request, body: Body) -> web.Response:
    try:
        return route.deed(request, body)
    except Refused as refused:
        return refused.answer


def _failure(fault: Fault) -> web.Response:
    when = fault.retry_after
    when = format_datetime(when.astimezone(UTC), usegmt=True) if isinstance(when, datetime) else when
    headers = {} if when is None else {"Retry-After": str(when)}
    if fault.html:
        page = "<html><h1>Sorry</h1></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html", headers=headers)
    body = {"error": {"code": fault.error, "message": f"{fault.error}."}} if fault.body is None else fault.body
    if fault.quoted:
        inner = {"subCode": fault.error, "details": f"{fault.error}.", "errorCode": None, "errorSubCode": None}
        body = {"errorCode": 209, "message": json.dumps(inner, indent=2)}
    return web.json_response(body, status=fault.status, headers=headers)
