"""The playground as a person meets it: in a real browser, by what stands on the screen."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from bot.playground.chat_script import perform
from bot.playground.web.server import playing
from tests.playground import browser
from tests.playground.browser import CAST, DESK, PHONE, ROOT, Hands, opened
from tests.running.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 100  # presses of Tab; nobody has that patience
SLACK, TEAMS = dict.fromkeys(CAST, "slack"), dict.fromkeys(CAST, "teams")
MIXED = SLACK | {"Cy": "teams", "Dana": "teams"}
skins = pytest.mark.parametrize("skins", [SLACK, TEAMS, MIXED], ids=["in Slack", "in Teams", "mixed"])


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="chromium")
async def one_browser():
    async with browser.chromium() as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="module", name="address")
async def a_playground():
    async with playing(0) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module", name="me")
async def somebody_at_the_page(chromium: Browser, address: str):
    """Whatever they do, nothing is complained of in the console, and nothing is asked of another machine."""
    async with opened(chromium, address) as me:
        yield me


# ---------------------------------------------------------------- the story, by hand


async def ask(me: Hands) -> None:
    await me.types("Ana", await me.command("Ana"))
    await me.presses("Ana", "Talk to someone soon")
    await me.presses("Ana", "Ask now")
    await me.reads("Ana", "Thank you for asking.")


async def find_a_peer(me: Hands) -> None:
    await ask(me)
    await me.presses("Cy", "Yes, I can")
    await me.reads("Ana", "You're still unnamed.")


async def end(me: Hands, folder: Path) -> None:
    """Until nothing about it is left; and what was copied of it is a dialogue that passes."""
    await me.presses("Ana", "Close")
    await me.reads("Ana", "We've closed this.")
    await me.until_nothing_is_due()
    assert "support" not in await me.stored()
    copied = folder / "copied.chat"
    copied.write_text(await me.copies(), "utf-8")
    told: list[str] = []
    assert await asyncio.to_thread(perform, copied, told.append), told[-1]


@skins
async def test_a_request_is_accompanied_to_its_end_and_then_nothing_about_it_is_stored(
    me: Hands, skins: dict[str, str], tmp_path: Path
):
    for who, platform in skins.items():
        await me.moves(who, platform)
    await find_a_peer(me)
    assert "support" in await me.stored()
    await me.presses("Ana", "Share my name and connect")
    await me.reads("Ana", "Cy knows your name")
    await me.reads("Cy", "Ana would like to talk with you.")
    await me.presses("Cy", "I'm worried")
    await me.reads("Cy", "Call the on-call person now")
    await me.presses("Dana", "I'm on it")
    await me.reads("Cy", "Dana has seen this")
    await me.pushes("+1 h")
    await me.pushes("+1 h")
    await me.presses("Cy", "We have talked")
    await me.reads("Cy", "Thank you for being there.")
    await me.pushes("+24 h")
    await me.reads("Ana", "How are things since yesterday?")
    await me.presses("Ana", "Okay for now")
    await me.reads("Ana", "We're here if that changes.")
    await end(me, tmp_path)


@skins
async def test_two_who_write_unnamed_read_each_other_s_lines(me: Hands, skins: dict[str, str], tmp_path: Path):
    for who, platform in skins.items():
        await me.moves(who, platform)
    await find_a_peer(me)
    await me.presses("Ana", "Stay unnamed and write here")
    await me.reads("Cy", "You can write with")
    for writer, reader, line in (("Ana", "Cy", "It has been a long week."), ("Cy", "Ana", "I'm here.")):
        await me.presses(writer, "Write")
        await me.reads_a_form(writer, "What you write here is passed on")
        await me.writes(writer, line)
        await me.presses(writer, "Send")
        await me.reads(reader, f"writes:{line}")
    await end(me, tmp_path)


# ---------------------------------------------------------------- who cannot, or would rather not, use a mouse


@pytest.mark.parametrize("skin", ["slack", "teams"])
async def test_two_taps_from_the_command_until_colleagues_are_asked_without_a_mouse(me: Hands, skin: str):
    await me.moves("Ana", skin)
    keys = me.page.keyboard
    await tab_to(me, me.pane("Ana").get_by_role("textbox", name="Write to the bot"))
    await keys.type(await me.command("Ana"))
    await keys.press("Enter")
    await expect(me.button("Ana", "Talk to someone soon")).to_be_visible()
    await tab_to(me, me.button("Ana", "Talk to someone soon"), "Shift+Tab")
    await keys.press("Enter")
    await expect(me.button("Ana", "Ask now")).to_be_visible()
    await tab_to(me, me.button("Ana", "Ask now"))
    await keys.press("Enter")
    await me.reads("Ana", "Thank you for asking.")


async def tab_to(me: Hands, wanted: Locator, key: str = "Tab") -> None:
    for _ in range(MANY):
        if await wanted.evaluate("(node) => node === document.activeElement"):
            return
        await me.page.keyboard.press(key)
    pytest.fail(f"no keyboard gets to {wanted}")


async def test_what_was_opened_by_keyboard_is_closed_by_escape_and_leaves_one_where_one_was(me: Hands):
    tab, drawer = me.page.get_by_role("tab", name="Stored"), me.page.get_by_role("complementary")
    await me.page.get_by_role("tab", name="Who can read").focus()
    await me.page.keyboard.press("ArrowRight")
    await me.page.keyboard.press("Enter")
    await expect(drawer).to_be_visible()
    await tab_to(me, drawer.get_by_role("button", name="Close"))
    await me.page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(tab).to_be_focused()


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
async def test_a_card_that_changes_moves_only_for_those_who_like_that(
    chromium: Browser, address: str, motion: str, moves: bool
):
    async with opened(chromium, address, reduced_motion=motion) as me:
        await me.page.evaluate("""() => {
            window.moved = [];
            for (const kind of ["animationstart", "transitionrun"]) {
                document.addEventListener(kind, (event) => window.moved.push(event.target.className), true);
            }
        }""")
        await find_a_peer(me)
        await me.presses("Ana", "Share my name and connect")
        await me.reads("Ana", "Cy knows your name")
        if moves:
            await me.page.wait_for_function("window.moved.length > 0")
        else:
            assert await me.page.evaluate("[window.moved.length, document.getAnimations().length]") == [0, 0]


SERIOUS = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""


async def hindered(me: Hands) -> list[str]:
    """By what somebody is hindered who reads with a screen reader, a keyboard, or tired eyes."""
    found: list[str] = await me.page.evaluate(SERIOUS)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("size", "skin"), [(DESK, "slack"), (PHONE, "teams")], ids=["at a desk, in Slack", "on a phone, in Teams"]
)
async def test_nobody_is_hindered(chromium: Browser, address: str, scheme: str, size: dict[str, int], skin: str):
    """axe-core finds nothing serious or critical, wherever one looks."""
    async with opened(chromium, address, browser.judge("axe-core"), color_scheme=scheme, viewport=size) as me:
        await me.moves("Ana", skin)
        found = {"at first": await hindered(me)}
        await me.types("Ana", "/peersupport")
        await me.presses("Ana", "Talk to someone soon")
        await me.presses("Ana", "Choose more")
        await expect(me.button("Ana", "Ask")).to_be_visible()
        found["with questions"] = await hindered(me)
        await me.presses("Ana", "Ask")
        await me.comes_to("Cy")
        await me.presses("Cy", "Yes, I can")
        await me.comes_to("Ana")
        async with me.page.expect_response(lambda answer: answer.request.method == "POST"):  # the old card goes
            await me.presses("Ana", "Stay unnamed and write here")
        await me.presses("Ana", "Write")
        await me.reads_a_form("Ana", "What you write here is passed on")
        found["with a form"] = await hindered(me)
        if skin == "slack":
            await me.presses("Ana", "Cancel")
            await me.pane("Ana").get_by_role("tab", name="Home").click()
            await expect(
                me.pane("Ana").get_by_role("tabpanel", name="Home").get_by_role("button").first
            ).to_be_visible()
            found["Home"] = await hindered(me)
            await me.pane("Ana").get_by_role("tab", name="Messages").click()
        await me.messages("Ana").last.get_by_role("button", name="Who can read this?").click()
        await expect(me.page.get_by_role("tabpanel", name="Who can read")).to_contain_text("A lock screen shows only")
        for tab in ("Who can read", "Stored", "Stories", "Faults", "Inspector"):
            panel = await me.looks(tab)
            await expect(panel).to_be_visible()
            found[tab] = await hindered(me)
        await (await me.looks("Inspector")).locator("summary").first.click()
        found["a step of the inspector"] = await hindered(me)
        await me.page.get_by_role("complementary").get_by_role("button", name="Close").click()
        await me.page.get_by_text("Coming up").click()
        found["what is coming up"] = await hindered(me)
    assert {where: what for where, what in found.items() if what} == {}


# ---------------------------------------------------------------- a phone


async def fits(me: Hands) -> bool:
    return bool(await me.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def test_a_phone_shows_one_person_at_a_time_and_marks_what_is_new_with_the_others(
    chromium: Browser, address: str
):
    async with opened(chromium, address, viewport=PHONE, is_mobile=True, has_touch=True) as me:
        face = me.face
        await expect(me.pane("Ana")).to_be_visible()
        for who in CAST[1:]:
            await expect(me.pane(who)).not_to_be_in_viewport()
        assert await fits(me)
        await ask(me)
        assert await fits(me)
        await expect(face("Cy")).to_contain_text("1")
        await me.comes_to("Cy")
        await expect(me.pane("Cy")).to_be_in_viewport()
        await expect(me.pane("Ana")).not_to_be_in_viewport()
        await expect(face("Cy")).not_to_contain_text("1")
        await me.presses("Cy", "Yes, I can")
        await expect(face("Ana")).to_contain_text("new")  # one card or two: her card may still change before the next
        assert await fits(me)
        for tab in ("Who can read", "Stored", "Stories", "Faults", "Inspector"):
            await expect(await me.looks(tab)).to_be_visible()
            assert await fits(me), tab


# ---------------------------------------------------------------- what is behind the chats


async def test_the_lens_says_of_a_message_who_can_read_it(me: Hands):
    await find_a_peer(me)
    await me.messages("Cy").last.get_by_role("button", name="Who can read this?").click()
    panel = me.page.get_by_role("tabpanel", name="Who can read")
    await expect(panel.get_by_role("list").get_by_role("listitem")).to_have_count(6)
    await expect(panel).to_contain_text("cannot")
    await expect(panel).to_contain_text("can read it")


async def test_a_story_is_told_in_the_chats_line_by_line(me: Hands):
    panel = await me.looks("Stories")
    await panel.get_by_role("button", name="I am not safe").click()
    step = panel.get_by_role("button", name="Step", exact=True)
    await me.is_sure_or(step)
    lines = panel.get_by_role("list", name="Lines of the story")
    done, told = lines.get_by_text("done", exact=True), 0
    while await step.is_enabled():
        await step.click()
        told += 1
        await expect(done).not_to_have_count(told - 1)
        told = await done.count()
    await expect(lines.get_by_text("differs", exact=True)).to_have_count(0)
    await expect(lines.get_by_text("later", exact=True)).to_have_count(0)
    await me.reads("Ana", "988")


# ---------------------------------------------------------------- what goes wrong on purpose


async def test_what_a_platform_was_too_busy_for_is_said_once_it_is_not(me: Hands):
    teams = (await me.looks("Faults")).get_by_role("group", name="Teams")
    await me.picks(teams, "Too busy (429)")
    await ask(me)
    await me.reads("Bo", "Can you take this?")
    await expect(me.messages("Cy")).to_have_count(0)
    await me.picks(teams, "Works as it should")
    await me.pushes("Next due")
    await me.reads("Cy", "Can you take this?")
    await expect(me.messages("Cy")).to_have_count(1)


COUNTS_PATCHES = """
    window.patches = 0;
    const add = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (kind, hears) {
        return add.call(this, kind, (event) => { window.patches += kind === "patch"; hears(event); });
    };
