"""What gets lost on the way: the page goes on by itself, and says what it lacks.

A browser ends all its connections when an address of its machine changes (Chromium's
ERR_NETWORK_CHANGED): on a node, whenever a tunnel or a container comes or goes.
"""

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab import eventually
from tests.page.chromium import context
from tests.page.conftest import Open
from tests.page.desk import Desk
from tests.page.stories import Story, three
from tests.page.test_live import STATUS, answers, stop_clock, turn

ALWAYS = 10**6
PING = "/favicon.svg"  # what is asked for until it comes
LISTEN = """() => {
  window.said = [];
  const verdict = document.querySelector("#verdict");
  const note = () => window.said.push(verdict.textContent);
  new MutationObserver(note).observe(verdict, { subtree: true, characterData: true });
}"""
LOOK = """(seen) => {
  Object.defineProperty(document, "hidden", { value: !seen, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def asked_again(page: Page, desk: Desk, part: str, before: int) -> bool:
    """Whether it was asked for more often than before."""
    return turn(page) and desk.asked[part] > before


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Of which nothing is expected yet."""
    window = context(browser)
    yield window.new_page()
    window.close()


def waits(page: Page, pause: int) -> None:
    """Until the page says so."""
    expect(page.locator("#rest")).to_have_text(
        f"A part of this page didn't come. It is asked for again in {pause} s."
    )


@pytest.mark.parametrize("part", ["/times.js", "/tables.css"])
def test_a_part_that_didnt_come_is_asked_for_again(show: Open, desk: Desk, part: str) -> None:
    desk.loses[part] = 1
    page = show("three")
    expect(page.locator("#verdict")).to_contain_text("In sync since")
    expect(page.get_by_role("table", name="Tunnels")).to_have_css("display", "block")


@pytest.mark.parametrize("status", [None, HTTPStatus.BAD_GATEWAY])
def test_it_says_so_and_waits_for_vxland(page: Page, desk: Desk, status: HTTPStatus | None) -> None:
    """Nobody answers, or somebody in between does: neither is vxland. Nor is asked while hidden."""
    desk.loses["/times.js"] = desk.loses[PING] = ALWAYS
    desk.instead = status
    asked: list[str] = []  # as what: the browser itself asks once, for the icon
    page.on("request", lambda request: asked.append(request.resource_type))
    page.clock.install()
    stop_clock(page)
    page.goto(desk.address)
    expect(page.locator("#verdict")).to_have_text("Asking vxland…")
    page.evaluate("window.same = true")
    page.evaluate(LOOK, arg=False)
    waits(page, 2)
    page.clock.run_for(60_000)
    assert "fetch" not in asked
    page.evaluate(LOOK, arg=True)
    waits(page, 4)
    page.clock.run_for(4_000)
    waits(page, 8)
    assert asked.count("fetch") == 2
    assert page.evaluate("window.same")  # not the browser's own words where nothing answers
    desk.loses.clear()
    page.clock.run_for(8_000)
    expect(page.locator("#verdict")).to_contain_text("In sync since")


def test_what_never_comes_is_asked_for_ever_less(page: Page, desk: Desk) -> None:
    """Each pause is twice the last, up to a minute; once all has come, it begins anew."""
    part = "/times.js"
    desk.loses[part] = ALWAYS
    page.clock.install()
    stop_clock(page)
    page.goto(desk.address)
    for pause in (2, 4, 8, 16, 32, 60):
        waits(page, pause)
        asked = desk.asked[part]
        page.clock.run_for(pause * 1_000)
        eventually(partial(asked_again, page, desk, part, asked), "it is asked for")
    waits(page, 60)
    desk.loses.clear()
    page.clock.run_for(60_000)
    expect(page.locator("#verdict")).to_contain_text("In sync since")
    eventually(lambda: page.evaluate("history.state") is None, "the next pause is short")


@pytest.mark.parametrize("half", [False, True])
def test_one_lost_answer_is_no_news(show: Open, desk: Desk, *, half: bool) -> None:
    page = show("three")
    page.evaluate(LISTEN)
    desk.halves = half
    desk.loses[STATUS] = 1
    eventually(lambda: turn(page) and desk.loses[STATUS] == 0, "it is lost")
    answers(desk, page)
    assert [words for words in page.evaluate("said") if "In sync since" not in words] == []


def test_what_the_page_cant_show_is_told(page: Page, desk: Desk) -> None:
    told = []
    page.on("console", lambda message: told.append(message.type))
    desk.story = Story(three().status | {"problems": None})
    page.goto(desk.address)
    expect(page.locator("#verdict")).to_have_text("This page can't show what vxland says")
    expect(page.locator("#rest")).to_contain_text("A fault of its own: TypeError: ")
    assert "error" in told
    desk.story = three()
    expect(page.locator("#verdict")).to_contain_text("In sync since")
