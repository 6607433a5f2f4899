"""The page follows what happens, without reloading, and disturbs nobody who reads it."""

import re
import time

from playwright.sync_api import Page, expect

from tests.lab import eventually
from tests.page.conftest import Open
from tests.page.desk import Desk
from tests.page.samples import about, event, missing
from tests.page.stories import STORIES, Story, broken, three

STATUS = "/api/v1/status"


def answers(desk: Desk, page: Page, count: int = 1) -> None:
    """Wait until so many more answers were shown."""
    wanted = desk.answered[STATUS] + count + 1  # the one after them was asked when they were shown
    eventually(lambda: turn(page) and desk.asked[STATUS] >= wanted, f"{count} more answers")


def turn(page: Page) -> bool:
    page.wait_for_timeout(50)  # the browser's events are heard meanwhile
    return True


def stop_clock(page: Page) -> None:
    """From now on time passes for the page only as a test says."""
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))  # it can't be set back
    page.wait_for_load_state("networkidle")


def observe(page: Page, selector: str = "body") -> None:
    """Count what changes in the document from now on."""
    page.evaluate(
        """(selector) => {
             window.seen = { childList: 0, attributes: 0, characterData: 0 };
             const note = (all) => all.forEach((each) => { window.seen[each.type] += 1; });
             new MutationObserver(note).observe(
               document.querySelector(selector),
               { subtree: true, childList: true, attributes: true, characterData: true });
           }""",
        selector,
    )


def seen(page: Page) -> dict[str, int]:
    counted: dict[str, int] = page.evaluate("window.seen")
    return counted


def test_a_tunnel_breaks_and_comes_back(show: Open, desk: Desk) -> None:
    page = show("three")
    page.evaluate("window.same = true")
    observe(page, "#announcement")
    row = page.get_by_role("table", name="Tunnels").get_by_role("row", name="lxd3")
    line = page.locator('#mesh-frame [data-key="lxd3"]')
    expect(row).to_contain_text("up")

    desk.story = broken()
    expect(page.locator("#verdict")).to_contain_text("1 of 3 tunnels is broken since")
    expect(row).to_contain_text("missing")
    expect(line).to_have_attribute("data-condition", "broken")
    expect(page.get_by_role("status")).to_have_text("1 of 3 tunnels is broken: lan → lxd3")
    answers(desk, page, 2)
    assert seen(page)["characterData"] == 1  # told once

    back = event(8, "resolved", 1, **about("lxd3"), found="the name is free again", seconds=320)
    desk.story = Story(three().status, [*broken().events, back])
    expect(page.locator("#verdict")).to_contain_text("In sync since")
    expect(row).to_contain_text("up")
    expect(line).to_have_attribute("data-condition", "well")
    newest = page.get_by_role("region", name="List of events").get_by_role("listitem").first
    expect(newest).to_contain_text("the name is free again")
    expect(newest).to_contain_text("lasted 5 min")
    expect(page.get_by_role("status")).to_have_text("In sync")
    assert page.evaluate("window.same")


def test_the_same_event_again_only_counts(show: Open, desk: Desk) -> None:
    page = show("broken")
    events = page.locator("#event-list > li")
    expect(events.nth(1)).to_contain_text("7 times")
    events.nth(1).evaluate("(element) => { element.same = true; }")
    again = desk.story.events[-2] | {"number": 8, "count": 8, "at": time.time()}
    desk.story.events = [*desk.story.events[:-2], desk.story.events[-1], again]
    expect(events.nth(0)).to_contain_text("8 times")
    expect(events).to_have_count(7)
    assert events.nth(0).evaluate("(element) => element.same")