"""


async def test_a_card_that_changes_under_a_finger_is_not_pressed_where_it_says_something_else(
    chromium: Browser, address: str
):
    async with opened(chromium, address, COUNTS_PATCHES) as me:
        await ask(me)
        await me.button("Ana", "Change my mind").hover()
        await me.page.mouse.down()
        news = await me.page.evaluate("window.patches")
        await me.page.evaluate("document.querySelector('#pushes button:nth-child(2)').click()")
        await me.page.wait_for_function(f"window.patches > {news}")
        await me.page.mouse.up()
        await expect(me.page.locator("#note")).to_contain_text("is not there any more")
        await expect(me.button("Ana", "Change my mind")).to_be_visible()
        me.complaints.forgive("409")


async def test_a_press_that_is_delivered_twice_doubles_nothing(me: Hands, tmp_path: Path):
    await me.picks(await me.looks("Faults"), "Deliver each press twice")
    await find_a_peer(me)
    await me.presses("Ana", "Share my name and connect")
    await me.reads("Cy", "Ana would like to talk with you.")
    for who in CAST:
        shown = await me.messages(who).all_inner_texts()
        assert len(shown) == len(set(shown)), who
    await end(me, tmp_path)


async def test_a_restart_loses_nothing(me: Hands, tmp_path: Path):
    await find_a_peer(me)
    panel = await me.looks("Faults")
    async with me.page.expect_response("**/do"):
        await panel.get_by_role("button", name="Restart the bot").click()
    await me.presses("Ana", "Share my name and connect")
    await me.reads("Cy", "Ana would like to talk with you.")
    await end(me, tmp_path)


async def test_a_page_outlives_its_playground_and_plays_on_with_the_next(chromium: Browser):
    async with AsyncExitStack() as room:
        async with AsyncExitStack() as first:
            address = await first.enter_async_context(playing(0))
            me = await room.enter_async_context(opened(chromium, address))
            await say_hello(me)
            async with asyncio.timeout(10):
                await first.aclose()
        await expect(me.page.get_by_text("The playground has stopped.")).to_be_visible()
        async with playing(urlsplit(address).port or 0):
            await expect(me.page.get_by_text("The playground has stopped.")).to_be_hidden()
            await expect(me.messages("Ana")).to_have_count(0)
            await say_hello(me)
        me.complaints.forgive("net::ERR_CONNECTION_REFUSED")
        me.complaints.forgive("403 (Forbidden)")  # its token was the first one's


async def test_a_page_of_a_playground_that_was_killed_goes_on_with_the_next_by_itself(chromium: Browser):
    """It asks again while the next one is only starting, which must not leave it with half of what there is."""
    async with AsyncExitStack() as room:
        first = await demo()
        address = first[1]
        me = await room.enter_async_context(opened(chromium, address))
        await say_hello(me)
        first[0].kill()
        await first[0].wait()
        await expect(me.page.get_by_text("The playground has stopped.")).to_be_visible()
        again, _ = await demo(urlsplit(address).port or 0)
        room.push_async_callback(ended, again)
        await expect(me.page.get_by_text("The playground has stopped.")).to_be_hidden()
        await expect(me.messages("Ana")).to_have_count(0)
        await say_hello(me)
        for expected in ("net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "403 (Forbidden)"):
            me.complaints.forgive(expected)


async def demo(port: int = 0) -> tuple[asyncio.subprocess.Process, str]:
    """The real command; it, and its address."""
    words = ("-m", "bot", "demo", "--no-browser", "--port", str(port or free_port()))
    out = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stdout=out)
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    return process, next(word for word in said.split() if word.startswith("http"))


async def ended(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.wait()


async def test_a_tab_too_many_is_told_why_and_goes_on_when_another_closes(me: Hands):
    tabs = [await me.page.context.new_page() for _ in range(6)]
    for tab in tabs:
        await tab.goto(me.page.url)
    told = [tab.get_by_text("This playground is open in five other tabs") for tab in tabs]
    await expect(told[-1]).to_be_visible()
    await expect(told[0]).to_be_hidden()
    await say_hello(me)  # the others are not held up
    for tab in tabs[:4]:
        await tab.close()
    await expect(told[-1]).to_be_hidden()
    await expect(tabs[-1].get_by_role("region", name="Ana", exact=True).get_by_role("article")).to_have_count(2)


async def test_what_is_half_filled_in_survives_a_reload_until_it_is_sent(me: Hands):
    await me.pane("Bo").get_by_role("textbox", name="Write to the bot").fill("half a wo")
    await me.types("Ana", await me.command("Ana"))
    await me.presses("Ana", "Offer to be a peer")
    role, nights = (
        me.pane("Ana").get_by_label("My role").last,
        me.pane("Ana").get_by_label("Nights 10 to 8", exact=True),
    )
    await role.select_option("Physician")
    await nights.check()
    await me.page.reload()
    await expect(me.pane("Bo").get_by_role("textbox", name="Write to the bot")).to_have_value("half a wo")
    await expect(nights).to_be_checked()
    await expect(role.locator("option:checked")).to_have_text("Physician")
    await me.presses("Ana", "Next")
    await me.reads("Ana", "I promise")
    await me.page.reload()
    await me.reads("Ana", "I promise")
    await expect(nights).to_have_count(0)


@skins
async def test_a_line_that_is_half_written_in_a_form_survives_a_reload(me: Hands, skins: dict[str, str]):
    for who, platform in skins.items():
        await me.moves(who, platform)
    await find_a_peer(me)
    await me.presses("Ana", "Stay unnamed and write here")
    await me.presses("Ana", "Write")
    await me.reads_a_form("Ana", "What you write here is passed on")
    await me.writes("Ana", "It has been a lo")
    await me.page.reload()
    await me.reads_a_form("Ana", "What you write here is passed on")
    await me.presses("Ana", "Send")
    await me.reads("Cy", "writes:It has been a lo")


async def say_hello(me: Hands) -> None:
    """Until it is answered, and nothing is under way any more."""
    async with me.page.expect_response(lambda response: response.url.endswith("/do") and response.ok):
        await me.types("Ana", "/peersupport")
    await me.reads("Ana", "Would you like to talk with a trained colleague?")


# ---------------------------------------------------------------- starting over


async def test_nothing_is_asked_of_whoever_has_done_nothing(me: Hands):
    await me.pane("Ana").get_by_label("Chats in").select_option("teams")
    await expect(me.page.locator("section.teams").get_by_role("heading", name="Ana", exact=True)).to_be_visible()


async def test_starting_over_is_asked_for_and_then_done(me: Hands):
    await ask(me)
    await me.page.get_by_role("button", name="Start over").click()
    await me.page.get_by_role("button", name="Keep going").click()
    await me.reads("Ana", "Thank you for asking.")
    await me.page.get_by_role("button", name="Start over").click()
    await me.page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    await expect(me.messages("Ana")).to_have_count(0)


@pytest.mark.parametrize("platform", ["slack", "teams"])
async def test_what_began_with_the_button_for_beginners_can_be_copied(me: Hands, platform: str):
    await me.moves("Ana", platform)
    await me.pane("Ana").get_by_role("button", name="peersupport").click()
    await me.reads("Ana", "Would you like to talk with a trained colleague?")
    assert "differs" not in await me.copies()


async def test_a_theme_that_was_chosen_is_still_there_when_the_page_is_loaded_again(me: Hands):
    await me.page.get_by_label("Theme").select_option("dark")
    dark = await me.page.evaluate("getComputedStyle(document.body).backgroundColor")
    await me.page.reload()
    await expect(me.page.get_by_label("Theme")).to_have_value("dark")
    assert await me.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    await me.page.get_by_label("Theme").select_option("light")
    assert await me.page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
