"""What the playground's page costs whoever opens it: python -m bench.page. Needs Chromium.

First paint: a browser that has nothing of it yet, on the loopback; the playground runs in this process. A press: from
the click until what it changed is drawn, against what it takes until the playground has answered. Medians of rounds.
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
import sys

from bench.goals import Goal, missed
from bot.playground.web.server import page_files, playing
from tests.playground import browser

ROUNDS = 9
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
PRESSED = """async (label) => {
  const button = [...document.querySelectorAll("article button")].findLast((each) => each.textContent === label);
  const began = performance.now();
  const seen = (node, what) => new Promise((done) => new MutationObserver((changes, watch) => {
    watch.disconnect();
    done(performance.now() - began);
  }).observe(node, what));
  button.click();
  const card = button.closest("[aria-busy=true]");
  const answered = seen(card, { attributes: true });
  await seen(button.closest("[role=log]"), { childList: true });
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const shown = performance.now() - began;
  return [shown, await answered];
}"""


async def measure() -> tuple[list[float], list[float], list[float]]:
    """Milliseconds until the first paint, until a press was drawn, and until it was answered."""
    paints, drawn, answered = [], [], []
    async with browser.chromium() as chromium:
        for number in range(ROUNDS + 1):
            async with playing(0) as address, browser.opened(chromium, address) as me:
                await me.page.wait_for_function(f"() => {PAINTED} > 0")
                paint = await me.page.evaluate(PAINTED)
                await me.types("Ana", "/peersupport")
                await me.button("Ana", "Talk to someone soon").wait_for()
                press, answer = await me.page.evaluate(PRESSED, "Talk to someone soon")
            if number:  # the first round warms up
                paints.append(paint)
                drawn.append(press)
                answered.append(answer)
    return paints, drawn, answered


def main() -> int:
    if browser.installed() is None:
        print("not measured: the page (no Chromium found): apt-get install chromium")
        return 0
    paints, drawn, answered = asyncio.run(measure())
    size = sum(len(gzip.compress(path.read_bytes())) for path in page_files().values())
    print(f"{'first paint':52}{statistics.median(paints):8.0f} ms")
    print(f"{'a press, until it is drawn':52}{statistics.median(drawn):8.0f} ms")
    print(f"{'a press, until it is answered':52}{statistics.median(answered):8.0f} ms")
    return missed(
        [
            Goal("first paint, seconds", statistics.median(paints) / 1e3, 1),
            Goal("the page, compressed, kB", size / 1e3, 40),
            Goal("a press, until it is drawn, seconds", statistics.median(drawn) / 1e3, 0.1),
        ]
    )


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