def test_peers_come_and_go(show: Open, desk: Desk) -> None:
    page = show("three")
    desk.story = STORIES["fifty"]()
    expect(page.locator("#mesh-frame .peer")).to_have_count(50)
    desk.story = STORIES["two"]()
    expect(page.locator("#mesh-frame .peer")).to_have_count(2)
    desk.story = STORIES["nothing"]()
    expect(page.locator("#verdict")).to_have_text("Nothing is configured yet")
    expect(page.get_by_role("heading", name="Tunnels")).to_be_hidden()


def test_reading_is_not_disturbed(show: Open, desk: Desk) -> None:
    page = show("broken")
    copy = page.get_by_role("button", name="Copy: ip link del vxl-lan-lxd3")
    copy.focus()
    events = page.get_by_role("region", name="List of events")
    events.evaluate("(element) => { element.style.maxHeight = '10rem'; element.scrollTop = 40; }")
    page.evaluate("scrollTo(0, 100)")
    # The address of a row whose traffic moves.
    cell = page.get_by_role("row", name="lxd2").get_by_role("cell").nth(7)
    cell.evaluate("(element) => getSelection().selectAllChildren(element)")
    chosen = page.evaluate("getSelection().toString()")
    rates = page.get_by_role("row", name="lxd2").get_by_role("cell").nth(4)
    before = rates.inner_text()

    eventually(lambda: turn(page) and rates.inner_text() != before, "the traffic moves")
    answers(desk, page, 2)
    assert chosen
    assert page.evaluate("getSelection().toString()") == chosen
    expect(copy).to_be_focused()
    assert page.evaluate("scrollY") == 100
    assert events.evaluate("(element) => element.scrollTop") == 40


def test_no_answer(show: Open, desk: Desk) -> None:
    page = show("three")
    desk.fails = True
    expect(page.locator("#verdict")).to_have_text(
        re.compile(r"vxland doesn't answer since [\d:]+, \d+ s ago")
    )
    expect(page.locator("#rest")).to_contain_text("There is no connection. On this server:")
    assert page.locator("#rest code").inner_text() == "systemctl status vxland"
    expect(page.locator("#live")).to_have_attribute("data-live", "false")
    expect(page.get_by_role("status")).to_have_text("vxland doesn't answer")
    assert page.locator("#mesh-frame .peer").count() == 3  # the last picture, without its colours
    assert "grayscale" in page.locator("#mesh").evaluate(
        "(element) => getComputedStyle(element.parentElement).filter"
    )
    desk.fails = False
    page.get_by_role("button", name="Ask now").click()
    expect(page.locator("#verdict")).to_contain_text("In sync since")
    expect(page.locator("#live")).to_have_attribute("data-live", "true")
    assert "grayscale" not in page.locator(".overview").evaluate(
        "(element) => getComputedStyle(element).filter"
    )


def test_no_answer_from_the_beginning(show: Open, desk: Desk) -> None:
    page = show("three")
    desk.fails = True
    page.reload()
    expect(page.locator("#verdict")).to_contain_text("vxland doesn't answer")
    expect(page.get_by_role("heading", name="Mesh")).to_be_hidden()
    desk.fails = False
    expect(page.locator("#verdict")).to_contain_text("In sync since")


def test_an_error_keeps_the_last_picture(show: Open, desk: Desk) -> None:
    page = show("three")
    desk.story = Story({"error": "the kernel doesn't answer <b>"})
    expect(page.locator("#verdict")).to_have_text("vxland can't tell how things are")
    expect(page.locator("#rest")).to_have_text("the kernel doesn't answer <b>")
    assert page.locator("#mesh-frame .peer").count() == 3


def test_asked_ever_more_rarely_while_there_is_no_answer(show: Open, desk: Desk) -> None:
    page = show("three", clock=True)
    desk.fails = True
    expect(page.locator("#age")).to_contain_text("asking every 4 s")
    stop_clock(page)
    for pause, following in ((4, 8), (8, 16), (16, 30), (30, 30), (30, 30)):
        expect(page.locator("#age")).to_contain_text(f"asking every {pause} s")
        asked = desk.asked[STATUS]
        page.clock.run_for(pause * 1000)
        eventually(lambda asked=asked: desk.asked[STATUS] > asked, "asked again")  # type: ignore[misc]
        expect(page.locator("#age")).to_contain_text(f"asking every {following} s")
        page.wait_for_timeout(50)
        assert desk.asked[STATUS] == asked + 1


