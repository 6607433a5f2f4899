"""The page of a real daemon, in a browser that stands on its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.lab import Server, Site
from tests.lab.site import config
from tests.page.chromium import EXECUTABLE, Watched, chromium, context

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ADDRESS = "http://127.0.0.1:9788"


@pytest.fixture(name="site")
def _site(laboratory: None, tmp_path: Path) -> Iterator[Site]:
    del laboratory
    with Site(tmp_path) as made:
        yield made


@pytest.fixture(name="page")
def _page(playwright: Playwright, site: Site, tmp_path: Path) -> Iterator[Page]:
    """Of the first server's daemon, which is to run already where this is opened."""
    site.servers[0].sh("ip link add vxl-lan-lxd2 type veth peer name other")
    site.write(config((1, 2, 3)))
    for server in site.servers:
        server.start()
    # What starts the browser doesn't see this run's namespaces by name, but all processes.
    daemon = site.servers[0].daemon
    assert daemon
    inside = tmp_path / "chromium"
    inside.write_text(f'#!/bin/sh\nexec nsenter --target {daemon.pid} --net {EXECUTABLE} "$@"\n')
    inside.chmod(0o755)
    with chromium(playwright, inside) as browser:
        page = context(browser).new_page()
        watched = Watched(page, ADDRESS)
        page.goto(ADDRESS)
        yield page
    watched.blameless()


def mend(page: Page, server: Server) -> None:
    """Do what the page says, to the letter."""
    (command,) = page.locator(".cure code").all_inner_texts()
    server.sh(command)


def test_what_the_page_says_helps(page: Page, site: Site) -> None:
    server = site.servers[0]
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("1 of 2 tunnels is broken since")
    expect(page.get_by_role("img", name="lxd1 and 2 peers: lxd2")).to_be_visible()
    expect(page.locator("#findings")).to_contain_text("vxl-lan-lxd2")

    mend(page, server)
    expect(verdict).to_contain_text("In sync since")
    expect(page.get_by_role("img", name="lxd1 and 2 peers: all up")).to_be_visible()
    row = page.get_by_role("table", name="Tunnels").get_by_role("row", name="lxd2")
    expect(row).to_contain_text("192.0.2.2")
    expect(row.get_by_role("cell").nth(4)).to_contain_text("bit/s")

    # A container that nobody told of the MTU.
    server.sh("ip link add veth1 type veth peer name g1; ip link set veth1 master vxbr0 up")
    hints = page.locator("#hints")
    expect(hints).to_contain_text("larger than the 1450 of overlay lan: veth1 (1500)")
    inside, here = hints.locator("code").all_inner_texts()
    assert inside == "ip link set eth0 mtu 1450"
    server.sh(here)
    expect(hints).to_be_hidden()
    expect(verdict).to_contain_text("In sync since")

    server.sh("ip link del vxl-lan-lxd3")
    events = page.get_by_role("region", name="List of events")
    expect(events.locator("li").first).to_contain_text("vxl-lan-lxd3")
    expect(events.locator("li").first).to_contain_text("repaired")

    server.stop()
    expect(verdict).to_contain_text("vxland doesn't answer since")
    expect(page.locator("#mesh-frame .peer")).to_have_count(2)
    server.start()
    page.get_by_role("button", name="Ask now").click()
    expect(verdict).to_contain_text("In sync since")
