"""What gets lost on the way: the page goes on by itself, and says what it lacks.

A browser ends all its connections when an address of its machine changes (Chromium's
ERR_NETWORK_CHANGED): on a node, whenever a tunnel or a container comes or goes.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab import eventually
from tests.page.chromium import context
from tests.page.conftest import Open
from tests.page.desk import Desk
from tests.page.stories import Story, three
from tests.page.test_live import STATUS, answers, turn

ALWAYS = 10**6
PING = "/favicon.svg"  # what is asked for until it comes
LISTEN = """() => {
  window.said = [];
  const verdict = document.querySelector("#verdict");
  const note = () => window.said.push(verdict.textContent);
  new MutationObserver(note).observe(verdict, { subtree: true, characterData: true });
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Of which nothing is expected yet."""
    window = context(browser)
    yield window.new_page()
    window.close()


@pytest.mark.parametrize("part", ["/times.js", "/tables.css"])
def test_a_part_that_didnt_come_is_asked_for_again(show: Open, desk: Desk, part: str) -> None:
    desk.loses[part] = 1
    page = show("three")
    expect(page.locator("#verdict")).to_contain_text("In sync since")
    expect(page.get_by_role("table", name="Tunnels")).to_have_css("display", "block")


def test_it_says_so_and_waits_for_vxland(page: Page, desk: Desk) -> None:
    desk.loses["/times.js"] = desk.loses[PING] = ALWAYS
    page.goto(desk.address)
    expect(page.locator("#verdict")).to_have_text("Asking vxland…")
    expect(page.locator("#rest")).to_have_text(
        "A part of this page didn't come. It is asked for again every 2 s."
    )
    page.evaluate("window.same = true")
    asked = desk.asked[PING]
    eventually(lambda: turn(page) and desk.asked[PING] > asked, "it is asked again")
    assert page.evaluate("window.same")  # not the browser's own words where nothing answers
    desk.loses.clear()
    expect(page.locator("#verdict")).to_contain_text("In sync since")


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
