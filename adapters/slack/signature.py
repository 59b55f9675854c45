"""Is this request Slack's, and what does it say? Asked of the raw bytes, in this order. Pure.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

OLDEST: Final = 300  # seconds, either way

_FIELDS = 200  # of a form; Slack sends a dozen
_DIGITS = 12  # of a time


def genuine(secrets: Sequence[str], stamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Whether one of our secrets signed these bytes, within five minutes of now."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < _DIGITS and signature.isascii()):
        return False
    if abs(now.timestamp() - int(stamp)) > OLDEST:
        return False
    return any([hmac.compare_digest(_sign(s, stamp, body), signature) for s in secrets])  # noqa: C419  all of them, in equal time


def _sign(secret: str, stamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def parse(body: bytes, content_type: str) -> dict[str, Any] | None:
    """The object a signed body holds: JSON, a form, or JSON in a form's `payload`. None when it holds none."""
    try:
        text = body.decode()
        if content_type == "application/json" or text.startswith("{"):
            found = json.loads(text)
        else:
            form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
            found = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None
