"""A browser for all tests here, and for each a desk to ask and a window."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.page.chromium import DESKTOP, Watched, chromium, context
from tests.page.desk import Desk
from tests.page.stories import STORIES

expect.set_options(timeout=20_000)  # ms; all wait for what comes, however slow the machine is

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers. While it is there, this thread can't run another event loop."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium."""
    with chromium(playwright) as started:
        yield started


@pytest.fixture
def desk() -> Iterator[Desk]:
    """In the daemon's place; all is well until a test tells another story."""
    with Desk(STORIES["three"]()) as opened:
        yield opened


@pytest.fixture
def show(browser: Browser, desk: Desk) -> Iterator[Open]:
    """Opens the page, telling a story; at the end, nothing may have gone wrong on it."""
    with ExitStack() as stack:
        watched = []

        def opened(
            story: str = "three",
            size: tuple[int, int] = DESKTOP,
            scheme: str = "light",
            *,
            clock: bool = False,
            **more: object,
        ) -> Page:
            desk.story = STORIES[story]()
            window = context(browser, size, scheme, **more)
            stack.callback(window.close)
            page = window.new_page()
            watched.append(Watched(page, desk.address))
            if clock:
                page.clock.install()
            page.goto(desk.address)
            page.locator("#live[data-live=true]").wait_for()
            return page

        yield opened
        for each in watched:
            each.blameless()
