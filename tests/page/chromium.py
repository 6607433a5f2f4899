"""Chromium, as it is installed, and what it says of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

EXECUTABLE = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",  # it won't have one for root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = (1280, 900)
PHONE = (360, 740)


@contextmanager
def chromium(playwright: Playwright, executable: str | Path = EXECUTABLE) -> Iterator[Browser]:
    """A browser, for as long as this lasts."""
    browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
    try:
        yield browser
    finally:
        browser.close()


class Watched:
    """A page, and all that must not happen on it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.said: list[str] = []
        self.outside: list[str] = []
        self.base = base
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._see(request.url))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _hear(self, kind: str, text: str) -> None:
        print(f"the page's console: {kind}: {text}")  # to be seen where a test fails
        # The browser itself notes in its console that an answer was an error, or that none came.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.said.append(f"{kind}: {text}")

    def _see(self, url: str) -> None:
        if not url.startswith((f"{self.base}/", "data:")):
            self.outside.append(url)

    def blameless(self) -> None:
        """Nothing was said in the console, and nothing fetched from elsewhere."""
        assert self.said == []
        assert self.outside == []


def context(
    browser: Browser, size: tuple[int, int] = DESKTOP, scheme: str = "light", **more: object
) -> BrowserContext:
    """A window of this size, for somebody who likes it light or dark."""
    width, height = size
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        **more,  # type: ignore[arg-type]
    )
