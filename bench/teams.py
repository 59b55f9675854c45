"""A message in Teams, vouched for and answered, beside Microsoft's own libraries: python -m bench.teams.

Everybody is sent the same: a person's message under Microsoft's signature, to be answered with one reply through the
connector. Each is a process of its own, and so is the Microsoft, which says yes to everything.

Microsoft's two libraries are no dependencies of ours. Where one is not installed its row is left out, and it is said
how to get it.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import aiohttp
import jwt
from aiohttp import web

from adapters.base import Card, Interaction, Reply
from adapters.fakes.teams.server import TeamsServer
from adapters.teams import RATES, TeamsAdapter, TeamsWebhook
from bench.goals import Goal, missed, ratio
from bench.loopback import Figures, Other, launched, serve, unpaced
from bot import config
from bot import logging as logs
from bot.config import crisis_words
from bot.server import app as programme
from conversations.front_door.typed_words import parse_word

other = partial(launched, "bench.teams")
TENANT, CLIENT_ID = "6d1f0a52-3c84-4b7e-9a0d-5e2b7c9f1a30", "b4e7d2c1-58a9-4f36-8d0b-2a6c9e1f7053"
SECRET, TOKEN = "a-secret-of-a-benchmark", "a-token-of-a-benchmark"
MESSAGES, METADATA = "/api/messages", "/v1/.well-known/openidconfiguration"
LOGIN = "https://login.microsoftonline.com"
ROUNDS, TOGETHER, ALONE = 5, 800, 100
PEOPLE = TOGETHER + ALONE  # nobody writes twice in a round, which the programme may answer once
LINE = "Somebody will be with you soon."

OURS, BARE = "ours, with a card", "bare aiohttp and PyJWT"
STOCK, HELD = "stock CloudAdapter", "stock, if it held its token"
AGENTS, WHOLE = "microsoft-agents, nothing verified", "ours, the whole programme, durable"
GOALS = {STOCK: 10.0, BARE: 0.4, AGENTS: 1.2}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who answers: by which role, from which package, and what part of the requests there is time for."""

    role: str
    package: str = ""
    module: str = ""
    part: float = 1.0

    def is_here(self) -> bool:
        return not self.module or _is_installed(self.package, self.module)


@cache
def _is_installed(package: str, module: str) -> bool:
    """Says how to install what is not."""
    try:
        importlib.import_module(module)
    except ImportError:
        print(f"{package} is not installed and not measured: {sys.executable} -m pip install {package}")
        return False
    return True


STOCKS = ("botbuilder-integration-aiohttp", "botbuilder.integration.aiohttp")
CANDIDATES = {
    OURS: Candidate("ours"),
    BARE: Candidate("bare"),
    STOCK: Candidate("stock", *STOCKS, part=0.1),
    HELD: Candidate("held", *STOCKS, part=0.1),
    AGENTS: Candidate("agents", "microsoft-agents-hosting-aiohttp", "microsoft_agents.hosting.aiohttp"),
    WHOLE: Candidate("whole"),
}

# ---------------------------------------------------------------- what is measured


async def messages(folder: Path) -> list[Goal]:
    """S2: interleaved rounds of the same message against everybody who is installed."""
    here = {name: candidate for name, candidate in CANDIDATES.items() if candidate.is_here()}
    figures = {name: Figures() for name in here}
    async with AsyncExitStack() as ending:
        microsoft = await ending.enter_async_context(other("microsoft"))
        everybody = {
            name: await ending.enter_async_context(other(candidate.role, microsoft.url, str(folder)))
            for name, candidate in here.items()
        }
        for number in range(ROUNDS + 1):
            for name, who in everybody.items():
                sent = messages_from(microsoft.url, await microsoft.order("token"), who, CANDIDATES[name].part)
                await one_round(figures[name], who, microsoft, *sent)
                if not number:  # the first round warms up
                    figures[name] = Figures()
    print(f"{'a message, answered':36}{'at once':>10}{'alone, p50':>14}{'CPU':>12}")
    for name, found in figures.items():
        print(f"{name:36}{found}")
    mine = figures[OURS].together
    return [
        Goal(f"S2 requests/s, times {name.partition(',')[0]}", ratio(mine, figures[name].together), goal, at_least=True)
        for name, goal in GOALS.items()
        if name in figures
    ]


async def one_round(
    figures: Figures, who: Other, microsoft: Other, crowd: Sequence[bytes], alone: Sequence[bytes]
) -> None:
    """Raises RuntimeError where messages were left without a reply: that is no way to be fast."""

    async def is_done() -> None:
        await who.order("idle")

    before = await microsoft.order("replies")
    await figures.measure(who, crowd, alone, is_done)
    said, heard = await microsoft.order("replies") - before, len(crowd) + len(alone)
    if said < 0.9 * heard:
        raise RuntimeError(f"{heard} messages, and {said} replies")


# ---------------------------------------------------------------- writing to the bot

_numbers = count()


