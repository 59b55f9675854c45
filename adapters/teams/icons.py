"""The two icons of the app, drawn here: two speech bubbles, one before the other. Pure, and always the same bytes.

A shape is a function from a point to its distance from the edge, negative inside, so that an edge can be drawn softly.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from math import hypot
from typing import Final

Colour = tuple[int, int, int, int]  # red, green, blue, opacity; each 0 to 255
Shape = Callable[[float, float], float]

ACCENT: Final = "#2c4a5a"

_GROUND: Final[Colour] = (0x2C, 0x4A, 0x5A, 255)
_FIRST: Final[Colour] = (0x8F, 0xB8, 0xC4, 255)
_SECOND: Final[Colour] = (0xF4, 0xEC, 0xE0, 255)
_WHITE: Final = (255, 255, 255)


def colour() -> bytes:
    """192 by 192, with a ground of its own; Teams rounds its corners."""
    behind, before = _bubbles(192)

    def at(x: float, y: float) -> Colour:
        seen = _over(_GROUND, _FIRST, _inside(behind(x, y)))
        seen = _over(seen, _GROUND, _inside(before(x, y) - 5))  # the air between the two
        return _over(seen, _SECOND, _inside(before(x, y)))

    return _png(192, at)


def outline() -> bytes:
    """32 by 32, white lines on nothing."""
    behind, before = _bubbles(32, around=1.5)

    def at(x: float, y: float) -> Colour:
        first, second = behind(x, y), before(x, y)
        seen = _line(first) * (1 - _inside(second - 1.6))
        return (*_WHITE, round(255 * max(seen, _line(second))))

    return _png(32, at)


def _bubbles(size: int, around: float = 1.0) -> tuple[Shape, Shape]:
    """The one behind and the one before, in a square of this size. `around` makes them fill more of it."""
    scale = size / 192 * around

    def placed(shape: Shape) -> Shape:
        return lambda x, y: scale * shape((x - size / 2) / scale, (y - size / 2) / scale)

    behind = _either(_circle(-19, -14, 31), _corner((-44, -6), (-48, 27), (-14, 12)))
    before = _either(_circle(19, 8, 31), _corner((14, 34), (48, 49), (44, 16)))
    return placed(behind), placed(before)


def _circle(x0: float, y0: float, radius: float) -> Shape:
    return lambda x, y: hypot(x - x0, y - y0) - radius


def _corner(*points: tuple[float, float]) -> Shape:
    """A triangle, its points named so that the inside lies to the left of each side on a screen."""
    sides = list(zip(points, points[1:] + points[:1], strict=True))

    def distance(x: float, y: float) -> float:
        return max(
            ((y - y1) * (x2 - x1) - (x - x1) * (y2 - y1)) / hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in sides
        )

    return distance


def _either(*shapes: Shape) -> Shape:
    return lambda x, y: min(shape(x, y) for shape in shapes)


def _inside(distance: float) -> float:
    """How much of a pixel lies within, from its middle's distance."""
    return min(1.0, max(0.0, 0.5 - distance))


def _line(distance: float) -> float:
    """How much of a pixel a line along the edge covers, about a pixel and a half wide."""
    return _inside(abs(distance + 0.5) - 0.8)


def _over(below: Colour, above: Colour, share: float) -> Colour:
    red, green, blue, opacity = (round(b + (a - b) * share) for b, a in zip(below, above, strict=True))
    return red, green, blue, opacity


def _png(size: int, at: Callable[[float, float], Colour]) -> bytes:
    rows = (bytes(value for x in range(size) for value in at(x + 0.5, y + 0.5)) for y in range(size))
    lines = b"".join(b"\0" + row for row in rows)  # each begins with how it is filtered: not at all
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)  # eight bits each of red, green, blue and opacity
    chunks: Iterable[tuple[bytes, bytes]] = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
