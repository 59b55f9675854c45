"""A person at the playground: a real browser, the page in it, and hands that find things by what they are called.

The browser is the system's; PEERSUPPORT_BROWSER names another. What judges the page comes from npm: .ci/page-judges.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, async_playwright, expect

from tests.running.not_run import not_run

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
CAST = ("Ana", "Bo", "Cy", "Eli", "Dana")
JUDGES = {
    "axe-core": "axe.min.js",
    "adaptivecards": "dist/adaptivecards.js",
    "markdown-it": "dist/markdown-it.min.js",
}
PATIENCE = 60_000  # milliseconds until a test gives up; nothing waits that long
DESK = {"width": 1600, "height": 950}
PHONE = {"width": 360, "height": 740}
expect.set_options(timeout=PATIENCE)
NOTICED = (
    "document.addEventListener('securitypolicyviolation', (e) => console.error(`refused: ${e.violatedDirective}`))"
)


# ---------------------------------------------------------------- what is needed


def installed() -> str | None:
    """Where the browser is."""
    return os.environ.get("PEERSUPPORT_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def program() -> str:
    """The browser. Skips whoever asks where there is none."""
    found = installed()
    if found is None:
        not_run("Chromium", "apt-get install chromium npm, .ci/page-judges")
    return str(found)


def judge(package: str) -> str:
    """The source of something from npm that judges the page. Skips whoever asks where it was not fetched."""
    folder = Path(os.environ.get("PEERSUPPORT_NPM") or ROOT / ".cache/npm")
    file = folder / "node_modules" / package / JUDGES[package]
    if not file.is_file():
        not_run("what npm brings (axe-core, adaptivecards)", "apt-get install npm, .ci/page-judges")
    return file.read_text("utf-8")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser. In a container it is root's, who may not use Chromium's own sandbox."""
    path = program()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


# ---------------------------------------------------------------- what must not happen


@dataclass  # with no slots: Playwright leaves a note at whoever listens
class Complaints:
    """What a page complained of, and whom it asked that is not this machine."""

    of: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)  # words of what is expected, before and from now on

    def watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.of.append(str(error)))
        page.on("request", self._asked)

    def forgive(self, words: str) -> None:
        self.forgiven.append(words)
        self.of = [each for each in self.of if words not in each]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in self.forgiven):
            self.of.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.of.append(f"asked {request.url}")


@asynccontextmanager
async def opened(browser: Browser, address: str, *scripts: str, **context: object) -> AsyncIterator[Hands]:
    """The page at this address, in a browser that remembers nothing. In the end, nothing was complained of.

    With `scripts` of others, which our policy would refuse, the policy is put aside.
    """
    wanted: dict[str, object] = {
        "viewport": DESK,
        "locale": "en-US",
        "bypass_csp": bool(scripts),
        "permissions": ["clipboard-read", "clipboard-write"],
    }
    room = await browser.new_context(**(wanted | context))  # type: ignore[arg-type]
    complaints = Complaints()
    try:
        for script in (NOTICED, *scripts):
            await room.add_init_script(script)
        page = await room.new_page()
        page.set_default_timeout(PATIENCE)
        complaints.watch(page)
        await page.goto(address)
        hands = Hands(page, complaints)
        await expect(hands.pane("Ana")).to_be_attached()
        yield hands
    finally:
        await room.close()
    assert complaints.of == [], complaints.of


# ---------------------------------------------------------------- what a person does and sees