def test_nothing_is_asked_while_nobody_looks(show: Open, desk: Desk) -> None:
    page = show("three", clock=True)
    stop_clock(page)
    look = """(how) => {
      Object.defineProperty(document, "hidden", { value: how === "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(look, "hidden")
    page.wait_for_load_state("networkidle")
    asked = desk.asked[STATUS]
    page.clock.run_for(120_000)
    page.wait_for_timeout(100)
    assert desk.asked[STATUS] == asked
    page.evaluate(look, "")
    eventually(lambda: desk.asked[STATUS] == asked + 1, "asked at once")
    # And then as before.
    expect(page.locator("#age")).to_have_text("live, 0 s old")
    page.clock.run_for(2_000)
    eventually(lambda: desk.asked[STATUS] == asked + 2, "asked again")


def test_one_question_at_a_time(show: Open, desk: Desk) -> None:
    page = show("three", clock=True)
    stop_clock(page)
    desk.slow.clear()
    asked = desk.asked[STATUS]
    page.get_by_role("button", name="Ask now").click()
    eventually(lambda: desk.asked[STATUS] == asked + 1, "asked")
    page.clock.run_for(8_000)
    page.get_by_role("button", name="Ask now").click()
    page.wait_for_timeout(100)
    assert desk.asked[STATUS] == asked + 1
    desk.slow.set()


def test_the_clock_of_the_server_counts(show: Open, desk: Desk) -> None:
    desk.ahead = 3600
    page = show("three")
    desk.story.status |= {"since": time.time() + 3600 - 130}
    expect(page.locator("#verdict")).to_contain_text("2 min ago")


def test_counters_that_begin_anew_are_no_traffic(show: Open, desk: Desk) -> None:
    page = show("three")
    rates = page.get_by_role("row", name="lxd2").get_by_role("cell").nth(4).locator("span")
    expect(rates).to_contain_text("bit/s")
    tunnel = desk.story.status["overlays"][0]["tunnels"][0]
    tunnel["step"] = {}
    tunnel["traffic"] |= {"receive_bytes": 5}
    expect(rates).to_have_text("\N{EN DASH}")
    expect(rates).to_have_text("0 bit/s")


def test_a_thousand_change_only_where_they_must(show: Open, desk: Desk) -> None:
    page = show("thousand")
    answers(desk, page, 2)
    observe(page)
    answers(desk, page)
    moved = seen(page)
    cost = page.evaluate("performance.getEntriesByName('update')[0].duration")
    print(f"an update of 1,000 peers: {cost:.1f} ms, {moved}")
    assert moved["childList"] == 0
    assert moved["characterData"] < 2 * 4 * 1000 + 50  # rates and amounts, of two answers at most
    assert moved["attributes"] < 500  # bars whose step changed

    for tunnel in desk.story.status["overlays"][0]["tunnels"]:
        tunnel["step"] = {}
    answers(desk, page, 3)
    observe(page)
    answers(desk, page)
    still = seen(page)
    assert still["childList"] == 0
    assert still["characterData"] + still["attributes"] < 50

    tunnels = desk.story.status["overlays"][0]["tunnels"]
    tunnels[500] = missing(tunnels[500]["peer"])
    expect(page.locator("#mesh-frame .peer .name")).to_have_text(["lxd0502"])
    cost = page.evaluate("performance.getEntriesByName('update')[0].duration")
    print(f"one of 1,000 breaks: {cost:.1f} ms, {seen(page)}")
    assert seen(page)["childList"] < 50
    expect(page.locator("#tunnel-rows tr").first).to_contain_text("lxd0502")
