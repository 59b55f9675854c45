"""Between the core of a fake platform and the bot: carries calls to the core, and what people do to the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

import aiohttp
from aiohttp import web

from adapters.fakes.base import Answer, BotReply, Call, FakePlatform, PlatformRequest
from adapters.fakes.network import Loopback, Network

LARGEST = 2**22  # bytes of a request
PATIENCE = 60.0  # seconds after which `until` gives up


class Wire:
    """Serves one fake platform on a network.

    A server that exists already serves `routes` instead, and sets the platform's `url`.

    bot_url      where the bot listens, with its path; deliveries go there
    twice        whether every press is delivered twice, as a platform does that missed the first answer
    connections  the far ends of all connections there were
    """

    def __init__(self, fake: FakePlatform, now: Callable[[], datetime], network: Network | None = None) -> None:
        self.fake, self.now = fake, now
        self.network = network or Loopback()
        self.bot_url = ""
        self.twice = False
        self.connections: set[object] = set()
        self.session: aiohttp.ClientSession | None = None
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()

    # ------------------------------------------------------------ running

    async def start(self, extra: Iterable[web.RouteDef] = ()) -> None:
        """Listen on a port of our own. `extra` are routes that the core does not answer itself."""
        app = web.Application(client_max_size=LARGEST)
        app.add_routes([*extra, *self.routes()])
        self.fake.url = await self.network.listen(app)

    def routes(self, prefix: str = "") -> list[web.RouteDef]:
        """Everything the platform answers, below a prefix such as `/pretend/slack`."""

        async def serve(request: web.Request) -> web.Response:
            return await self._serve(request, prefix)

        return [web.route("*", prefix + path, serve) for path in self.fake.paths]

    def release(self) -> None:
        """Let what hangs end now, with an error."""
        self._closing.set()

    async def close(self) -> None:
        """Hang up, and release what hangs."""
        self.release()
        if self.session is not None:
            await self.session.close()
        self.session = None
        await self.network.close()

    # ------------------------------------------------------------ the bot calls

    async def _serve(self, request: web.Request, prefix: str) -> web.Response:
        if request.transport is not None:
            self.connections.add(request.transport.get_extra_info("peername"))
        call = Call(
            request.method,
            request.rel_url.raw_path.removeprefix(prefix),
            request.path_qs,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        answer = self.fake.answer(call, self.now())
        await self.notify()
        return await self._send(request, answer)

    async def _send(self, request: web.Request, answer: Answer) -> web.Response:
        if answer.late_by:
            await asyncio.sleep(answer.late_by)
        if answer.ending == "hangs":
            await self._closing.wait()
        if answer.ending == "resets" and request.transport is not None:
            request.transport.abort()
        response = web.Response(status=answer.status, body=answer.encoded, headers=answer.headers)
        if answer.body is not None:
            response.content_type = answer.content_type
        return response

    # ------------------------------------------------------------ the platform calls

    async def deliver(self, delivery: PlatformRequest) -> BotReply:
        """Send a request to the bot; a press perhaps twice, of which the first answer counts."""
        self.fake.observer.sent(delivery.title, delivery.payload)
        replies = [await self.post(delivery) for _ in range(2 if self.twice and delivery.is_press else 1)]
        return replies[0]

    async def post(self, delivery: PlatformRequest) -> BotReply:
        """Send a request to the bot, once."""
        async with self.client().post(self.bot_url, data=delivery.body, headers=delivery.headers) as answer:
            return BotReply(answer.status, await answer.read())

    def client(self) -> aiohttp.ClientSession:
        """The session in which the platform calls the bot."""
        if self.session is None:
            self.session = aiohttp.ClientSession(connector=self.network.connector(), trust_env=False)
        return self.session

    async def call_with(self, session: aiohttp.ClientSession) -> None:
        """Call the bot in this session from now on, for example through TLS. It is closed with the wire."""
        if self.session is not None:
            await self.session.close()
        self.session = session

    # ------------------------------------------------------------ waiting

    async def until(self, condition: Callable[[], object], within: float = PATIENCE) -> None:
        """Wait for what the bot does next, until the condition holds. Raises TimeoutError when it does not."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))

    async def notify(self) -> None:
        """Something happened: look at the conditions again."""
        async with self._changed:
            self._changed.notify_all()
