"""What a person sees, story by story."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Open
from tests.page.desk import Desk
from tests.page.samples import MADE
from tests.page.stories import STORIES


def heading(page: Page) -> str:
    return page.locator("#verdict").inner_text()


def finding(page: Page, title: str) -> str:
    return (
        page.get_by_role("listitem")
        .filter(has=page.get_by_role("heading", name=title))
        .inner_text()
    )


def signs(page: Page, condition: str) -> int:
    return page.locator(f"#mesh-frame [data-key][data-condition={condition}]").count()


def test_all_is_well(show: Open) -> None:
    page = show("three")
    assert re.match(r"In sync since \d+ \w+ [\d:]+, 2 days ago", heading(page))
    expect(page.get_by_text("3 tunnels in 1 overlay.")).to_be_visible()
    expect(page).to_have_title("In sync \N{EN DASH} lxd1")
    expect(page.get_by_role("img", name="lxd1 and 3 peers: all up")).to_be_visible()
    assert signs(page, "well") == 3
    table = page.get_by_role("table", name="Tunnels")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table.get_by_role("row", name="lxd2")).to_contain_text("198.51.")
    expect(page.get_by_role("region", name="List of events").get_by_role("listitem")).to_have_count(
        5
    )
    assert page.locator("#findings li").count() == 0


def test_rates_come_with_the_second_answer(show: Open) -> None:
    page = show("three")
    row = page.get_by_role("table", name="Tunnels").get_by_role("row", name="lxd2")
    expect(row.get_by_role("cell").nth(4)).to_contain_text(re.compile(r"\d bit/s|\d [kMG]bit/s"))
    expect(page.locator("#mesh-frame .rates", has_text="bit/s").first).to_be_visible()


def test_a_broken_tunnel_tells_everything(show: Open) -> None:
    page = show("broken")
    assert re.match(r"1 of 3 tunnels is broken since [\d:]+, 5 min ago", heading(page))
    told = finding(page, "lan → lxd3")
    for expected in (
        "missing",
        "vxl-lan-lxd3",
        "is held by a dummy device, which isn't vxland's",
        "tried 7 times, and failed: create vxl-lan-lxd3 to lxd3: File exists",
        "Remove it, or give it another name:",
    ):
        assert expected in told
    assert page.locator(".finding code").all_inner_texts() == [
        "vxl-lan-lxd3",
        "ip link del vxl-lan-lxd3",
    ]
    expect(page).to_have_title("✕ 1 of 3 tunnels is broken \N{EN DASH} lxd1")
    hints = page.locator("#hints")
    expect(hints).to_contain_text("larger than the 1450 of overlay lan: veth1 (1500)")
    assert hints.locator("code").all_inner_texts() == [
        "ip link set eth0 mtu 1450",
        "ip link set veth1 mtu 1450",
    ]
    assert signs(page, "broken") == 1
    assert signs(page, "well") == 2
    expect(page.locator("#mesh-frame")).to_contain_text("missing")
    expect(page.locator("td .faults").filter(has_text="12 errors")).to_be_visible()


def test_a_peer_is_found_by_its_host_name(show: Open) -> None:
    page = show("broken")
    page.locator("#search").fill("Four.example")
    rows = page.locator("#tunnel-rows tr:visible")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("(four.example.net)")


def test_what_has_no_beginning_is_given_none(show: Open) -> None:
    """Not 1970."""
    told = show("since_unknown").locator("#findings").inner_text()
    assert "lxd2" in told
    assert "since" not in told.lower()


def test_the_sign_of_what_is_broken_is_no_colour_alone(show: Open) -> None:
    page = show("broken")
    style = "(element, name) => getComputedStyle(element)[name]"
    lines = {
        condition: page.locator(f"#mesh-frame [data-condition={condition}] > .line").first
        for condition in ("well", "broken")
    }
    dashes = {which: line.evaluate(style, "strokeDasharray") for which, line in lines.items()}
    assert dashes["well"] == "none"
    assert dashes["broken"] != "none"
    shapes = page.locator("#mesh-frame .sign")
    assert len({shape.get_attribute("d") for shape in shapes.all()}) == 2


def test_many_kinds_of_trouble(show: Open) -> None:
    page = show("many_ways")
    assert heading(page).startswith("3 of 8 tunnels are broken, the first since")
    expect(page.get_by_text("1 more can't be laid out yet.")).to_be_visible()
    assert "next: create vxl-lan-lxd3" in finding(page, "lan → lxd3")
    assert "bring vxl-lan-lxd4 up, 1 min ago" in finding(page, "lan → lxd4")
    assert "has no address yet" in finding(page, "lan → lxd9")
    assert "ebtables isn't installed" in finding(page, "backup guard")
    assert "ip link set gre0 nomaster" in finding(page, "lan hazard")
    assert signs(page, "broken") == 3
    assert signs(page, "waiting") == 1
    assert signs(page, "warned") == 1
    overlays = page.get_by_role("table", name="Overlays")
    expect(overlays.get_by_role("row", name="backup")).to_contain_text("vx-backup, missing")
    expect(overlays.get_by_role("row", name="lan ", exact=False)).to_contain_text(
        "MTU too large: veth1"
    )


def test_one_overlay_can_be_chosen(show: Open) -> None:
    page = show("many_ways")
    page.get_by_label("Overlay", exact=False).first.select_option("backup")
    expect(page.get_by_role("img", name="lxd1 and 2 peers: all up")).to_be_visible()
    expect(page.locator("#tunnel-count")).to_have_text("2 of 8 tunnels")
    page.locator("#overlay").select_option("")
    expect(page.locator("#tunnel-count")).to_have_text("8 tunnels")


def test_fifty_have_a_row_and_a_line_each(show: Open) -> None:
    page = show("fifty_broken")
    assert heading(page).startswith("2 of 50 tunnels are broken")
    assert page.locator("#mesh-frame .peer .line").count() == 50
    names = page.locator("#mesh-frame .peer .name").all_text_contents()
    assert names[:3] == ["lxd18", "lxd42", "lxd02"]  # what is broken comes first
    frame = page.locator("#mesh-frame svg").bounding_box()
    assert frame
    for text in page.locator("#mesh-frame text").all():
        box = text.bounding_box()
        assert box
        assert box["x"] >= frame["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]


def test_of_a_thousand_the_broken_ones_are_pulled_out(show: Open) -> None:
    page = show("thousand_broken")
    assert heading(page).startswith("5 of 1,001 tunnels are broken")
    out = page.locator("#mesh-frame .peer .name").all_text_contents()
    assert out == ["lxd0043", "lxd0418", "lxd0702", "lxd0703", "lxd0704", "far-away", "lxd0101"]
    assert page.locator("#mesh-frame path.bar").count() == 994
    expect(page.get_by_text("994 peers in sync, by name")).to_be_visible()
    expect(page.locator("#tunnel-rows tr")).to_have_count(1001)


def test_a_thousand_that_say_the_same_say_it_once(show: Open) -> None:
    page = show("thousand_gone")
    assert heading(page).startswith("1,000 of 1,000 tunnels are broken")
    expect(page.locator("#findings > li")).to_have_count(1)
    told = finding(page, "lan → lxd0002")
    assert "lan → lxd0003" in told
    assert "and 991 more" in told


def test_a_bar_tells_who_it_is(show: Open) -> None:
    page = show("thousand")
    page.locator("#mesh-frame path.bar").nth(499).hover()
    expect(page.locator("#mesh-detail")).to_contain_text("lxd0501 198.51.")
    expect(page.locator("#mesh-detail")).to_contain_text("lan: up")


def test_nothing_configured(show: Open) -> None:
    page = show("nothing")
    assert heading(page) == "Nothing is configured yet"
    expect(page.get_by_text("Uncomment one and its [[peer]]s in the configuration")).to_be_visible()
    expect(page.get_by_role("heading", name="Mesh")).to_be_hidden()


def test_a_refused_configuration(show: Open) -> None:
    page = show("refused")
    assert heading(page).startswith("In sync since")
    expect(page.get_by_role("heading", name="The configuration was refused")).to_be_visible()
    expect(page.locator("#config-part")).to_contain_text("/etc/vxland.toml, refused")
    assert page.locator("#config-errors li").count() == 2
    expect(page.locator("#config-errors")).to_contain_text("did you mean guard?")


def test_what_the_daemon_cannot_tell(show: Open) -> None:
    page = show("error")
    assert heading(page) == "vxland can't tell how things are"
    expect(page.get_by_text("the first check isn't over yet")).to_be_visible()


def test_events_tell_who_what_and_how_long(show: Open) -> None:
    page = show("broken")
    events = (
        page.get_by_role("region", name="List of events").get_by_role("listitem").all_inner_texts()
    )
    assert [text.split()[0] for text in events][:2] == ["problem", "failed"]
    (repaired,) = (text for text in events if text.startswith("repaired") and "lxd2" in text)
    assert f"missing → {MADE}" in repaired
    assert "took 6 ms · by ip (pid 4711)" in repaired
    assert "12 times, first" in "".join(events)
    moment = page.locator("#event-list time").first
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", moment.get_attribute("datetime") or "")
    assert re.fullmatch(r"[\d-]{10} [\d:]{8} [+-]\d\d:\d\d", moment.get_attribute("title") or "")


@pytest.mark.parametrize("story", STORIES)
def test_no_story_is_too_wide_for_a_phone(show: Open, story: str) -> None:
    page = show(story, (360, 740))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # What scrolls inside of the page can be reached by the keyboard.
    stuck = page.evaluate(
        """[...document.querySelectorAll("main *")]
             .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
             .filter((each) => getComputedStyle(each).overflowX !== "visible")
             .filter((each) => each.tabIndex < 0).map((each) => each.outerHTML.slice(0, 100))"""
    )
    assert stuck == []


def test_names_are_never_markup(show: Open, desk: Desk) -> None:
    page = show("nasty")
    told = finding(page, "lan → <img src=x onerror=alert(1)>")
    assert "<script>alert(2)</script>" in told
    expect(page.get_by_role("row", name="<img src=x onerror=alert(1)>")).to_contain_text(
        "<b>vxl</b>"
    )
    assert page.locator("main :is(img, b, i, u, em, a[href^=java])").count() == 0
    assert page.locator("#mesh-frame svg svg, main script").count() == 0
    assert desk.asked["/x"] == 0
