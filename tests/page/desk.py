"""In the daemon's place: answers what a story says, and serves the page's files as they are."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import PurePath
from typing import Self

from tests.page.samples import Json
from tests.page.stories import Story
from vxland.http.answers import HEADERS

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Desk:
    """A server on the loopback. What it tells can be changed at any time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.fails = False  # as if the daemon had ended: connections are closed without a word
        self.loses: Counter[str] = Counter()  # paths, of which so many answers get lost
        self.halves = False  # whether half of such an answer comes
        self.instead: HTTPStatus | None = None  # what somebody in between says in its place
        self.slow = threading.Event()  # nothing is answered until it is set
        self.slow.set()
        self.ahead = 0.0  # seconds that its clock is wrong
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Clerk)
        self._server.daemon_threads = False  # so that closing waits for them
        self._server.desk = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.slow.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body for a path."""
        self.asked[path] += 1
        self.slow.wait()
        self.answered[path] += 1
        if path == "/api/v1/status":
            told = _told(self.story.status)
            code = HTTPStatus.SERVICE_UNAVAILABLE if "error" in told else HTTPStatus.OK
            return code, "application/json", json.dumps(told).encode()
        if path == "/api/v1/events":
            return (
                HTTPStatus.OK,
                "application/json",
                json.dumps({"events": self.story.events}).encode(),
            )
        name = "index.html" if path == "/" else path.removeprefix("/")
        file = files("vxland") / "page" / name
        kind = TYPES.get(PurePath(name).suffix)
        if kind is None or "/" in name or not file.is_file():
            return HTTPStatus.NOT_FOUND, "text/plain", b""
        return HTTPStatus.OK, kind, file.read_bytes()


def _told(status: Json) -> Json:
    """The status as it is now; the counters of what is there move on for the next time."""
    tunnels: Iterable[Json] = (
        tunnel for overlay in status.get("overlays", []) for tunnel in overlay["tunnels"]
    )
    for tunnel in tunnels:
        if tunnel["traffic"]:
            for counter, step in tunnel["step"].items():
                tunnel["traffic"][counter] += step
    return status


class _Clerk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection for each, so that none is left open

    def do_GET(self) -> None:
        desk: Desk = self.server.desk  # type: ignore[attr-defined]
        lost = desk.loses[self.path] > 0
        desk.loses[self.path] -= lost
        if (lost and not desk.halves) or (desk.fails and self.path.startswith("/api/")):
            desk.asked[self.path] += 1
            self.close_connection = True
            if desk.instead:
                self.send_error(desk.instead)
            return
        code, kind, body = desk.answer(self.path)
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if lost else body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        desk: Desk = self.server.desk  # type: ignore[attr-defined]
        return super().date_time_string((timestamp or time.time()) + desk.ahead)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args
