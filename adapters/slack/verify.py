"""Verifies the signature of a request on its raw bytes, and only then reads the payload. Pure.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from yarl import query_to_pairs

from adapters.payload import json_object

OLDEST: Final = 300
"""How far a request's timestamp may be from now, in seconds, either way."""

_FIELDS = 200  # of a form; Slack sends a dozen
_DIGITS = 12  # of a timestamp


def is_signed(secrets: Sequence[str], timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Return whether one of the signing secrets signed this body within five minutes of now.

    Args:
        secrets: The signing secret; two of them while it is rotated.
        timestamp: The X-Slack-Request-Timestamp header.
        signature: The X-Slack-Signature header.
        body: The raw body.
        now: The present time.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _DIGITS and signature.isascii()):
        return False
    if abs(now.timestamp() - int(timestamp)) > OLDEST:
        return False
    return any([hmac.compare_digest(_sign(s, timestamp, body), signature) for s in secrets])  # noqa: C419  all of them, in equal time


def looks_signed(timestamp: str, signature: str) -> bool:
    """Return whether the two headers have the form of Slack's, whoever sent them."""
    return timestamp.isascii() and timestamp.isdigit() and re.fullmatch(r"v0=[0-9a-f]{64}", signature) is not None


def _sign(secret: str, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def parse_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the payload of a signed body: JSON, a form, or JSON in a form's `payload`; empty if there is none."""
    try:
        text = body.decode()
        if content_type == "application/json" or text.startswith("{"):
            return json_object(text)
        form = dict(query_to_pairs(text, max_fields=_FIELDS))
    except ValueError:
        return {}
    return json_object(form["payload"]) if "payload" in form else form
