"""What a button means, and how that fits into the bytes that a platform lets a button carry.

Slack accepts 255 characters in an action id (https://docs.slack.dev/reference/block-kit/block-elements/button-element),
so a packed token has one of two sizes, of which the larger becomes 252 characters of base64 once it is encrypted. Every
choice takes up the same room, so that the length of a token says nothing about its choice.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

_GENERATION: Final = struct.Struct(">I")
_SIZES: Final = (96, 160)  # bytes; encrypted and in base64, 160 become 252 characters
_MIN_CHOICE_BYTES: Final = 40
_MAX_PART_BYTES: Final = 255  # one byte holds the length
_HEX, _TEXT = 1, 0  # how the record's id is packed


@dataclass(frozen=True, slots=True)
class ButtonToken:
    """What a button stands for: `choice`, on the `generation`-th card of `slot`, about the record `record_id`."""

    record_id: str = field(repr=False)
    slot: str = field(repr=False)
    generation: int
    choice: str = field(repr=False)


def pack_token(token: ButtonToken) -> bytes:
    """Pack a token into 96 or 160 bytes; an id of hexadecimal digits takes half its length.

    Raises:
        ValueError: It does not fit.
    """
    try:
        form, name = _HEX, bytes.fromhex(token.record_id)
        if name.hex() != token.record_id:
            form, name = _TEXT, token.record_id.encode()
    except ValueError:
        form, name = _TEXT, token.record_id.encode()
    parts = (name, token.slot.encode(), token.choice.encode())
    if max(map(len, parts)) > _MAX_PART_BYTES:
        raise ValueError("A button cannot carry this: a part of its token is too long.")
    plain = bytes((form,)) + _GENERATION.pack(token.generation) + b"".join(bytes((len(part),)) + part for part in parts)
    needed = len(plain) - len(parts[2]) + max(len(parts[2]), _MIN_CHOICE_BYTES)
    for size in _SIZES:
        if needed <= size:
            return plain.ljust(size, b"\0")
    raise ValueError("A button cannot carry this: its token would not fit a platform's limit.")


def unpack_token(plain: bytes) -> ButtonToken:
    """Return the token of which `pack_token` made these bytes."""
    form, (generation,) = plain[0], _GENERATION.unpack_from(plain, 1)
    parts, at = [], 1 + _GENERATION.size
    for _ in range(3):
        length = plain[at]
        parts.append(plain[at + 1 : at + 1 + length])
        at += 1 + length
    name = parts[0].hex() if form == _HEX else parts[0].decode()
    return ButtonToken(name, parts[1].decode(), generation, parts[2].decode())
