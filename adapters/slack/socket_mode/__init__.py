"""Socket Mode: Slack's requests over a WebSocket that we open, for a hospital that opens no port."""

from adapters.slack.socket_mode.connection import SocketModeConnection, SocketTiming
from adapters.slack.socket_mode.url import SocketUrls

__all__ = ["SocketModeConnection", "SocketTiming", "SocketUrls"]
