"""Makes text safe for any platform: visible characters, whole ones, and no more than fit."""

from __future__ import annotations

import unicodedata
from typing import Final

TYPED_LIMIT: Final = 3000
"""The longest text that a person may write, in characters. It is the most that Slack lets anyone write into a
field (https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element).
"""

NAME_LIMIT: Final = 80
"""The longest name that is shown, in characters."""

_JOINERS: Final = "\u200c\u200d"
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u17b4\u17b5")  # fillers of Hangul and Khmer, blank Braille
_NO_INK: Final = "\U000e0000"  # from here on, tags and selectors: what is not assigned is ignored when it is shown
_TOKEN_LIMIT: Final = 3000  # characters; Slack's private_metadata is the longest place for one


def clean(text: str) -> str:
    """Remove invisible characters: control, bidirectional, zero-width, and halves of surrogate pairs.

    Line breaks stay, tabs become spaces. What joins two letters of a script that needs it, or keeps them apart, stays:
    without it a name in Persian or Hindi is misspelt.
    """
    text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n").replace("\t", " ")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    kept = "".join(c for c in text if c == "\n" or c in _JOINERS or _visible(c))
    return "".join(c for i, c in enumerate(kept) if c not in _JOINERS or _joins(kept[i - 1 : i], kept[i + 1 : i + 2]))


def _visible(c: str) -> bool:
    return c != "\u034f" and unicodedata.category(c) not in {"Cc", "Cf", "Cs"}


def _joins(before: str, after: str) -> bool:
    """Return whether a joiner between these two characters can be part of a word or an emoji."""
    return all(c > "\u02ff" and unicodedata.category(c)[0] in "LMS" for c in (before, after))


def name(*candidates: object) -> str:
    """Return the first name in which something can be seen, as its owner writes it, or ""; cut to 80 characters."""
    cleaned = (clean(each).replace("\n", " ").strip() for each in candidates if isinstance(each, str))
    return next((each for each in cleaned if any(map(_can_be_seen, each))), "")[:NAME_LIMIT].strip()


def _can_be_seen(c: str) -> bool:
    """Return whether a character shows ink by itself. Some letters and symbols are blank.

    One that Python does not know yet may be of a newer script, or of a hospital's own font.
    """
    known = unicodedata.category(c)
    return (known[0] in "LNPS" and c not in _BLANK) or (known in {"Co", "Cn"} and c < _NO_INK)


def fit(text: str, limit: int) -> str:
    """Clean the text and cut it to `limit` characters, with an ellipsis. A blank one becomes "…": none may be empty."""
    text = clean(text)
    text = text if text.strip() else "…"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def typed(value: object) -> str:
    """Return a person's words from a payload: whole characters only, cut at `TYPED_LIMIT`; "" if it is no text."""
    return value[:TYPED_LIMIT].encode(errors="ignore").decode() if isinstance(value, str) else ""


def token(value: object) -> str:
    """Return a button's token from a payload, or "" if it cannot be one of ours: printable ASCII of limited length."""
    usable = isinstance(value, str) and len(value) <= _TOKEN_LIMIT and value.isascii() and value.isprintable()
    return str(value) if usable else ""
