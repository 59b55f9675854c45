"""What may stand in a text on any platform: what can be seen, and no more of it than fits."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    """Without what cannot be seen: control, bidi, zero-width, and halves of characters. Line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n").replace("\t", " ")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c for c in text if c == "\n" or _visible(c))


def _visible(c: str) -> bool:
    return c != "\u034f" and unicodedata.category(c) not in {"Cc", "Cf", "Cs"}


def short(text: str, limit: int) -> str:
    """At most so many characters, never none: a platform refuses an empty text."""
    text = text if text.strip() else "…"
    return text if len(text) <= limit else text[: limit - 1] + "…"
