"""For everybody: by keyboard, by screen reader, in light and dark, on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.chromium import DESKTOP, PHONE
from tests.page.conftest import Open
from tests.page.desk import Desk

SCHEMES = ("light", "dark")
# Of each text its colour and what is behind it, as the browser has computed them; pictures too,
# which axe leaves out.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (above, below) => above.slice(0, 3).map((part, index) =>
    (part * above[3] + below[index] * (255 - above[3])) / 255);
  const ground = (element) => {
    if (element.matches(".hub text")) {
      return rgba(getComputedStyle(element.parentElement.querySelector("rect")).fill);
    }
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.unshift(rgba(getComputedStyle(each).backgroundColor));
    }
    return layers.reduce((below, above) => over(above, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const told = [];
  for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !element.checkVisibility()) continue;
    if (element.matches("title, option, .unseen, .skip")) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const ink = over(rgba(element.matches("text") ? style.fill : style.color), below);
    const [one, other] = [light(ink), light(below)].sort((a, b) => b - a);
    told.push([element.textContent.slice(0, 40), (one + 0.05) / (other + 0.05)]);
  }
  return told;
}"""
FOCUSED = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const name = element.getAttribute("aria-label") || element.id || element.textContent;
  return [name, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
}"""


def unreadable(page: Page) -> list[tuple[str, float]]:
    told = page.evaluate(CONTRASTS)
    assert len(told) > 3
    return [(text, contrast) for text, contrast in told if contrast < 4.5]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("story", ["many_ways", "fifty_broken", "nothing", "refused", "error"])
def test_axe_finds_nothing(show: Open, story: str, scheme: str, size: tuple[int, int]) -> None:
    page = show(story, size, scheme)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("story", ["many_ways", "thousand_broken", "refused"])
def test_every_text_can_be_read(show: Open, story: str, scheme: str) -> None:
    assert unreadable(show(story, DESKTOP, scheme)) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_old_can_be_read_too(show: Open, desk: Desk, scheme: str) -> None:
    page = show("many_ways", DESKTOP, scheme)
    desk.fails = True
    expect(page.locator("#verdict")).to_contain_text("vxland doesn't answer")
    assert unreadable(page) == []


def test_light_and_dark_are_two(show: Open) -> None:
    grounds = {
        show("three", DESKTOP, scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in SCHEMES
    }
    assert len(grounds) == 2


def test_a_walk_by_keyboard(show: Open) -> None:
    page = show("many_ways")
    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        if page.evaluate("document.activeElement === document.body"):
            break
        assert seen, f"the focus can be seen on {name}"
        reached.append(name)
    assert reached[:6] == ["Skip to the verdict", "Mesh", "Events", "Overlays", "Tunnels", "again"]
    in_order = [
        "Copy: ip link set gre0 nomaster",
        "overlay",
        "List of events",
        "Table of overlays",
        "Bridge",
        "search",
        "only-broken",
        "Table of tunnels",
        "Last repair",
    ]
    assert [name for name in reached if name in in_order and name != "Overlay"] == in_order


def test_the_skip_link(show: Open) -> None:
    page = show("three")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the verdict")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_sorting_by_keyboard(show: Open) -> None:
    page = show("many_ways")
    table = page.get_by_role("table", name="Tunnels")
    head = table.get_by_role("columnheader", name="Peer")
    peers = table.locator("td.peer-name")
    button = head.get_by_role("button")
    assert peers.all_text_contents()[0] == "lxd3"  # the worst first
    expect(head).to_have_attribute("aria-sort", "none")
    button.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert (
        peers.all_text_contents()
        == ["lxd2", "lxd2", "lxd3", "lxd3", "lxd4", "lxd5", "lxd6", "lxd9"][:8]
    )
    page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert peers.all_text_contents()[0] == "lxd9"
    expect(button).to_be_focused()
    table.get_by_role("columnheader", name="In", exact=True).get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "none")


def test_finding(show: Open) -> None:
    page = show("thousand_broken")
    rows = page.locator("#tunnel-rows tr:visible")
    page.get_by_label("Find").fill("LXD050")
    expect(rows).to_have_count(10)
    expect(page.locator("#tunnel-count")).to_have_text("10 of 1,001 tunnels")
    page.get_by_label("Find").fill("vxl-lan-lxd0418")
    expect(rows).to_have_count(1)
    page.get_by_label("Find").fill("")
    page.get_by_label("only what isn't well").press("Space")
    expect(rows).to_have_count(7)
    page.get_by_label("Find").fill("no such")
    expect(rows).to_have_count(0)


def test_a_row_out_of_sight_is_found_by_the_browser(show: Open) -> None:
    page = show("thousand")
    found = page.evaluate("window.find('vxl-lan-lxd0987')")
    assert found
    expect(page.get_by_role("row", name="lxd0987")).to_be_in_viewport()


def test_headings_and_landmarks(show: Open) -> None:
    page = show("broken")
    for role in ("banner", "main", "navigation", "search"):
        expect(page.get_by_role(role)).to_have_count(1)
    for name in ("Mesh", "Events", "Overlays", "Tunnels"):
        expect(page.get_by_role("heading", name=name, exact=True, level=2)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("lxd1")
    named = page.get_by_role("img").get_attribute("aria-labelledby")
    assert named == "mesh-title"
    expect(page.get_by_role("img", name="lxd1 and 3 peers: lxd3 missing")).to_be_visible()


def test_every_name_of_another_element_names_one(show: Open) -> None:
    """What describes a picture has to be there, say."""
    named = """[...document.querySelectorAll("*")].flatMap((element) =>
      ["aria-labelledby", "aria-describedby", "aria-controls", "for"].flatMap((name) =>
        element.getAttribute(name)?.split(" ") ?? []))"""
    names = set(show("broken").evaluate(named))
    assert {"mesh-title", "mesh-detail"} <= names
    there = show("broken").evaluate("[...document.querySelectorAll('[id]')].map(({ id }) => id)")
    assert names - set(there) == set()


def test_a_command_can_be_copied(show: Open) -> None:
    page = show("broken", permissions=["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy: ip link del vxl-lan-lxd3")
    button.press("Enter")
    expect(button).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == "ip link del vxl-lan-lxd3"


def test_on_paper(show: Open) -> None:
    page = show("fifty_broken")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    visibility = "(element) => getComputedStyle(element).contentVisibility"
    assert page.locator("#tunnel-rows tr").last.evaluate(visibility) == "visible"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert unreadable(page) == []


def test_nothing_moves_for_those_who_do_not_want_it(show: Open) -> None:
    page = show("three")
    moving = """[...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      return style.transitionDuration !== "0s" || style.animationName !== "none";
    }).length"""
    assert page.evaluate(moving) == 0
