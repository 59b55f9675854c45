"""Ports that two tests, or two runs on one machine, are never given at once."""

from __future__ import annotations

import os
import socket
from collections import deque

_KEPT = 100  # ports at a time; no test needs as many
_reserved: deque[int] = deque()  # the sockets that keep them


def free_port() -> int:
    """Return a port on the loopback that nobody else is given while it is in use here.

    It stays bound by a socket that does not listen: the system gives it to nobody who asks for any port, a connection
    to it is refused, and a server that allows the reuse of addresses, as all of ours do, can listen on it.
    """
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
        _reserved.append(found.detach())
    if len(_reserved) > _KEPT:
        os.close(_reserved.popleft())
    return port