def messages_from(microsoft: str, token: str, to: Other, part: float) -> tuple[list[bytes], list[bytes]]:
    """What Teams sends when people write to the bot: most of it at once, the rest one by one."""
    numbers = [next(_numbers) for _ in range(int((TOGETHER + ALONE) * part))]
    made = [_request(to.path, token, _activity(microsoft, number)) for number in numbers]
    crowd = int(TOGETHER * part)
    return made[:crowd], made[crowd:]


def _activity(microsoft: str, number: int) -> dict[str, Any]:
    who = str(uuid5(NAMESPACE_URL, str(number % PEOPLE)))
    return {
        "type": "message",
        "id": str(1_700_000_000_000 + number),
        "channelId": "msteams",
        "serviceUrl": f"{microsoft}/amer/",
        "from": {"id": f"29:1{who}", "name": "Megan Bowen", "aadObjectId": who},
        "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": f"a:1{who}"},
        "recipient": {"id": f"28:{CLIENT_ID}", "name": "Peer Support"},
        "entities": [
            {"type": "clientInfo", "locale": "en-US", "country": "US", "platform": "Windows", "timezone": "Etc/UTC"}
        ],
        "channelData": {"tenant": {"id": TENANT}},
        "locale": "en-US",
        "localTimezone": "Etc/UTC",
        "timestamp": "2026-02-01T21:10:07.437Z",
        "localTimestamp": "2026-02-01T21:10:07.437Z",
        "textFormat": "plain",
        "text": "/peersupport",
        "attachments": [{"contentType": "text/html", "content": "<div><div>/peersupport</div>\n</div>"}],
    }


def _request(path: str, token: str, activity: dict[str, Any]) -> bytes:
    body = json.dumps(activity).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# ---------------------------------------------------------------- the other processes


async def be_microsoft() -> None:
    """The fake Teams, to which everybody and every chat exists as soon as it is asked for; it counts the replies."""
    teams = TeamsServer(tenant=TENANT, client_id=CLIENT_ID, client_secret=SECRET, lenient=True)

    async def metadata_of_stock(_: web.Request) -> web.Response:
        oauth = f"{LOGIN}/{TENANT}/oauth2/v2.0"
        ends = {"authorization_endpoint": f"{oauth}/authorize", "token_endpoint": f"{oauth}/token"}
        return web.json_response({"issuer": f"{LOGIN}/{TENANT}/v2.0"} | ends)

    async def counted(_: web.Request) -> web.Response:
        return web.json_response(len(teams.screens.all))

    async def signed(_: web.Request) -> web.Response:
        return web.json_response(teams.token())

    @web.middleware
    async def addressed(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        teams.url = f"http://{request.host}"
        answer: web.StreamResponse = await handler(request)
        return answer

    app = web.Application(middlewares=[addressed])
    own = web.get(f"/{TENANT}/v2.0/.well-known/openid-configuration", metadata_of_stock)
    app.add_routes([own, web.post("/replies", counted), web.post("/token", signed), *teams.wire.routes()])
    await serve(app, "")


@dataclass(frozen=True, slots=True)
class Clerk:
    """The least of a desk: whoever does anything is shown one card, and then it is acknowledged."""

    teams: TeamsAdapter

    async def receive(self, press: Interaction) -> Reply:
        await self.teams.deliver(press.by, press.address, Card("0", LINE, LINE), None)
        return Reply()

    def refusal(self) -> Card:
        raise RuntimeError("nobody here is to be refused")


async def be_ours(microsoft: str) -> None:
    """Our door and our adapter, and behind them nothing."""
    teams = TeamsAdapter(
        CLIENT_ID,
        SECRET,
        [TENANT],
        now=lambda: datetime.now(UTC),
        openid_url=microsoft + METADATA,
        issuer=microsoft,
        token_url=f"{microsoft}/{{tenant}}/oauth2/v2.0/token",
        service_hosts=[microsoft],
        pace=unpaced(RATES),
    )
    await teams.start()
    heard = partial(parse_word, listener=crisis_words.listener())
    await _listen(TeamsWebhook(teams, Clerk(teams), parse_word=heard).handle)
    await teams.close()


async def be_bare(microsoft: str) -> None:
    """What an evening's work would be, with nothing checked but the token."""
    async with aiohttp.ClientSession() as session:
        async with session.get(microsoft + "/v1/.well-known/keys") as found:
            keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in (await found.json())["keys"]}

        async def answer(request: web.Request) -> web.Response:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            key = keys[jwt.get_unverified_header(token)["kid"]]
            said = jwt.decode(token, key, algorithms=["RS256"], audience=CLIENT_ID, issuer=microsoft, leeway=300)
            activity = await request.json()
            if said["serviceurl"] != activity["serviceUrl"]:
                return web.Response(status=401)
            chat = quote(activity["conversation"]["id"], safe="")
            url = f"{activity['serviceUrl']}v3/conversations/{chat}/activities"
            reply, head = {"type": "message", "text": LINE}, {"Authorization": f"Bearer {TOKEN}"}
            async with session.post(url, json=reply, headers=head) as posted:
                await posted.read()
            return web.Response()

        await _listen(answer)


