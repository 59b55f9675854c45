"""The methods of Slack's Web API that the bot uses. https://docs.slack.dev/reference/methods"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.fakes.screens import Json, ScreenItem, Screens
from adapters.fakes.slack.limits import message_problems, view_problems
from adapters.fakes.slack.workspaces import SlackRefusal, Stamps, Workspace, Workspaces

_UPDATE_TEXT = 4_000  # characters that `chat.update` takes
_Method = Callable[[Json, Workspace, datetime], Json]


class WebApi:
    """Every method, by its name. What is over a limit is refused, and stands in `mistakes`."""

    def __init__(
        self,
        workspaces: Workspaces,
        screens: Screens[Json],
        mistakes: list[str],
        scopes: str,
        url: Callable[[], str],
    ) -> None:
        self.screens, self.mistakes, self.scopes = screens, mistakes, scopes
        self.stamps = Stamps()
        self.triggers: dict[str, str] = {}  # by trigger id: who may be shown a form
        self.response_channels: dict[str, str] = {}  # by number of a response_url: where its interaction was
        self.response_messages: dict[str, str] = {}  # by the same number: the message that was pressed
        self.notifications: list[tuple[str, tuple[str, str]]] = []  # handle; what a phone and a desktop say
        self.revoked: list[str] = []  # tokens that were given back
        self._spaces, self._url = workspaces, url
        self._methods: Mapping[str, _Method] = {
            "auth.revoke": self._auth_revoke,
            "auth.test": self._auth_test,
            "conversations.open": self._conversations_open,
            "conversations.history": self._conversations_history,
            "chat.postMessage": self._chat_post_message,
            "chat.postEphemeral": self._chat_post_ephemeral,
            "chat.update": self._chat_update,
            "chat.delete": self._chat_delete,
            "users.info": self._users_info,
            "views.open": self._views_open,
            "views.update": self._views_update,
            "views.publish": self._views_publish,
        }

    def call(self, method: str, args: Json, speaking: Workspace, now: datetime) -> Json:
        """What a method answers to the app of this workspace."""
        deed = self._methods.get(method)
        if deed is None:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True} | deed(args, speaking, now)
        except SlackRefusal as refusal:
            return {"ok": False, "error": str(refusal)}

    # ------------------------------------------------------------ tokens and people

    def _auth_test(self, _: Json, speaking: Workspace, __: datetime) -> Json:
        """https://docs.slack.dev/reference/methods/auth.test"""
        ids = {"team_id": speaking.id, "user_id": speaking.bot, "bot_id": speaking.bot_id}
        found: Json = {"url": self._url(), "team": "Hospital"} | ids
        if speaking.enterprise:
            found |= {"enterprise_id": speaking.enterprise, "is_enterprise_install": speaking.wide}
        return found

    def _auth_revoke(self, _: Json, speaking: Workspace, __: datetime) -> Json:
        self.revoked.append(speaking.token)
        speaking.token = ""
        return {"revoked": True}

    def _users_info(self, args: Json, speaking: Workspace, _: datetime) -> Json:
        return {"user": self._spaces.people[self._spaces.known(args.get("user"), speaking)]}

    # ------------------------------------------------------------ chats

    def _conversations_open(self, args: Json, speaking: Workspace, _: datetime) -> Json:
        user = self._spaces.known(args.get("users"), speaking)
        return {"channel": {"id": self._spaces.chat(user, speaking.id)}}

    def _conversations_history(self, args: Json, speaking: Workspace, _: datetime) -> Json:
        """Newest first, as https://docs.slack.dev/reference/methods/conversations.history has it."""
        if "im:history" not in self.scopes:
            raise SlackRefusal("missing_scope")
        channel = str(args.get("channel"))
        there = [shown for shown in self.screens.of(self._owner(args, speaking), "card") if _channel(shown) == channel]
        messages = [
            {"type": "message", "ts": _ts(shown), "bot_id": speaking.bot_id} | shown.body
            for shown in there[: int(args.get("limit", 100))]
        ]
        return {"messages": messages, "has_more": False}

    def _chat_post_message(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        user = self._owner(args, speaking)
        self._judge("chat.postMessage", message_problems(args))
        ts = self.stamps.message(now)
        self.screens.put(user, "card", "slack", drawn(args), f"{args['channel']}/{ts}", now)
        self.notifications.append((user, notification(args)))
        return {"channel": args["channel"], "ts": ts, "message": {"text": args["text"]}}

    def _chat_post_ephemeral(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        self._owner(args, speaking)
        self._judge("chat.postEphemeral", message_problems(args))
        user = self._spaces.handle_of(args.get("user")) or str(args.get("user"))
        return {"message_ts": self.aside(user, args, now, args["channel"])}

    def _chat_update(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        self._judge("chat.update", message_problems(args, _UPDATE_TEXT))
        self.screens.edit(self._standing(args, speaking, now), drawn(args))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _chat_delete(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        self.screens.take_away(self._standing(args, speaking, now))
        return {"channel": args["channel"], "ts": args["ts"]}

    # ------------------------------------------------------------ forms and the Home tab

    def _views_open(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        """A trigger is good once. https://docs.slack.dev/reference/methods/views.open"""
        self._judge("views.open", view_problems(args.get("view")))
        user = self.triggers.pop(str(args.get("trigger_id")), None)
        if user is None:
            raise SlackRefusal("expired_trigger_id")
        return {"view": self.open_form(user, args["view"], speaking.id, now)}

    def _views_update(self, args: Json, _: Workspace, __: datetime) -> Json:
        self._judge("views.update", view_problems(args.get("view")))
        shown = self.screens.at(str(args.get("view_id")))
        if shown is None or shown.kind != "form":
            raise SlackRefusal("not_found")
        self.change_form(shown, args["view"])
        return {"view": view_of(shown)}

    def _views_publish(self, args: Json, speaking: Workspace, now: datetime) -> Json:
        self._judge("views.publish", view_problems(args.get("view")))
        user = self._spaces.known(args.get("user_id"), speaking)
        view, place = _numbered_view(args["view"], speaking.id), f"V0{speaking.id}{self._spaces.id_of(user)}"
        shown = self.screens.at(place)
        if shown is not None:
            self.screens.edit(shown, view)
        else:
            shown = self.screens.put(user, "home", "slack", view, place, now)
        return {"view": view_of(shown)}

    # ------------------------------------------------------------ what answers to a press do to a screen

    def edit_pressed(self, number: str, said: Json) -> bool:
        """Let the message that was pressed say something else; False where it is gone."""
        shown = self.screens.at(self.response_messages.get(number, ""))
        if shown is None:
            return False
        self.screens.edit(shown, drawn(said))
        return True

    def aside(self, user: str, said: Json, now: datetime, channel: str) -> str:
        """Show something to one person alone. Returns its timestamp."""
        ts = self.stamps.message(now)
        self.screens.put(user, "aside", "slack", drawn(said), f"{channel}/{ts}", now)
        return ts

    def open_form(self, user: str, view: Json, team: str, now: datetime) -> Json:
        """Show a form, instead of one that is open. Returns it as Slack describes it."""
        for open_already in self.screens.of(user, "form"):
            self.screens.take_away(open_already)
        place = f"V{self.stamps.number()}"
        return view_of(self.screens.put(user, "form", "slack", _numbered_view(view, team), place, now))

    def change_form(self, shown: ScreenItem[Json], view: Json) -> None:
        """Let an open form say something else."""
        self.screens.edit(shown, _numbered_view(view, shown.body["team_id"]))

    # ------------------------------------------------------------ small parts

    def _judge(self, method: str, found: list[str]) -> None:
        if found and not self._spaces.lenient:
            self.mistakes += [f"{method}: {problem}" for problem in found]
            raise SlackRefusal("invalid_blocks")

    def _owner(self, args: Json, speaking: Workspace) -> str:
        """Whose chat this is, if the app of this workspace may speak there. Raises SlackRefusal."""
        channel = args.get("channel")
        user = self._spaces.owner(channel)
        if not user or user in self._spaces.away:
            raise SlackRefusal("channel_not_found")
        if self._spaces.team_of(channel) != speaking.id:  # another app's chat, as far as this token can see
            self.mistakes.append("a chat was spoken to with the token of another workspace")
            raise SlackRefusal("channel_not_found")
        return user

    def _standing(self, args: Json, speaking: Workspace, now: datetime) -> ScreenItem[Json]:
        user, place = self._owner(args, speaking), f"{args.get('channel')}/{args.get('ts')}"
        shown = self.screens.at(place)
        if shown is None and self._spaces.lenient:
            shown = self.screens.put(user, "card", "slack", {}, place, now)
        if shown is None or shown.kind != "card":
            raise SlackRefusal("message_not_found")
        return shown


def notification(said: Json) -> tuple[str, str]:
    """What a phone's notification says, and what a desktop's says: the words of the blocks, or else the text.

    Slack cuts a desktop's short; here every word counts. An edit notifies no one.
    https://docs.slack.dev/changelog/2026/07/13/notification-changes
    """
    text = str(said.get("text", ""))
    return text, " ".join(words for block in said.get("blocks") or [] for words in words_of(block)) or text


def words_of(block: Json) -> list[str]:
    """What a block says, without labels of inputs and buttons."""
    match block["type"]:
        case "header" | "section":
            return [block["text"]["text"]]
        case "context":
            return [element["text"] for element in block["elements"] if "text" in element]
        case "rich_text":
            return [text["text"] for part in block["elements"] for text in part["elements"]]
    return []


def drawn(said: Json) -> Json:
    """What of a message is shown, with a name for every block."""
    return {"text": said.get("text", ""), "blocks": _numbered(said.get("blocks") or [])}


def view_of(shown: ScreenItem[Json]) -> Json:
    """A form or a Home tab as Slack describes it."""
    return shown.body | {"id": shown.place, "hash": f"{shown.place}.{len(shown.was)}"}


def _numbered_view(view: Json, team: str) -> Json:
    return view | {"blocks": _numbered(view.get("blocks") or []), "team_id": team}


def _numbered(blocks: list[Any]) -> list[Json]:
    """Slack names every block that has no name. These names depend on the place, so that the same stays the same."""
    return [{"block_id": f"block{place}"} | block for place, block in enumerate(blocks)]


def _channel(shown: ScreenItem[Json]) -> str:
    return shown.place.partition("/")[0]


def _ts(shown: ScreenItem[Json]) -> str:
    return shown.place.partition("/")[2]
