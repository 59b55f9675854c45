"""The pictures of the README, made by playing what they show: python -m tests.playground.screenshots [FOLDER]."""

from __future__ import annotations

import asyncio
import base64
import struct
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser

from bot.playground.web.server import playing
from tests.playground import browser
from tests.playground.browser import Hands

FOLDER = browser.ROOT / "docs/pictures"
SIZE = {"width": 1200, "height": 760}
LARGEST = 150 * 1000  # bytes of a picture that a README may show


async def asking(me: Hands) -> None:
    """Two taps after the command."""
    await me.types("Ana", "/peersupport")
    await me.presses("Ana", "Talk to someone soon")
    await me.presses("Ana", "Ask now")
    await me.reads("Ana", "Thank you for asking.")


async def an_offer(me: Hands) -> None:
    """A peer says yes, and Ana decides."""
    await me.presses("Cy", "Yes, I can")
    await me.reads("Ana", "You're still unnamed.")


async def together(me: Hands) -> None:
    """And who can read what."""
    await me.presses("Ana", "Share my name and connect")
    await me.reads("Ana", "Cy knows your name")
    await me.messages("Ana").last.get_by_role("button", name="Who can read this?").click()


async def a_check_in(me: Hands) -> None:
    """A day later."""
    await me.looks("Stored")
    for _ in range(2):
        await me.pushes("+1 h")
    await me.presses("Cy", "We have talked")
    await me.pushes("+24 h")
    await me.reads("Ana", "How are things since yesterday?")


async def forgotten(me: Hands) -> None:
    """After all that was promised has been done."""
    await me.presses("Ana", "Okay for now")
    await me.reads("Ana", "We're here if that changes.")
    await me.presses("Ana", "Close")
    await me.reads("Ana", "We've closed this.")
    await me.until_nothing_is_due()


MOMENTS = {
    "asking": asking,
    "an-offer": an_offer,
    "together": together,
    "a-check-in": a_check_in,
    "forgotten": forgotten,
}


# ---------------------------------------------------------------- small pictures

FEW_COLOURS = """async (png) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const pixels = Uint32Array.from({ length: width * height }, (_, n) =>
    (data[4 * n] << 16) | (data[4 * n + 1] << 8) | data[4 * n + 2]);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 256);
  const far = (a, b) => parts(a).reduce((sum, part, n) => sum + (part - parts(b)[n]) ** 2, 0);
  const nearest = (colour) => palette.reduce(
    (best, each, n) => (far(each, colour) < far(palette[best], colour) ? n : best), 0);
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(colour)]));
  const line = Array.from(pixels, (pixel) => String.fromCharCode(places.get(pixel))).join("");
  return { width, height, palette: palette.flatMap(parts), pixels: btoa(line) };
}"""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


async def small(chromium: Browser, picture: bytes) -> bytes:
    """The same picture in the 256 colours it uses most, at a third of its size."""
    page = await chromium.new_page()
    drawn = await page.evaluate(FEW_COLOURS, base64.b64encode(picture).decode())
    await page.close()
    width, height, pixels = drawn["width"], drawn["height"], base64.b64decode(drawn["pixels"])
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # eight bits a pixel, of a palette
    chunks = {b"IHDR": head, b"PLTE": bytes(drawn["palette"]), b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks.items())


async def taken() -> AsyncIterator[tuple[str, bytes]]:
    """Every moment, by its name."""
    async with (
        browser.chromium() as chromium,
        playing(0) as address,
        browser.opened(chromium, address, viewport=SIZE, reduced_motion="reduce", color_scheme="light") as me,
    ):
        for name, moment in MOMENTS.items():
            await moment(me)
            await me.comes_to("Ana")
            await me.page.mouse.move(0, 0)
            yield name, await small(chromium, await me.page.screenshot(animations="disabled", caret="hide"))


async def main() -> dict[str, bytes]:
    return {name: picture async for name, picture in taken()}


if __name__ == "__main__":
    if browser.installed() is None:
        sys.exit("no Chromium found: apt-get install chromium")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in asyncio.run(main()).items():
        if len(picture) > LARGEST:
            sys.exit(f"{name}.png has {len(picture) // 1000} kB")
        (folder / f"{name}.png").write_bytes(picture)