async def be_stock(microsoft: str, role: str) -> None:
    """Botbuilder's echo bot. Its settings point here, but for the login, whose address stands in its code: patched.

    It asks for a token for every message. "held" is what it would be if it did not.
    """
    import requests
    from botbuilder.core import ActivityHandler, TurnContext
    from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
    from botframework.connector.auth import MicrosoftAppCredentials

    ask = requests.Session.request

    def ask_here(session: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
        return ask(session, method, url.replace(LOGIN, microsoft), **more)

    requests.Session.request = ask_here
    if role == "held":
        MicrosoftAppCredentials.get_access_token = lambda *_: TOKEN

    class Echo(ActivityHandler):
        async def on_message_activity(self, turn_context: TurnContext) -> None:
            await turn_context.send_activity(LINE)

    settings = SimpleNamespace(
        APP_ID=CLIENT_ID,
        APP_PASSWORD=SECRET,
        APP_TYPE="SingleTenant",
        APP_TENANTID=TENANT,
        TO_CHANNEL_FROM_BOT_LOGIN_URL=f"{LOGIN}/{TENANT}",
        TO_CHANNEL_FROM_BOT_OAUTH_SCOPE="https://api.botframework.com",
        TO_BOT_FROM_CHANNEL_TOKEN_ISSUER=microsoft,
        TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL=microsoft + METADATA,
        OAUTH_URL="https://api.botframework.com",
    )
    adapter, echo = CloudAdapter(ConfigurationBotFrameworkAuthentication(settings)), Echo()

    async def answer(request: web.Request) -> web.Response:
        return await adapter.process(request, echo)

    await _listen(answer)


async def be_agents() -> None:
    """The successor of botbuilder, as its quickstart has it without credentials: it looks at no token at all."""
    from microsoft_agents.hosting.aiohttp import CloudAdapter
    from microsoft_agents.hosting.core import ActivityHandler, RestChannelServiceClientFactory, TurnContext

    class Echo(ActivityHandler):
        async def on_message_activity(self, turn_context: TurnContext) -> None:
            await turn_context.send_activity(LINE)

    logging.disable(logging.WARNING)  # or it would spend its time on saying that it has no credentials
    adapter, echo = CloudAdapter(channel_service_client_factory=RestChannelServiceClientFactory(None)), Echo()

    async def answer(request: web.Request) -> web.Response:
        return await adapter.process(request, echo)

    await _listen(answer)


async def be_whole(microsoft: str, folder: str) -> None:
    """The whole programme: a welcome is decided, sealed and synced, acknowledged, and then posted."""
    logs.configure("json", "ERROR")
    settings = config.load(_environ(microsoft, folder), Path(folder))
    async with programme.running_server(settings, programme.ServerOptions(rate_limiter=unpaced)) as running:

        async def idle(_: web.Request) -> web.Response:
            await running.engine.idle()
            return web.json_response(None)

        app = web.Application()
        app.router.add_post("/idle", idle)
        await serve(app, "", running.public_url + MESSAGES)


async def _listen(answer: Any) -> None:
    """Messages are answered before they are acknowledged, so there is nothing to wait for when told to be idle."""

    async def idle(_: web.Request) -> web.Response:
        return web.json_response(None)

    app = web.Application()
    app.router.add_post(MESSAGES, answer)
    app.router.add_post("/idle", idle)
    await serve(app, MESSAGES)


def _environ(microsoft: str, folder: str) -> dict[str, str]:
    return {
        "PEERSUPPORT_STORE": f"tinydb:///{folder}",
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(bytes(range(32))).decode("ascii"),
        "PEERSUPPORT_COORDINATORS": f"teams:{TENANT}:{uuid5(NAMESPACE_URL, 'Dana')}",
        "PEERSUPPORT_BIND": "127.0.0.1:0",
        "PEERSUPPORT_OPS_BIND": "127.0.0.1:0",
        "TEAMS_CLIENT_ID": CLIENT_ID,
        "TEAMS_CLIENT_SECRET": SECRET,
        "TEAMS_TENANT_ID": TENANT,
        "TEAMS_OPENID_URL": microsoft + METADATA,
        "TEAMS_ISSUER": microsoft,
        "TEAMS_TOKEN_URL": f"{microsoft}/{{tenant}}/oauth2/v2.0/token",
        "TEAMS_SERVICE_HOSTS": microsoft,
    }


# ---------------------------------------------------------------- all of it


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    return missed(await messages(folder))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["microsoft"]:
            asyncio.run(be_microsoft())
        case ["ours", microsoft, _]:
            asyncio.run(be_ours(microsoft))
        case ["bare", microsoft, _]:
            asyncio.run(be_bare(microsoft))
        case ["stock" | "held" as role, microsoft, _]:
            asyncio.run(be_stock(microsoft, role))
        case ["agents", _, _]:
            asyncio.run(be_agents())
        case ["whole", microsoft, folder]:
            asyncio.run(be_whole(microsoft, folder))
        case more:
            with tempfile.TemporaryDirectory(dir=more[0] if more else None) as scratch:
                sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
