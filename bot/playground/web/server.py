"""Serves the playground: a page for this computer alone, and the fake platforms beside it.

It listens on the loopback and answers only to its own name, and no other page in the browser gets anything from it. Who
else is on the same computer can open it; there is nothing real in it.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from fluent.runtime import FluentBundle
from fluent.syntax import FluentParser, ast

from bot.playground.actions import ActionRefused, Actions
from bot.playground.session import Session
from bot.rendering import FOLDER, LANGUAGE

log = structlog.get_logger()

HOST: Final = "127.0.0.1"
HTTP: Final = 80  # whose number stands in no address
LAST: Final = 65535
PORTS: Final = 20  # that are tried, from the one that was asked for
FILES: Final = Path(__file__).parent / "static"
OWN_WORDS: Final = "playground.ftl"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MOST: Final = 256 * 1024  # bytes of a request
TOKEN: Final = "X-Playground-Token"  # noqa: S105  the name of a header


class Page:
    """What the browser asks for."""

    def __init__(self, session: Session, actions: Actions, port: int) -> None:
        self._session, self._actions = session, actions
        names = {HOST, "localhost"}
        self._names = frozenset({f"{name}:{port}" for name in names} | (names if port == HTTP else set()))
        self._token = secrets.token_urlsafe(24)
        self.begun = asyncio.Event()
        """Until it is set, a page that asks for what there is has to wait: it is not all there yet."""

    def application(self) -> web.Application:
        """The web application, with the fake platforms beside the page."""
        app = web.Application(middlewares=[self._guarded], client_max_size=MOST)
        app.on_response_prepare.append(_with_headers)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/page/{path:.+}", self._file),
                web.get("/words", self._words),
                web.get("/events", self._events),
                web.get("/chat", self._chat),
                web.post("/do", self._do),
                *self._session.fakes.routes(),
                *(web.post(each.route, self._deliver) for each in self._session.fakes.both),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        """By its own name only, so that no other page can reach us through a name that it made ours."""
        if request.host not in self._names:
            return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST)
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/":
            return web.Response(status=HTTPStatus.FORBIDDEN)
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPException as refused:
            return web.Response(status=refused.status, text=refused.reason)
        except Exception:  # the edge: nothing here is about a real person, and its developer wants to see it
            log.critical("playground-failed", exc_info=True)
            return _says("page-refused-stumbled", HTTPStatus.INTERNAL_SERVER_ERROR)
        return answer

    async def _index(self, _: web.Request) -> web.Response:
        page = (FILES / "index.html").read_text(encoding="utf-8")
        page = page.replace("%TOKEN%", self._token).replace("%LANG%", LANGUAGE)
        return web.Response(text=page, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        found = page_files().get(request.match_info["path"])
        if found is None or found.suffix not in TYPES:
            raise web.HTTPNotFound
        return web.Response(body=found.read_bytes(), content_type=TYPES[found.suffix], charset="utf-8")

    async def _words(self, request: web.Request) -> web.Response:
        language = request.query.get("lang", LANGUAGE)
        if language not in {folder.name for folder in FOLDER.iterdir() if (folder / OWN_WORDS).is_file()}:
            raise web.HTTPNotFound
        return web.json_response(_page_words(language))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        await self.begun.wait()
        return await self._session.stream.follow(request, self._session.view.state)

    async def _chat(self, _: web.Request) -> web.Response:
        return web.Response(text=await self._actions.copied(), content_type="text/plain")

    async def _do(self, request: web.Request) -> web.Response:
        given = request.headers.get(TOKEN, "").encode("utf-8", "surrogateescape")
        if not secrets.compare_digest(given, self._token.encode()):
            return _says("page-refused-token", HTTPStatus.FORBIDDEN)
        try:
            asked = orjson.loads(await request.read())
        except ValueError:
            return _says("page-refused-deed", HTTPStatus.BAD_REQUEST)
        await self.begun.wait()
        try:
            # what was begun is finished, though the tab that asked for it is closed meanwhile
            await asyncio.shield(self._actions.do(asked if isinstance(asked, dict) else {}))
        except ActionRefused as refused:
            return _says(refused.why, HTTPStatus.CONFLICT)
        return web.json_response({})

    async def _deliver(self, request: web.Request) -> web.StreamResponse:
        return await self._session.simulator.deliver(request)


def page_files() -> dict[str, Path]:
    """Every file of the page, by its path below the folder they are in."""
    return {file.relative_to(FILES).as_posix(): file for file in FILES.rglob("*") if file.is_file()}


def _says(why: str, status: HTTPStatus) -> web.Response:
    """Why not, as a key of the page's own words."""
    return web.json_response({"says": why}, status=status)


def _page_words(language: str) -> dict[str, str]:
    """The page's own words, by their keys."""
    parsed = FluentParser().parse((FOLDER / language / OWN_WORDS).read_text(encoding="utf-8"))
    bundle = FluentBundle([language], use_isolating=False)
    bundle.add_resource(parsed)
    patterns = {
        entry.id.name: bundle.get_message(entry.id.name).value
        for entry in parsed.body
        if isinstance(entry, ast.Message)
    }
    return {key: str(bundle.format_pattern(pattern)[0]) for key, pattern in patterns.items() if pattern}


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.pop("Server", None)


class NoPort(Exception):
    """Every port that was tried is taken; `strerror` is the system's word for the last."""

    def __init__(self, failure: OSError) -> None:
        super().__init__(failure.strerror)
        self.strerror = failure.strerror


@asynccontextmanager
async def playing(port: int) -> AsyncIterator[str]:
    """The playground, at the address that is given back. Raises NoPort."""
    listening = _listen(port)
    own = listening.getsockname()[1]
    session = Session(f"http://{HOST}:{own}")
    actions = Actions(session)
    page = Page(session, actions, own)
    runner = web.AppRunner(
        page.application(), access_log=None, handle_signals=False, shutdown_timeout=1, handler_cancellation=True
    )
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        await session.begin()
        page.begun.set()
        yield f"http://{HOST}:{own}/"
    finally:
        session.stream.close()
        await actions.close()
        await session.fakes.close()
        await runner.cleanup()


def _listen(port: int) -> socket.socket:
    """The port that was asked for, or the next free one. Raises NoPort."""
    last = OSError()
    for each in range(port, min(port + PORTS, LAST + 1)) if port else (0,):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, each))
            found.listen()
        except OSError as taken:
            found.close()
            last = taken
        else:
            return found
    raise NoPort(last)


async def play(port: int, ready: Callable[[str], None]) -> None:
    """Until Ctrl-C or SIGTERM. Raises NoPort."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with playing(port) as address:
        ready(address)
        await stop.wait()