@dataclass(frozen=True, slots=True)
class Hands:
    """One person who plays everybody."""

    page: Page
    complaints: Complaints

    def pane(self, who: str) -> Locator:
        return self.page.get_by_role("region", name=who, exact=True, include_hidden=True)

    def messages(self, who: str) -> Locator:
        return self.pane(who).get_by_role("article")

    def button(self, who: str, label: str) -> Locator:
        """Where it stands last: on the newest message, or on the form in front of them."""
        places = self.pane(who).locator("article, [role=dialog]")
        return places.get_by_role("button", name=label, exact=True).last

    def face(self, who: str) -> Locator:
        """The button that brings them to the front, where not everybody fits."""
        return self.page.get_by_role("navigation", name="People").get_by_role("button", name=re.compile(rf"^{who}\b"))

    async def comes_to(self, who: str) -> None:
        if await self.face(who).is_visible():
            await self.face(who).click()
        await expect(self.pane(who)).to_be_in_viewport()

    async def command(self, who: str) -> str:
        """As their app tells them."""
        line = self.pane(who).get_by_role("textbox", name="Write to the bot")
        return (await line.get_attribute("placeholder") or "").removeprefix("Type ")

    async def types(self, who: str, text: str) -> None:
        line = self.pane(who).get_by_role("textbox", name="Write to the bot")
        await line.fill(text)
        await line.press("Enter")

    async def presses(self, who: str, label: str) -> None:
        await self.button(who, label).click()

    async def writes(self, who: str, text: str) -> None:
        """Into the form in front of them, or on the newest card."""
        places = self.pane(who).locator("article, [role=dialog]")
        await places.get_by_role("textbox").last.fill(text)

    async def reads(self, who: str, words: str) -> None:
        await expect(self.messages(who).filter(has_text=words).last).to_be_attached()

    async def reads_a_form(self, who: str, words: str) -> None:
        """A card in Teams, a window in Slack."""
        places = self.pane(who).locator("article, [role=dialog]")
        await expect(places.filter(has_text=words).last).to_be_visible()

    async def moves(self, who: str, platform: str) -> None:
        """To another platform's app; whatever happened so far is given up."""
        chats_in = self.pane(who).get_by_label("Chats in")
        if await chats_in.input_value() == platform:
            return
        await chats_in.select_option(platform)
        moved = self.page.locator(f"section.{platform}").get_by_role("heading", name=who, include_hidden=True)
        await self.is_sure_or(moved)

    async def is_sure_or(self, done: Locator) -> None:
        """Where it is asked whether to start over: yes."""
        sure = self.page.get_by_role("dialog").get_by_role("button", name="Start over")
        await expect(sure.or_(done).first).to_be_visible()
        if await sure.is_visible():
            await sure.click()
        await expect(done).to_be_visible()

    async def pushes(self, name: str) -> None:
        """The clock, by one of its buttons."""
        clock = self.page.locator("#now")
        was = await clock.get_attribute("datetime")
        await self.page.get_by_role("region", name="Clock").get_by_role("button", name=name).click()
        await expect(clock).not_to_have_attribute("datetime", was or "")

    async def looks(self, tab: str) -> Locator:
        """Behind the chats."""
        shown = self.page.get_by_role("tab", name=tab, exact=True)
        if await shown.get_attribute("aria-selected") != "true":
            await shown.click()
        return self.page.get_by_role("tabpanel", name=tab, exact=True)

    async def until_nothing_is_due(self) -> None:
        due = self.page.locator("#next")
        while await due.is_enabled():
            await self.pushes("Next due")

    async def picks(self, where: Locator, label: str) -> None:
        """A tick or a dot in a panel; it is done once the playground says so."""
        async with self.page.expect_response("**/do"):
            await where.get_by_label(label, exact=True).check()

    async def copies(self) -> str:
        """What was done so far, by way of the clipboard."""
        await self.page.get_by_role("button", name="Copy as .chat").click()
        await expect(self.page.get_by_text("Copied.")).to_be_visible()
        return str(await self.page.evaluate("navigator.clipboard.readText()"))

    async def stored(self) -> list[str]:
        """The kinds of what is stored."""
        panel = await self.looks("Stored")
        kinds = panel.locator("dt", has_text="kind").locator("xpath=following-sibling::dd[1]")
        return [await kind.inner_text() for kind in await kinds.all()]
