"""What Slack is told at once, in the way that one press left open."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.response import BoltResponse

from adapters.base import Answer, Broken, Card, Stopped, TryLater, Unclear, Unreachable
from adapters.slack import cards, quiet
from adapters.slack.places import Place, Places
from adapters.slack.presses import Heard
from adapters.slack.slack import Expired
from adapters.tasks import Tasks

_NOT_DONE = (Broken, Expired, TimeoutError, TryLater, Unclear, Unreachable, Stopped)


def ok() -> BoltResponse:
    """Heard; there is nothing more to say."""
    return BoltResponse(status=200)


def json_reply(body: dict[str, Any]) -> BoltResponse:
    """Heard, and said in the same breath."""
    return BoltResponse(status=200, body=body)


class Replies:
    """Asides, refusals and forms. Where we may not be (no place), nothing is said but through Slack's own address."""

    def __init__(self, places: Places, tasks: Tasks, name: str) -> None:
        self._places = places
        self._tasks = tasks
        self._name = name
        self._answer_hosts = _answer_hosts(places.api_url)

    async def answer(self, heard: Heard, at: Place, answer: Answer, deadline: float) -> BoltResponse:
        """Give back what the desk gave back. Where a form cannot be opened, its card comes as an aside."""
        card = answer.card
        match answer.kind:
            case "form" if card:
                return await self._form(heard, at, card, deadline)
            case "aside" if card and heard.press.fleeting:
                self._tasks.later(self._point_to_the_chat(heard, at, card))
            case "aside" if card:
                return self._aside(heard, at, card)
            case "now" if card and heard.where == "command":
                return self._aside(heard, at, card)
        return ok()

    def refuse(self, heard: Heard, at: Place | None, card: Card) -> BoltResponse:
        """The neutral line, without an id: the same bytes for everybody. It edits nothing that stands in a chat."""
        return self._aside(heard, at, cards.anonymous(card))

    def _aside(self, heard: Heard, at: Place | None, card: Card) -> BoltResponse:
        """For the presser's eyes only."""
        if heard.where == "command":
            return json_reply(cards.aside(card))
        if heard.where == "sent":
            return json_reply({"response_action": "update", "view": cards.modal(card, self._name)})
        self._tasks.later(self._whisper(heard, at, card))
        return ok()

    async def _point_to_the_chat(self, heard: Heard, at: Place, card: Card) -> None:
        """Whoever pressed on an aside is told where it goes on, unless they stand there already."""
        if not await at.slack.is_own_chat(heard.press.address, heard.press.by):
            await self._whisper(heard, at, card)

    async def _whisper(self, heard: Heard, at: Place | None, card: Card) -> None:
        """By the best of the ways this press left open."""
        if heard.response_url and _origin(heard.response_url) in self._answer_hosts:
            await self._places.respond(heard.response_url, card)
        elif at is None:
            return  # no token of ours says anything there
        elif heard.where == "form" and heard.view:
            await at.slack.update_form(heard.view, cards.modal(card, self._name))
        elif heard.where == "chat" and heard.press.address:
            await at.slack.whisper(heard.press.address, heard.press.by.id, card)
        elif heard.trigger:
            await at.slack.open_form(heard.trigger, cards.modal(card, self._name))

    async def _form(self, heard: Heard, at: Place, card: Card, deadline: float) -> BoltResponse:
        """A modal, opened before the acknowledgement: its trigger dies young. Failing that, the card as an aside."""
        if heard.where not in {"command", "message", "home"} or not heard.trigger:
            return self._aside(heard, at, card)
        try:
            async with asyncio.timeout_at(deadline):
                await at.slack.open_form(heard.trigger, cards.modal(card, self._name))
        except _NOT_DONE as error:
            quiet.failed("form", type(error).__name__)
            return self._aside(heard, at, card)
        return ok()


def _answer_hosts(api_url: str) -> frozenset[tuple[str, str]]:
    """Where an answer may be posted: Slack's hooks beside its API, or whatever stands in for it."""
    scheme, place = _origin(api_url)
    return frozenset({(scheme, place), (scheme, "hooks." + place)})


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host with port; a user name before the host makes it another place."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("", "")
    return (parts.scheme, parts.netloc.lower())
