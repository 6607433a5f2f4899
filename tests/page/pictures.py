"""Pictures of the page in all situations, to be looked at.

python -m tests.page.pictures FOLDER [STORY...]
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.chromium import DESKTOP, PHONE, chromium, context
from tests.page.desk import Desk
from tests.page.stories import STORIES, three

SIZES = {"desktop": DESKTOP, "phone": PHONE}


def main(folder: Path, *wanted: str) -> None:
    """Write a picture for each story, size and scheme."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for name, story in STORIES.items():
            if wanted and name not in wanted:
                continue
            for size, viewport in SIZES.items():
                for scheme in ("light", "dark"):
                    with Desk(story()) as desk:
                        window = context(browser, viewport, scheme)
                        page = window.new_page()
                        page.goto(desk.address)
                        page.wait_for_timeout(2600)  # so that there are rates
                        _take(page, folder / f"{name}-{size}-{scheme}.png")
                        window.close()
        if not wanted or "gone" in wanted:
            _gone(folder, browser)


def _take(page: Page, path: Path) -> None:
    """As if the window were as high as the page: what is out of sight isn't drawn."""
    width = page.evaluate("innerWidth")
    height = min(2200, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)
    page.screenshot(path=path)


def _gone(folder: Path, browser: Browser) -> None:
    with Desk(three()) as desk:
        window = context(browser)
        page = window.new_page()
        page.goto(desk.address)
        page.wait_for_timeout(2600)
        desk.fails = True
        page.get_by_text("vxland doesn't answer").first.wait_for()
        _take(page, folder / "gone-desktop-light.png")
        window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
