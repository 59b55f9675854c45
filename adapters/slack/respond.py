"""Answers an interaction at once, in the best of the ways that it left open: ephemerals, refusals and forms."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.response import BoltResponse

from adapters.background import BackgroundTasks
from adapters.base import AccessRevoked, Card, OutcomeUnknown, Rejected, Reply, RetryLater, Unreachable
from adapters.slack import cards, log
from adapters.slack.client import SlackApi
from adapters.slack.errors import TriggerExpired
from adapters.slack.install.resolve import ResolvedWorkspace
from adapters.slack.parse import SlackInteraction

_NOT_OPENED = (Rejected, TriggerExpired, TimeoutError, RetryLater, OutcomeUnknown, Unreachable, AccessRevoked)


def ok() -> BoltResponse:
    """Return an acknowledgement with no content."""
    return BoltResponse(status=200)


def json_reply(body: dict[str, Any]) -> BoltResponse:
    """Return an acknowledgement that carries content."""
    return BoltResponse(status=200, body=body)


class Responder:
    """Answers interactions. Where the app is not installed (no workspace), it may use only Slack's response URL.

    Args:
        api: Where Slack is.
        tasks: Holds what is sent after the acknowledgement.
        name: The bot's name, for the title of a modal.
    """

    def __init__(self, api: SlackApi, tasks: BackgroundTasks, name: str) -> None:
        self._api, self._tasks, self._name = api, tasks, name
        scheme, place = _origin(api.url)
        self._response_origins = {(scheme, place), (scheme, "hooks." + place)}  # Slack's hooks stand beside its API

    def accepts(self, response_url: str) -> bool:
        """Return whether this is an address of Slack's own, to which something may be sent."""
        return bool(response_url) and _origin(response_url) in self._response_origins

    async def answer(
        self, found: SlackInteraction, at: ResolvedWorkspace, reply: Reply, deadline: float
    ) -> BoltResponse:
        """Give the engine's reply. A form that cannot be opened is shown as an ephemeral card.

        Args:
            found: The interaction.
            at: The workspace it was done in.
            reply: What the engine replied.
            deadline: When the acknowledgement is due, by the event loop's clock.
        """
        card = reply.card
        match reply.kind:
            case "form" if card:
                return await self._open_form(found, at, card, deadline)
            case "ephemeral" if card and found.interaction.ephemeral:
                self._tasks.start(self._point_to_the_chat(found, at, card))
            case "ephemeral" if card:
                return self._show(found, at, card)
            case "acknowledged" if card and found.surface == "command":
                return self._show(found, at, card)
        return ok()

    async def answer_late(self, found: SlackInteraction, at: ResolvedWorkspace, reply: Reply) -> None:
        """Give the engine's reply when the acknowledgement is gone; a form is shown as an ephemeral card."""
        card = reply.card
        if card is None:
            return
        if reply.kind == "refused":
            await self._show_later(found, at, cards.anonymous(card))
        elif reply.kind == "ephemeral" and found.interaction.ephemeral:
            await self._point_to_the_chat(found, at, card)
        elif reply.kind != "acknowledged" or found.surface == "command":
            await self._show_later(found, at, card)

    def refuse(self, found: SlackInteraction, at: ResolvedWorkspace | None, card: Card) -> BoltResponse:
        """Give the neutral line without an id, so that its bytes are the same for everyone. Edits nothing."""
        return self._show(found, at, cards.anonymous(card))

    def _show(self, found: SlackInteraction, at: ResolvedWorkspace | None, card: Card) -> BoltResponse:
        """Show a card to the person who acted and to no one else."""
        if found.surface == "command":
            return json_reply(cards.ephemeral(card, self._api.site))
        if found.surface == "submission":
            return json_reply({"response_action": "update", "view": cards.modal(card, self._name)})
        self._tasks.start(self._show_later(found, at, card))
        return ok()

    async def _point_to_the_chat(self, found: SlackInteraction, at: ResolvedWorkspace, card: Card) -> None:
        """Tell a person who pressed an ephemeral card where it goes on, unless they are in that chat already."""
        if not await at.slack.is_own_chat(found.interaction.address, found.interaction.by):
            await self._show_later(found, at, card)

    async def _show_later(self, found: SlackInteraction, at: ResolvedWorkspace | None, card: Card) -> None:
        interaction = found.interaction
        if self.accepts(found.response_url):
            await self._api.respond(found.response_url, card)
        elif at is None:
            return  # no token of ours can post there
        elif found.surface == "form" and found.view:
            await at.slack.update_form(found.view, cards.modal(card, self._name))
        elif found.surface == "chat" and interaction.address:
            await at.slack.post_ephemeral(interaction.address, interaction.by.id, card)
        elif found.trigger:
            await at.slack.open_form(found.trigger, cards.modal(card, self._name))

    async def _open_form(
        self, found: SlackInteraction, at: ResolvedWorkspace, card: Card, deadline: float
    ) -> BoltResponse:
        """Open a modal before acknowledging, because its trigger soon expires; else show the card as an ephemeral."""
        if found.surface not in {"command", "message", "home"} or not found.trigger:
            return self._show(found, at, card)
        try:
            async with asyncio.timeout_at(deadline):
                await at.slack.open_form(found.trigger, cards.modal(card, self._name))
        except _NOT_OPENED as error:
            log.failed("form", type(error).__name__)
            return self._show(found, at, card)
        return ok()


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host with port. A user name before the host makes it another place."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("", "")
    return (parts.scheme, parts.netloc.lower())
